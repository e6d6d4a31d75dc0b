//! JSON as a policy is read from it: an object that names a member twice is refused, because two
//! readers could take it to say two things.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The members of an object.
pub(super) type Members = BTreeMap<String, Json>;

/// A JSON value. What is no text is kept as the text that it would be in a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Json {
    Null,
    /// A boolean or a number, which stands for its text.
    Scalar(String),
    Text(String),
    List(Vec<Self>),
    Object(Members),
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Scalar(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Scalar(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Scalar(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Scalar(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = from.next_element()? {
            list.push(element);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Json, A::Error> {
        let mut members = Members::new();
        while let Some((name, value)) = from.next_entry::<String, Json>()? {
            if members.insert(name.clone(), value).is_some() {
                return Err(A::Error::custom(format!("`{name}` is there twice")));
            }
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_is_named_twice_is_refused_at_any_depth() {
        assert!(serde_json::from_str::<Json>(r#"{"a":[{"b":1,"c":2}]}"#).is_ok());
        assert!(serde_json::from_str::<Json>(r#"{"a":[{"b":1,"\u0062":2}]}"#).is_err());
    }

    #[test]
    fn what_is_no_text_stands_for_its_text() {
        for (json, text) in [("true", "true"), ("-5", "-5"), ("7", "7"), ("1.5", "1.5")] {
            let read: Json = serde_json::from_str(json).unwrap();
            assert_eq!(read, Json::Scalar(text.to_owned()));
        }
    }
}
