//! Receives of clients.

use std::time::Duration;

use longshore_wire::{
    DeleteMessage, ReceiveMessage, ReceiveMessageReply, ReceivedMessage, SendMessage,
    SystemAttributeName, digest,
};
use tokio::time::sleep;

use crate::history::{Message, Receive, number_of};
use crate::invariant::Invariant;
use crate::mutant::Mutant;
use crate::stage::{Answer, Door, Stage};

/// What a receive asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) messages: i64,
    /// Seconds.
    pub(crate) wait: u64,
    /// Seconds; the queue's own if there are none.
    pub(crate) visibility: Option<u64>,
}

impl Wanted {
    pub(crate) fn drawn(stage: &Stage) -> Self {
        let draw = &stage.draw;
        Self {
            messages: draw.of(&[1, 2, 10]),
            wait: draw.of(&[0, 0, 0, 1, 5]),
            visibility: draw.of(&[None, None, Some(1), Some(8), Some(40)]),
        }
    }
}

/// Receives, and holds what comes.
pub(crate) async fn receive(stage: &Stage, door: &Door, queue: usize, wanted: Wanted) {
    let start = stage.now();
    let answer = ask(stage, door, queue, wanted).await;
    let now = stage.now();
    match answer {
        Answer::Done(reply) => {
            let visibility = wanted.visibility.unwrap_or(stage.plan.queues[queue].visibility);
            let receive = Receive { queue, start, boot: door.boot, visibility: visibility * 1000 };
            let messages = move_in_two_steps(stage, door, queue, reply.messages).await;
            let messages: Vec<_> = messages.into_iter().map(|each| message(stage, each)).collect();
            let held = stage.book().received(now, receive, &messages);
            stage.held().extend(held);
        }
        Answer::Unknown => stage.book().receive_unknown(now, queue),
        Answer::Refused(_) => {}
    }
}

/// Asks the broker; one that forgets to wake who waits has them look again when their time is over.
async fn ask(
    stage: &Stage,
    door: &Door,
    queue: usize,
    wanted: Wanted,
) -> Answer<ReceiveMessageReply> {
    let action = |wait: u64| ReceiveMessage {
        queue_url: stage.plan.queues[queue].name.to_owned(),
        message_system_attribute_names: vec!["All".to_owned()],
        max_number_of_messages: Some(wanted.messages.into()),
        visibility_timeout: wanted
            .visibility
            .map(|seconds| i64::try_from(seconds).unwrap_or(0).into()),
        wait_time_seconds: Some(i64::try_from(wait).unwrap_or(0).into()),
        ..ReceiveMessage::default()
    };
    if stage.mutant != Mutant::ForgetsToWake || wanted.wait == 0 {
        return stage.ask(door, queue, action(wanted.wait)).await;
    }
    let first = stage.ask(door, queue, action(0)).await;
    if !matches!(&first, Answer::Done(reply) if reply.messages.is_empty()) {
        return first;
    }
    sleep(Duration::from_secs(wanted.wait)).await;
    stage.ask(door, queue, action(0)).await
}

fn message(stage: &Stage, received: ReceivedMessage) -> Message {
    if digest::body(&received.body) != received.md5_of_body {
        let seen = format!("the digest of {} is not that of its body", received.message_id);
        stage.book().find(Invariant::FromNowhere, seen);
    }
    let count = count_of(&received);
    let sequence = received.attributes.get(&SystemAttributeName::SequenceNumber);
    let sequence = sequence.and_then(|number| number.parse().ok());
    let id = id_of(stage, &received);
    let forgets = stage.mutant == Mutant::ForgetsEpochs;
    let handle = received.receipt_handle;
    let handle = if forgets { stage.wrong.without_epoch(&id, count, handle) } else { handle };
    Message { id, body: received.body, handle, count, sequence }
}

/// The message's id; where it is moved in two steps, the one that it had before.
fn id_of(stage: &Stage, received: &ReceivedMessage) -> String {
    let id = received.message_id.to_string();
    if stage.mutant != Mutant::MovesInTwoSteps {
        return id;
    }
    let book = stage.book();
    let sent = number_of(&received.body).and_then(|number| book.sent.get(number));
    sent.and_then(|sent| sent.ids.first().cloned()).unwrap_or(id)
}

fn count_of(received: &ReceivedMessage) -> u64 {
    let count = received.attributes.get(&SystemAttributeName::ApproximateReceiveCount);
    count.and_then(|count| count.parse().ok()).unwrap_or(0)
}

/// What a broker that moves in two steps does with those that were received too often. Others leave them as they are.
async fn move_in_two_steps(
    stage: &Stage,
    door: &Door,
    queue: usize,
    messages: Vec<ReceivedMessage>,
) -> Vec<ReceivedMessage> {
    if stage.mutant != Mutant::MovesInTwoSteps {
        return messages;
    }
    let mut left = Vec::new();
    for received in messages {
        match stage.plan.queues[queue].dead_letters {
            Some((dead, most)) if count_of(&received) > most => {
                move_one(stage, door, [queue, dead], received).await;
            }
            _ => left.push(received),
        }
    }
    left
}

async fn move_one(stage: &Stage, door: &Door, [queue, dead]: [usize; 2], message: ReceivedMessage) {
    let name = |queue: usize| stage.plan.queues[queue].name.to_owned();
    let attribute = |name| message.attributes.get(&name).cloned();
    let group = attribute(SystemAttributeName::MessageGroupId);
    let send = SendMessage {
        queue_url: name(dead),
        message_body: message.body.clone(),
        message_deduplication_id: group.is_some().then(|| message.message_id.to_string()),
        message_group_id: group,
        ..SendMessage::default()
    };
    if let Answer::Done(_) = stage.ask(door, dead, send).await {
        let delete =
            DeleteMessage { queue_url: name(queue), receipt_handle: message.receipt_handle };
        drop(stage.ask(door, queue, delete).await);
    }
}
