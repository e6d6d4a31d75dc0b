//! The members of a policy that is a JSON object. Some serializers write `null` for what is not there,
//! and SQS takes it so.

use serde_json::{Map, Value};

/// The members of the object that a text is, those that are `null` left out; `None` if it is none.
pub(super) fn read(text: &str) -> Option<Map<String, Value>> {
    let mut members = all(text)?;
    members.retain(|_, value| !value.is_null());
    Some(members)
}

/// The text to keep of a policy that has these members: as it was sent, unless it says more.
pub(super) fn text(sent: &str, members: Map<String, Value>) -> String {
    if all(sent).is_some_and(|all| all.len() == members.len()) {
        return sent.to_owned();
    }
    Value::Object(members).to_string()
}

fn all(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(text).ok()
}
