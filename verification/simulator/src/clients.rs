//! Clients: what they ask, drawn one request after the other, and what they tell the book of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use longshore_types::AttributeName;
use longshore_wire::{
    ChangeMessageVisibility, CreateQueue, DeleteMessageBatch, DeleteMessageBatchEntry, DeleteQueue,
    GetQueueAttributes, PurgeQueue, SqsError, StartMessageMoveTask,
};
use tokio::time::sleep;

use crate::clock::Millis;
use crate::history::{End, Held};
use crate::invariant::Invariant;
use crate::mutant::Mutant;
use crate::plan::{BRIEF, DEAD, ORDERED, STANDARD};
use crate::receiving::{Wanted, receive};
use crate::sending::{send, send_batch};
use crate::stage::{Answer, Door, Stage};

/// Deliveries that clients hold at most.
const HELD_MAX: usize = 100;

/// Works until the storm is over.
pub(crate) async fn work(stage: Arc<Stage>) {
    while !stage.weather().is_calm {
        let pause = stage.draw.within(0..stage.plan.pause_max);
        sleep(Duration::from_millis(pause)).await;
        if let Some(door) = stage.door() {
            act(Arc::clone(&stage), door).await;
        }
    }
}

/// Begins something within a call of the disk, and has it come to its end later.
pub(crate) fn act_meanwhile(stage: &Arc<Stage>) {
    let Some(door) = stage.door() else { return };
    stage.book().seen.meanwhile += 1;
    let mut acting: Pin<Box<dyn Future<Output = ()> + Send>> =
        Box::pin(act(Arc::clone(stage), door));
    let begun = acting.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    if begun.is_pending() {
        drop(tokio::spawn(acting));
    }
}

/// One request.
async fn act(stage: Arc<Stage>, door: Door) {
    let draw = &stage.draw;
    let queue = draw.of(&[STANDARD, STANDARD, ORDERED, ORDERED, ORDERED, DEAD, BRIEF]);
    let place = if queue == DEAD { STANDARD } else { queue };
    match draw.within(0..200) {
        0..60 => send(&stage, &door, place).await,
        60..75 => send_batch(&stage, &door, place).await,
        75..125 => receive(&stage, &door, queue, Wanted::drawn(&stage)).await,
        125..170 => delete(&stage, &door).await,
        170..185 => change(&stage, &door).await,
        185..193 => look(&stage, &door, queue).await,
        193 => purge(&stage, &door, queue).await,
        194 => purge(&stage, &door, BRIEF).await,
        195 | 196 if stage.plan.moves => move_back(&stage, &door).await,
        197 | 198 => make_again(&stage, &door).await,
        _ => {}
    }
}

/// Takes a delivery that is held; a diligent client deletes most.
fn take_held(stage: &Stage) -> Option<Held> {
    let mut held = stage.held();
    while held.len() > HELD_MAX {
        held.remove(0);
    }
    if held.is_empty() {
        return None;
    }
    let place = stage.draw.index(held.len());
    Some(held.swap_remove(place))
}

/// Deletes some messages of one queue, in one request.
async fn delete(stage: &Stage, door: &Door) {
    if !stage.draw.chance(stage.plan.diligence) {
        return;
    }
    let Some(first) = take_held(stage) else { return };
    let mut all = vec![first];
    if stage.draw.chance(30) {
        let queue = all[0].queue;
        all.extend(take_held(stage).filter(|other| other.queue == queue));
    }
    delete_all(stage, door, all).await;
}

/// Deletes messages of one queue. Whether all of them were is answered.
pub(crate) async fn delete_all(stage: &Stage, door: &Door, all: Vec<Held>) -> bool {
    let queue = all[0].queue;
    for held in &all {
        stage.book().begin_delete(stage.now(), held);
    }
    let entry = |(at, held): (usize, &Held)| DeleteMessageBatchEntry {
        id: Some(at.to_string()),
        receipt_handle: real_handle(stage, held),
    };
    let entries = all.iter().enumerate().map(entry).collect();
    let name = stage.plan.queues[queue].name.to_owned();
    let batch = DeleteMessageBatch { queue_url: name, entries };
    let answer = stage.ask(door, queue, batch).await;
    let now = stage.now();
    let mut book = stage.book();
    match answer {
        Answer::Done(reply) => {
            for (at, held) in all.iter().enumerate() {
                let failed = reply.failed.iter().find(|entry| entry.id == at.to_string());
                match failed {
                    None => book.deleted(now, held),
                    Some(entry) if entry.sender_fault => book.not_deleted(now, held, &entry.code),
                    Some(entry) => book.note(now, format!("delete: {}", entry.code)),
                }
            }
            reply.failed.is_empty()
        }
        Answer::Refused(refusal) => {
            for held in &all {
                book.not_deleted(now, held, &refusal.to_string());
            }
            false
        }
        Answer::Unknown => false,
    }
}

fn real_handle(stage: &Stage, held: &Held) -> String {
    stage.wrong.behind(&held.handle).unwrap_or_else(|| held.handle.clone())
}

/// Changes the visibility of a message, and goes on holding it.
async fn change(stage: &Stage, door: &Door) {
    let Some(held) = take_held(stage) else { return };
    let seconds = stage.draw.of(&[0, 0, 3, 20, 60]);
    let (start, visibility) = (stage.now(), seconds * 1000);
    stage.book().begin_change(start, &held, visibility);
    let change = ChangeMessageVisibility {
        queue_url: stage.plan.queues[held.queue].name.to_owned(),
        receipt_handle: real_handle(stage, &held),
        visibility_timeout: i64::try_from(seconds).unwrap_or(0).into(),
    };
    if let Answer::Done(()) = stage.ask(door, held.queue, change).await {
        stage.book().changed(stage.now(), start, &held, visibility);
    }
    stage.book().end_change(stage.now(), &held);
    stage.held().push(held);
}

/// Asks how many messages there are. Numbers, in all cases.
async fn look(stage: &Stage, door: &Door, queue: usize) {
    if let Some(count) = count(stage, door, queue).await {
        let sent = stage.book().sent.len() as u64;
        if count > 2 * sent {
            let seen = format!("queue {queue} has {count} messages of {sent}");
            stage.book().find(Invariant::QueueCounts, seen);
        }
    }
}

/// How many messages a queue has; `None` if it does not say.
pub(crate) async fn count(stage: &Stage, door: &Door, queue: usize) -> Option<u64> {
    const COUNTS: [AttributeName; 3] = [
        AttributeName::ApproximateNumberOfMessages,
        AttributeName::ApproximateNumberOfMessagesNotVisible,
        AttributeName::ApproximateNumberOfMessagesDelayed,
    ];
    let attribute_names = COUNTS.iter().map(|name| name.as_str().to_owned()).collect();
    let queue_url = stage.plan.queues[queue].name.to_owned();
    let action = GetQueueAttributes { queue_url, attribute_names };
    match stage.ask(door, queue, action).await {
        Answer::Done(reply) => {
            reply.attributes.values().map(|value| value.parse::<u64>().ok()).sum()
        }
        Answer::Refused(_) | Answer::Unknown => None,
    }
}

async fn purge(stage: &Stage, door: &Door, queue: usize) {
    let start = stage.now();
    let begun = stage.book().begin_purge(start, queue);
    let action = PurgeQueue { queue_url: stage.plan.queues[queue].name.to_owned() };
    end_purge(stage, (start, begun), queue, &stage.ask(door, queue, action).await);
}

/// A purge that was begun at that time, and when there were so many messages, has come to an end.
fn end_purge<T>(stage: &Stage, (start, begun): (Millis, usize), queue: usize, answer: &Answer<T>) {
    let now = stage.now();
    match answer {
        Answer::Done(_) => stage.book().purged(now, start, queue),
        Answer::Refused(_) => stage.book().purge_refused(now, queue, begun),
        Answer::Unknown => stage.book().purge_unknown(now, queue),
    }
}

/// Deletes the brief queue, and makes it again.
async fn make_again(stage: &Stage, door: &Door) {
    let start = stage.now();
    let begun = stage.book().begin_purge(start, BRIEF);
    let action = DeleteQueue { queue_url: stage.plan.queues[BRIEF].name.to_owned() };
    end_purge(stage, (start, begun), BRIEF, &stage.ask(door, BRIEF, action).await);
    make(stage, door, BRIEF).await;
}

/// Makes a queue, if it is not there.
pub(crate) async fn make(stage: &Stage, door: &Door, queue: usize) -> bool {
    let plan = &stage.plan.queues[queue];
    let mut attributes = vec![
        ("VisibilityTimeout".to_owned(), plan.visibility.to_string()),
        ("DelaySeconds".to_owned(), plan.delay.to_string()),
    ];
    if plan.is_fifo() {
        attributes.push(("FifoQueue".to_owned(), "true".to_owned()));
    }
    let redrive = plan.dead_letters.filter(|_| stage.mutant != Mutant::MovesInTwoSteps);
    attributes.extend(redrive.map(|(dead, most)| {
        let arn = arn(stage, dead);
        let policy = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":{most}}}"#);
        ("RedrivePolicy".to_owned(), policy)
    }));
    let attributes = attributes.into_iter().collect();
    let action = CreateQueue { queue_name: plan.name.to_owned(), attributes, tags: [].into() };
    let answer = stage.ask(door, queue, action).await;
    if let Answer::Refused(refusal) = &answer
        && !matches!(refusal, SqsError::ServiceUnavailable(_))
    {
        stage.book().find(Invariant::Errors, format!("queue {queue} was not made: {refusal:?}"));
    }
    matches!(answer, Answer::Done(_))
}

fn arn(stage: &Stage, queue: usize) -> String {
    format!("arn:aws:sqs:us-east-1:000000000000:{}", stage.plan.queues[queue].name)
}

/// Has dead letters moved back to where they came from.
async fn move_back(stage: &Stage, door: &Door) {
    stage.book().moved_from[DEAD] = true;
    let action = StartMessageMoveTask {
        source_arn: arn(stage, DEAD),
        destination_arn: None,
        max_number_of_messages_per_second: stage.draw.of(&[None, Some(1), Some(50)]),
    };
    if let Answer::Done(_) = stage.ask(door, DEAD, action).await {
        let now = stage.now();
        stage.book().note(now, "dead letters are moved back");
    }
}

/// What a refusal or silence leaves of a send.
pub(crate) fn end_of(refusal: Option<&SqsError>) -> End {
    if refusal.is_some() { End::Refused } else { End::Unknown }
}
