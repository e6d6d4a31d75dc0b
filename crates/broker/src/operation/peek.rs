//! Looking at a queue's messages without receiving them. SQS has no such action; stand-ins for it do,
//! and tests rely on it.

use longshore_engine::{Peek, Receipt};
use longshore_wire::{ReceiveMessageReply, SqsError};

use super::receive_message::Wanted;
use crate::bounds::Share;
use crate::caller::Caller;
use crate::core::{Asker, Delivered, Operation, Turn};
use crate::log::Room;
use crate::runtime::{Found, Runtime};

/// Messages of an answer at most.
const MESSAGES_MAX: usize = 1000;

/// Bytes of bodies and attributes of an answer, but for the first message's.
const BYTES_MAX: u32 = 8 << 20;

/// What stands for the receipt handle of a message that was not received. It deletes nothing.
const NO_HANDLE: &str = "SQS/BACKDOOR/ACCESS";

/// Whoever may receive from a queue may look at it.
const ACTION: &str = "ReceiveMessage";

/// Which messages of which queue somebody wants to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PeekMessages {
    pub(crate) queue_url: String,
    pub(crate) in_flight: bool,
    pub(crate) delayed: bool,
}

/// What somebody saw.
#[derive(Debug)]
pub(crate) struct Peeked {
    pub(crate) reply: ReceiveMessageReply,
    /// Whether there are more messages than are answered at once.
    pub(crate) is_cut: bool,
}

/// The messages of an answer, before their bodies are read.
#[derive(Debug)]
pub(crate) struct Seen {
    messages: Vec<Delivered>,
    is_cut: bool,
}

/// The messages, the oldest first, as a receive answers them. Those whose content cannot be read are left out.
pub(crate) async fn peek(
    runtime: &Runtime,
    caller: &Caller,
    peek: PeekMessages,
    share: &mut Share,
) -> Result<Peeked, SqsError> {
    let all = ["All".to_owned()];
    let wanted = Wanted::of(&[], &all, &all);
    let seen = runtime.perform(peek, Asker::new(caller, ACTION)).await?;
    let contents = runtime.contents(&seen.messages, share).await?;
    let message = |(message, found): (&Delivered, Found)| match found {
        Found::Whole(content) => Some(wanted.message(message, NO_HANDLE.to_owned(), *content)),
        Found::Gone | Found::Rotten | Found::Unread => None,
    };
    let messages = seen.messages.iter().zip(contents).filter_map(message).collect();
    Ok(Peeked { reply: ReceiveMessageReply { messages }, is_cut: seen.is_cut })
}

impl Operation for PeekMessages {
    type Reply = Seen;

    fn room(&self) -> Room {
        Room::none()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<Seen, SqsError> {
        let queue = turn.resolve(&self.queue_url)?;
        let (epoch, received_at) = (turn.catalog().epoch(), turn.now());
        let Self { in_flight, delayed, .. } = self;
        let count_max = MESSAGES_MAX + 1;
        let seen = turn.queue(queue)?.peek(Peek { in_flight, delayed, count_max });
        let there = seen.len();
        let mut bytes = 0_u32;
        let fits = seen.into_iter().take(MESSAGES_MAX).take_while(|(_, told)| {
            let before = bytes;
            bytes = bytes.saturating_add(told.bytes);
            before == 0 || bytes <= BYTES_MAX
        });
        let messages: Vec<_> = fits
            .map(|(key, told)| {
                let receipt = Receipt { queue, key, epoch, delivery: told.number, received_at };
                Delivered::new(receipt, told, |time| turn.shown(time))
            })
            .collect();
        Ok(Seen { is_cut: messages.len() < there, messages })
    }
}
