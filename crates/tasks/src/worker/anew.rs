//! The message of a task that is sent anew, as the same task.

use longshore_types::{MessageAttribute, MessageAttributes, limits};

use crate::envelope::{GENERATION, TASK_ID};
use crate::id::TaskId;
use crate::life::TaskRecord;
use crate::trace;
use crate::transport::OutgoingMessage;

/// The message of the task `id` with that body, those attributes and the id; `None` if there is no room for it.
pub(super) fn message(
    id: &TaskId,
    body: &str,
    attributes: &MessageAttributes,
) -> Option<OutgoingMessage> {
    let mut attributes = attributes.clone();
    attributes.insert(TASK_ID.to_owned(), MessageAttribute::text(id.as_str()));
    let mut message = OutgoingMessage::new(body, attributes);
    trace::spare(&mut message);
    let full = message.attributes.len() > limits::MESSAGE_ATTRIBUTES_MAX;
    let fits = !full && message.bytes() <= limits::MESSAGE_BYTES_MAX as usize;
    fits.then_some(message)
}

/// As [`message`], from what the record keeps, which asks for the generation that the record is in.
pub(super) fn message_of(record: &TaskRecord) -> Option<OutgoingMessage> {
    let mut attributes = record.asked.attributes.clone();
    if let Some(died_in) = record.life.generation.checked_sub(1).filter(|died_in| *died_in > 0) {
        attributes.insert(GENERATION.to_owned(), MessageAttribute::number(died_in));
    }
    let mut message = message(&record.id, record.asked.body.as_deref()?, &attributes)?;
    message.group_id.clone_from(&record.asked.key);
    Some(message)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::envelope::Envelope;
    use crate::life::Asked;

    fn record(body: Option<&str>, attributes: usize, generation: u32) -> TaskRecord {
        let attribute = |n| (format!("a{n}"), MessageAttribute::text("v"));
        let attributes = (0..attributes).map(attribute).collect();
        let asked = Asked { body: body.map(ToOwned::to_owned), attributes, ..Asked::default() };
        let mut record = TaskRecord::assumed(TaskId::parse("t").unwrap(), asked);
        Arc::make_mut(&mut record.life).generation = generation;
        record
    }

    #[test]
    fn a_message_from_the_record_asks_for_the_generation_that_the_record_is_in() {
        for generation in 1..4 {
            let message = message_of(&record(Some("8"), 2, generation)).unwrap();
            let envelope = Envelope::open(&message.attributes);
            assert_eq!((envelope.generation(), message.body.as_str()), (generation, "8"));
            assert_eq!(envelope.task_id, TaskId::parse("t").ok());
        }
    }

    #[test]
    fn without_the_argument_or_room_for_the_id_there_is_no_message() {
        assert_eq!(message_of(&record(None, 2, 1)), None);
        assert!(message_of(&record(Some("8"), 9, 1)).is_some());
        assert_eq!(message_of(&record(Some("8"), 10, 1)), None);
    }
}
