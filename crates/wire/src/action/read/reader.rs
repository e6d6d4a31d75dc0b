//! The visitor that meets every value of a request.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// What stood where something else was expected.
#[derive(Clone, Copy)]
pub(crate) enum Found {
    Text,
    Number,
    Bool(bool),
    List,
    Map,
}

/// What a value that does not say what it is has to be read as.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    Text,
    Integer,
    List,
    Map,
    Structure,
}

/// A sort of member: which values it takes. What a sort does not override, it refuses.
pub(crate) trait Sort<'de>: Sized {
    type Value;

    const SHAPE: Shape;

    /// The text for a value that the sort does not take.
    fn refuse(found: Found) -> String;

    fn text(_: &str) -> Result<Self::Value, String> {
        Err(Self::refuse(Found::Text))
    }

    /// A number, as it was written.
    fn number(_: &str) -> Result<Self::Value, String> {
        Err(Self::refuse(Found::Number))
    }

    fn list<A: SeqAccess<'de>>(_: A) -> Result<Self::Value, A::Error> {
        Err(de::Error::custom(Self::refuse(Found::List)))
    }

    fn map<A: MapAccess<'de>>(_: A) -> Result<Self::Value, A::Error> {
        Err(de::Error::custom(Self::refuse(Found::Map)))
    }
}

/// Reads one value of a sort; `None` is `null`.
pub(crate) struct Reader<S>(PhantomData<S>);

impl<S> Reader<S> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, S: Sort<'de>> DeserializeSeed<'de> for Reader<S> {
    type Value = Option<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if matches!(S::SHAPE, Shape::Integer) && deserializer.is_human_readable() {
            return literal::<S, D>(deserializer);
        }
        deserializer.deserialize_any(self)
    }
}

/// Reads a value of JSON from its text, for a number that the parser reads may be another one then.
fn literal<'de, S: Sort<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<S::Value>, D::Error> {
    let text = <&RawValue>::deserialize(deserializer)?.get();
    let read = match text.as_bytes().first() {
        Some(b'n') => return Ok(None),
        Some(b'-' | b'0'..=b'9') => S::number(text),
        Some(b't') => Err(S::refuse(Found::Bool(true))),
        Some(b'f') => Err(S::refuse(Found::Bool(false))),
        Some(b'[') => Err(S::refuse(Found::List)),
        Some(b'{') => Err(S::refuse(Found::Map)),
        _ => Err(S::refuse(Found::Text)),
    };
    read.map(Some).map_err(de::Error::custom)
}

impl<'de, S: Sort<'de>> Visitor<'de> for Reader<S> {
    type Value = Option<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member of an SQS request")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Self::Value, E> {
        Err(E::custom(S::refuse(Found::Bool(value))))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Self::Value, E> {
        Err(E::custom(S::refuse(Found::Number)))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Self::Value, E> {
        Err(E::custom(S::refuse(Found::Number)))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self::Value, E> {
        Err(E::custom(S::refuse(Found::Number)))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Self::Value, E> {
        S::text(value).map(Some).map_err(E::custom)
    }

    /// JSON never comes here. The parameters of a form do: all of them are text, until the sort says
    /// what they are read as.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, value: D) -> Result<Self::Value, D::Error> {
        match S::SHAPE {
            Shape::Text => value.deserialize_str(self),
            Shape::Integer => value.deserialize_i64(self),
            Shape::List => value.deserialize_seq(self),
            Shape::Map => value.deserialize_map(self),
            Shape::Structure => value.deserialize_struct("", &[], self),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        S::list(list).map(Some)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        S::map(map).map(Some)
    }
}
