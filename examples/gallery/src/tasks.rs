//! What is asked of the workers: a type for each task, whose value is the argument.
//!
//! Who says how a task runs is the task itself, here; an operator can change attempts, timeout and limits by
//! `--task-options`, without a new build.

use longshore::Task;
use serde::{Deserialize, Serialize};

/// Makes the small picture of a photo. Somebody looks at the page, so it is sent with a high priority.
///
/// Its key is the owner: an owner with a thousand photos holds up nobody else, and has four of them made at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Task)]
#[task(
    reply = Small,
    key = "owner",
    concurrency_per_key = 4,
    timeout = "1m",
    retry(attempts = 6, backoff = "1m..2h")
)]
pub struct Thumbnail {
    /// Whose photo it is.
    pub owner: String,
    /// The photo's name in the library.
    pub photo: String,
}

/// The small picture that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Small {
    /// Pixels from left to right.
    pub width: usize,
    /// Pixels from top to bottom.
    pub height: usize,
}

/// Publishes an album: has small pictures made, the index brought up to date, the owner charged, and the owner
/// reminded to look at it. All of these are tasks of their own, sent by this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Task)]
#[task(reply = Published, key = "owner", timeout = "5m")]
pub struct Publish {
    /// Whose album it is.
    pub owner: String,
    /// What the album is called.
    pub album: String,
    /// The photos in it.
    pub photos: Vec<String>,
    /// When the owner is reminded of it, in days; not at all, if it is left out.
    #[serde(default)]
    pub remind_in_days: Option<u32>,
}

/// What the publication of an album has set going.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// How many photos are in it.
    pub photos: usize,
    /// The task that charges the owner.
    pub charge: String,
    /// The task that reminds the owner.
    pub reminder: Option<String>,
}

/// Has a photo found by how it looks. Nobody waits for it: it has no reply, is sent with a low priority, and
/// runs in a batch with others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Task)]
#[task(reply_by = "none")]
pub struct Reindex {
    /// Whose photo it is.
    pub owner: String,
    /// The photo's name in the library.
    pub photo: String,
}

/// Packs all photos of an owner. It takes long, says how far it is, and can be cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Task)]
#[task(reply = Archived, key = "owner", timeout = "6h", concurrency = 2, retention = "1d")]
pub struct Archive {
    /// Whose photos they are.
    pub owner: String,
}

/// The archive that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archived {
    /// Photos in it.
    pub photos: usize,
    /// Of those, the ones that an earlier attempt had packed.
    pub found: usize,
    /// Bytes of them, packed.
    pub bytes: u64,
}

/// Reminds an owner of an album, days after it was sent.
///
/// Mail servers have bad days, so it is tried for half a day; and this one takes twenty mails a second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Task)]
#[task(reply_by = "none", rate_limit = "20/s", retry(attempts = 12, backoff = "1m..2h"))]
pub struct Remind {
    /// Who is reminded.
    pub owner: String,
    /// Of what.
    pub album: String,
    /// How many days after the task was sent.
    pub days: u32,
}

/// Charges an owner. Charges of one owner are booked in the order in which they came up, because the queue is a
/// FIFO queue and the owner is the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Task)]
#[task(reply = Balance, key = "owner")]
pub struct Charge {
    /// Who pays.
    pub owner: String,
    /// How much.
    pub cents: u32,
    /// For what.
    pub what: String,
}

/// What an owner owes, this charge and those before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// In cents.
    pub cents: u32,
}
