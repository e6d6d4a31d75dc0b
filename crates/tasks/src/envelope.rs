//! What a task's message says beside its argument: message attributes, each of which can be absent.
//!
//! The body is the argument alone. A message without these attributes, from a foreign producer,
//! is a task of the queue's default name with the SQS `MessageId` as its id. Attributes that are
//! not ours are left alone.

use longshore_types::{MessageAttribute, MessageAttributes, Timestamp};

use crate::id::TaskId;
use crate::task_options::ReplyMode;
use crate::trace::{TraceContext, TraceParent, TraceState};
use crate::transport::ReceivedMessage;

/// The task's name, by which a worker finds the handler.
pub const TASK_NAME: &str = "taskName";
/// The task's id.
pub const TASK_ID: &str = "taskId";
/// The queue that wants the reply: a name or a URL.
pub const REPLY_TO: &str = "replyTo";
/// How the reply travels where no queue wants it: `store` or `none`.
pub const REPLY_BY: &str = "replyBy";
/// The W3C trace context of the sender.
pub const TRACEPARENT: &str = "traceparent";
/// What the tracers on the sender's way have noted, beside `traceparent`.
pub const TRACESTATE: &str = "tracestate";
/// When the message was made: milliseconds since the epoch, a Number.
pub const CREATED_AT: &str = "createdAt";
/// What was done to the body (compressed, encrypted, claim-checked); absent if nothing was.
pub const ENCODING: &str = "encoding";

/// When the task is no longer wanted: milliseconds since the epoch, a Number.
pub const DEADLINE: &str = "deadline";
/// In a dead letter: why the task died, a String.
pub const REASON: &str = "reason";
/// In a dead letter, and in what is redriven of it: the generation that the task died in, a Number.
pub const GENERATION: &str = "generation";

/// What a task's message says beside its argument.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// The task's name; absent, it is the queue's default task.
    pub task_name: Option<String>,
    /// The task's id; absent, it is the message's.
    pub task_id: Option<TaskId>,
    /// The queue that wants the reply, a name or a URL; absent, it is the worker's own.
    pub reply_to: Option<String>,
    /// How the reply travels, as its sender decided; absent, the worker decides.
    pub reply_by: Option<ReplyMode>,
    /// The W3C trace context of the sender.
    pub traceparent: Option<TraceParent>,
    /// What the tracers on the sender's way have noted; nothing without a trace context.
    pub tracestate: Option<TraceState>,
    /// When the message was made.
    pub created_at: Option<Timestamp>,
    /// What was done to the body.
    pub encoding: Option<String>,
    /// When the task is no longer wanted.
    pub deadline: Option<Timestamp>,
    /// The generation that the task died in, of a dead letter that was redriven.
    pub died_in: Option<u32>,
}

impl Envelope {
    /// Reads what a message says of its task. Where it bears no trace context of its own, `AWSTraceHeader` says it.
    pub fn of(message: &ReceivedMessage) -> Self {
        let mut envelope = Self::open(&message.attributes);
        let of_x_ray = || TraceParent::of_x_ray(message.trace_header.as_deref()?);
        envelope.traceparent = envelope.traceparent.or_else(of_x_ray);
        envelope
    }

    /// Reads what is there. A value that makes no sense is taken as absent.
    pub fn open(attributes: &MessageAttributes) -> Self {
        let text = |name: &str| attributes.get(name).and_then(MessageAttribute::as_text);
        let owned = |name: &str| text(name).map(ToOwned::to_owned);
        let trace = TraceContext::read(text(TRACEPARENT), text(TRACESTATE));
        let died_in = text(GENERATION).and_then(|number| number.parse().ok());
        Self {
            task_name: owned(TASK_NAME),
            task_id: text(TASK_ID).and_then(|id| TaskId::parse(id).ok()),
            reply_to: owned(REPLY_TO),
            reply_by: text(REPLY_BY).and_then(ReplyMode::parse),
            traceparent: trace.as_ref().map(|trace| trace.parent),
            tracestate: trace.and_then(|trace| trace.state),
            created_at: text(CREATED_AT).and_then(parse_millis),
            encoding: owned(ENCODING),
            deadline: text(DEADLINE).and_then(parse_millis),
            // A dead letter of an earlier version bears a reason and no generation: it had only one.
            died_in: died_in.or_else(|| attributes.contains_key(REASON).then_some(1)),
        }
    }

    /// Where the sender was in a trace.
    pub fn trace(&self) -> Option<TraceContext> {
        Some(TraceContext { parent: self.traceparent?, state: self.tracestate.clone() })
    }

    /// How the sender wants the reply: a queue that it names wants it. `None` leaves it to the worker.
    pub fn reply_mode(&self) -> Option<ReplyMode> {
        self.reply_to.as_ref().map(|_| ReplyMode::Queue).or(self.reply_by)
    }

    /// Whether the message was made by a program that is no client of ours. A task of its keeps that
    /// when it is sent anew: it has an id of ours then, and still no time.
    pub fn is_foreign(&self) -> bool {
        self.task_id.is_none() || self.created_at.is_none()
    }

    /// The generation of the task that the message asks for: the one after that of a dead letter.
    pub fn generation(&self) -> u32 {
        self.died_in.map_or(1, |generation| generation.saturating_add(1))
    }

    /// The attributes to send.
    pub fn seal(&self) -> MessageAttributes {
        let texts = [
            (TASK_NAME, self.task_name.as_deref()),
            (TASK_ID, self.task_id.as_ref().map(TaskId::as_str)),
            (REPLY_TO, self.reply_to.as_deref()),
            (REPLY_BY, self.reply_by.map(ReplyMode::as_str)),
            (ENCODING, self.encoding.as_deref()),
        ];
        let mut attributes: MessageAttributes = texts
            .into_iter()
            .filter_map(|(name, text)| Some((name.to_owned(), MessageAttribute::text(text?))))
            .collect();
        attributes.extend(self.trace().iter().flat_map(trace_attributes));
        let times = [(CREATED_AT, self.created_at), (DEADLINE, self.deadline)];
        attributes.extend(times.into_iter().filter_map(|(name, time)| {
            Some((name.to_owned(), MessageAttribute::number(time?.as_millis())))
        }));
        if let Some(generation) = self.died_in {
            attributes.insert(GENERATION.to_owned(), MessageAttribute::number(generation));
        }
        attributes
    }
}

/// The id of the task in `message`, whoever sent it.
///
/// A message id is always a valid task id on SQS; if an endpoint gives others, what of it cannot
/// be in an id is replaced.
pub fn task_id_of(envelope: &Envelope, message: &ReceivedMessage) -> TaskId {
    if let Some(id) = &envelope.task_id {
        return id.clone();
    }
    TaskId::parse(&message.message_id).unwrap_or_else(|_| {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let text: String = message.message_id.chars().map(plain).take(64).collect();
        TaskId::parse(&format!("{text:_<1}")).expect("1 to 64 plain characters are an id")
    })
}

/// The attributes that say where a message's sender was in a trace.
pub(crate) fn trace_attributes(
    trace: &TraceContext,
) -> impl Iterator<Item = (String, MessageAttribute)> {
    let parent = (TRACEPARENT, trace.parent.to_string());
    let state = trace.state.as_ref().map(|state| (TRACESTATE, state.to_string()));
    let attributes = [Some(parent), state].into_iter().flatten();
    attributes.map(|(name, text)| (name.to_owned(), MessageAttribute::text(text)))
}

fn parse_millis(text: &str) -> Option<Timestamp> {
    text.parse().ok().map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_reads_back_as_it_was_written() {
        let envelope = Envelope {
            task_name: Some("fibonacci".to_owned()),
            task_id: TaskId::parse("t-1").ok(),
            reply_to: Some("FibonacciStatusQueue".to_owned()),
            reply_by: None,
            traceparent: TraceParent::new(0x0af7_6519, 0xb7ad_6b71, 1),
            tracestate: TraceState::parse("vendor=1"),
            created_at: Some(Timestamp::from_millis(1_600_000_000_123)),
            encoding: Some("gzip".to_owned()),
            deadline: Some(Timestamp::from_millis(1_600_000_009_000)),
            died_in: Some(2),
        };
        let attributes = envelope.seal();
        assert_eq!(attributes[CREATED_AT].data_type, "Number");
        assert_eq!(Envelope::open(&attributes), envelope);
        assert_eq!(attributes.len(), 9, "SQS has room for ten, and a dead letter's reason is one");
    }

    #[test]
    fn how_a_reply_travels_is_said_where_no_queue_wants_it() {
        let envelope = Envelope { reply_by: Some(ReplyMode::None), ..Envelope::default() };
        let attributes = envelope.seal();
        assert_eq!((attributes.len(), Envelope::open(&attributes)), (1, envelope));
    }

    #[test]
    fn what_was_noted_beside_no_place_in_a_trace_is_nothing() {
        let noted = (TRACESTATE.to_owned(), MessageAttribute::text("vendor=1"));
        let envelope = Envelope::open(&MessageAttributes::from([noted]));
        assert_eq!(envelope, Envelope::default());
        let alone = Envelope { tracestate: TraceState::parse("vendor=1"), ..envelope };
        assert_eq!(alone.seal(), MessageAttributes::new());
    }

    #[test]
    fn a_dead_letter_without_a_generation_died_in_the_first() {
        let reason = (REASON.to_owned(), MessageAttribute::text("why"));
        assert_eq!(Envelope::open(&MessageAttributes::from([reason])).generation(), 2);
        assert_eq!(Envelope::open(&MessageAttributes::new()).generation(), 1);
    }

    #[test]
    fn what_is_absent_is_not_sent() {
        assert_eq!(Envelope::default().seal(), MessageAttributes::new());
    }

    #[test]
    fn an_id_that_makes_no_sense_is_no_id() {
        let attributes =
            MessageAttributes::from([(TASK_ID.to_owned(), MessageAttribute::text("a b"))]);
        assert_eq!(Envelope::open(&attributes), Envelope::default());
    }
}
