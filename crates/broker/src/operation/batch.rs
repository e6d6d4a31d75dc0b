//! The batch actions: a loop over the single action's own code, with a batch's own rules around.
//!
//! An entry that fails is told in `Failed`, and the others are carried out; only what is wrong
//! with the batch as a whole refuses the request.

use std::time::Duration;

use longshore_types::limits::MESSAGE_BYTES_MAX;
use longshore_wire::{
    BatchKind, BatchResultEntry, BatchResultErrorEntry, ChangeMessageVisibilityBatch,
    ChangeMessageVisibilityBatchReply, DeleteMessageBatch, DeleteMessageBatchReply,
    SendMessageBatch, SendMessageBatchReply, SendMessageBatchResultEntry, SqsError, check,
};

use super::change_message_visibility::change_visibility;
use super::delete_message::{Handle, delete};
use super::draft::Draft;
use crate::caller::Caller;
use crate::core::{Operation, Turn};
use crate::log::Room;
use crate::queue_url::QueueAddress;
use crate::runtime::Runtime;

/// What the entries came to, by id: those that succeeded, and those that failed.
type Results<T> = (Vec<(String, T)>, Vec<BatchResultErrorEntry>);

/// A batch, prepared: the queue, what is wrong with the batch's shape, and the entries by id.
#[derive(Debug)]
struct Batch<E> {
    queue_url: String,
    shape: Result<(), SqsError>,
    entries: Vec<(String, E)>,
}

impl<E> Batch<E> {
    fn new(queue_url: String, kind: BatchKind, entries: Vec<(Option<String>, E)>) -> Self {
        let shape = check::batch_shape(entries.iter().map(|(id, _)| id.as_deref()), kind);
        let named = |(id, entry): (Option<String>, E)| (id.unwrap_or_default(), entry);
        Self { queue_url, shape, entries: entries.into_iter().map(named).collect() }
    }

    /// Carries each entry out, and answers what each came to.
    fn run<T>(
        self,
        turn: &mut Turn<'_>,
        mut one: impl FnMut(&mut Turn<'_>, longshore_engine::QueueId, E) -> Result<T, SqsError>,
    ) -> Result<Results<T>, SqsError> {
        let queue = turn.resolve(&self.queue_url)?;
        self.shape?;
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for (id, entry) in self.entries {
            match one(turn, queue, entry) {
                Ok(result) => successful.push((id, result)),
                Err(refusal) => failed.push(refusal.into_entry(id)),
            }
        }
        Ok((successful, failed))
    }
}

/// A batch of sends, prepared.
#[derive(Debug)]
pub(super) struct SendBatch(Batch<Draft>);

impl SendBatch {
    pub(super) fn prepare(input: SendMessageBatch, runtime: &Runtime, caller: &Caller) -> Self {
        let is_fifo = QueueAddress::is_fifo(&input.queue_url);
        let entries = input.entries.into_iter().map(|mut entry| {
            let id = entry.id.take();
            (id, Draft::new(entry.into_send(String::new()), is_fifo, runtime, caller))
        });
        let entries = entries.collect();
        let mut batch = Batch::new(input.queue_url, BatchKind::Send, entries);
        batch.shape = batch.shape.and_then(|()| check_total(&batch.entries));
        Self(batch)
    }
}

impl SendBatch {
    /// The ids of messages for a FIFO queue are right in all entries, or the batch is refused.
    fn check_ids(&self, turn: &mut Turn<'_>) -> Result<(), SqsError> {
        let queue = turn.resolve(&self.0.queue_url)?;
        self.0.shape.clone()?;
        let mut drafts = self.0.entries.iter().map(|(_, draft)| draft);
        drafts.try_for_each(|draft| draft.check_ids(queue, turn).map_err(of_batch))
    }
}

/// What is missing in an entry is, in SQS's words, a wrong value of the batch.
fn of_batch(refusal: SqsError) -> SqsError {
    if matches!(refusal, SqsError::MissingParameter(_)) {
        return SqsError::InvalidParameterValue(refusal.to_string());
    }
    refusal
}

/// All messages of a batch together are as large as one may be, whatever the queue's own limit.
fn check_total(entries: &[(String, Draft)]) -> Result<(), SqsError> {
    let bytes = entries.iter().map(|(_, draft)| draft.bytes).sum();
    if bytes > MESSAGE_BYTES_MAX as usize {
        return Err(SqsError::BatchRequestTooLong(bytes));
    }
    Ok(())
}

serve_by!(SendMessageBatch, |input, runtime, caller| SendBatch::prepare(input, runtime, caller));

impl Operation for SendBatch {
    type Reply = SendMessageBatchReply;

    fn room(&self) -> Room {
        if self.0.shape.is_err() {
            return Room::none();
        }
        Room::grow(self.0.entries.iter().map(|(_, draft)| draft.room_bytes()).sum())
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<SendMessageBatchReply, SqsError> {
        self.check_ids(turn)?;
        let (sent, failed) = self.0.run(turn, |turn, queue, draft| draft.send(queue, turn))?;
        let successful =
            sent.into_iter().map(|(id, sent)| SendMessageBatchResultEntry { id, sent }).collect();
        Ok(SendMessageBatchReply { successful, failed })
    }
}

/// A batch of deletes, prepared.
#[derive(Debug)]
pub(super) struct DeleteBatch(Batch<Handle>);

impl DeleteBatch {
    pub(super) fn prepare(input: DeleteMessageBatch, runtime: &Runtime) -> Self {
        let entries = input.entries.into_iter();
        let entries =
            entries.map(|entry| (entry.id, Handle::parse(entry.receipt_handle, runtime))).collect();
        Self(Batch::new(input.queue_url, BatchKind::Delete, entries))
    }
}

serve_by!(DeleteMessageBatch, |input, runtime, _| DeleteBatch::prepare(input, runtime));

impl Operation for DeleteBatch {
    type Reply = DeleteMessageBatchReply;

    fn room(&self) -> Room {
        Room::shrink()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<DeleteMessageBatchReply, SqsError> {
        let (deleted, failed) =
            self.0.run(turn, |turn, queue, handle| delete(turn, queue, &handle))?;
        let successful = ids(deleted);
        Ok(DeleteMessageBatchReply { successful, failed })
    }
}

/// A batch of changes of visibility, prepared.
#[derive(Debug)]
pub(super) struct ChangeVisibilityBatch(Batch<(Handle, Result<Duration, SqsError>)>);

impl ChangeVisibilityBatch {
    pub(super) fn prepare(input: ChangeMessageVisibilityBatch, runtime: &Runtime) -> Self {
        let entries = input.entries.into_iter().map(|entry| {
            let handle = Handle::parse(entry.receipt_handle, runtime);
            (entry.id, (handle, check::entry_visibility(entry.visibility_timeout.as_ref())))
        });
        Self(Batch::new(input.queue_url, BatchKind::ChangeVisibility, entries.collect()))
    }
}

serve_by!(ChangeMessageVisibilityBatch, |input, runtime, _| ChangeVisibilityBatch::prepare(
    input, runtime
));

impl Operation for ChangeVisibilityBatch {
    type Reply = ChangeMessageVisibilityBatchReply;

    fn room(&self) -> Room {
        Room::keep()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<ChangeMessageVisibilityBatchReply, SqsError> {
        let (changed, failed) = self.0.run(turn, |turn, queue, (handle, timeout)| {
            change_visibility(turn, queue, &handle, timeout)
        })?;
        let reply = ChangeMessageVisibilityBatchReply { successful: ids(changed), failed };
        Ok(reply)
    }
}

fn ids(entries: Vec<(String, ())>) -> Vec<BatchResultEntry> {
    entries.into_iter().map(|(id, ())| BatchResultEntry { id }).collect()
}
