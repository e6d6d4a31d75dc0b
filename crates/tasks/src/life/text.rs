//! A record as JSON, for stores, which keep the text and do not read it.
//!
//! Each text bears a format. A later one is not guessed at: its task is left to a worker that knows
//! it. Times are milliseconds since the epoch, durations milliseconds; what is absent is left out.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

use super::record::{Asked, Life};

/// The format that is written, and the latest that is read.
pub const FORMAT: u32 = 1;

/// Why a text is no record here.
#[derive(Debug, Error)]
pub enum TextError {
    /// A later version wrote it.
    #[error("it has format {found}, and this version knows {FORMAT}")]
    Later {
        /// The format that was found.
        found: u32,
    },
    /// It is damaged.
    #[error("it is damaged: {0}")]
    Damaged(#[from] serde_json::Error),
}

#[derive(Serialize)]
struct Written<'a, T> {
    format: u32,
    value: &'a T,
}

#[derive(Deserialize)]
struct Read<'a> {
    format: u32,
    #[serde(borrow)]
    value: &'a RawValue,
}

fn to_text<T: Serialize>(value: &T) -> String {
    let written = Written { format: FORMAT, value };
    serde_json::to_string(&written).expect("a record has nothing that JSON cannot say")
}

fn from_text<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, TextError> {
    let Read { format: found, value } = serde_json::from_str(text)?;
    if found > FORMAT {
        return Err(TextError::Later { found });
    }
    Ok(serde_json::from_str(value.get())?)
}

/// What was asked, as text.
pub fn asked_to_text(asked: &Asked) -> String {
    to_text(asked)
}

/// Reads back what was asked.
///
/// # Errors
///
/// A later format, or damage.
pub fn asked_from_text(text: &str) -> Result<Asked, TextError> {
    from_text(text)
}

/// How a task lives, as text.
pub fn life_to_text(life: &Life) -> String {
    to_text(life)
}

/// Reads back how a task lives.
///
/// # Errors
///
/// A later format, or damage.
pub fn life_from_text(text: &str) -> Result<Life, TextError> {
    from_text(text)
}

/// A timestamp as milliseconds.
pub(super) mod millis {
    use longshore_types::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands the field over so")]
    pub(in crate::life) fn serialize<S: Serializer>(
        time: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(time.as_millis())
    }

    pub(in crate::life) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        u64::deserialize(deserializer).map(Timestamp::from_millis)
    }
}

/// A timestamp that may be absent, as milliseconds.
pub(super) mod some_millis {
    use longshore_types::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "serde hands the field over so")]
    pub(in crate::life) fn serialize<S: Serializer>(
        time: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(Timestamp::as_millis).serialize(serializer)
    }

    pub(in crate::life) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(Timestamp::from_millis))
    }
}

/// A duration as milliseconds.
pub(super) mod duration {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::life) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    pub(in crate::life) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

/// Message attributes: text as it is, binary as base64.
pub(super) mod attributes {
    use std::collections::BTreeMap;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use longshore_types::{AttributeValue, MessageAttribute, MessageAttributes};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Attribute {
        r#type: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        binary: Option<String>,
    }

    pub(in crate::life) fn serialize<S: Serializer>(
        attributes: &MessageAttributes,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let shown = |attribute: &MessageAttribute| {
            let (text, binary) = match &attribute.value {
                AttributeValue::Text(text) => (Some(text.clone()), None),
                AttributeValue::Binary(bytes) => (None, Some(STANDARD.encode(bytes))),
            };
            Attribute { r#type: attribute.data_type.clone(), text, binary }
        };
        serializer.collect_map(attributes.iter().map(|(name, value)| (name, shown(value))))
    }

    pub(in crate::life) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<MessageAttributes, D::Error> {
        let shown = BTreeMap::<String, Attribute>::deserialize(deserializer)?;
        let read = |(name, attribute): (String, Attribute)| {
            let value = match attribute.binary {
                Some(binary) => {
                    let bytes = STANDARD.decode(binary).map_err(serde::de::Error::custom)?;
                    AttributeValue::Binary(bytes)
                }
                None => AttributeValue::Text(attribute.text.unwrap_or_default()),
            };
            Ok((name, MessageAttribute { data_type: attribute.r#type, value }))
        };
        shown.into_iter().map(read).collect()
    }
}
