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

#[derive(Task)]
#[task(key = "tenant", concurrency_per_key = 0)]
struct NoneOfAKey {
    tenant: String,
}

#[derive(Task)]
#[task(concurrency_per_key = 2)]
struct NoKey {
    tenant: String,
}

fn main() {}
