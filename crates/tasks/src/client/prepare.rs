//! A task becomes a message and a record, and is refused here if the queue would refuse it anyway:
//! before it is PENDING.

use std::sync::Arc;
use std::time::Duration;

use longshore_types::limits::{DELAY_MAX, MESSAGE_BYTES_MAX};
use tokio::time::Instant;
use tracing::Span;

use super::{ClientOptions, SendError, SendOptions};
use crate::codec::Codec;
use crate::contents;
use crate::envelope::Envelope;
use crate::id::TaskId;
use crate::life::Asked;
use crate::task::Task;
use crate::task_options::ReplyMode;
use crate::trace::{self, TraceContext, spans};
use crate::transport::{OutgoingMessage, QueueHandle};

/// Characters of a message group's id (SQS API reference, `SendMessage`).
const KEY_CHARS_MAX: usize = 128;

/// A task that has its id and its message, and is not sent yet.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) name: &'static str,
    pub(super) id: TaskId,
    pub(super) message: OutgoingMessage,
    pub(super) asked: Arc<Asked>,
    /// Whether its `MessageId` is noted: a foreign worker may reply to it, or somebody sends the task's id again and
    /// learns by it that the task was sent.
    pub(super) has_alias: bool,
    /// Until when it waits while its queue throttles sends.
    pub(super) throttled_until: Instant,
    /// The span of the send, which ends when the task is let go of.
    pub(super) span: Span,
}

/// The message and the record of a task.
///
/// # Errors
///
/// The task cannot be sent as it is.
pub(super) fn prepare<T: Task>(
    task: &T,
    send: SendOptions,
    queue: &QueueHandle,
    options: &ClientOptions,
) -> Result<Prepared, SendError> {
    let now = options.clock.now();
    let id_is_callers = send.id.is_some();
    let id = send.id.unwrap_or_else(|| TaskId::generate(now, options.random.as_ref()));
    let key = send.key.or_else(|| task.key());
    let given = TraceContext::read(send.traceparent.as_deref(), send.tracestate.as_deref());
    let span = spans::send(queue.name(), &id, T::NAME, given.as_ref());
    let trace = TraceContext::of(&span).or(given);
    let mode = reply_mode::<T>(options);
    let by_queue = mode == ReplyMode::Queue;
    let envelope = Envelope {
        task_name: Some(T::NAME.to_owned()),
        task_id: Some(id.clone()),
        reply_to: options.reply_queue.clone().filter(|_| by_queue),
        reply_by: Some(mode).filter(|_| !by_queue),
        traceparent: trace.as_ref().map(|trace| trace.parent),
        tracestate: trace.and_then(|trace| trace.state),
        created_at: Some(now),
        deadline: send.deadline,
        ..Envelope::default()
    };
    let body = T::Codec::encode_argument(task).map_err(SendError::from);
    let message = body.and_then(|body| {
        let message = OutgoingMessage::new(body, envelope.seal());
        fit(message.in_group_of(queue, &id, id.as_str()), key.as_deref(), send.delay, queue)
    });
    let message = message.inspect_err(|_| spans::fail(&span, "refused"))?;
    let (name, tags, created_at) = (Some(T::NAME.to_owned()), send.tags, now);
    let asked = Asked { name, key, tags, created_at, ..kept_of(&message, queue, options) };
    let wanted_for = send.deadline.map_or(Duration::MAX, |deadline| deadline.since(now));
    let throttled_until = Instant::now() + options.throttle_patience.min(wanted_for);
    Ok(Prepared {
        name: T::NAME,
        id,
        message,
        asked: Arc::new(asked),
        has_alias: id_is_callers || mode != ReplyMode::None,
        throttled_until,
        span,
    })
}

/// What the record keeps of the message.
fn kept_of(message: &OutgoingMessage, queue: &QueueHandle, options: &ClientOptions) -> Asked {
    let body = Some(&message.body).filter(|body| body.len() <= options.argument_kept_bytes);
    let (body, attributes) = (body.cloned(), message.attributes.clone());
    Asked { queue: queue.name().to_owned(), body, attributes, ..Asked::default() }
}

/// The message as the queue takes it.
fn fit(
    mut message: OutgoingMessage,
    key: Option<&str>,
    delay: Option<Duration>,
    queue: &QueueHandle,
) -> Result<OutgoingMessage, SendError> {
    if let Some(key) = key {
        message.group_id = Some(checked_key(key)?);
    }
    message.delay = delay.map(|delay| checked_delay(delay, queue)).transpose()?;
    trace::spare(&mut message);
    check(&message)?;
    Ok(message)
}

/// How the reply travels: decided here, once, for the message tells the worker.
fn reply_mode<T: Task>(options: &ClientOptions) -> ReplyMode {
    options.replies.get(T::NAME).copied().or(T::options().reply).unwrap_or_default()
}

fn checked_key(key: &str) -> Result<String, SendError> {
    let fits = (1..=KEY_CHARS_MAX).contains(&key.len());
    if fits && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(key.to_owned());
    }
    Err(SendError::invalid(format!(
        "its key `{}` is no message group: write 1 to 128 ASCII letters, digits and punctuation",
        key.escape_debug()
    )))
}

fn checked_delay(delay: Duration, queue: &QueueHandle) -> Result<Duration, SendError> {
    if queue.is_fifo() {
        let name = queue.name();
        return Err(SendError::invalid(format!(
            "{name} is a FIFO queue, which delays no single message: set DelaySeconds of the queue"
        )));
    }
    if delay > DELAY_MAX {
        return Err(SendError::invalid(format!(
            "it is delayed by {delay:?}, and SQS by 15 min at most"
        )));
    }
    Ok(delay)
}

/// What the endpoint would refuse anyway is refused here.
fn check(message: &OutgoingMessage) -> Result<(), SendError> {
    let bytes = message.bytes();
    if bytes > MESSAGE_BYTES_MAX as usize {
        return Err(SendError::invalid(format!(
            "the task has {bytes} bytes, and SQS takes {MESSAGE_BYTES_MAX}"
        )));
    }
    contents::check_body(&message.body).map_err(SendError::invalid)
}
