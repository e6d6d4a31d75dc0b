//! Queues declared in a file: the schema of `queues.toml`.
//!
//! ```toml
//! [queues.FibonacciTaskQueue]
//! visibility_timeout = "30s"
//! message_retention_period = "4d"
//! dead_letter = { queue = "FibonacciTaskDeadLetters", max_receive_count = 5 }
//! tags = { system = "fibonacci" }
//!
//! [queues.FibonacciTaskDeadLetters]
//! message_retention_period = "14d"
//! ```
//!
//! A queue whose name ends in `.fifo` is a FIFO queue (`[queues."Work.fifo"]`), as is then its
//! dead-letter queue.
//!
//! The keys are the SQS attributes in snake case; a duration is `"30s"`, `"4d"` or a number of
//! seconds. An unknown key is an error that names its line. A declared dead-letter queue must be
//! declared too, in the same file.
//!
//! A queue that an application names and no file declares can be declared by default
//! ([`Declaration::declare_by_default`]), with a dead-letter queue of its own.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use thiserror::Error;

use crate::duration_text::parse_duration;
use crate::{AttributeName, QueueName, limits};

/// Receives that a message gets in a queue that is declared by default: as many as the AWS console
/// suggests, which leaves a task room for its attempts.
const DEFAULT_RECEIVES: u32 = 10;

/// What is wrong with a declaration.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DeclarationError {
    /// Not TOML, an unknown key, or a value of the wrong sort; the text names the line.
    #[error("{0}")]
    Toml(String),
    /// A queue's name is not one.
    #[error("[queues.{0}]: {1}")]
    Name(String, String),
    /// A value is out of its range.
    #[error("[queues.{queue}] {key}: {reason}")]
    Value {
        /// The queue.
        queue: String,
        /// The key.
        key: &'static str,
        /// The range.
        reason: String,
    },
}

/// The queues of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declaration {
    /// The queues by name.
    pub queues: BTreeMap<QueueName, DeclaredQueue>,
}

/// One declared queue. What is `None` is left to the defaults of SQS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeclaredQueue {
    /// `VisibilityTimeout`.
    pub visibility_timeout: Option<Seconds>,
    /// `MessageRetentionPeriod`.
    pub message_retention_period: Option<Seconds>,
    /// `ReceiveMessageWaitTimeSeconds`.
    pub receive_message_wait_time: Option<Seconds>,
    /// `DelaySeconds`.
    pub delay: Option<Seconds>,
    /// `MaximumMessageSize`, in bytes.
    pub maximum_message_size: Option<u32>,
    /// `ContentBasedDeduplication`; of FIFO queues only, as the next two.
    pub content_based_deduplication: Option<bool>,
    /// `DeduplicationScope`.
    pub deduplication_scope: Option<DeclaredScope>,
    /// `FifoThroughputLimit`.
    pub fifo_throughput_limit: Option<DeclaredThroughputLimit>,
    /// `RedrivePolicy`.
    pub dead_letter: Option<DeclaredDeadLetter>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// Where a queue's messages go that were received too often.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredDeadLetter {
    /// The dead-letter queue's name, declared in the same file.
    pub queue: String,
    /// Receives that a message gets.
    pub max_receive_count: u32,
}

/// Among which messages a deduplication id is compared. It is decided when the queue is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeclaredScope {
    /// `queue`: among all.
    Queue,
    /// `messageGroup`: among those of one message group.
    MessageGroup,
}

impl DeclaredScope {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::MessageGroup => "messageGroup",
        }
    }
}

/// What the throughput limit of Amazon SQS counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeclaredThroughputLimit {
    /// `perQueue`: the requests of a queue.
    PerQueue,
    /// `perMessageGroupId`: those of a message group; needs the scope `messageGroup`.
    PerMessageGroupId,
}

impl DeclaredThroughputLimit {
    const fn as_str(self) -> &'static str {
        match self {
            Self::PerQueue => "perQueue",
            Self::PerMessageGroupId => "perMessageGroupId",
        }
    }
}

/// A whole number of seconds, written `"30s"`, `"4d"` or `30`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(pub u64);

impl Seconds {
    /// The same as a [`Duration`].
    pub const fn as_duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    queues: BTreeMap<String, DeclaredQueue>,
}

impl Declaration {
    /// Parses and checks a file's text.
    pub fn parse(text: &str) -> Result<Self, DeclarationError> {
        let file: File =
            toml::from_str(text).map_err(|fault| DeclarationError::Toml(fault.to_string()))?;
        let mut queues = BTreeMap::new();
        for (name, queue) in file.queues {
            let parsed = QueueName::parse(&name)
                .map_err(|fault| DeclarationError::Name(name.clone(), fault.to_string()))?;
            queue.check(&name)?;
            queue.check_fifo(&parsed)?;
            queues.insert(parsed, queue);
        }
        let declaration = Self { queues };
        declaration.check_dead_letters()?;
        Ok(declaration)
    }

    /// Declares a queue that is not declared yet. Its settings are the defaults of SQS. What was
    /// received 10 times goes to `NAME-dead` (`NAME-dead.fifo` for a FIFO queue), which keeps it for 14
    /// days; if that one is declared already, it is as it is declared. A queue that is declared stays
    /// as it is.
    ///
    /// # Errors
    ///
    /// The dead-letter queue's name is too long to be one.
    pub fn declare_by_default(&mut self, name: &QueueName) -> Result<(), DeclarationError> {
        if self.queues.contains_key(name) {
            return Ok(());
        }
        let queue = dead_letters_of(name);
        let parsed = QueueName::parse(&queue)
            .map_err(|fault| DeclarationError::Name(queue.clone(), fault.to_string()))?;
        let dead_letter = DeclaredDeadLetter { queue, max_receive_count: DEFAULT_RECEIVES };
        let declared = DeclaredQueue { dead_letter: Some(dead_letter), ..DeclaredQueue::default() };
        self.queues.insert(name.clone(), declared);
        // A message is kept from its first send on: moving it here does not start its clock anew.
        let kept = Some(Seconds(limits::RETENTION_MAX.as_secs()));
        let keeper = DeclaredQueue { message_retention_period: kept, ..DeclaredQueue::default() };
        self.queues.entry(parsed).or_insert(keeper);
        Ok(())
    }

    fn check_dead_letters(&self) -> Result<(), DeclarationError> {
        for (name, queue) in &self.queues {
            let Some(dead_letter) = &queue.dead_letter else { continue };
            let target = QueueName::parse(&dead_letter.queue).ok();
            let declared = target.as_ref().is_some_and(|target| self.queues.contains_key(target));
            if !declared {
                let reason = format!("`{}` is not declared in this file", dead_letter.queue);
                return Err(value_error(name.as_str(), "dead_letter.queue", reason));
            }
            if target.is_some_and(|target| target.is_fifo() != name.is_fifo()) {
                let reason = "the dead-letter queue of a FIFO queue is FIFO, and only of one";
                return Err(value_error(name.as_str(), "dead_letter.queue", reason.to_owned()));
            }
            if dead_letter.queue == name.as_str() {
                let reason = "a queue cannot be its own dead-letter queue".to_owned();
                return Err(value_error(name.as_str(), "dead_letter.queue", reason));
            }
        }
        Ok(())
    }
}

impl DeclaredQueue {
    fn check(&self, queue: &str) -> Result<(), DeclarationError> {
        let ranges = [
            (
                "visibility_timeout",
                self.visibility_timeout,
                Duration::ZERO,
                limits::VISIBILITY_TIMEOUT_MAX,
            ),
            (
                "message_retention_period",
                self.message_retention_period,
                limits::RETENTION_MIN,
                limits::RETENTION_MAX,
            ),
            (
                "receive_message_wait_time",
                self.receive_message_wait_time,
                Duration::ZERO,
                limits::RECEIVE_WAIT_MAX,
            ),
            ("delay", self.delay, Duration::ZERO, limits::DELAY_MAX),
        ];
        for (key, value, min, max) in ranges {
            let fits = value.is_none_or(|value| (min..=max).contains(&value.as_duration()));
            if !fits {
                let reason = format!("must be from {} to {} seconds", min.as_secs(), max.as_secs());
                return Err(value_error(queue, key, reason));
            }
        }
        self.check_counts(queue)
    }

    fn check_counts(&self, queue: &str) -> Result<(), DeclarationError> {
        let sizes = limits::MESSAGE_BYTES_MAX_MIN..=limits::MESSAGE_BYTES_MAX;
        if self.maximum_message_size.is_some_and(|size| !sizes.contains(&size)) {
            let reason = format!("must be from {} to {} bytes", sizes.start(), sizes.end());
            return Err(value_error(queue, "maximum_message_size", reason));
        }
        let counts = limits::RECEIVE_COUNT_BEFORE_DEAD_LETTER;
        let count = self.dead_letter.as_ref().map(|dead_letter| dead_letter.max_receive_count);
        if count.is_some_and(|count| !counts.contains(&count)) {
            let reason = format!("must be from {} to {}", counts.start(), counts.end());
            return Err(value_error(queue, "dead_letter.max_receive_count", reason));
        }
        Ok(())
    }

    fn check_fifo(&self, queue: &QueueName) -> Result<(), DeclarationError> {
        let fifo_keys = [
            ("content_based_deduplication", self.content_based_deduplication.is_some()),
            ("deduplication_scope", self.deduplication_scope.is_some()),
            ("fifo_throughput_limit", self.fifo_throughput_limit.is_some()),
        ];
        let misplaced = fifo_keys.into_iter().find(|(_, is_set)| *is_set && !queue.is_fifo());
        if let Some((key, _)) = misplaced {
            let reason = "is of FIFO queues only, whose names end in .fifo".to_owned();
            return Err(value_error(queue.as_str(), key, reason));
        }
        let by_group =
            self.fifo_throughput_limit == Some(DeclaredThroughputLimit::PerMessageGroupId);
        if by_group && self.deduplication_scope != Some(DeclaredScope::MessageGroup) {
            let reason =
                "perMessageGroupId needs deduplication_scope = \"messageGroup\"".to_owned();
            return Err(value_error(queue.as_str(), "fifo_throughput_limit", reason));
        }
        Ok(())
    }

    /// The declared attributes but for the redrive policy, as SQS spells them.
    pub fn attributes(&self) -> BTreeMap<AttributeName, String> {
        let seconds = [
            (AttributeName::VisibilityTimeout, self.visibility_timeout),
            (AttributeName::MessageRetentionPeriod, self.message_retention_period),
            (AttributeName::ReceiveMessageWaitTimeSeconds, self.receive_message_wait_time),
            (AttributeName::DelaySeconds, self.delay),
        ];
        let seconds = seconds.into_iter().filter_map(|(name, value)| Some((name, value?.0)));
        let size =
            self.maximum_message_size.map(|size| (AttributeName::MaximumMessageSize, size.into()));
        let numbers = seconds.chain(size).map(|(name, value)| (name, value.to_string()));
        numbers.chain(self.fifo_attributes()).collect()
    }

    fn fifo_attributes(&self) -> impl Iterator<Item = (AttributeName, String)> {
        let by_content = self.content_based_deduplication.map(|value| value.to_string());
        let scope = self.deduplication_scope.map(|scope| scope.as_str().to_owned());
        let limit = self.fifo_throughput_limit.map(|limit| limit.as_str().to_owned());
        let attributes = [
            (AttributeName::ContentBasedDeduplication, by_content),
            (AttributeName::DeduplicationScope, scope),
            (AttributeName::FifoThroughputLimit, limit),
        ];
        attributes.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }
}

/// What the dead-letter queue of a queue is called that is declared by default.
fn dead_letters_of(name: &QueueName) -> String {
    match name.as_str().strip_suffix(".fifo") {
        Some(stem) => format!("{stem}-dead.fifo"),
        None => format!("{name}-dead"),
    }
}

fn value_error(queue: &str, key: &'static str, reason: String) -> DeclarationError {
    DeclarationError::Value { queue: queue.to_owned(), key, reason }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecondsVisitor)
    }
}

struct SecondsVisitor;

impl Visitor<'_> for SecondsVisitor {
    type Value = Seconds;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration such as \"30s\" or \"4d\", or a number of seconds")
    }

    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Seconds, E> {
        u64::try_from(seconds)
            .map(Seconds)
            .map_err(|_| E::custom(format!("{seconds} is not a number of seconds")))
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Seconds, E> {
        Ok(Seconds(seconds))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Seconds, E> {
        let duration = parse_duration(text).map_err(E::custom)?;
        if duration.subsec_nanos() == 0 {
            Ok(Seconds(duration.as_secs()))
        } else {
            Err(E::custom(format!("`{text}` is not a whole number of seconds")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = r#"
[queues.Tasks]
visibility_timeout = "30s"
message_retention_period = "4d"
receive_message_wait_time = 20
dead_letter = { queue = "Dead", max_receive_count = 5 }
tags = { system = "fibonacci" }

[queues.Dead]
message_retention_period = "14d"
"#;

    #[test]
    fn a_declared_queue_has_the_attributes_that_sqs_would_be_sent() {
        let declaration = Declaration::parse(EXAMPLE).unwrap();
        let tasks = &declaration.queues[&QueueName::parse("Tasks").unwrap()];
        let attributes = tasks.attributes();
        assert_eq!(attributes[&AttributeName::VisibilityTimeout], "30");
        assert_eq!(attributes[&AttributeName::MessageRetentionPeriod], "345600");
        assert_eq!(attributes[&AttributeName::ReceiveMessageWaitTimeSeconds], "20");
        assert_eq!(attributes.len(), 3);
        assert_eq!(tasks.dead_letter.as_ref().unwrap().max_receive_count, 5);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let text = "[queues.A]\nvisibility_timeout = 30\nvisibilty = 3\n";
        let fault = Declaration::parse(text).unwrap_err().to_string();
        assert!(fault.contains("line 3") && fault.contains("visibilty"), "{fault}");
    }

    #[test]
    fn a_value_out_of_range_is_named_with_its_range() {
        let fault = Declaration::parse("[queues.A]\ndelay = \"16m\"\n").unwrap_err().to_string();
        assert_eq!(fault, "[queues.A] delay: must be from 0 to 900 seconds");
    }

    #[test]
    fn a_dead_letter_queue_is_declared_in_the_same_file() {
        let text = "[queues.A]\ndead_letter = { queue = \"B\", max_receive_count = 3 }\n";
        let fault = Declaration::parse(text).unwrap_err().to_string();
        assert_eq!(fault, "[queues.A] dead_letter.queue: `B` is not declared in this file");
    }

    #[test]
    fn a_fifo_queue_is_declared_by_its_name_and_has_keys_of_its_own() {
        let text = "[queues.\"A.fifo\"]\ncontent_based_deduplication = true\n\
                    deduplication_scope = \"messageGroup\"\n\
                    fifo_throughput_limit = \"perMessageGroupId\"\n";
        let declaration = Declaration::parse(text).unwrap();
        let attributes = declaration.queues[&QueueName::parse("A.fifo").unwrap()].attributes();
        assert_eq!(attributes[&AttributeName::ContentBasedDeduplication], "true");
        assert_eq!(attributes[&AttributeName::DeduplicationScope], "messageGroup");
        assert_eq!(attributes[&AttributeName::FifoThroughputLimit], "perMessageGroupId");
    }

    #[test]
    fn keys_of_fifo_queues_and_their_dead_letter_queues_stay_among_fifo_queues() {
        for (text, fault) in [
            (
                "[queues.A]\ncontent_based_deduplication = false\n",
                "[queues.A] content_based_deduplication: is of FIFO queues only, whose names end \
                 in .fifo",
            ),
            (
                "[queues.\"A.fifo\"]\nfifo_throughput_limit = \"perMessageGroupId\"\n",
                "[queues.A.fifo] fifo_throughput_limit: perMessageGroupId needs \
                 deduplication_scope = \"messageGroup\"",
            ),
            (
                "[queues.\"A.fifo\"]\ndead_letter = { queue = \"B\", max_receive_count = 3 }\n\
                 [queues.B]\n",
                "[queues.A.fifo] dead_letter.queue: the dead-letter queue of a FIFO queue is FIFO, \
                 and only of one",
            ),
        ] {
            assert_eq!(Declaration::parse(text).unwrap_err().to_string(), fault);
        }
    }
    fn by_default(text: &str, name: &str) -> Result<Declaration, DeclarationError> {
        let mut declaration = Declaration::parse(text)?;
        declaration.declare_by_default(&QueueName::parse(name).unwrap())?;
        Ok(declaration)
    }

    #[test]
    fn a_queue_by_default_has_a_dead_letter_queue_of_its_own() {
        for (name, dead) in [("A", "A-dead"), ("A.fifo", "A-dead.fifo")] {
            let declaration = by_default("", name).unwrap();
            let queue = |name: &str| &declaration.queues[&QueueName::parse(name).unwrap()];
            let (attributes, dead_letter) = (queue(name).attributes(), &queue(name).dead_letter);
            assert_eq!((attributes.len(), &dead_letter.as_ref().unwrap().queue[..]), (0, dead));
            let kept = &queue(dead).attributes()[&AttributeName::MessageRetentionPeriod];
            assert_eq!((kept.as_str(), &queue(dead).dead_letter), ("1209600", &None));
            assert_eq!(declaration.check_dead_letters(), Ok(()));
        }
    }

    #[test]
    fn what_is_declared_stays_as_it_is() {
        let text = "[queues.A]\ndelay = 3\n";
        assert_eq!(by_default(text, "A"), Declaration::parse(text));
        let with_dead = by_default("[queues.A-dead]\ndelay = 3\n", "A").unwrap();
        let dead = &with_dead.queues[&QueueName::parse("A-dead").unwrap()];
        assert_eq!((dead.delay, dead.message_retention_period), (Some(Seconds(3)), None));
    }

    #[test]
    fn a_dead_letter_queue_whose_name_would_be_too_long_is_named() {
        let fault = by_default("", &"x".repeat(80)).unwrap_err().to_string();
        assert!(fault.contains("xx-dead]"), "{fault}");
    }
}
