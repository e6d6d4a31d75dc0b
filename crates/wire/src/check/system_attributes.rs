//! System attributes: the one that a send can bear, and those that a receive can ask for.

use std::collections::{BTreeMap, BTreeSet};

use longshore_types::{AttributeName, AttributeValue};

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
/// `All` stands for every name. The older list can also bear names of queue attributes, and the
/// empty name that some old clients send for "none"; both are ignored there.
///
/// # Errors
///
/// [`SqsError::InvalidAttributeName`] for a name that there is not.
pub fn system_attribute_names(
    attribute_names: &[String],
    message_system_attribute_names: &[String],
) -> Result<SystemAttributeNames, SqsError> {
    let ignored = |name: &&String| name.is_empty() || AttributeName::parse(name).is_some();
    let older = attribute_names.iter().filter(|name| !ignored(name));
    let mut names = BTreeSet::new();
    for name in older.chain(message_system_attribute_names) {
        match SystemAttributeName::parse(name) {
            Some(name) => names.extend([name]),
            None if name == "All" => names.extend(SystemAttributeName::ALL),
            None => return Err(SqsError::unknown_attribute(name)),
        }
    }
    Ok(SystemAttributeNames(names))
}
