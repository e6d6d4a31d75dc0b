//! An option that there is not, with the one that was meant.

use longshore_macros::Task;

#[derive(Task)]
#[task(retries = 3)]
struct Near;

#[derive(Task)]
#[task(colour = "red")]
struct Far;

#[derive(Task)]
#[task(retry(attempt = 3))]
struct Inside;

#[derive(Task)]
#[task("thumbnail")]
struct NoOption;

fn main() {}
