//! What operators say of a queue while its workers run: that it is paused, and how many of its tasks each
//! worker may run at once.
//!
//! ```text
//! Client::pause(queue) ──▶ a value of the store, by the queue's name ──▶ each worker, every two seconds
//! ```
//!
//! This is the rule, and pure: what a value says, and what it becomes. `client/control.rs` writes it,
//! `worker/controls.rs` reads it.
//!
//! # Invariants
//!
//! - What a later version has added to a value stays when this one changes it.
//! - A format that this version does not know is not guessed at: what was known before holds.

use std::num::NonZeroU32;

use longshore_types::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The format that is written, and the latest that is read.
const FORMAT: u32 = 1;
/// Characters of a name or a reason.
const WORDS_CHARS_MAX: usize = 1000;

/// What operators have said of a queue. Nothing, by default.
///
/// ```
/// use longshore_tasks::QueueControl;
///
/// let nothing = QueueControl::default();
/// assert!(!nothing.is_paused());
/// assert_eq!(nothing.concurrency(), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct QueueControl {
    /// Since when it is paused, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<Said>,
    /// How many of its tasks each worker runs at once, if that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
    /// What a later version has added.
    #[serde(flatten)]
    others: serde_json::Map<String, serde_json::Value>,
}

/// When something was said, by whom and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Said {
    /// When: milliseconds since the epoch.
    pub at: u64,
    /// By whom, if they said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, if they said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// How many tasks of a queue each worker runs at once, and who said so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Concurrency {
    /// How many.
    pub count: NonZeroU32,
    /// Who said so.
    #[serde(flatten)]
    pub said: Said,
}

/// What is to become of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Pause,
    Resume,
    /// So many tasks at once; `None` as many as workers were started with.
    Concurrency(Option<NonZeroU32>),
}

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    #[serde(flatten)]
    control: &'a QueueControl,
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// Why a value says nothing to this version.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ControlTextError {
    /// A later version wrote it.
    #[error("it has format {0}, and this version knows {FORMAT}")]
    Later(u32),
    /// It is damaged.
    #[error("it is damaged: {0}")]
    Damaged(#[from] serde_json::Error),
}

impl QueueControl {
    /// Whether nothing is to be received.
    pub fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// How many tasks each worker runs at once, if that was said.
    pub fn concurrency(&self) -> Option<NonZeroU32> {
        self.concurrency.as_ref().map(|chosen| chosen.count)
    }

    /// What it becomes by an order. Who pauses what is paused changes nothing: the first reason stays.
    pub(crate) fn after(&self, order: Order, said: Said) -> Self {
        let mut next = self.clone();
        match order {
            Order::Pause => next.paused = next.paused.or(Some(said)),
            Order::Resume => next.paused = None,
            Order::Concurrency(count) => {
                next.concurrency = count.map(|count| Concurrency { count, said });
            }
        }
        next
    }

    /// The key of the value for the queue of that name.
    pub(crate) fn key(queue: &str) -> String {
        format!("queues/{queue}")
    }

    pub(crate) fn to_text(&self) -> String {
        let written = Written { format: FORMAT, control: self };
        serde_json::to_string(&written).expect("it has nothing that JSON cannot say")
    }

    /// Reads a value back.
    ///
    /// # Errors
    ///
    /// A later format, or damage.
    pub(crate) fn from_text(text: &str) -> Result<Self, ControlTextError> {
        let Format { format } = serde_json::from_str(text)?;
        if format > FORMAT {
            return Err(ControlTextError::Later(format));
        }
        let mut control: Self = serde_json::from_str(text)?;
        control.others.remove("format");
        Ok(control)
    }
}

impl Said {
    /// Said now. Words of more than a thousand characters are cut off there.
    pub(crate) fn now(now: Timestamp, by: Option<String>, why: Option<String>) -> Self {
        let short = |words: String| words.chars().take(WORDS_CHARS_MAX).collect();
        Self { at: now.as_millis(), by: by.map(short), why: why.map(short) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(at: u64, why: &str) -> Said {
        Said::now(Timestamp::from_millis(at), Some("ada".to_owned()), Some(why.to_owned()))
    }

    fn some(count: u32) -> Order {
        Order::Concurrency(NonZeroU32::new(count))
    }

    #[test]
    fn a_value_is_read_back_as_it_was_written() {
        let control = QueueControl::default().after(Order::Pause, said(7, "the disk is full"));
        let control = control.after(some(3), said(8, "slowly"));
        let text = r#"{"format":1,"paused":{"at":7,"by":"ada","why":"the disk is full"},"concurrency":{"count":3,"at":8,"by":"ada","why":"slowly"}}"#;
        assert_eq!(control.to_text(), text);
        assert_eq!(QueueControl::from_text(text).unwrap(), control);
        assert_eq!(QueueControl::from_text(r#"{"format":1}"#).unwrap(), QueueControl::default());
    }

    #[test]
    fn each_order_changes_what_it_is_about_and_nothing_else() {
        let control = QueueControl::default().after(Order::Pause, said(1, "first"));
        let control = control.after(some(3), said(2, "few"));
        assert!(control.is_paused());
        assert_eq!(control.concurrency().map(NonZeroU32::get), Some(3));
        let again = control.after(Order::Pause, said(3, "second"));
        assert_eq!(again.paused, Some(said(1, "first")));
        let resumed = again.after(Order::Resume, said(4, ""));
        assert_eq!((resumed.is_paused(), resumed.concurrency().is_some()), (false, true));
        let default = resumed.after(Order::Concurrency(None), said(5, ""));
        assert_eq!(default, QueueControl::default());
    }

    #[test]
    fn what_a_later_version_has_added_stays_and_a_later_format_is_refused() {
        let text = r#"{"format":1,"rate":{"perSecond":3},"paused":{"at":7,"mood":"bad"}}"#;
        let control = QueueControl::from_text(text).unwrap();
        let resumed = control.after(Order::Resume, said(8, ""));
        assert_eq!(resumed.to_text(), r#"{"format":1,"rate":{"perSecond":3}}"#);
        let later = QueueControl::from_text(r#"{"format":2,"paused":[]}"#);
        assert!(matches!(later, Err(ControlTextError::Later(2))));
        assert!(QueueControl::from_text("paused").is_err());
        assert!(
            QueueControl::from_text(r#"{"format":1,"concurrency":{"count":0,"at":1}}"#).is_err()
        );
    }

    #[test]
    fn words_without_end_are_cut_off() {
        let long = "é".repeat(5000);
        assert_eq!(said(1, &long).why.unwrap().chars().count(), WORDS_CHARS_MAX);
    }
}
