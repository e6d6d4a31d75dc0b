//! `SendMessage`.

use longshore_wire::{SendMessage, SendMessageReply, SqsError};

use super::draft::Draft;
use crate::caller::Caller;
use crate::core::{Operation, Turn};
use crate::log::Room;
use crate::queue_url::QueueAddress;
use crate::runtime::Runtime;

/// A send, prepared.
#[derive(Debug)]
pub(super) struct Send {
    queue_url: String,
    draft: Draft,
}

impl Send {
    pub(super) fn prepare(mut input: SendMessage, runtime: &Runtime, caller: &Caller) -> Self {
        let queue_url = std::mem::take(&mut input.queue_url);
        let is_fifo = QueueAddress::is_fifo(&queue_url);
        Self { queue_url, draft: Draft::new(input, is_fifo, runtime, caller) }
    }
}

serve_by!(SendMessage, |input, runtime, caller| Send::prepare(input, runtime, caller));

impl Operation for Send {
    type Reply = SendMessageReply;

    fn room(&self) -> Room {
        Room::grow(self.draft.room_bytes())
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<SendMessageReply, SqsError> {
        let id = turn.resolve(&self.queue_url)?;
        let reply = self.draft.send(id, turn)?;
        Ok(reply)
    }
}
