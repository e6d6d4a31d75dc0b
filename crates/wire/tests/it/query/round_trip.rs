//! Whatever is sent is read as it was, and whatever bytes come are answered.

use longshore_types::MessageId;
use longshore_wire::query::{Format, Parameters};
use longshore_wire::{ReceiveMessageReply, ReceivedMessage, Reply, Request};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::{BASE, decode};

/// Text as a form has it, every byte escaped.
fn escape(text: &str) -> String {
    let bytes: Vec<String> = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    bytes.concat()
}

/// Text as a parser of XML reads it, which turns a carriage return that is not escaped into a line
/// feed.
fn unescape(xml: &str) -> String {
    let read = xml.replace('\r', "\n").replace("&#xD;", "\r").replace("&lt;", "<");
    read.replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// What stands between the tags of the first element of that name.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

fn received(body: String) -> Reply {
    let message = ReceivedMessage {
        message_id: MessageId::from_random([1; 16]),
        receipt_handle: "h".to_owned(),
        md5_of_body: "b0".to_owned(),
        body,
        attributes: [].into(),
        md5_of_message_attributes: None,
        message_attributes: [].into(),
    };
    Reply::ReceiveMessage(ReceiveMessageReply { messages: vec![message] })
}

proptest! {
    #[test]
    fn a_body_is_read_as_it_was_sent(body in any::<String>()) {
        let form = format!("Action=SendMessageBatch&QueueUrl=q\
            &SendMessageBatchRequestEntry.1.MessageBody={}", escape(&body));
        let Ok(Request::SendMessageBatch(batch)) = decode(&form) else {
            panic!("{form} was refused");
        };
        prop_assert_eq!(&batch.entries[0].message_body, &body);
    }

    #[test]
    fn a_body_is_received_as_it_was_sent(body in "[\t\r\n -\u{D7FF}\u{E000}-\u{FFFD}😀]{0,64}") {
        let xml = Format::Xml.encode("ReceiveMessage", "id", &received(body.clone()));
        let xml = String::from_utf8(xml).unwrap();
        prop_assert_eq!(element(&xml, "Body").map(unescape), Some(body));
    }

    #[test]
    fn no_text_breaks_out_of_its_element(body in any::<String>()) {
        let xml = Format::Xml.encode("ReceiveMessage", "id", &received(body));
        let xml = String::from_utf8(xml).unwrap();
        let text = element(&xml, "Body").unwrap();
        let forbidden = |c: char| matches!(c, '<' | '>' | '"' | '\0'..='\x08' | '\r' | '\u{FFFF}');
        prop_assert!(!text.contains(forbidden), "{}", text);
    }

    #[test]
    fn any_bytes_are_answered(
        query in "[a-zA-Z0-9.=&%+]{0,64}", body in any::<Vec<u8>>(), action in 0..Request::ACTIONS.len(),
    ) {
        let query = format!("Action={}&{query}", Request::ACTIONS[action]);
        let decoded = Parameters::parse(&query, &body).unwrap().request(BASE, "/jobs");
        if let Err(refused) = decoded {
            prop_assert!(!Format::Xml.encode_error("id", &refused).is_empty());
        }
    }
}
