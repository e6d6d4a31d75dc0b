//! What has to change so that one queue is as it was declared. Pure: it compares, and that is all.

use std::collections::BTreeMap;
use std::fmt;

use longshore_types::{AttributeName, QueueName};
use serde_json::Value;

use super::admin::{Attributes, ExistingQueue, Tags};

/// A queue as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredQueue {
    /// Its name.
    pub name: QueueName,
    /// Its attributes, but for the redrive policy.
    pub attributes: Attributes,
    /// Where its messages go that were received too often.
    pub dead_letter: Option<DesiredDeadLetter>,
    /// Its tags.
    pub tags: Tags,
}

/// A dead-letter queue by its name, and how many receives a message gets before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredDeadLetter {
    /// The dead-letter queue.
    pub queue: QueueName,
    /// Receives that a message gets.
    pub receive_count_max: u32,
}

impl DesiredDeadLetter {
    /// The redrive policy, once the dead-letter queue's ARN is known.
    pub fn policy(&self, arn: &str) -> String {
        let count = self.receive_count_max;
        serde_json::json!({"deadLetterTargetArn": arn, "maxReceiveCount": count}).to_string()
    }
}

/// One difference between a queue as it is and as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// There is no such queue.
    Create {
        /// The queue.
        queue: QueueName,
        /// All its declared attributes, the redrive policy among them.
        attributes: Attributes,
        /// All its declared tags.
        tags: Tags,
    },
    /// Attributes have other values.
    SetAttributes {
        /// The queue.
        queue: QueueName,
        /// Where requests about it go.
        url: String,
        /// The values that differ.
        attributes: Attributes,
        /// What those attributes are now, where they are set.
        before: Attributes,
    },
    /// Tags are missing or have other values.
    Tag {
        /// The queue.
        queue: QueueName,
        /// Where requests about it go.
        url: String,
        /// The tags that differ.
        tags: Tags,
    },
}

/// The changes that make `existing` what is `desired`.
///
/// `dead_letter_arn` is the ARN of its dead-letter queue, where it has one.
pub(crate) fn changes(
    desired: &DesiredQueue,
    dead_letter_arn: Option<&str>,
    existing: Option<&ExistingQueue>,
) -> Vec<Change> {
    let mut attributes = desired.attributes.clone();
    if let (Some(dead_letter), Some(arn)) = (&desired.dead_letter, dead_letter_arn) {
        attributes.insert(AttributeName::RedrivePolicy, dead_letter.policy(arn));
    }
    match existing {
        None => vec![creation(desired, attributes)],
        Some(existing) => differences(desired, attributes, existing),
    }
}

fn creation(desired: &DesiredQueue, mut attributes: Attributes) -> Change {
    if desired.name.is_fifo() {
        attributes.insert(AttributeName::FifoQueue, "true".to_owned());
    }
    Change::Create { queue: desired.name.clone(), attributes, tags: desired.tags.clone() }
}

fn differences(
    desired: &DesiredQueue,
    mut attributes: Attributes,
    existing: &ExistingQueue,
) -> Vec<Change> {
    attributes.retain(|name, value| !is_set(*name, value, &existing.attributes));
    let mut tags = desired.tags.clone();
    tags.retain(|key, value| existing.tags.get(key) != Some(value));
    let (queue, url) = (desired.name.clone(), existing.url.clone());
    let mut changes = Vec::new();
    if !attributes.is_empty() {
        let mut before = existing.attributes.clone();
        before.retain(|name, _| attributes.contains_key(name));
        let (queue, url) = (queue.clone(), url.clone());
        changes.push(Change::SetAttributes { queue, url, attributes, before });
    }
    if !tags.is_empty() {
        changes.push(Change::Tag { queue, url, tags });
    }
    changes
}

fn is_set(name: AttributeName, value: &str, existing: &Attributes) -> bool {
    let Some(current) = existing.get(&name) else { return false };
    if name == AttributeName::RedrivePolicy {
        return redrive_policy(current) == redrive_policy(value);
    }
    current == value
}

/// A redrive policy's members as texts: SQS answers `maxReceiveCount` as it was sent, and others
/// send it as a string.
fn redrive_policy(text: &str) -> Option<BTreeMap<String, String>> {
    let members: BTreeMap<String, Value> = serde_json::from_str(text).ok()?;
    let plain = |value: Value| value.as_str().map_or_else(|| value.to_string(), Into::into);
    Some(members.into_iter().map(|(name, value)| (name, plain(value))).collect())
}

impl Change {
    /// The queue that is created or changed.
    pub fn queue(&self) -> &QueueName {
        match self {
            Self::Create { queue, .. }
            | Self::SetAttributes { queue, .. }
            | Self::Tag { queue, .. } => queue,
        }
    }

    /// What is done to the queue, in a word.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Create { .. } => "created",
            Self::SetAttributes { .. } => "set",
            Self::Tag { .. } => "tagged",
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { queue, attributes, tags } => {
                write!(f, "create {queue}")?;
                attributes
                    .iter()
                    .try_for_each(|(name, value)| write!(f, "\n  {name} = {value}"))?;
                write_tags(f, tags)
            }
            Self::SetAttributes { queue, attributes, before, .. } => {
                write!(f, "set {queue}")?;
                attributes.iter().try_for_each(|(name, value)| {
                    let before = before.get(name).map_or("(unset)", String::as_str);
                    write!(f, "\n  {name} = {value}, now {before}")
                })
            }
            Self::Tag { queue, tags, .. } => {
                write!(f, "tag {queue}")?;
                write_tags(f, tags)
            }
        }
    }
}

fn write_tags(f: &mut fmt::Formatter<'_>, tags: &Tags) -> fmt::Result {
    tags.iter().try_for_each(|(key, value)| write!(f, "\n  tag {key} = {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:Dead";

    fn name(text: &str) -> QueueName {
        QueueName::parse(text).unwrap()
    }

    fn desired(queue: &str) -> DesiredQueue {
        DesiredQueue {
            name: name(queue),
            attributes: Attributes::from([(AttributeName::VisibilityTimeout, "30".to_owned())]),
            dead_letter: Some(DesiredDeadLetter { queue: name("Dead"), receive_count_max: 5 }),
            tags: Tags::from([("system".to_owned(), "fibonacci".to_owned())]),
        }
    }

    /// The queue as it is once it was created from `desired`.
    fn existing(policy: &str) -> ExistingQueue {
        let attributes = [
            (AttributeName::VisibilityTimeout, "30"),
            (AttributeName::MessageRetentionPeriod, "345600"),
            (AttributeName::RedrivePolicy, policy),
        ];
        ExistingQueue {
            url: "http://h/1/Work".to_owned(),
            attributes: attributes.map(|(name, value)| (name, value.to_owned())).into(),
            tags: Tags::from([
                ("system".to_owned(), "fibonacci".to_owned()),
                ("owner".to_owned(), "someone".to_owned()),
            ]),
        }
    }

    fn policy(count: &str) -> String {
        format!(r#"{{"maxReceiveCount":{count},"deadLetterTargetArn":"{ARN}"}}"#)
    }

    #[test]
    fn a_queue_that_is_missing_is_created_whole() {
        let changes = changes(&desired("Work"), Some(ARN), None);
        let [Change::Create { queue, attributes, tags }] = &changes[..] else {
            panic!("{changes:?}")
        };
        assert_eq!(queue.as_str(), "Work");
        assert!(attributes[&AttributeName::RedrivePolicy].contains(ARN));
        assert!(!attributes.contains_key(&AttributeName::FifoQueue));
        assert_eq!(tags["system"], "fibonacci");
    }

    #[test]
    fn a_fifo_queue_is_created_as_one() {
        let changes = changes(&desired("Work.fifo"), Some(ARN), None);
        let [Change::Create { attributes, .. }] = &changes[..] else { panic!("{changes:?}") };
        assert_eq!(attributes[&AttributeName::FifoQueue], "true");
    }

    #[test]
    fn a_queue_that_is_as_declared_is_left_alone_however_its_policy_is_spelled() {
        for count in ["5", "\"5\""] {
            let existing = existing(&policy(count));
            assert_eq!(changes(&desired("Work"), Some(ARN), Some(&existing)), []);
        }
    }

    #[test]
    fn only_what_differs_is_set() {
        let changes = changes(&desired("Work"), Some(ARN), Some(&existing(&policy("3"))));
        let [Change::SetAttributes { attributes, before, .. }] = &changes[..] else {
            panic!("{changes:?}")
        };
        assert_eq!(attributes.keys().collect::<Vec<_>>(), [&AttributeName::RedrivePolicy]);
        assert_eq!(before[&AttributeName::RedrivePolicy], policy("3"));
    }

    #[test]
    fn a_tag_that_was_not_declared_stays() {
        let mut existing = existing(&policy("5"));
        existing.tags.remove("system");
        let changes = changes(&desired("Work"), Some(ARN), Some(&existing));
        let [Change::Tag { tags, .. }] = &changes[..] else { panic!("{changes:?}") };
        assert_eq!(tags.keys().collect::<Vec<_>>(), ["system"]);
    }

    #[test]
    fn a_change_reads_as_what_will_be_done() {
        let mut existing = existing(&policy("5"));
        existing.attributes.insert(AttributeName::VisibilityTimeout, "60".to_owned());
        let changes = changes(&desired("Work"), Some(ARN), Some(&existing));
        assert_eq!(changes[0].to_string(), "set Work\n  VisibilityTimeout = 30, now 60");
    }
}
