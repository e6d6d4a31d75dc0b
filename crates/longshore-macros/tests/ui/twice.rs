//! The same option twice, in one attribute or in two.

use longshore_macros::Task;

#[derive(Task)]
#[task(name = "one", name = "two")]
struct InOne;

#[derive(Task)]
#[task(timeout = "30s")]
#[task(timeout = "40s")]
struct InTwo;

#[derive(Task)]
#[task(retry(attempts = 1, attempts = 2))]
struct Inside;

fn main() {}
