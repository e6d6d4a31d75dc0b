//! What a call is for, said by whoever makes it, and booked by the meter of whatever carries it out.
//!
//! Only a transport knows what it asks, and how often: it may try again by itself. Only its caller knows
//! what for. So a caller makes its call within an account, which goes with the call as a task-local
//! value, and the meter books there whatever is counted meanwhile. A transport counts, and need not
//! know of purposes; so what is attributed and what is counted cannot differ.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Action, Purpose};
use crate::envelope::TASK_NAME;
use crate::transport::ReceivedMessage;

/// The label of a task that may have any name: no label is made of what a message says.
const OTHER: &str = "other";

/// What an entry of a call is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) purpose: Purpose,
    /// The name of its task; empty where it is about none, or about one that is not known here.
    pub(crate) task: Arc<str>,
}

impl Item {
    /// An entry about a task of that name.
    pub(crate) fn new(purpose: Purpose, task: &Arc<str>) -> Self {
        Self { purpose, task: Arc::clone(task) }
    }

    /// An entry about no task that is known here by its name.
    pub(crate) fn unnamed(purpose: Purpose) -> Self {
        Self { purpose, task: Arc::default() }
    }
}

/// An entry of a batch call, with what it is for.
#[derive(Clone, Debug)]
pub(crate) struct Charged<T> {
    pub(crate) entry: T,
    pub(crate) item: Item,
}

/// The names of tasks that are told apart: those of handlers. What only a message says is `other`, so
/// that nobody can make labels.
#[derive(Clone, Debug, Default)]
pub(crate) struct TaskNames {
    known: BTreeSet<Arc<str>>,
    /// Of a message that bears no name.
    unnamed: Option<Arc<str>>,
}

impl TaskNames {
    pub(crate) fn new(known: impl Iterator<Item = &'static str>, unnamed: Option<&str>) -> Self {
        Self { known: known.map(Arc::from).collect(), unnamed: unnamed.map(Arc::from) }
    }

    /// The names of handlers.
    pub(crate) fn known(&self) -> impl Iterator<Item = &Arc<str>> {
        self.known.iter()
    }

    /// The label of all other tasks.
    pub(crate) fn other() -> Arc<str> {
        OTHER.into()
    }

    /// The label of a task that a message names so, or does not name.
    pub(crate) fn label(&self, name: Option<&str>) -> Arc<str> {
        let label = match name {
            Some(name) => self.known.get(name),
            None => self.unnamed.as_ref(),
        };
        label.cloned().unwrap_or_else(Self::other)
    }

    /// The label of the task of a message.
    pub(crate) fn of(&self, message: &ReceivedMessage) -> Arc<str> {
        self.label(message.attributes.get(TASK_NAME).and_then(|name| name.as_text()))
    }
}

/// What is booked of the calls that are made within it.
#[derive(Clone, Debug)]
enum Account {
    /// A batch of these.
    Entries(Arc<[Item]>),
    /// A receive of tasks with these names.
    Tasks(Arc<TaskNames>),
    /// A receive of replies.
    Replies,
}

tokio::task_local! {
    static ACCOUNT: Account;
}

/// Makes a batch call whose entries say what they are for.
pub(crate) async fn charge<T, F: Future>(
    entries: Vec<Charged<T>>,
    call: impl FnOnce(Vec<T>) -> F,
) -> F::Output {
    let (items, entries): (Vec<_>, Vec<_>) =
        entries.into_iter().map(|charged| (charged.item, charged.entry)).unzip();
    ACCOUNT.scope(Account::Entries(items.into()), call(entries)).await
}

/// Makes a receive of tasks.
pub(crate) async fn charge_receive<F: Future>(names: Arc<TaskNames>, receive: F) -> F::Output {
    ACCOUNT.scope(Account::Tasks(names), receive).await
}

/// Makes a receive of replies.
pub(crate) async fn charge_reply_receive<F: Future>(receive: F) -> F::Output {
    ACCOUNT.scope(Account::Replies, receive).await
}

/// What the entries of a call of `action` are for that is made just now. A call that has none is one of
/// its own.
pub(super) fn items(action: Action) -> Vec<Item> {
    let plain = || vec![Item::unnamed(Purpose::of(action))];
    let account = ACCOUNT.try_with(Clone::clone).ok();
    match account {
        Some(Account::Entries(items)) if Purpose::of(action) == Purpose::Other => items.to_vec(),
        _ => plain(),
    }
}

/// What the messages are for that a receive brings just now.
pub(super) fn received(messages: &[ReceivedMessage]) -> Vec<Item> {
    ACCOUNT
        .try_with(|account| brought(account, messages))
        .unwrap_or_else(|_| messages.iter().map(|_| Item::unnamed(Purpose::Other)).collect())
}

fn brought(account: &Account, messages: &[ReceivedMessage]) -> Vec<Item> {
    let item = |message| match account {
        Account::Tasks(names) => Item::new(Purpose::Receive, &names.of(message)),
        Account::Replies => Item::unnamed(Purpose::ReplyReceive),
        Account::Entries(_) => Item::unnamed(Purpose::Other),
    };
    messages.iter().map(item).collect()
}
