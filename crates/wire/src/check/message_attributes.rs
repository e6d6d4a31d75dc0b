//! Message attributes: their count, names, data types and values.
//!
//! SQS spells the sort of attribute in its texts: those that a user chose are `(user)`, and the
//! trace header is `(system)`.

use std::collections::BTreeMap;

use longshore_types::limits::{ATTRIBUTE_NAME_CHARS_MAX, MESSAGE_ATTRIBUTES_MAX};
use longshore_types::{AttributeValue, MessageAttribute, MessageAttributes};

use super::contents::is_allowed;
use super::number::is_number;
use crate::SqsError;
use crate::action::RawAttribute;
use crate::error::INVALID_CHARACTERS;

/// Checks message attributes, and turns them into what a message keeps.
///
/// # Errors
///
/// [`SqsError::InvalidParameterValue`], or [`SqsError::UnsupportedOperation`] for list values.
pub fn message_attributes(
    sent: &BTreeMap<String, RawAttribute>,
) -> Result<MessageAttributes, SqsError> {
    sent.values().try_for_each(no_lists)?;
    if sent.len() > MESSAGE_ATTRIBUTES_MAX {
        return Err(refuse(format!(
            "Number of message attributes [{}] exceeds the allowed maximum \
             [{MESSAGE_ATTRIBUTES_MAX}].",
            sent.len()
        )));
    }
    sent.iter().map(|(name, raw)| message_attribute(name, raw)).collect()
}

fn message_attribute(
    name: &str,
    raw: &RawAttribute,
) -> Result<(String, MessageAttribute), SqsError> {
    name_of_attribute(name)?;
    Ok((name.to_owned(), attribute("user", name, raw)?))
}

/// Checks a name: letters and digits of any script, underscore, hyphen and full stop.
fn name_of_attribute(name: &str) -> Result<(), SqsError> {
    let letter = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    if name.is_empty() {
        Err(refuse("The request must contain non-empty message (user) attribute names."))
    } else if name.chars().count() > ATTRIBUTE_NAME_CHARS_MAX {
        Err(refuse("Message (user) attribute name must be shorter than 256 bytes."))
    } else if !name.chars().all(letter) {
        Err(refuse(format!(
            "The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, \
             0-9, underscore (_), hyphen (-), and period (.) characters."
        )))
    } else if is_reserved(name) {
        Err(refuse(
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon'. \
             These strings are reserved for internal use.",
        ))
    } else {
        full_stops(name)
    }
}

fn is_reserved(name: &str) -> bool {
    let begins = |prefix: &str| {
        name.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    };
    begins("AWS.") || begins("Amazon.")
}

fn full_stops(name: &str) -> Result<(), SqsError> {
    let rule = if name.starts_with('.') {
        "begin with character '.'"
    } else if name.ends_with('.') {
        "end with character '.'"
    } else if name.contains("..") {
        "have successive '.' characters"
    } else {
        return Ok(());
    };
    Err(refuse(format!("Message (user) attribute name must not {rule}.")))
}

/// The three data types, which a custom suffix does not change.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Base {
    String,
    Number,
    Binary,
}

impl Base {
    fn parse(data_type: &str) -> Option<Self> {
        match data_type.split_once('.').map_or(data_type, |(base, _)| base) {
            "String" => Some(Self::String),
            "Number" => Some(Self::Number),
            "Binary" => Some(Self::Binary),
            _ => None,
        }
    }

    /// The field that holds a value of the type.
    const fn field(self) -> &'static str {
        match self {
            Self::String | Self::Number => "String",
            Self::Binary => "Binary",
        }
    }
}

/// Checks an attribute's data type and value. `sort` is `user` or `system`.
pub(super) fn attribute(
    sort: &str,
    name: &str,
    raw: &RawAttribute,
) -> Result<MessageAttribute, SqsError> {
    no_lists(raw)?;
    if *raw == RawAttribute::default() {
        return Err(refuse(format!(
            "The message ({sort}) attribute '{name}' must contain a non-empty message attribute \
             value."
        )));
    }
    let (data_type, base) = data_type(sort, name, raw)?;
    let value = value(raw, base).map_err(|fault| fault.into_error(sort, name, data_type, base))?;
    Ok(MessageAttribute { data_type: data_type.to_owned(), value })
}

/// The API's model has lists of values. SQS refuses them before it looks at anything else of the
/// attributes.
fn no_lists(raw: &RawAttribute) -> Result<(), SqsError> {
    if raw.string_list_values.is_empty() && raw.binary_list_values.is_empty() {
        return Ok(());
    }
    Err(SqsError::UnsupportedOperation(
        "Message attribute list values in SendMessage operation are not supported.".to_owned(),
    ))
}

fn data_type<'a>(
    sort: &str,
    name: &str,
    raw: &'a RawAttribute,
) -> Result<(&'a str, Base), SqsError> {
    let data_type = raw.data_type.as_deref().unwrap_or_default();
    if data_type.is_empty() {
        return Err(refuse(format!(
            "The message ({sort}) attribute '{name}' must contain a non-empty message attribute \
             type."
        )));
    }
    if data_type.chars().count() > ATTRIBUTE_NAME_CHARS_MAX {
        return Err(refuse(format!(
            "Message ({sort}) attribute type must be shorter than 256 bytes."
        )));
    }
    let base = Base::parse(data_type).ok_or_else(|| {
        refuse(format!(
            "The type of message ({sort}) attribute '{name}' is invalid. You must use only the \
             following supported type prefixes: Binary, Number, String."
        ))
    })?;
    Ok((data_type, base))
}

/// What can be wrong with a value.
enum ValueFault {
    Empty,
    Several,
    OtherField,
    Characters,
    NotANumber,
}

impl ValueFault {
    fn into_error(self, sort: &str, name: &str, data_type: &str, base: Base) -> SqsError {
        let attribute = format!("essage ({sort}) attribute '{name}'");
        refuse(match self {
            Self::Empty => {
                format!("M{attribute} must contain a non-empty value of type '{data_type}'.")
            }
            Self::Several => format!("M{attribute} must have a single value."),
            Self::OtherField => {
                format!("M{attribute} with type '{data_type}' must use field '{}'.", base.field())
            }
            Self::Characters => INVALID_CHARACTERS.to_owned(),
            Self::NotANumber => format!("Can't cast the value of m{attribute} to a number."),
        })
    }
}

/// The value of an attribute. A field that is sent empty counts as not sent: some SDKs send every
/// field.
fn value(raw: &RawAttribute, base: Base) -> Result<AttributeValue, ValueFault> {
    let text = raw.string_value.as_deref().filter(|text| !text.is_empty());
    let bytes = raw.binary_value.as_deref().filter(|bytes| !bytes.is_empty());
    match (text, bytes, base) {
        (None, None, _) => Err(ValueFault::Empty),
        (Some(_), Some(_), _) => Err(ValueFault::Several),
        (None, Some(bytes), Base::Binary) => Ok(AttributeValue::Binary(bytes.to_vec())),
        (Some(text), None, Base::String) if !is_allowed(text) => Err(ValueFault::Characters),
        (Some(text), None, Base::Number) if !is_number(text) => Err(ValueFault::NotANumber),
        (Some(text), None, Base::String | Base::Number) => {
            Ok(AttributeValue::Text(text.to_owned()))
        }
        (Some(_), None, Base::Binary) | (None, Some(_), Base::String | Base::Number) => {
            Err(ValueFault::OtherField)
        }
    }
}

fn refuse(text: impl Into<String>) -> SqsError {
    SqsError::InvalidParameterValue(text.into())
}
