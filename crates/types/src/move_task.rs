//! The id of a message move task.

use std::fmt;

use minicbor::{Decode, Encode};
use uuid::Uuid;

/// The id of a message move task: a random UUID, shown in lower case with hyphens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct MoveTaskId(#[cbor(n(0), with = "minicbor::bytes")] [u8; 16]);

impl MoveTaskId {
    /// The id made of 16 random bytes; six bits are overwritten to mark a random UUID.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid().into_bytes())
    }

    /// The id that a text shows; `None` if it shows none.
    pub fn parse(text: &str) -> Option<Self> {
        let id = Uuid::try_parse(text).ok().map(|uuid| Self(uuid.into_bytes()))?;
        // A UUID can be written in several ways, and only one of them was handed out.
        (id.to_string() == text).then_some(id)
    }

    /// The bytes of the UUID.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for MoveTaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Uuid::from_bytes(self.0).as_hyphenated())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_it_is_shown_and_in_no_other_way() {
        let id = MoveTaskId::from_random([0xAB; 16]);
        assert_eq!(MoveTaskId::parse(&id.to_string()), Some(id));
        let other = [id.to_string().to_uppercase(), id.to_string().replace('-', ""), "x".into()];
        assert!(other.iter().all(|text| MoveTaskId::parse(text).is_none()));
    }
}
