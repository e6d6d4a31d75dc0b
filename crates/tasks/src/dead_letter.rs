//! Copies for dead-letter queues: the message as it was, and why it is there.

use longshore_types::{MessageAttribute, MessageAttributes, limits};

use crate::contents::is_allowed;
use crate::envelope::TASK_ID;
use crate::id::TaskId;
use crate::transport::{OutgoingMessage, QueueHandle, ReceivedMessage};

/// The message attribute that says why a message is in a dead-letter queue.
pub const REASON: &str = "reason";

/// Letters of a reason: enough for an error with its causes, little beside 1 MiB.
const REASON_CHARS_MAX: usize = 1000;

/// A copy of `message` for the dead-letter queue `target`.
///
/// It bears the reason, the task's id if there is one (so that a redrive keeps it), and as many
/// of the other attributes as there is room for: ten attributes, 1 MiB.
pub(crate) fn copy(
    target: &QueueHandle,
    message: &ReceivedMessage,
    task: Option<&TaskId>,
    reason: &str,
) -> OutgoingMessage {
    let mut ours = MessageAttributes::new();
    ours.insert(REASON.to_owned(), MessageAttribute::text(plain(reason)));
    if let Some(task) = task {
        ours.insert(TASK_ID.to_owned(), MessageAttribute::text(task.as_str()));
    }
    let mut copy = OutgoingMessage::new(message.body.clone(), ours);
    for (name, attribute) in &message.attributes {
        add_if_it_fits(&mut copy, name, attribute);
    }
    drop_what_is_too_much(&mut copy);
    if target.is_fifo() {
        copy.group_id = Some(message.message_id.clone());
        copy.deduplication_id = Some(message.message_id.clone());
    }
    copy
}

fn add_if_it_fits(copy: &mut OutgoingMessage, name: &str, attribute: &MessageAttribute) {
    if copy.attributes.len() < limits::MESSAGE_ATTRIBUTES_MAX && name != REASON {
        copy.attributes.entry(name.to_owned()).or_insert_with(|| attribute.clone());
    }
}

/// A message of 1 MiB has no room for a reason: the body is what cannot be spared.
fn drop_what_is_too_much(copy: &mut OutgoingMessage) {
    while copy.bytes() > limits::MESSAGE_BYTES_MAX as usize {
        let spared = copy.attributes.keys().find(|name| *name != REASON).cloned();
        copy.attributes.remove(spared.as_deref().unwrap_or(REASON));
    }
}

/// A text that every endpoint takes as an attribute: not empty, and of characters that XML has.
fn plain(reason: &str) -> String {
    let clean = |c: char| if c.is_control() || !is_allowed(c) { ' ' } else { c };
    let text: String = reason.chars().map(clean).take(REASON_CHARS_MAX).collect();
    if text.trim().is_empty() { "no reason was given".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(attribute_count: usize, body: String) -> ReceivedMessage {
        let attribute = |n| (format!("a{n}"), MessageAttribute::text("v"));
        ReceivedMessage {
            message_id: "m-1".to_owned(),
            receipt_handle: "r-1".to_owned(),
            body,
            attributes: (0..attribute_count).map(attribute).collect(),
            receive_count: 1,
            sent_at: None,
        }
    }

    #[test]
    fn a_copy_has_ten_attributes_at_most_and_the_reason_is_one() {
        let target = QueueHandle::new("dead", "http://h/1/dead");
        let copy = copy(&target, &message(10, String::new()), None, "why\u{ffff}");
        assert_eq!(copy.attributes.len(), 10);
        assert_eq!(copy.attributes[REASON].as_text(), Some("why "));
    }

    #[test]
    fn a_copy_fits_however_large_the_message_is() {
        let target = QueueHandle::new("dead", "http://h/1/dead");
        let body = "x".repeat(limits::MESSAGE_BYTES_MAX as usize);
        let copy = copy(&target, &message(0, body), TaskId::parse("t").ok().as_ref(), "why");
        assert_eq!(copy.bytes(), limits::MESSAGE_BYTES_MAX as usize);
    }
}
