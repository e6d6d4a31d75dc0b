//! Retries that cannot be.

use longshore_macros::Task;

#[derive(Task)]
#[task(retry(attempts = 0))]
struct NoAttempt;

#[derive(Task)]
#[task(retry(attempts = 5000000000))]
struct ManyAttempts;

#[derive(Task)]
#[task(retry(backoff = "2s"))]
struct NoRange;

#[derive(Task)]
#[task(retry(backoff = "2s..15x"))]
struct NoDuration;

#[derive(Task)]
#[task(retry(backoff = "15m..2s"))]
struct Reversed;

#[derive(Task)]
#[task(retry(backoff = "0s..2s"))]
struct FromZero;

#[derive(Task)]
#[task(retry(backoff = "1h..1d"))]
struct Longest;

#[derive(Task)]
#[task(retry())]
struct Nothing;

fn main() {}
