//! Rates that no worker could keep to.

use longshore_macros::Task;

#[derive(Task)]
#[task(rate_limit = "0/s")]
struct NoRate;

#[derive(Task)]
#[task(rate_limit = "20/s burst 0")]
struct NoBurst;

#[derive(Task)]
#[task(rate_limit = "20")]
struct NoUnit;

#[derive(Task)]
#[task(rate_limit = 20)]
struct NoText;

fn main() {}
