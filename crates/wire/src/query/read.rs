//! Parameters to members: a serde format whose values are all text.
//!
//! A parameter does not say whether it is a number or a list, so each is read as what the member
//! asks for (`action::read`), and the inputs of the actions are all that declares it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::value::{Error, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::member;
use super::parameters::Node;
use crate::action::read::{Reader, Structure};

/// Reads the members of a structure.
pub(super) fn members<'a, T: Deserialize<'a> + Default>(root: &'a Node) -> Result<T, Error> {
    let members = Reader::<Structure<T>>::new().deserialize(Parameter(root))?;
    Ok(members.unwrap_or_default())
}

/// What an entry of a map has that was sent without a value.
static ABSENT: Node = Node { value: None, children: BTreeMap::new() };

#[derive(Clone, Copy)]
struct Parameter<'a>(&'a Node);

impl<'a> Parameter<'a> {
    fn text(self) -> &'a str {
        self.0.value.as_deref().unwrap_or_default()
    }

    /// The elements of a list in the order of their indexes, which may have gaps. A name without an
    /// index is its one element; if its value is empty, it has none.
    fn elements(self) -> Vec<Self> {
        let children = self.0.children.iter();
        let mut indexed: Vec<(u32, Self)> =
            children.filter_map(|(name, node)| Some((name.parse().ok()?, Self(node)))).collect();
        indexed.sort_by_key(|(index, _)| *index);
        let none = self.0.children.is_empty() && self.text().is_empty();
        if indexed.is_empty() && !none {
            return vec![self];
        }
        indexed.into_iter().map(|(_, element)| element).collect()
    }

    /// The entries of a map, each a structure of a key and a value.
    fn entry(self) -> (&'a str, Self) {
        let child = |name| self.0.children.get(name).map(Self);
        let key = member::KEYS.into_iter().find_map(child);
        (key.map_or("", Self::text), child(member::VALUE).unwrap_or(Self(&ABSENT)))
    }

    fn members(self) -> impl Iterator<Item = (&'a str, Self)> {
        let children = self.0.children.iter();
        children.map(|(name, node)| (member::of_parameter(name), Self(node)))
    }
}

impl<'de> Deserializer<'de> for Parameter<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.text())
    }

    /// A number that was sent empty was not sent.
    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.text() {
            "" => visitor.visit_unit(),
            text => visitor.visit_borrowed_str(text),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(SeqDeserializer::new(self.elements().into_iter()))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(MapDeserializer::new(self.elements().into_iter().map(Self::entry)))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(MapDeserializer::new(self.members()))
    }

    /// A form does not say of which sort a value is.
    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 f64 char string bytes byte_buf option unit
        unit_struct newtype_struct tuple tuple_struct enum identifier
    }
}

impl<'de> IntoDeserializer<'de, Error> for Parameter<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
