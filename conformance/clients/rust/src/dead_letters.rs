//! What cannot be handled goes to its dead-letter queue, and comes back from there.

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, ensure};
use aws_sdk_sqs::types::ListMessageMoveTasksResultEntry;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::batches::entry;
use crate::expect::{refused, same, unmodelled};
use crate::messages::text;
use crate::wire::{Wire, arn, named, redrive, system};

/// A dead-letter queue, and a queue whose messages go there when one receive was not enough.
struct Pair {
    dead: String,
    source: String,
}

impl Pair {
    async fn make(wire: &Wire) -> Result<Self> {
        let dead = wire.queue(&[]).await?;
        let policy = redrive(&dead, 1);
        let attributes = [("RedrivePolicy", policy.as_str()), ("VisibilityTimeout", "0")];
        let source = wire.queue(&attributes).await?;
        Ok(Self { dead, source })
    }

    /// Sends so many messages, ten at most, and receives them until all are dead letters.
    async fn bury(&self, wire: &Wire, count: usize) -> Result<()> {
        let entries = (0..count).map(|n| entry(&n.to_string(), &n.to_string())).collect();
        let call = wire.sqs.send_message_batch().queue_url(&self.source);
        call.set_entries(Some(entries)).send().await?;
        while wire.counts(&self.dead).await?[0] < count {
            wire.receive(&self.source).await?;
        }
        Ok(())
    }
}

async fn last_move(wire: &Wire, from: &str) -> Result<ListMessageMoveTasksResultEntry> {
    let tasks = wire.sqs.list_message_move_tasks().source_arn(from).send().await?;
    tasks.results.unwrap_or_default().into_iter().next().context("the move is listed")
}

pub async fn what_is_received_too_often_becomes_a_dead_letter(wire: &Wire) -> Result<()> {
    let Pair { dead, source } = Pair::make(wire).await?;
    let call = wire.sqs.send_message().queue_url(&source).message_body("poison");
    let sent = call.message_attributes("k", text("String", "x")).send().await?;
    same(wire.receive(&source).await?.len(), 1)?;
    same(wire.receive(&source).await?.len(), 0)?;
    let letters = wire.receive(&dead).await?;
    let letter = letters.first().context("the message is a dead letter")?;
    same(&letter.message_id, &sent.message_id)?;
    let digest = "a45daa70926828a2f0a1db3418e6feb4";
    same(letter.md5_of_message_attributes(), Some(digest))?;
    same(system(letter, "ApproximateReceiveCount"), Some("2"))?;
    let from = arn(named(&source));
    same(system(letter, "DeadLetterQueueSourceArn"), Some(from.as_str()))
}

pub async fn dead_letters_are_moved_back(wire: &Wire) -> Result<()> {
    let pair = Pair::make(wire).await?;
    pair.bury(wire, 3).await?;
    let from = arn(named(&pair.dead));
    wire.sqs.start_message_move_task().source_arn(&from).send().await?;
    let mut task = last_move(wire, &from).await?;
    while task.status() == Some("RUNNING") {
        tokio::time::sleep(Duration::from_millis(50)).await;
        task = last_move(wire, &from).await?;
    }
    same((task.status(), task.destination_arn()), (Some("COMPLETED"), None))?;
    same(task.approximate_number_of_messages_moved, 3)?;
    same(task.approximate_number_of_messages_to_move, Some(3))?;
    let begun = Duration::from_millis(task.started_timestamp.try_into()?);
    let age = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH + begun)?;
    ensure!(age < Duration::from_secs(60), "it was started now, and not {age:?} ago");
    let back = wire.receive(&pair.source).await?;
    let counts: Vec<_> = back.iter().map(|each| system(each, "ApproximateReceiveCount")).collect();
    same(counts, [Some("1"); 3])
}

pub async fn a_move_of_dead_letters_is_cancelled(wire: &Wire) -> Result<()> {
    let pair = Pair::make(wire).await?;
    pair.bury(wire, 10).await?;
    let from = arn(named(&pair.dead));
    let to = arn(named(&wire.queue(&[]).await?));
    let start = || wire.sqs.start_message_move_task().source_arn(&from);
    let slowly = start().destination_arn(&to).max_number_of_messages_per_second(1);
    let handle = slowly.send().await?.task_handle;
    refused(start().send().await, unmodelled, "InvalidParameterValue", 400)?;
    let running = last_move(wire, &from).await?;
    same(running.status(), Some("RUNNING"))?;
    same(&running.task_handle, &handle)?;
    same(running.destination_arn(), Some(to.as_str()))?;
    same(running.max_number_of_messages_per_second, Some(1))?;
    let cancel = || wire.sqs.cancel_message_move_task();
    let cancelled = cancel().set_task_handle(handle).send().await?;
    ensure!(cancelled.approximate_number_of_messages_moved < 10, "it was over: {cancelled:?}");
    let unknown = json!({"taskId": "00000000-0000-4000-8000-000000000000", "sourceArn": from});
    let none = cancel().task_handle(STANDARD.encode(unknown.to_string())).send().await;
    let code = "ResourceNotFoundException";
    refused(none, |e| e.is_resource_not_found_exception(), code, 404)
}
