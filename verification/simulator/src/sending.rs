//! Sends of clients, one at a time and in batches.

use longshore_wire::{SendMessage, SendMessageBatch, SendMessageBatchEntry};

use crate::clients::{end_of, make};
use crate::history::{End, Gone, Sent};
use crate::mutant::Mutant;
use crate::plan::BRIEF;
use crate::stage::{Answer, Door, Stage};

/// Of a hundred ordered messages, how many are sent with a deduplication id that was used before.
const REPEATED: u64 = 25;

/// Draws a message, and notes that its send begins.
fn begin(stage: &Stage, queue: usize) -> usize {
    let (draw, plan) = (&stage.draw, &stage.plan.queues[queue]);
    let bytes = if draw.chance(60) { 20 } else { draw.within(1..stage.plan.body_bytes_max) };
    let letter = draw.of(&["a", "b", "c", "d", "e", "f", "g"]);
    let body = letter.repeat(usize::try_from(bytes).unwrap_or(1));
    let is_fifo = plan.is_fifo();
    let delay = if !is_fifo && draw.chance(15) { draw.within(1..8) } else { plan.delay };
    let group = is_fifo.then(|| format!("g{}", draw.within(0..stage.plan.groups)));
    let mut book = stage.book();
    let deduplication = is_fifo.then(|| {
        let next = book.sent.len();
        let is_repeated = next > 0 && draw.chance(REPEATED);
        format!("d{}", if is_repeated { next.saturating_sub(1 + draw.index(20)) } else { next })
    });
    let sent = Sent {
        queue,
        body,
        group,
        deduplication,
        delay: delay * 1000,
        start: 0,
        gained: 0,
        end: End::Pending,
        ids: Vec::new(),
        sequence: None,
        may_be_lost: false,
        gone: Gone::default(),
        purges: 0,
        deliveries: Vec::new(),
        changes: 0,
        changed: 0,
    };
    book.begin_send(stage.now(), sent)
}

fn entry(stage: &Stage, door: &Door, number: usize) -> SendMessageBatchEntry {
    let book = stage.book();
    let sent = &book.sent[number];
    let own = stage.plan.queues[sent.queue].delay * 1000;
    let delay = (sent.delay != own).then(|| i64::try_from(sent.delay / 1000).unwrap_or(0).into());
    let forget = |id| {
        let forgets = stage.mutant == Mutant::ForgetsDeduplication;
        if forgets { stage.wrong.forgotten(door.boot, id) } else { id }
    };
    SendMessageBatchEntry {
        id: Some(number.to_string()),
        message_body: sent.body.clone(),
        delay_seconds: delay,
        message_group_id: sent.group.clone(),
        message_deduplication_id: sent.deduplication.clone().map(forget),
        ..SendMessageBatchEntry::default()
    }
}

/// Sends one message. Whether it was acknowledged is answered.
pub(crate) async fn send_one(stage: &Stage, door: &Door, queue: usize) -> bool {
    let number = begin(stage, queue);
    let entry = entry(stage, door, number);
    let action = SendMessage {
        queue_url: stage.plan.queues[queue].name.to_owned(),
        message_body: entry.message_body,
        delay_seconds: entry.delay_seconds,
        message_group_id: entry.message_group_id,
        message_deduplication_id: entry.message_deduplication_id,
        ..SendMessage::default()
    };
    let answer = stage.ask(door, queue, action).await;
    let now = stage.now();
    let refusal = match answer {
        Answer::Done(reply) => {
            let sequence = reply.sequence_number.and_then(|number| number.parse().ok());
            stage.book().sent(now, number, &reply.message_id.to_string(), sequence);
            return true;
        }
        Answer::Refused(refusal) => Some(refusal),
        Answer::Unknown => None,
    };
    let why = refusal.as_ref().map(ToString::to_string).unwrap_or_default();
    stage.book().not_sent(now, number, end_of(refusal.as_ref()), &why);
    false
}

/// Sends one message; to the brief queue again once that is made again.
pub(crate) async fn send(stage: &Stage, door: &Door, queue: usize) {
    let is_sent = send_one(stage, door, queue).await;
    if !is_sent && queue == BRIEF {
        make(stage, door, BRIEF).await;
    }
}

/// Sends some messages in one request.
pub(crate) async fn send_batch(stage: &Stage, door: &Door, queue: usize) {
    let numbers: Vec<_> = (0..stage.draw.within(1..6)).map(|_| begin(stage, queue)).collect();
    let entries = numbers.iter().map(|number| entry(stage, door, *number)).collect();
    let queue_url = stage.plan.queues[queue].name.to_owned();
    let answer = stage.ask(door, queue, SendMessageBatch { queue_url, entries }).await;
    let now = stage.now();
    let mut book = stage.book();
    match answer {
        Answer::Done(reply) => {
            for entry in reply.successful {
                let Ok(number) = entry.id.parse() else { continue };
                let sequence = entry.sent.sequence_number.and_then(|number| number.parse().ok());
                book.sent(now, number, &entry.sent.message_id.to_string(), sequence);
            }
            for entry in reply.failed {
                let Ok(number) = entry.id.parse() else { continue };
                let is_refused = entry.sender_fault || entry.code.contains("Unavailable");
                let end = if is_refused { End::Refused } else { End::Unknown };
                book.not_sent(now, number, end, &entry.code);
            }
        }
        Answer::Refused(refusal) => {
            for number in numbers {
                book.not_sent(now, number, End::Refused, &refusal.to_string());
            }
        }
        Answer::Unknown => {
            for number in numbers {
                book.not_sent(now, number, End::Unknown, "");
            }
        }
    }
}
