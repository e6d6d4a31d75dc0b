//! The sorts of members, and SQS's texts for values that are of another.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, SeqAccess};

use super::reader::{Found, Reader, Shape, Sort};
use crate::action::SentInteger;

const MAP_FOUND: &str = "Start of structure or map found where not expected.";
const LIST_FOUND: &str = "Start of list found where not expected";
const NO_COLLECTION: &str = "Unrecognized collection type class java.lang.String";

/// A string.
pub(crate) struct Text;

impl Sort<'_> for Text {
    type Value = String;

    const SHAPE: Shape = Shape::Text;

    fn refuse(found: Found) -> String {
        refuse_scalar(found, "a String")
    }

    fn text(value: &str) -> Result<String, String> {
        Ok(value.to_owned())
    }
}

/// An integer. In JSON it is a number; a form's digits come as text.
pub(crate) struct Integer;

impl Sort<'_> for Integer {
    type Value = SentInteger;

    const SHAPE: Shape = Shape::Integer;

    fn refuse(found: Found) -> String {
        refuse_scalar(found, "an Integer")
    }

    fn number(text: &str) -> Result<SentInteger, String> {
        SentInteger::parse(text).ok_or_else(|| Self::refuse(Found::Number))
    }

    fn text(text: &str) -> Result<SentInteger, String> {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let integer = SentInteger::parse(text).filter(|_| is_integer);
        integer.ok_or_else(|| Self::refuse(Found::Text))
    }
}

/// Bytes, sent as standard base64 with padding.
pub(crate) struct Blob;

impl Sort<'_> for Blob {
    type Value = Vec<u8>;

    const SHAPE: Shape = Shape::Text;

    fn refuse(found: Found) -> String {
        refuse_scalar(found, "a Blob")
    }

    fn text(value: &str) -> Result<Vec<u8>, String> {
        STANDARD.decode(value).map_err(|fault| format!("A binary value is not base64: {fault}"))
    }
}

/// A list of one sort.
pub(crate) struct List<S>(PhantomData<S>);

impl<'de, S: Sort<'de>> Sort<'de> for List<S> {
    type Value = Vec<S::Value>;

    const SHAPE: Shape = Shape::List;

    fn refuse(found: Found) -> String {
        match found {
            Found::Map => MAP_FOUND,
            Found::List => LIST_FOUND,
            Found::Text | Found::Number | Found::Bool(_) => NO_COLLECTION,
        }
        .to_owned()
    }

    fn list<A: SeqAccess<'de>>(mut list: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(element) = list.next_element_seed(Reader::<S>::new())? {
            values.extend(element);
        }
        Ok(values)
    }
}

/// A map from strings to one sort. A repeated key keeps its last value.
pub(crate) struct Map<S>(PhantomData<S>);

impl<'de, S: Sort<'de>> Sort<'de> for Map<S> {
    type Value = BTreeMap<String, S::Value>;

    const SHAPE: Shape = Shape::Map;

    fn refuse(found: Found) -> String {
        refuse_map(found)
    }

    fn map<A: MapAccess<'de>>(mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            if let Some(value) = map.next_value_seed(Reader::<S>::new())? {
                values.insert(key, value);
            }
        }
        Ok(values)
    }
}

/// A map from strings to strings. A value that is `null` is neither set nor absent: SQS refuses it.
pub(crate) struct TextMap;

/// What SQS says of such a value.
pub(crate) const NULL_VALUE: &str = "the parameter 'value' may not be null";

impl<'de> Sort<'de> for TextMap {
    type Value = BTreeMap<String, String>;

    const SHAPE: Shape = Shape::Map;

    fn refuse(found: Found) -> String {
        refuse_map(found)
    }

    fn map<A: MapAccess<'de>>(mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(Reader::<Text>::new())?;
            values.insert(key, value.ok_or_else(|| A::Error::custom(NULL_VALUE))?);
        }
        Ok(values)
    }
}

/// A structure with members of its own.
pub(crate) struct Structure<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Sort<'de> for Structure<T> {
    type Value = T;

    const SHAPE: Shape = Shape::Structure;

    fn refuse(found: Found) -> String {
        refuse_map(found)
    }

    fn map<A: MapAccess<'de>>(map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

fn refuse_map(found: Found) -> String {
    let text = if matches!(found, Found::List) { LIST_FOUND } else { MAP_FOUND };
    text.to_owned()
}

/// The text for what stood where a scalar was expected.
fn refuse_scalar(found: Found, wanted: &str) -> String {
    let token = match found {
        Found::List => return LIST_FOUND.to_owned(),
        Found::Map => return MAP_FOUND.to_owned(),
        Found::Text => "STRING_VALUE",
        Found::Number => "NUMBER_VALUE",
        Found::Bool(true) => "TRUE_VALUE",
        Found::Bool(false) => "FALSE_VALUE",
    };
    format!("{token} can not be converted to {wanted}")
}
