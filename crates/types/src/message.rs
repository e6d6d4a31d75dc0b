//! What a message is made of: its id and its attributes.

use std::collections::BTreeMap;
use std::fmt;

use minicbor::{Decode, Encode};
use uuid::Uuid;

/// The id that SQS gives a message: a random UUID, shown in lower case with hyphens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct MessageId(#[cbor(n(0), with = "minicbor::bytes")] [u8; 16]);

impl MessageId {
    /// The id made of 16 random bytes; six bits are overwritten to mark a random UUID.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid().into_bytes())
    }

    /// The id that was written down as these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes to write down.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Uuid::from_bytes(self.0).as_hyphenated())
    }
}

/// A message attribute's value.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum AttributeValue {
    /// The value of a `String` or `Number` attribute, as it was sent.
    #[n(0)]
    Text(#[n(0)] String),
    /// The value of a `Binary` attribute, decoded.
    #[n(1)]
    Binary(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
}

impl AttributeValue {
    /// The bytes that count towards the size of a message and into its digest.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// A message attribute: a data type such as `String`, `Number` or `Binary.png`, and a value.
///
/// ```
/// use longshore_types::{MessageAttribute, MessageAttributes};
///
/// let attributes = MessageAttributes::from([
///     ("taskName".to_owned(), MessageAttribute::text("thumbnail")),
///     ("createdAt".to_owned(), MessageAttribute::number(1_700_000_000_000_u64)),
/// ]);
/// assert_eq!(attributes["createdAt"].data_type, "Number");
/// assert_eq!(attributes["taskName"].as_text(), Some("thumbnail"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct MessageAttribute {
    /// The data type with its custom suffix, as it was sent.
    #[n(0)]
    pub data_type: String,
    /// The value.
    #[n(1)]
    pub value: AttributeValue,
}

impl MessageAttribute {
    /// An attribute of data type `String`.
    pub fn text(value: impl Into<String>) -> Self {
        Self { data_type: "String".to_owned(), value: AttributeValue::Text(value.into()) }
    }

    /// An attribute of data type `Number`.
    pub fn number(value: impl fmt::Display) -> Self {
        Self { data_type: "Number".to_owned(), value: AttributeValue::Text(value.to_string()) }
    }

    /// The value, if it is text.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            AttributeValue::Text(text) => Some(text),
            AttributeValue::Binary(_) => None,
        }
    }
}

/// Message attributes by name, in the order that digests want.
pub type MessageAttributes = BTreeMap<String, MessageAttribute>;

/// The bytes of a message that SQS counts: its body, and the name, data type and value of each
/// message attribute. System attributes and ids are not counted.
pub fn message_bytes(body: &str, attributes: &MessageAttributes) -> usize {
    let attribute_bytes = |(name, attribute): (&String, &MessageAttribute)| {
        name.len() + attribute.data_type.len() + attribute.value.as_bytes().len()
    };
    body.len() + attributes.iter().map(attribute_bytes).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_random_uuid_in_lower_case() {
        let id = MessageId::from_random([0xAB; 16]).to_string();
        assert_eq!(id, "abababab-abab-4bab-abab-abababababab");
    }

    #[test]
    fn size_counts_bytes_of_body_names_types_and_values() {
        let attributes = MessageAttributes::from([("k".to_owned(), MessageAttribute::text("x"))]);
        assert_eq!(message_bytes("é", &attributes), 2 + 1 + 6 + 1);
    }
}
