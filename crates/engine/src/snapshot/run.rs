//! Messages that nothing has happened to since they were sent, as a checkpoint has them.
//!
//! Most of a large backlog is of this sort, and a start reads all of it: so these are plain numbers side by side.
//!
//! ```text
//! 0       8         16      20      36
//! ├─ key ─┼─ sent ──┼ bytes ┼─ id ──┤   little-endian; the next message follows
//! ```

use longshore_types::{MessageId, Timestamp};
use minicbor::decode::{Decoder, Error};
use minicbor::encode::{self, Encoder, Write};
use minicbor::{Decode, Encode};

use crate::MessageKey;
use crate::message::Kept;

/// Bytes of a message.
const MESSAGE_BYTES: usize = 36;

/// Fresh messages in the order of their keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Run(Vec<u8>);

impl Run {
    /// How many messages it has.
    pub(super) fn len(&self) -> usize {
        self.0.len() / MESSAGE_BYTES
    }

    pub(super) fn push(&mut self, key: MessageKey, message: &Kept) {
        self.0.extend_from_slice(&key.get().to_le_bytes());
        self.0.extend_from_slice(&message.sent_at.as_millis().to_le_bytes());
        self.0.extend_from_slice(&message.bytes.to_le_bytes());
        self.0.extend_from_slice(&message.id.to_bytes());
    }

    pub(super) fn messages(&self) -> impl Iterator<Item = (MessageKey, Kept)> + '_ {
        let (messages, _) = self.0.as_chunks::<MESSAGE_BYTES>();
        messages.iter().map(message)
    }
}

fn message(bytes: &[u8; MESSAGE_BYTES]) -> (MessageKey, Kept) {
    let key = MessageKey::new(u64::from_le_bytes(part(bytes, 0)));
    let sent_at = Timestamp::from_millis(u64::from_le_bytes(part(bytes, 8)));
    let id = MessageId::from_bytes(part(bytes, 20));
    (key, Kept::sent(id, u32::from_le_bytes(part(bytes, 16)), sent_at, sent_at))
}

fn part<const LEN: usize>(bytes: &[u8; MESSAGE_BYTES], at: usize) -> [u8; LEN] {
    std::array::from_fn(|index| bytes[at + index])
}

impl<C> Encode<C> for Run {
    fn encode<W: Write>(
        &self,
        encoder: &mut Encoder<W>,
        _context: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        encoder.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Run {
    fn decode(decoder: &mut Decoder<'b>, _context: &mut C) -> Result<Self, Error> {
        let bytes = decoder.bytes()?;
        if bytes.len() % MESSAGE_BYTES != 0 {
            return Err(Error::message("a run of messages ends within one"));
        }
        Ok(Self(bytes.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_reads_back_as_it_was_written_and_not_if_it_is_cut() {
        let mut run = Run::default();
        for key in 1..=3 {
            let (id, at) = (MessageId::from_random([7; 16]), Timestamp::from_millis(1 << 40));
            run.push(MessageKey::new(key), &Kept::sent(id, 100, at, at));
        }
        let mut bytes = minicbor::to_vec(&run).unwrap();
        let read: Run = minicbor::decode(&bytes).unwrap();
        assert_eq!((read.len(), read.messages().last()), (3, run.messages().last()));
        assert_eq!(run.messages().nth(1).unwrap().1.bytes, 100);
        let len = run.0.len() - 1;
        bytes = minicbor::to_vec(minicbor::bytes::ByteVec::from(run.0[..len].to_vec())).unwrap();
        assert!(minicbor::decode::<Run>(&bytes).is_err());
    }
}
