//! FIFO queues: order within a group, locked groups, deduplication, sequence numbers.

use anyhow::Result;
use sha2::{Digest as _, Sha256};

use crate::batches::entry;
use crate::expect::{refused, same, unmodelled};
use crate::messages::hex;
use crate::wire::{Wire, bodies, system};

pub async fn a_fifo_queue_keeps_order_and_locks_groups(wire: &Wire) -> Result<()> {
    let url = wire.fifo(&[]).await?;
    let mut call = wire.sqs.send_message_batch().queue_url(&url);
    for name in ["a1", "b1", "a2", "a3"] {
        let mut entry = entry(name, name);
        entry.message_group_id = Some(name[..1].to_owned());
        entry.message_deduplication_id = Some(name.to_owned());
        call = call.entries(entry);
    }
    let sent = call.send().await?;
    let numbers: Vec<_> =
        sent.successful.iter().filter_map(|each| each.sequence_number()).collect();
    same(numbers.iter().map(|each| each.len()).collect::<Vec<_>>(), [20; 4])?;
    same(numbers.is_sorted_by(|earlier, later| earlier < later), true)?;
    let first = wire.asking(&url).max_number_of_messages(2).send().await?;
    let first = first.messages.unwrap_or_default();
    same(bodies(&first), ["a1", "a2"])?;
    let names = ["MessageGroupId", "MessageDeduplicationId", "SequenceNumber"];
    let wanted = [Some("a"), Some("a2"), Some(numbers[2])];
    same(names.map(|name| system(&first[1], name)), wanted)?;
    same(bodies(&wire.receive(&url).await?), ["b1"])?;
    wire.remove(&url, &first[..1]).await?;
    same(wire.receive(&url).await?.len(), 0)?;
    let (waited, removed) =
        tokio::join!(wire.receive_patiently(&url), wire.remove(&url, &first[1..]));
    removed?;
    same(bodies(&waited?), ["a3"])
}

pub async fn a_fifo_queue_takes_a_message_once(wire: &Wire) -> Result<()> {
    let url = wire.fifo(&[]).await?;
    let send = |body: &str| wire.sqs.send_message().queue_url(&url).message_body(body);
    let with_id =
        |body, group| send(body).message_group_id(group).message_deduplication_id("d").send();
    let first = with_id("x", "g").await?;
    let again = with_id("other", "h").await?;
    same(&again.message_id, &first.message_id)?;
    same(&again.sequence_number, &first.sequence_number)?;
    let received = wire.receive(&url).await?;
    same(bodies(&received), ["x"])?;
    wire.remove(&url, &received).await?;
    same(&with_id("x", "g").await?.message_id, &first.message_id)?;
    same(wire.receive(&url).await?.len(), 0)?;
    let without_id = send("x").message_group_id("g").send().await;
    refused(without_id, unmodelled, "InvalidParameterValue", 400)?;
    let without_group = send("x").message_deduplication_id("e").send().await;
    refused(without_group, unmodelled, "MissingParameter", 400)
}

pub async fn the_content_can_be_the_deduplication_id(wire: &Wire) -> Result<()> {
    let url = wire.fifo(&[("ContentBasedDeduplication", "true")]).await?;
    let mut ids = Vec::new();
    for body in ["x", "y", "x"] {
        let call = wire.sqs.send_message().queue_url(&url).message_body(body);
        ids.push(call.message_group_id("g").send().await?.message_id);
    }
    same(&ids[2], &ids[0])?;
    let received = wire.receive(&url).await?;
    same(bodies(&received), ["x", "y"])?;
    let digest = hex(&Sha256::digest(b"x"));
    same(system(&received[0], "MessageDeduplicationId"), Some(digest.as_str()))
}
