//! System attributes: the one that a send can bear, and those that a receive can ask for.

use std::collections::{BTreeMap, BTreeSet};

use longshore_types::AttributeValue;

use super::message_attributes::attribute;
use crate::SqsError;
use crate::action::{RawAttribute, SystemAttributeName};

/// Checks the system attributes of a send, and answers the trace header if there is one.
pub fn system_attributes(
    sent: &BTreeMap<String, RawAttribute>,
) -> Result<Option<String>, SqsError> {
    let header = SystemAttributeName::AwsTraceHeader.as_str();
    if let Some(name) = sent.keys().find(|name| *name != header) {
        return Err(SqsError::InvalidParameterValue(format!(
            "Message system attribute name '{name}' is invalid."
        )));
    }
    sent.get(header).map(|raw| trace_header(header, raw)).transpose()
}

/// A trace header has no data type but plain `String`, which its digest takes for granted.
fn trace_header(name: &str, raw: &RawAttribute) -> Result<String, SqsError> {
    let attribute = attribute("system", name, raw)?;
    match attribute.value {
        AttributeValue::Text(header) if attribute.data_type == "String" => Ok(header),
        AttributeValue::Text(_) | AttributeValue::Binary(_) => {
            Err(SqsError::InvalidParameterValue(format!(
                "Message (system) attribute '{name}' must have type 'String'."
            )))
        }
    }
}

/// The system attributes that a receive asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemAttributeNames(BTreeSet<SystemAttributeName>);

impl SystemAttributeNames {
    /// Whether the attribute was asked for.
    pub fn contains(&self, name: SystemAttributeName) -> bool {
        self.0.contains(&name)
    }

    /// Those that were asked for, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = SystemAttributeName> {
        self.0.iter().copied()
    }
}

/// Reads the names in both lists of a receive, of which the first is the older: SQS unites them.
/// `All` stands for every name. A name that there is not is passed over, as on SQS: a newer SDK that
/// asks for an attribute of the future gets the message without it.
pub fn system_attribute_names(
    attribute_names: &[String],
    message_system_attribute_names: &[String],
) -> SystemAttributeNames {
    let mut names = BTreeSet::new();
    for name in attribute_names.iter().chain(message_system_attribute_names) {
        if name == "All" {
            names.extend(SystemAttributeName::ALL);
        }
        names.extend(SystemAttributeName::parse(name));
    }
    SystemAttributeNames(names)
}
