//! Requests and answers as they travel: the members of SQS's JSON that are asked for or read, by
//! their names there. Whatever else an answer has is passed over, and what it lacks is absent.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use longshore_types::{AttributeValue, MessageAttribute, MessageAttributes};
use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NamedQueue<'a> {
    pub(super) queue_name: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AskedAttributes<'a> {
    pub(super) queue_url: &'a str,
    pub(super) attribute_names: [&'static str; 3],
}

/// The request of every batch call.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Batch<'a, E> {
    pub(super) queue_url: &'a str,
    pub(super) entries: Vec<E>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendEntry<'a> {
    pub(super) id: String,
    pub(super) message_body: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delay_seconds: Option<i32>,
    #[serde(skip_serializing_if = "Attributes::is_empty")]
    pub(super) message_attributes: Attributes<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message_group_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message_deduplication_id: Option<&'a str>,
}

/// An entry that names a receipt, and how long its message shall stay in flight if that is to change.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReceiptEntry {
    pub(super) id: String,
    pub(super) receipt_handle: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) visibility_timeout: Option<i32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Receive<'a> {
    pub(super) queue_url: &'a str,
    pub(super) max_number_of_messages: usize,
    pub(super) wait_time_seconds: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) visibility_timeout: Option<i32>,
    pub(super) message_attribute_names: [&'static str; 1],
    pub(super) message_system_attribute_names: [&'static str; 4],
}

/// Message attributes on their way out.
#[derive(Debug)]
pub(super) struct Attributes<'a>(pub(super) &'a MessageAttributes);

impl Attributes<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, Attribute(value))))
    }
}

struct Attribute<'a>(&'a MessageAttribute);

impl Serialize for Attribute<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut shape = serializer.serialize_struct("MessageAttributeValue", 2)?;
        shape.serialize_field("DataType", &self.0.data_type)?;
        match &self.0.value {
            AttributeValue::Text(text) => shape.serialize_field("StringValue", text)?,
            AttributeValue::Binary(bytes) => {
                shape.serialize_field("BinaryValue", &BASE64.encode(bytes))?;
            }
        }
        shape.end()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct FoundQueue {
    pub(super) queue_url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct FoundAttributes {
    pub(super) attributes: Option<HashMap<String, String>>,
}

/// The answer to every batch call.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", bound = "E: Deserialize<'de>")]
pub(super) struct BatchAnswer<E> {
    successful: Option<Vec<E>>,
    failed: Option<Vec<FailedEntry>>,
}

impl<E> BatchAnswer<E> {
    pub(super) fn into_parts(self) -> (Vec<E>, Vec<FailedEntry>) {
        (self.successful.unwrap_or_default(), self.failed.unwrap_or_default())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct SentEntry {
    pub(super) id: String,
    pub(super) message_id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct DoneEntry {
    pub(super) id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct FailedEntry {
    pub(super) id: String,
    pub(super) code: String,
    pub(super) message: Option<String>,
    pub(super) sender_fault: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Received {
    pub(super) messages: Option<Vec<ReceivedShape>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct ReceivedShape {
    pub(super) message_id: Option<String>,
    pub(super) receipt_handle: Option<String>,
    pub(super) body: Option<String>,
    pub(super) attributes: Option<SystemAttributes>,
    pub(super) message_attributes: Option<HashMap<String, AttributeShape>>,
}

/// The system attributes that a receive asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct SystemAttributes {
    pub(super) approximate_receive_count: Option<String>,
    pub(super) sent_timestamp: Option<String>,
    pub(super) message_group_id: Option<String>,
    #[serde(rename = "AWSTraceHeader")]
    pub(super) trace_header: Option<String>,
}

impl SystemAttributes {
    /// Those that tell something, by the names that they are asked for.
    pub(super) const NAMES: [&'static str; 4] =
        ["ApproximateReceiveCount", "SentTimestamp", "MessageGroupId", "AWSTraceHeader"];
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct AttributeShape {
    data_type: String,
    string_value: Option<String>,
    binary_value: Option<String>,
}

impl AttributeShape {
    /// The attribute; `None` of one without a value that can be read.
    pub(super) fn into_attribute(self) -> Option<MessageAttribute> {
        let text = self.string_value.map(AttributeValue::Text);
        let value = text.or_else(|| {
            let bytes = BASE64.decode(self.binary_value?).ok()?;
            Some(AttributeValue::Binary(bytes))
        })?;
        Some(MessageAttribute { data_type: self.data_type, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_says_only_what_there_is_to_say() {
        let attributes = MessageAttributes::from([
            ("n".to_owned(), MessageAttribute::number(7)),
            (
                "raw".to_owned(),
                MessageAttribute {
                    data_type: "Binary".to_owned(),
                    value: AttributeValue::Binary(vec![1, 2]),
                },
            ),
        ]);
        let entry = |attributes, delay_seconds| SendEntry {
            id: "0".to_owned(),
            message_body: "\"é\u{1}",
            delay_seconds,
            message_attributes: Attributes(attributes),
            message_group_id: None,
            message_deduplication_id: None,
        };
        let none = MessageAttributes::new();
        let batch = Batch { queue_url: "u", entries: vec![entry(&none, None)] };
        assert_eq!(
            serde_json::to_string(&batch).unwrap(),
            r#"{"QueueUrl":"u","Entries":[{"Id":"0","MessageBody":"\"é\u0001"}]}"#
        );
        assert_eq!(
            serde_json::to_string(&entry(&attributes, Some(3))).unwrap(),
            concat!(
                r#"{"Id":"0","MessageBody":"\"é\u0001","DelaySeconds":3,"MessageAttributes":{"#,
                r#""n":{"DataType":"Number","StringValue":"7"},"#,
                r#""raw":{"DataType":"Binary","BinaryValue":"AQI="}}}"#
            )
        );
    }

    #[test]
    fn an_answer_may_leave_out_what_it_has_nothing_of() {
        for text in ["{}", r#"{"Successful":null,"Failed":[],"Else":1}"#] {
            let answer: BatchAnswer<SentEntry> = serde_json::from_str(text).unwrap();
            let (sent, failed) = answer.into_parts();
            assert!(sent.is_empty() && failed.is_empty(), "{text}");
        }
    }

    #[test]
    fn what_lacks_one_member_does_not_take_the_others_with_it() {
        let text = r#"{"Messages":[{"MessageId":"m","MessageAttributes":{"a":{"StringValue":"x"}}}],
                       "Failed":[{"Id":"0","SenderFault":null}]}"#;
        let received: Received = serde_json::from_str(text).unwrap();
        let message = received.messages.unwrap().remove(0);
        assert_eq!((message.message_id.as_deref(), message.body), (Some("m"), None));
        let answer: BatchAnswer<SentEntry> = serde_json::from_str(text).unwrap();
        assert_eq!(answer.into_parts().1[0].id, "0");
    }
}
