//! Times and counts out of their bounds.

use longshore_macros::Task;

#[derive(Task)]
#[task(timeout = "0s")]
struct NoTime;

#[derive(Task)]
#[task(timeout = "13h")]
struct LongTime;

#[derive(Task)]
#[task(timeout = "1.5s")]
struct NoDuration;

#[derive(Task)]
#[task(concurrency = 0)]
struct NoConcurrency;

#[derive(Task)]
#[task(retention = "0")]
struct NoRetention;

fn main() {}
