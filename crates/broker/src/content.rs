//! What storage keeps of a message beside the engine's few words: its body and all that a
//! receive gives back verbatim.
//!
//! The bytes are CBOR with numbered fields, so that a later version can add fields and still
//! read what this one wrote.

use longshore_types::MessageAttributes;
use minicbor::{Decode, Encode};

/// A message as its sender made it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Content {
    /// The body, exactly as it was sent.
    #[n(0)]
    pub(crate) body: String,
    /// The body's MD5 in hexadecimal, kept because every receive gives it back.
    #[n(1)]
    pub(crate) body_md5: String,
    /// The message attributes.
    #[n(2)]
    pub(crate) attributes: MessageAttributes,
    /// `AWSTraceHeader`.
    #[n(3)]
    pub(crate) trace_header: Option<String>,
    /// `SenderId`.
    #[n(4)]
    pub(crate) sender: String,
    /// `MessageGroupId`, as a receive gives it back; the engine has its own, to schedule by.
    #[n(5)]
    pub(crate) group: Option<String>,
    /// `MessageDeduplicationId` of a message that was sent to a FIFO queue.
    #[n(6)]
    pub(crate) deduplication_id: Option<String>,
}

impl Content {
    /// The bytes to store.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.body.len() + 128);
        minicbor::encode(self, &mut bytes).expect("writing to memory cannot fail");
        bytes
    }

    /// The content that `bytes` hold.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, minicbor::decode::Error> {
        minicbor::decode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use longshore_types::MessageAttribute;

    use super::*;

    #[test]
    fn content_reads_back_as_it_was_written() {
        let attributes = [("k".to_owned(), MessageAttribute::text("x"))];
        let content = Content {
            body: "a\r\n\u{1F600}".to_owned(),
            body_md5: "0".repeat(32),
            attributes: attributes.into_iter().collect(),
            trace_header: None,
            sender: "000000000000".to_owned(),
            group: Some("tenant".to_owned()),
            deduplication_id: None,
        };
        assert_eq!(Content::decode(&content.encode()).unwrap(), content);
    }

    #[test]
    fn the_bytes_of_a_message_without_a_deduplication_id_are_those_of_before_there_were_any() {
        let content = Content {
            body: "b".to_owned(),
            body_md5: "m".to_owned(),
            attributes: MessageAttributes::new(),
            trace_header: None,
            sender: "s".to_owned(),
            group: Some("g".to_owned()),
            deduplication_id: None,
        };
        let bytes = [0x86, 0x61, b'b', 0x61, b'm', 0xa0, 0xf6, 0x61, b's', 0x61, b'g'];
        assert_eq!(content.encode(), bytes);
        assert_eq!(Content::decode(&bytes).unwrap(), content);
    }
}
