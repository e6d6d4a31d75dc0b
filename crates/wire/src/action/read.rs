//! Reads the members of a request, and says in SQS's words what was found in the wrong place.
//!
//! One visitor, [`Reader`], meets every value; a [`Sort`] says which values a member takes and
//! how the others are refused. `null` is read as absent everywhere, also within lists and maps.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// What stood where something else was expected.
#[derive(Clone, Copy)]
pub(crate) enum Found {
    Text,
    Number,
    Bool(bool),
    List,
    Map,
}

const MAP_FOUND: &str = "Start of structure or map found where not expected.";
const LIST_FOUND: &str = "Start of list found where not expected";
const NO_COLLECTION: &str = "Unrecognized collection type class java.lang.String";

/// A sort of member: which values it takes. What a sort does not override, it refuses.
pub(crate) trait Sort<'de>: Sized {
    type Value;

    /// The text for a value that the sort does not take.
    fn refuse(found: Found) -> String;

    fn text(_: &str) -> Result<Self::Value, String> {
        Err(Self::refuse(Found::Text))
    }

    fn integer(_: i64) -> Result<Self::Value, String> {
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
        deserializer.deserialize_any(self)
    }
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

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
        S::integer(value).map(Some).map_err(E::custom)
    }

    /// A number beyond `i64` is beyond every range of SQS, and so is `i64::MAX`.
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
        self.visit_i64(i64::try_from(value).unwrap_or(i64::MAX))
    }

    /// `10.0` is an integer: some languages write every number so.
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Self::Value, E> {
        match integral(value) {
            Some(integer) => self.visit_i64(integer),
            None => Err(E::custom(S::refuse(Found::Number))),
        }
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Self::Value, E> {
        S::text(value).map(Some).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        S::list(list).map(Some)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        S::map(map).map(Some)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a cast from float saturates, as it should")]
fn integral(value: f64) -> Option<i64> {
    (value.fract() == 0.0).then_some(value as i64)
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

/// A string.
pub(crate) struct Text;

impl Sort<'_> for Text {
    type Value = String;

    fn refuse(found: Found) -> String {
        refuse_scalar(found, "a String")
    }

    fn text(value: &str) -> Result<String, String> {
        Ok(value.to_owned())
    }
}

/// An integer.
pub(crate) struct Integer;

impl Sort<'_> for Integer {
    type Value = i64;

    fn refuse(found: Found) -> String {
        refuse_scalar(found, "an Integer")
    }

    fn integer(value: i64) -> Result<i64, String> {
        Ok(value)
    }
}

/// Bytes, sent as standard base64 with padding.
pub(crate) struct Blob;

impl Sort<'_> for Blob {
    type Value = Vec<u8>;

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

/// A structure with members of its own.
pub(crate) struct Structure<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Sort<'de> for Structure<T> {
    type Value = T;

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

fn read<'de, S: Sort<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<S::Value>, D::Error> {
    Reader::<S>::new().deserialize(from)
}

/// A string that is empty if absent.
pub(crate) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    read::<Text, D>(from).map(Option::unwrap_or_default)
}

/// A string that can be absent, which is not the same as empty.
pub(crate) fn maybe_text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    read::<Text, D>(from)
}

/// An integer that can be absent.
pub(crate) fn integer<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    read::<Integer, D>(from)
}

/// Bytes that can be absent.
pub(crate) fn blob<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<u8>>, D::Error> {
    read::<Blob, D>(from)
}

/// A list of strings.
pub(crate) fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    read::<List<Text>, D>(from).map(Option::unwrap_or_default)
}

/// A list of byte strings.
pub(crate) fn blobs<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Vec<u8>>, D::Error> {
    read::<List<Blob>, D>(from).map(Option::unwrap_or_default)
}

/// A map from strings to strings.
pub(crate) fn text_map<'de, D>(from: D) -> Result<BTreeMap<String, String>, D::Error>
where
    D: Deserializer<'de>,
{
    read::<Map<Text>, D>(from).map(Option::unwrap_or_default)
}

/// A list of structures.
pub(crate) fn structures<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    read::<List<Structure<T>>, D>(from).map(Option::unwrap_or_default)
}

/// A map from strings to structures.
pub(crate) fn structure_map<'de, D, T>(from: D) -> Result<BTreeMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    read::<Map<Structure<T>>, D>(from).map(Option::unwrap_or_default)
}
