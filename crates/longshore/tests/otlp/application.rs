//! The application whose spans the tests beside it look at: a task, one that fails first, one in batches, one that
//! sends another, one that blocks its thread, and one that never ends.

use std::process::ExitCode;
use std::time::Duration;

use longshore::{App, BatchOptions, Context, Failure, Task};
use serde::{Deserialize, Serialize};

const QUEUES: &str = "
    [queues.Work]
    visibility_timeout = '30s'
    receive_message_wait_time = '20s'
    dead_letter = { queue = 'Dead', max_receive_count = 10 }
    [queues.Answers]
    receive_message_wait_time = '20s'
    [queues.Dead]
";

#[derive(Debug, Serialize, Deserialize, Task)]
#[task(name = "shout", reply = String)]
struct Shout(String);

#[derive(Debug, Serialize, Deserialize, Task)]
#[task(name = "falter", reply = String)]
struct Falter(String);

#[derive(Debug, Serialize, Deserialize, Task)]
#[task(name = "gather", reply = String)]
struct Gather(String);

#[derive(Debug, Serialize, Deserialize, Task)]
#[task(name = "relay", reply = String)]
struct Relay(String);

#[derive(Debug, Serialize, Deserialize, Task)]
#[task(name = "grind", reply = String)]
struct Grind(String);

#[derive(Debug, Serialize, Deserialize, Task)]
#[task(name = "ponder", reply = String)]
struct Ponder(String);

async fn shout(Shout(text): Shout) -> Result<String, Failure> {
    let span = tracing::info_span!("compute", letters = text.len());
    span.in_scope(|| tracing::info!("computed {text}"));
    Ok(text.to_uppercase())
}

async fn falter(Falter(text): Falter, ctx: Context) -> Result<String, Failure> {
    if ctx.attempt() == 1 {
        return Err(Failure::retry_after(Duration::ZERO, format!("{text} comes too early")));
    }
    Ok(text)
}

async fn gather(tasks: Vec<Gather>) -> Result<Vec<Result<String, Failure>>, Failure> {
    Ok(tasks.into_iter().map(|Gather(text)| Ok(text)).collect())
}

async fn relay(Relay(text): Relay, ctx: Context) -> Result<String, Failure> {
    let sent = ctx.send(Shout(text)).await?;
    Ok(sent.id().to_string())
}

fn grind(Grind(text): Grind) -> Result<String, Failure> {
    if text.is_empty() {
        return Err(Failure::dead("there is nothing to grind"));
    }
    tracing::info_span!("crush").in_scope(|| tracing::info!("crushed {text}"));
    Ok(text)
}

async fn ponder(Ponder(text): Ponder) -> Result<String, Failure> {
    tracing::info!("pondering {text}");
    std::future::pending::<()>().await;
    Ok(text)
}

fn main() -> ExitCode {
    App::new("program")
        .queues(QUEUES)
        .queue("Work", |queue| {
            let batches = BatchOptions::new().tasks_max(3).linger(Duration::from_secs(60));
            queue
                .handle(shout)
                .handle(falter)
                .handle_batch_with(gather, batches)
                .handle(relay)
                .handle_blocking(grind)
                .handle(ponder)
                .default_task::<Shout>()
        })
        .reply_queue("Answers")
        .routes(|gateway| {
            let shout = gateway.routes::<Shout>("/shout");
            let others = shout.merge(gateway.routes::<Falter>("/falter"));
            let others = others.merge(gateway.routes::<Gather>("/gather"));
            let others = others.merge(gateway.routes::<Relay>("/relay"));
            let others = others.merge(gateway.routes::<Grind>("/grind"));
            others.merge(gateway.routes::<Ponder>("/ponder"))
        })
        .run()
}
