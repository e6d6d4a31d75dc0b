//! Writes the members of a reply whose types know no serde: ids, names and attributes.

use std::collections::BTreeMap;
use std::fmt::Display;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use longshore_types::{AttributeValue, MessageAttribute, MessageAttributes};
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// Anything that is shown as a string.
pub(crate) fn shown<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

/// A map whose keys are shown as strings.
pub(crate) fn named<K: Display, S: Serializer>(
    values: &BTreeMap<K, String>,
    to: S,
) -> Result<S::Ok, S::Error> {
    to.collect_map(values.iter().map(|(name, value)| (Shown(name), value)))
}

/// Message attributes by name, each with its data type and the one field its value uses.
pub(crate) fn message_attributes<S: Serializer>(
    attributes: &MessageAttributes,
    to: S,
) -> Result<S::Ok, S::Error> {
    to.collect_map(attributes.iter().map(|(name, attribute)| (name, Attribute(attribute))))
}

struct Shown<'a, T>(&'a T);

impl<T: Display> Serialize for Shown<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self.0)
    }
}

struct Attribute<'a>(&'a MessageAttribute);

impl Serialize for Attribute<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut members = to.serialize_struct("MessageAttributeValue", 2)?;
        match &self.0.value {
            AttributeValue::Text(text) => members.serialize_field("StringValue", text)?,
            AttributeValue::Binary(bytes) => {
                members.serialize_field("BinaryValue", &STANDARD.encode(bytes))?;
            }
        }
        members.serialize_field("DataType", &self.0.data_type)?;
        members.end()
    }
}
