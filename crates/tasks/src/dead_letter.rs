//! Copies for dead-letter queues: the message as it was, and why it is there.

use longshore_types::{MessageAttribute, MessageAttributes, limits};

use crate::contents::is_allowed;
pub use crate::envelope::REASON;
use crate::envelope::{GENERATION, TASK_ID, TRACESTATE};
use crate::id::{TaskId, fifo_id};
use crate::transport::{OutgoingMessage, QueueHandle};

/// Letters of a reason: enough for an error with its causes, little beside 1 MiB.
const REASON_CHARS_MAX: usize = 1000;

/// What is dead-lettered: a task's message as it was, or what its record keeps of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeadLetter<'a> {
    pub(crate) body: &'a str,
    pub(crate) attributes: &'a MessageAttributes,
    /// The task, and the generation that it died in; `None` for what is no task.
    pub(crate) task: Option<(&'a TaskId, u32)>,
    pub(crate) reason: &'a str,
    /// What a FIFO queue knows the copy of what is no task by.
    pub(crate) fifo_id: &'a str,
}

/// A copy for the dead-letter queue `target`.
///
/// It bears the task's id and generation (so that a redrive is known for one), the reason, and as
/// many of the other attributes as there is room for: ten attributes, 1 MiB. `tracestate` is the first to go without.
pub(crate) fn copy(target: &QueueHandle, letter: DeadLetter<'_>) -> OutgoingMessage {
    let mut ours = MessageAttributes::new();
    ours.insert(REASON.to_owned(), MessageAttribute::text(plain(letter.reason)));
    if let Some((id, generation)) = letter.task {
        ours.insert(TASK_ID.to_owned(), MessageAttribute::text(id.as_str()));
        ours.insert(GENERATION.to_owned(), MessageAttribute::number(generation));
    }
    let mut copy = OutgoingMessage::new(letter.body, ours);
    let (noted, others): (Vec<_>, Vec<_>) =
        letter.attributes.iter().partition(|(name, _)| *name == TRACESTATE);
    for (name, attribute) in others.into_iter().chain(noted) {
        add_if_it_fits(&mut copy, name, attribute);
    }
    drop_what_is_too_much(&mut copy);
    if target.is_fifo() {
        let (group, deduplication) = fifo_ids(letter);
        copy.group_id = Some(fifo_id(&group));
        copy.deduplication_id = Some(fifo_id(&deduplication));
    }
    copy
}

/// The message group and the deduplication id. Of a task they are the same whoever sends the copy,
/// from the message or from the record: a repeat is dropped. A further death, after a redrive, is none; nor
/// is the task's own message, which bears the task's id, should SQS have dead-lettered it.
fn fifo_ids(letter: DeadLetter<'_>) -> (String, String) {
    match letter.task {
        // A tilde is in no task id, so this is no other task's.
        Some((id, generation)) => (id.to_string(), format!("{id}~{generation}")),
        None => (letter.fifo_id.to_owned(), letter.fifo_id.to_owned()),
    }
}

fn add_if_it_fits(copy: &mut OutgoingMessage, name: &str, attribute: &MessageAttribute) {
    if copy.attributes.len() < limits::MESSAGE_ATTRIBUTES_MAX && name != REASON {
        copy.attributes.entry(name.to_owned()).or_insert_with(|| attribute.clone());
    }
}

/// A message of 1 MiB has no room for more. Its body cannot be spared; of the attributes the id and
/// the generation go last, for a redrive could not be told from a duplicate without them.
fn drop_what_is_too_much(copy: &mut OutgoingMessage) {
    while copy.bytes() > limits::MESSAGE_BYTES_MAX as usize {
        let last = [REASON, GENERATION, TASK_ID];
        let spared = copy.attributes.keys().filter(|name| !last.contains(&name.as_str()));
        let spared = spared.min_by_key(|name| *name != TRACESTATE).cloned();
        let spared = spared.or_else(|| {
            last.iter().find(|name| copy.attributes.contains_key(**name)).map(ToString::to_string)
        });
        let Some(spared) = spared else { return };
        copy.attributes.remove(&spared);
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

    fn attributes(count: usize) -> MessageAttributes {
        (0..count).map(|n| (format!("a{n}"), MessageAttribute::text("v"))).collect()
    }

    fn letter<'a>(
        body: &'a str,
        attributes: &'a MessageAttributes,
        task: Option<(&'a TaskId, u32)>,
    ) -> OutgoingMessage {
        let target = QueueHandle::new("dead", "http://h/1/dead");
        let letter = DeadLetter { body, attributes, task, reason: "why\u{ffff}", fifo_id: "m-1" };
        copy(&target, letter)
    }

    #[test]
    fn a_copy_has_ten_attributes_at_most_and_the_reason_is_one() {
        let copy = letter("", &attributes(10), None);
        assert_eq!(copy.attributes.len(), 10);
        assert_eq!(copy.attributes[REASON].as_text(), Some("why "));
    }

    #[test]
    fn what_was_noted_beside_a_trace_takes_the_room_of_nothing_else() {
        let noted = (TRACESTATE.to_owned(), MessageAttribute::text("v"));
        let with = |others| attributes(others).into_iter().chain([noted.clone()]).collect();
        assert!(letter("", &with(8), None).attributes.contains_key(TRACESTATE));
        let later = ("zone".to_owned(), MessageAttribute::text("v"));
        let full: MessageAttributes = with(8).into_iter().chain([later]).collect();
        let copy = letter("", &full, None);
        assert!(!copy.attributes.contains_key(TRACESTATE) && copy.attributes.contains_key("zone"));
        let room = REASON.len() + "String".len() + "why ".len() + "a0Stringv".len();
        let body = "x".repeat(limits::MESSAGE_BYTES_MAX as usize - room);
        let copy = letter(&body, &with(1), None);
        assert_eq!(copy.attributes.into_keys().collect::<Vec<_>>(), ["a0", REASON]);
    }

    #[test]
    fn a_copy_fits_however_large_the_message_is() {
        let body = "x".repeat(limits::MESSAGE_BYTES_MAX as usize);
        let id = TaskId::parse("t").unwrap();
        let copy = letter(&body, &MessageAttributes::new(), Some((&id, 1)));
        assert_eq!(copy.bytes(), limits::MESSAGE_BYTES_MAX as usize);
    }

    #[test]
    fn a_redriven_copy_bears_the_generation_that_it_died_in_now() {
        let id = TaskId::parse("t").unwrap();
        let before = MessageAttributes::from([
            (GENERATION.to_owned(), MessageAttribute::number(1)),
            (REASON.to_owned(), MessageAttribute::text("before")),
        ]);
        let copy = letter("8", &before, Some((&id, 2)));
        assert_eq!(copy.attributes[GENERATION].as_text(), Some("2"));
        assert_eq!(copy.attributes[REASON].as_text(), Some("why "));
    }

    #[test]
    fn id_and_generation_outrank_the_reason() {
        let id = TaskId::parse("t").unwrap();
        let room = TASK_ID.len() + GENERATION.len() + "StringNumber".len() + "t1".len();
        let body = "x".repeat(limits::MESSAGE_BYTES_MAX as usize - room);
        let copy = letter(&body, &attributes(3), Some((&id, 1)));
        let names: Vec<_> = copy.attributes.keys().map(String::as_str).collect();
        assert_eq!(names, [GENERATION, TASK_ID]);
    }

    #[test]
    fn on_a_fifo_queue_each_death_of_a_task_is_kept_and_a_repeat_of_one_is_dropped() {
        let target = QueueHandle::new("dead.fifo", "http://h/1/dead.fifo");
        let id = TaskId::parse(&"t".repeat(128)).unwrap();
        let none = MessageAttributes::new();
        let ids = |generation, fifo_id| {
            let task = Some((&id, generation));
            let letter = DeadLetter { body: "8", attributes: &none, task, reason: "", fifo_id };
            let copy = copy(&target, letter);
            (copy.group_id.unwrap(), copy.deduplication_id.unwrap())
        };
        let (first, second) = (ids(1, "message-1"), ids(2, "message-2"));
        assert_eq!(first, ids(1, id.as_str()), "from the record");
        assert_eq!(second, ids(2, id.as_str()), "from the record");
        assert_eq!((first.0.as_str(), &first.0), (id.as_str(), &second.0));
        assert_ne!(first.1, second.1);
        assert_ne!(first.1, fifo_id(id.as_str()), "the task's own message");
        assert!(second.1.len() <= 128);
    }
}
