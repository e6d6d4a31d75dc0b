//! What is written back: XML, or JSON of the same outline for who accepts it first.

use serde_json::{Map, Value, json};

use super::outline::outline;
use super::{error, xml};
use crate::{Reply, SqsError};

/// How replies and errors are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// XML, the default.
    #[default]
    Xml,
    /// JSON, which is not that of the JSON protocol.
    Json,
}

impl Format {
    /// What a request's `Accept` header asks for: JSON only if that is its first choice, since
    /// many HTTP clients name it among others.
    pub fn accepted(accept: Option<&str>) -> Self {
        let first = accept.unwrap_or_default().split([',', ';']).next().unwrap_or_default();
        if first.trim().eq_ignore_ascii_case("application/json") { Self::Json } else { Self::Xml }
    }

    /// The media type of replies and errors.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Xml => "text/xml",
            Self::Json => "application/json",
        }
    }

    /// The body of a reply to `action`.
    pub fn encode(self, action: &str, request_id: &str, reply: &Reply) -> Vec<u8> {
        match self {
            Self::Xml => to_xml(action, request_id, reply).into_bytes(),
            Self::Json => to_json(action, request_id, reply).to_string().into_bytes(),
        }
    }

    /// The body of an error; its status is in [`SqsError::spelling`].
    pub fn encode_error(self, request_id: &str, error: &SqsError) -> Vec<u8> {
        match self {
            Self::Xml => error::to_xml(request_id, error).into_bytes(),
            Self::Json => error::to_json(request_id, error).to_string().into_bytes(),
        }
    }
}

fn to_xml(action: &str, request_id: &str, reply: &Reply) -> String {
    let (declaration, namespace) = (xml::DECLARATION, xml::NAMESPACE);
    let mut document = format!(r#"{declaration}<{action}Response xmlns="{namespace}">"#);
    if let Some(members) = outline(reply) {
        xml::write(&mut document, action, &format!("{action}Result"), &members);
    }
    xml::write(&mut document, action, "ResponseMetadata", &metadata(request_id));
    document.extend(["</", action, "Response>"]);
    document
}

fn to_json(action: &str, request_id: &str, reply: &Reply) -> Value {
    let mut response = Map::new();
    if let Some(mut members) = outline(reply) {
        lower_messages(&mut members);
        response.insert(format!("{action}Result"), members);
    }
    response.insert("ResponseMetadata".to_owned(), metadata(request_id));
    json!({ format!("{action}Response"): response })
}

fn metadata(request_id: &str) -> Value {
    json!({ "RequestId": request_id })
}

/// This JSON begins the name of one member in lower case, which is not the one of the protocol.
fn lower_messages(members: &mut Value) {
    if let Some(members) = members.as_object_mut()
        && let Some(messages) = members.remove("Messages")
    {
        members.insert("messages".to_owned(), messages);
    }
}
