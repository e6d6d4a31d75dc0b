//! A task's id, and the random numbers of the system, which new ids and jitter are made of.

use std::fmt;

pub use longshore_types::RandomSource;
use longshore_types::Timestamp;
use thiserror::Error;
use uuid::Uuid;

/// Letters of a task id: as many as SQS allows in an id of a FIFO queue.
const TASK_ID_CHARS_MAX: usize = 128;

/// Letters of a message group id and of a deduplication id. Source: SQS quotas.
const FIFO_ID_CHARS_MAX: usize = 128;

/// What tells a task from every other: a UUID of version 7 for a task that a [`Client`] sent unless
/// its caller gave an id, the SQS `MessageId` for one from a foreign producer.
///
/// [`Client`]: crate::Client
///
/// ```
/// use longshore_tasks::{Clock, SystemClock, SystemRandom, TaskId};
///
/// // One of the caller's own, such as what an order is known by: sent twice, it is one task.
/// let id = TaskId::parse("order-4711").unwrap();
/// assert_eq!(id.as_str(), "order-4711");
/// assert!(TaskId::parse("no spaces").is_err());
///
/// let made = TaskId::generate(SystemClock.now(), &SystemRandom);
/// assert_eq!(made.as_str().len(), 36);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(String);

/// The text cannot be a task id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a task id: a task id has 1 to 128 letters, digits and any of - _ . :")]
pub struct TaskIdError;

impl TaskId {
    /// Parses an id: 1 to 128 ASCII letters, digits, hyphens, underscores, full stops and colons,
    /// which UUIDs and message ids are; but not `.` and `..`, which are steps in a URL's path.
    pub fn parse(text: &str) -> Result<Self, TaskIdError> {
        let part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        let valid = (1..=TASK_ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(part);
        let valid = valid && text != "." && text != "..";
        if valid { Ok(Self(text.to_owned())) } else { Err(TaskIdError) }
    }

    /// A new id: a UUID of version 7, so that ids sort by the time they were made.
    pub fn generate(now: Timestamp, random: &dyn RandomSource) -> Self {
        let mut bytes = [0; 10];
        bytes[..8].copy_from_slice(&random.next().to_be_bytes());
        bytes[8..].copy_from_slice(&random.next().to_be_bytes()[..2]);
        let uuid = uuid::Builder::from_unix_timestamp_millis(now.as_millis(), &bytes).into_uuid();
        Self(uuid.hyphenated().to_string())
    }

    /// Whether it can be a `MessageId`: a random UUID, as SQS gives one to each message.
    pub(crate) fn can_be_message_id(&self) -> bool {
        Uuid::parse_str(&self.0).is_ok_and(|uuid| uuid.get_version_num() == 4)
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `text` as a message group id or deduplication id: itself if it fits, else its beginning, a `-` and
/// 16 digits of a hash of all of it. The same text is always shortened to the same id, on any
/// machine and in any version, because two processes that send the same message must agree.
pub(crate) fn fifo_id(text: &str) -> String {
    if text.len() <= FIFO_ID_CHARS_MAX {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(FIFO_ID_CHARS_MAX - 17);
    format!("{}-{:016x}", &text[..end], fnv_1a(text.as_bytes()))
}

/// FNV-1a with 64 bits: small, and the same for ever, which the standard library's hashes do not
/// promise.
fn fnv_1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Random numbers that nobody can foretell: of a cryptographic generator that the operating system seeds.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl RandomSource for SystemRandom {
    fn next(&self) -> u64 {
        // A UUID's first half holds the four fixed bits of its version; the halves' exclusive or
        // covers them with random ones.
        let (first, second) = Uuid::new_v4().as_u64_pair();
        first ^ second.rotate_left(16)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_new_id_is_a_uuid_of_version_7_that_sorts_by_time() {
        let early = TaskId::generate(Timestamp::from_millis(1_000), &SystemRandom);
        let late = TaskId::generate(Timestamp::from_millis(2_000), &SystemRandom);
        assert_eq!(Uuid::parse_str(early.as_str()).unwrap().get_version_num(), 7);
        assert!(early < late);
    }

    #[test]
    fn an_id_is_short_and_plain() {
        let longest = "x".repeat(128);
        for good in ["5fea7756-0ea4-451a-a703-a558b933e274", "order:7.a_b", "...", &longest] {
            assert!(TaskId::parse(good).is_ok(), "{good:?}");
        }
        for bad in ["", ".", "..", "a b", "a\n", "a/b", "ä", "a?b", &"x".repeat(129)] {
            assert_eq!(TaskId::parse(bad), Err(TaskIdError), "{bad:?}");
        }
    }

    /// Letters of an id, of any length that a message's ids can come to.
    fn texts() -> impl Strategy<Value = String> {
        "[a-zA-Z0-9_.:-]{1,300}"
    }

    proptest! {
        #[test]
        fn an_id_of_a_fifo_queue_is_within_its_limit_and_begins_as_its_text(text in texts()) {
            let id = fifo_id(&text);
            prop_assert!(id.len() <= FIFO_ID_CHARS_MAX);
            prop_assert_eq!(&id[..id.len().min(111)], &text[..text.len().min(111)]);
            prop_assert_eq!(&fifo_id(&text), &id);
            prop_assert!(text.len() > FIFO_ID_CHARS_MAX || id == text);
        }

        #[test]
        fn texts_that_differ_have_ids_that_differ(
            start in "[a-z]{120,200}", one in texts(), other in texts(),
        ) {
            prop_assume!(one != other);
            prop_assert_ne!(fifo_id(&format!("{start}{one}")), fifo_id(&format!("{start}{other}")));
        }
    }

    #[test]
    fn an_id_is_shortened_in_the_same_way_for_ever() {
        assert_eq!(fnv_1a(b"foobar"), 0x8594_4171_f739_67e8);
        let id = fifo_id(&"x".repeat(129));
        assert_eq!((id.len(), &id[109..112]), (128, "xx-"));
    }
}
