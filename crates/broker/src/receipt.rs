//! Receipt handles: what a receive hands out, and what a delete must bring back.
//!
//! ```text
//! 0        8        16      20         24             32          48
//! ├─ queue ┼─ key ──┼─ epoch┼─ delivery┼─ received at ┼── mac ────┤   big-endian, then base64url
//! ```
//!
//! A handle holds all that is needed to honour it, so that none is remembered and every one
//! survives a restart. The MAC is over the first 32 bytes, with the broker's own secret.
//!
//! # Invariants
//!
//! - A handle names one delivery for ever: the queue's id is never given to another queue, the key
//!   never to another message, and a delivery that a power cut took back bears an earlier epoch.
//! - A handle that this broker did not make is refused, whatever it says.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use longshore_engine::{MessageKey, QueueId, Receipt};
use longshore_types::Timestamp;
use sha2::Sha256;

const FACTS_BYTES: usize = 32;
const MAC_BYTES: usize = 16;
const HANDLE_BYTES: usize = FACTS_BYTES + MAC_BYTES;

/// Makes receipt handles and knows its own again.
#[derive(Clone)]
pub(crate) struct ReceiptMaker {
    mac: Hmac<Sha256>,
}

impl std::fmt::Debug for ReceiptMaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReceiptMaker")
    }
}

impl ReceiptMaker {
    /// The maker with the broker's secret.
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self { mac: Hmac::new_from_slice(secret).expect("HMAC takes a key of any length") }
    }

    /// The handle of a delivery.
    pub(crate) fn handle(&self, receipt: &Receipt) -> String {
        let facts = facts(receipt);
        let mut bytes = [0; HANDLE_BYTES];
        bytes[..FACTS_BYTES].copy_from_slice(&facts);
        bytes[FACTS_BYTES..].copy_from_slice(&self.seal(&facts));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The delivery that a handle names, if this broker made it.
    pub(crate) fn parse(&self, handle: &str) -> Option<Receipt> {
        let bytes = URL_SAFE_NO_PAD.decode(handle).ok()?;
        let bytes: [u8; HANDLE_BYTES] = bytes.try_into().ok()?;
        let (facts, mac) = bytes.split_at(FACTS_BYTES);
        self.mac.clone().chain_update(facts).verify_truncated_left(mac).ok()?;
        Some(receipt(facts))
    }

    fn seal(&self, facts: &[u8]) -> [u8; MAC_BYTES] {
        let mac = self.mac.clone().chain_update(facts).finalize().into_bytes();
        mac[..MAC_BYTES].try_into().expect("a SHA-256 MAC is longer than that")
    }
}

fn facts(receipt: &Receipt) -> [u8; FACTS_BYTES] {
    let mut bytes = [0; FACTS_BYTES];
    bytes[..8].copy_from_slice(&receipt.queue.get().to_be_bytes());
    bytes[8..16].copy_from_slice(&receipt.key.get().to_be_bytes());
    bytes[16..20].copy_from_slice(&receipt.epoch.to_be_bytes());
    bytes[20..24].copy_from_slice(&receipt.delivery.to_be_bytes());
    bytes[24..].copy_from_slice(&receipt.received_at.as_millis().to_be_bytes());
    bytes
}

fn receipt(facts: &[u8]) -> Receipt {
    Receipt {
        queue: QueueId::new(u64::from_be_bytes(part(facts, 0))),
        key: MessageKey::new(u64::from_be_bytes(part(facts, 8))),
        epoch: u32::from_be_bytes(part(facts, 16)),
        delivery: u32::from_be_bytes(part(facts, 20)),
        received_at: Timestamp::from_millis(u64::from_be_bytes(part(facts, 24))),
    }
}

fn part<const N: usize>(facts: &[u8], from: usize) -> [u8; N] {
    facts[from..from + N].try_into().expect("the range has N bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Receipt {
        Receipt {
            queue: QueueId::new(7),
            key: MessageKey::new(1 << 40),
            epoch: 3,
            delivery: 2,
            received_at: Timestamp::from_millis(1_790_000_000_000),
        }
    }

    #[test]
    fn a_handle_names_its_delivery() {
        let maker = ReceiptMaker::new(b"secret");
        assert_eq!(maker.parse(&maker.handle(&example())), Some(example()));
    }

    #[test]
    fn a_handle_with_any_letter_changed_is_refused() {
        let maker = ReceiptMaker::new(b"secret");
        let handle = maker.handle(&example());
        for place in 0..handle.len() {
            let mut forged = handle.clone().into_bytes();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(maker.parse(&forged), None, "{place}");
        }
    }

    #[test]
    fn a_handle_of_another_broker_is_refused() {
        let handle = ReceiptMaker::new(b"other").handle(&example());
        assert_eq!(ReceiptMaker::new(b"secret").parse(&handle), None);
        assert_eq!(ReceiptMaker::new(b"secret").parse("garbage"), None);
    }
}
