//! A task's id, and where new ids and other random numbers come from.

use std::fmt;

use longshore_types::Timestamp;
use thiserror::Error;
use uuid::Uuid;

/// Letters of a task id, so that it fits a deduplication id beside a message id.
const TASK_ID_CHARS_MAX: usize = 64;

/// What tells a task from every other: a UUID of version 7 for a task that a [`Client`] sent, the
/// SQS `MessageId` for one from a foreign producer.
///
/// [`Client`]: crate::Client
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(String);

/// The text cannot be a task id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a task id: a task id has 1 to 64 letters, digits, hyphens and underscores")]
pub struct TaskIdError;

impl TaskId {
    /// Parses an id: 1 to 64 letters, digits, hyphens and underscores, which UUIDs and message
    /// ids are.
    pub fn parse(text: &str) -> Result<Self, TaskIdError> {
        let part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let valid = (1..=TASK_ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(part);
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

/// Where random numbers come from: task ids and the jitter of retries. Tests pass numbers that
/// they know.
pub trait RandomSource: fmt::Debug + Send + Sync + 'static {
    /// 64 random bits.
    fn next(&self) -> u64;
}

/// The random numbers of the operating system.
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
        assert!(TaskId::parse("5fea7756-0ea4-451a-a703-a558b933e274").is_ok());
        for bad in ["", "a b", "a\n", &"x".repeat(65)] {
            assert_eq!(TaskId::parse(bad), Err(TaskIdError), "{bad:?}");
        }
    }
}
