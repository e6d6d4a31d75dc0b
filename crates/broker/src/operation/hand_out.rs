//! What of a receive may be handed out once its contents are read, and what is withheld.

use longshore_engine::{MessageKey, QueueId};
use longshore_wire::SqsError;

use crate::content::Content;
use crate::core::{Asker, Delivered, Operation, Received, Turn};
use crate::log::Room;
use crate::runtime::{Found, Runtime};

/// A message with its content.
pub(super) type Readable<'a> = (&'a Delivered, Content);

/// What may be handed out of what was delivered, and how many messages were withheld.
pub(super) async fn hand_out<'a>(
    runtime: &Runtime,
    asker: Asker<'_>,
    delivered: &'a [Delivered],
    contents: Vec<Found>,
) -> Result<(Vec<Readable<'a>>, usize), SqsError> {
    let mut received = Received::default();
    let mut readable = Vec::new();
    for (message, found) in delivered.iter().zip(contents) {
        match found {
            Found::Whole(content) => {
                received.others.push(message.receipt);
                readable.push((message, *content));
            }
            Found::Gone => {}
            Found::Rotten => received.rotten.push(message.receipt.key),
            Found::Unread => received.unread.push(message.receipt.key),
        }
    }
    let (rotten, unread) = (received.rotten.len(), received.unread.len());
    let queue = delivered.first().map(|message| message.receipt.queue);
    if let (Some(queue), true) = (queue, rotten + unread > 0) {
        let behind = runtime.perform(Withhold { queue, received }, asker).await?;
        readable.retain(|(message, _)| !behind.contains(&message.receipt.key));
    }
    if readable.is_empty() && unread > 0 {
        return Err(SqsError::InternalFailure);
    }
    Ok((readable, rotten))
}

/// Withholds messages that cannot be handed out, and answers which others must not be either.
struct Withhold {
    queue: QueueId,
    received: Received,
}

impl Operation for Withhold {
    type Reply = Vec<MessageKey>;

    fn room(&self) -> Room {
        Room::keep()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<Vec<MessageKey>, SqsError> {
        turn.withhold(self.queue, &self.received)
    }
}
