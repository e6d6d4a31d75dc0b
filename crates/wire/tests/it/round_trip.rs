//! Whatever was sent is received as it was, and whatever is sent is answered.

use std::collections::BTreeMap;

use longshore_types::MessageId;
use longshore_wire::{
    ReceiveMessageReply, ReceivedMessage, Reply, Request, SendMessage, SendMessageBatch, check,
    digest, json,
};
use proptest::prelude::{any, prop_assert_eq, proptest};

/// A message with this body and the attributes of a request, as a receive answers it.
fn received(body: String, request: &SendMessage) -> Option<ReceivedMessage> {
    let message_attributes = check::message_attributes(&request.message_attributes).ok()?;
    Some(ReceivedMessage {
        message_id: MessageId::from_random([1; 16]),
        receipt_handle: "h".to_owned(),
        md5_of_body: digest::body(&body),
        body,
        attributes: BTreeMap::new(),
        md5_of_message_attributes: digest::attributes(&message_attributes),
        message_attributes,
    })
}

fn send(request: &serde_json::Value) -> Option<SendMessage> {
    let bytes = serde_json::to_vec(request).unwrap();
    match json::decode(Some("AmazonSQS.SendMessage"), &bytes) {
        Ok(Request::SendMessage(send)) => Some(send),
        _ => None,
    }
}

/// Code units as JSON's escapes.
fn escape(units: impl Iterator<Item = u16>) -> String {
    let escapes: Vec<String> = units.map(|unit| format!("\\u{unit:04x}")).collect();
    escapes.concat()
}

proptest! {
    #[test]
    fn a_body_and_its_attributes_are_received_as_they_were_sent(
        body in ".{1,64}", name in "[a-zA-Z0-9_-]{1,16}", value in "[ -~é😀\r\n\t]{1,32}",
    ) {
        let attributes = serde_json::json!({ &name: { "DataType": "String", "StringValue": value } });
        let request = send(&serde_json::json!({
            "QueueUrl": "q", "MessageBody": body, "MessageAttributes": attributes,
        }))
        .unwrap();
        let message = received(request.message_body.clone(), &request).unwrap();
        let reply = Reply::ReceiveMessage(ReceiveMessageReply { messages: vec![message] });
        let reply: serde_json::Value = serde_json::from_slice(&json::encode(&reply)).unwrap();
        let message = &reply["Messages"][0];
        prop_assert_eq!(&message["Body"], &body);
        prop_assert_eq!(&message["MessageAttributes"], &attributes);
    }

    #[test]
    fn escaped_and_plain_characters_are_read_alike(body in ".{1,64}") {
        let escaped = escape(body.encode_utf16());
        let request = format!(r#"{{"QueueUrl":"q","MessageBody":"{escaped}"}}"#);
        let decoded = json::decode(Some("AmazonSQS.SendMessage"), request.as_bytes());
        let plain = send(&serde_json::json!({ "QueueUrl": "q", "MessageBody": body }));
        prop_assert_eq!(decoded.ok(), plain.map(Request::SendMessage));
    }

    #[test]
    fn any_bytes_are_answered(body in any::<Vec<u8>>(), action in 0..Request::ACTIONS.len()) {
        let target = format!("AmazonSQS.{}", Request::ACTIONS[action]);
        if let Err(refused) = json::decode(Some(&target), &body) {
            let error: serde_json::Value =
                serde_json::from_slice(&json::encode_error(&refused)).unwrap();
            prop_assert_eq!(&error["message"], &refused.to_string());
        }
    }

    #[test]
    fn any_code_units_are_read_as_one_body(units in proptest::collection::vec(any::<u16>(), 1..32)) {
        let escaped = escape(units.iter().copied());
        let body = format!(r#"{{"QueueUrl":"q","Entries":[{{"Id":"a","MessageBody":"{escaped}"}}]}}"#);
        let decoded = json::decode(Some("AmazonSQS.SendMessageBatch"), body.as_bytes());
        let expected: String =
            char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{FFFF}')).collect();
        let Ok(Request::SendMessageBatch(SendMessageBatch { entries, .. })) = decoded else {
            panic!("{body} was refused");
        };
        prop_assert_eq!(&entries[0].message_body, &expected);
    }
}
