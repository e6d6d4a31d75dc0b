//! Batch handlers: who shares a call, when it is made, and that each task has its own end.

mod ends;
mod outcomes;
mod together;

use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::{BatchOptions, Json, Task, TaskId};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::world::{Answer, Log, REPLIES, Square, World, until};

/// Longer than any test waits for a batch.
const HOUR: Duration = Duration::from_secs(3600);

/// Cubes a number.
#[derive(Debug, Serialize, Deserialize)]
struct Cube(i64);

impl Task for Cube {
    const NAME: &'static str = "cube";
    type Reply = i64;
    type Codec = Json;
}

/// The numbers of each call, in its order.
type Calls = Log<Vec<i64>>;

fn numbers(tasks: &[Square]) -> Vec<i64> {
    tasks.iter().map(|Square(n)| *n).collect()
}

/// Squares what it is given, and notes each call.
fn squares(calls: &Calls) -> impl Fn(Vec<Square>) -> Ready<Vec<Answer>> + Send + Sync + 'static {
    let calls = Arc::clone(calls);
    move |tasks| {
        calls.lock().unwrap().push(numbers(&tasks));
        ready(tasks.into_iter().map(|Square(n)| Ok(n * n)).collect())
    }
}

fn up_to(tasks_max: usize) -> BatchOptions {
    BatchOptions::new().tasks_max(tasks_max).linger(HOUR)
}

async fn send(world: &World, numbers: std::ops::Range<i64>) -> Vec<TaskId> {
    let sent = world.client.send_all(numbers.map(Square).collect::<Vec<_>>()).await;
    sent.into_iter().map(|pending| pending.unwrap().id().clone()).collect()
}

/// Waits until the condition holds, for much less than [`HOUR`].
async fn soon(condition: impl FnMut() -> bool) {
    timeout(HOUR / 60, until(condition)).await.expect("it takes no linger of an hour");
}

fn sizes(calls: &Calls) -> Vec<usize> {
    calls.lock().unwrap().iter().map(Vec::len).collect()
}

/// The numbers that were replied, smallest first.
fn replies(world: &World) -> Vec<i64> {
    let bodies = world.bodies(REPLIES);
    let mut replies: Vec<i64> = bodies.iter().filter_map(|body| body.parse().ok()).collect();
    replies.sort_unstable();
    replies
}
