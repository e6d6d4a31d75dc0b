//! A value in another form than the option's.

use longshore_macros::Task;

#[derive(Task)]
#[task(name = thumbnail)]
struct Name;

#[derive(Task)]
#[task(timeout = 30)]
struct Timeout;

#[derive(Task)]
#[task(concurrency = "16")]
struct Concurrency;

#[derive(Task)]
#[task(concurrency = -1)]
struct Negative;

#[derive(Task)]
#[task(reply = "String")]
struct Reply;

#[derive(Task)]
#[task(crate = "longshore")]
struct Crate;

#[derive(Task)]
#[task(retry = 8)]
struct Retry;

#[derive(Task)]
#[task(name)]
struct NoValue;

#[derive(Task)]
#[task(key =)]
struct HalfValue;

#[derive(Task)]
#[task(name = "a" "b")]
struct NoComma;

#[derive(Task)]
#[task = "thumbnail"]
struct NoList;

fn main() {}
