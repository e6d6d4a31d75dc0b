//! What an app does for a task: sends it, insists if that is in doubt, and waits for its reply.

use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::{Client, Pending, ReplyError, SendError, SendOptions};
use tokio::time::sleep;

use crate::book::{Book, number};
use crate::chore::{BY_QUEUE, BY_STORE, Chore, NO_REPLY, id_of};
use crate::plan::Plan;

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
            key: asked.group.map(|group| format!("group-{group}")),
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
    let kept = pages.tasks[task].ended.clone();
    if kept.as_ref().is_none_or(|kept| kept.reply != heard) {
        pages.break_at(now, || {
            format!("who waits for task {task} hears {heard}, and it ended as {kept:?}")
        });
    }
}
