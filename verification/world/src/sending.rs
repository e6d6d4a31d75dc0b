//! What an app does for a task: sends it, insists if that is in doubt, waits for its reply, and asks for its end. And
//! what a program does that is none of ours.

use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::envelope::{REPLY_TO, TASK_NAME};
use longshore_tasks::transport::{OutgoingMessage, Transport as _};
use longshore_tasks::{CancelError, Client, Pending, ReplyError, SendError, SendOptions};
use longshore_types::{MessageAttribute, MessageAttributes};
use tokio::time::sleep;

use crate::book::{Book, number};
use crate::chore::{BY_QUEUE, BY_STORE, Chore, NO_REPLY, id_of, name_of};
use crate::plan::Plan;
use crate::queues::{Queues, STRANGERS_REPLIES, queue_named, task_queue};

/// As good as for ever, for a caller.
const PATIENCE: Duration = Duration::from_secs(1_000_000);
/// When a send is made again.
const AGAIN: Duration = Duration::from_millis(1300);

/// Sends the task of that number; ends when its caller needs nothing more.
pub(crate) async fn send(plan: Arc<Plan>, book: Book, client: Client, who: u32, task: usize) {
    match plan.tasks[task].reply {
        BY_QUEUE => send_as::<BY_QUEUE>(&plan, &book, &client, who, task).await,
        BY_STORE => send_as::<BY_STORE>(&plan, &book, &client, who, task).await,
        _ => send_as::<NO_REPLY>(&plan, &book, &client, who, task).await,
    }
}

async fn send_as<const REPLY: u8>(
    plan: &Plan,
    book: &Book,
    client: &Client,
    who: u32,
    task: usize,
) {
    let asked = &plan.tasks[task];
    loop {
        book.note(who, "sends", "task", number(task));
        let options = SendOptions {
            id: Some(id_of(task)),
            delay: asked.delay,
            key: asked.group.map(group_name),
            priority: asked.priority,
            ..SendOptions::default()
        };
        match client.send(Chore::<REPLY>(task)).options(options).await {
            Ok(pending) => {
                book.note(who, "sent", "task", number(task));
                told(book, task, true);
                if asked.awaited {
                    wait(book, who, task, &pending).await;
                }
                return;
            }
            Err(error) => refused(book, who, task, &error),
        }
        if !asked.insisted && !book.pages().calm {
            return told(book, task, false);
        }
        sleep(AGAIN).await;
    }
}

/// The sender needs no more for the task to run.
fn told(book: &Book, task: usize, accepted: bool) {
    let mut pages = book.pages();
    let page = &mut pages.tasks[task];
    (page.sending, page.accepted) = (None, accepted);
}

/// The sender is told that it was not, or may not have been.
fn refused(book: &Book, who: u32, task: usize, error: &SendError) {
    let certain = !matches!(error, SendError::Unknown { .. });
    book.note(who, if certain { "did not send" } else { "may have sent" }, "task", number(task));
    let mut pages = book.pages();
    let page = &mut pages.tasks[task];
    if certain && page.enqueued.is_none() {
        page.refused = true;
    }
}

/// Asks for the end of a task, until somebody has taken that down or it is too late.
pub(crate) async fn cancel(book: Book, client: Client, who: u32, task: usize) {
    loop {
        book.note(who, "cancels", "task", number(task));
        match client.cancel(&id_of(task)).await {
            Ok(()) => return book.cancelled(task),
            Err(CancelError::Store(_)) => sleep(AGAIN).await,
            // It has ended, or was not sent yet.
            Err(_) => return,
        }
    }
}

/// Sends a task as a program does that knows nothing of ours: its queue, and what it is asked.
pub(crate) async fn send_as_stranger(
    plan: Arc<Plan>,
    book: Book,
    queues: Arc<Queues>,
    task: usize,
) {
    let (asked, queue) = (&plan.tasks[task], queue_named(task_queue(plan.fifo)));
    let stranger = asked.stranger.unwrap_or_default();
    let text = |name: &str, text: &str| (name.to_owned(), MessageAttribute::text(text));
    let mut attributes = MessageAttributes::new();
    attributes.extend(stranger.names_task.then(|| text(TASK_NAME, name_of(asked.kind()))));
    attributes.extend(stranger.names_queue.then(|| text(REPLY_TO, STRANGERS_REPLIES)));
    let mut message = OutgoingMessage::new(task.to_string(), attributes);
    message.group_id = asked.group.map(group_name);
    message.deduplication_id = plan.fifo.then(|| format!("stranger-{task}"));
    let sent = queues.send_batch(&queue, vec![message]).await;
    debug_assert!(sent.is_ok(), "nothing fails on a stranger's way");
    told(&book, task, true);
}

/// The name of that group, or key.
pub(crate) fn group_name(group: u64) -> String {
    format!("group-{group}")
}

async fn wait<const REPLY: u8>(
    book: &Book,
    who: u32,
    task: usize,
    pending: &Pending<Chore<REPLY>>,
) {
    loop {
        let heard = match pending.reply(PATIENCE).await {
            Ok((of, run)) => Some(format!("[{of},{run}]")),
            Err(ReplyError::Failed { body, .. }) => Some(body),
            // The store did not answer: the caller asks again.
            Err(ReplyError::Store(_)) => None,
            Err(error) => {
                book.breaks(|| format!("who waits for task {task} hears: {error}"));
                return;
            }
        };
        if let Some(heard) = heard {
            return hear(book, who, task, &heard);
        }
        sleep(AGAIN).await;
    }
}

fn hear(book: &Book, who: u32, task: usize, heard: &str) {
    book.note(who, "hears of", "task", number(task));
    let now = book.now();
    let mut pages = book.pages();
    pages.seen.answered += 1;
    pages.tasks[task].answered += 1;
    if !pages.tasks[task].may_say(heard) {
        let kept = pages.tasks[task].ended.clone();
        pages.break_at(now, || {
            format!("who waits for task {task} hears {heard}, and it ended as {kept:?}")
        });
    }
}
