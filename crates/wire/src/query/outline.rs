//! Replies as Query has them: the members of the output, with each map a list of entries.

use serde_json::{Map, Value};

use super::member;
use crate::Reply;

/// The members of a reply in the order of their names, which no client reads by; `None` if the
/// action has no output.
pub(super) fn outline(reply: &Reply) -> Option<Value> {
    let members = serde_json::to_value(reply).expect("outputs have string keys");
    (!members.is_null()).then(|| without_maps("", members))
}

fn without_maps(member: &str, value: Value) -> Value {
    match (value, member::key_of(member)) {
        (Value::Object(entries), Some(key)) => {
            entries.into_iter().map(|(name, value)| entry(key, name, value)).collect()
        }
        (Value::Object(members), None) => {
            let members = members.into_iter();
            members.map(|(name, value)| (name.clone(), without_maps(&name, value))).collect()
        }
        (Value::Array(elements), _) => {
            elements.into_iter().map(|element| without_maps("", element)).collect()
        }
        (scalar, _) => scalar,
    }
}

fn entry(key: &str, name: String, value: Value) -> Value {
    let mut entry = Map::new();
    entry.insert(key.to_owned(), Value::String(name));
    entry.insert(member::VALUE.to_owned(), without_maps(member::VALUE, value));
    Value::Object(entry)
}
