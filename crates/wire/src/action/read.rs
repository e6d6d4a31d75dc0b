//! Reads the members of a request: a function per sort of member, for serde's `deserialize_with`.
//!
//! One visitor, [`Reader`], meets every value; a `Sort` says which values a member takes, and in
//! SQS's words how the others are refused. `null` is read as absent, also within lists and among
//! message attributes; only where a string is to be set by name is it refused.

mod reader;
mod sort;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer};

use super::SentInteger;
pub(crate) use reader::Reader;
use reader::Sort;
use sort::{Blob, Integer, List, Map, Text, TextMap};
pub(crate) use sort::{NULL_VALUE, Structure};

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

/// An integer that can be absent, as it was sent.
pub(crate) fn integer<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SentInteger>, D::Error> {
    read::<Integer, D>(from)
}

/// An integer that can be absent and that no refusal names.
pub(crate) fn unnamed_integer<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    Ok(read::<Integer, D>(from)?.map(|sent| sent.saturated()))
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
    read::<TextMap, D>(from).map(Option::unwrap_or_default)
}

/// A list of structures that can be absent, which is not the same as empty.
pub(crate) fn maybe_structures<'de, D, T>(from: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    read::<List<Structure<T>>, D>(from)
}

/// A map from strings to structures.
pub(crate) fn structure_map<'de, D, T>(from: D) -> Result<BTreeMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    read::<Map<Structure<T>>, D>(from).map(Option::unwrap_or_default)
}
