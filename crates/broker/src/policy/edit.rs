//! Changes one statement in a policy's text, and leaves the rest of the text as it is.

use std::fmt;

use longshore_types::{AccountId, QueueArn};
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::{RawValue, Value};

use super::{Policy, PolicyError};

/// The member of a policy that has its statements.
const STATEMENT: &str = "Statement";

impl Policy {
    /// Whether a statement has that label.
    pub(crate) fn has(&self, label: &str) -> bool {
        self.statements.iter().any(|statement| statement.sid.as_deref() == Some(label))
    }
}

/// A policy's text with a statement more, which allows accounts to carry out actions on a queue.
/// If there is none `present`, the statement makes one.
///
/// # Errors
///
/// What is present is no policy, or would be beyond a limit.
pub(crate) fn add(
    present: Option<&str>,
    queue: &QueueArn,
    label: &str,
    accounts: &[AccountId],
    actions: &[String],
) -> Result<String, PolicyError> {
    let statement = as_json(&Grant::new(queue, label, accounts, actions));
    let first = || {
        let id = format!("{queue}/SQSDefaultPolicy");
        format!(r#"{{"Version":"2008-10-17","Id":"{id}","{STATEMENT}":[]}}"#)
    };
    let present = present.map_or_else(first, ToOwned::to_owned);
    let mut texts = statements(&present)?;
    texts.push(&statement);
    let text = with_statements(&present, &texts)?;
    Policy::parse(&text)?;
    Ok(text)
}

/// Whether a policy has the very statement that [`add`] would give it, its lists in whatever order.
pub(crate) fn has_grant(
    policy: &str,
    queue: &QueueArn,
    label: &str,
    accounts: &[AccountId],
    actions: &[String],
) -> bool {
    let grant = in_order(&as_json(&Grant::new(queue, label, accounts, actions)));
    statements(policy).is_ok_and(|texts| texts.into_iter().any(|text| in_order(text) == grant))
}

/// What a statement says, each list in order; `None` if it is no JSON.
fn in_order(statement: &str) -> Option<Value> {
    let mut value = serde_json::from_str(statement).ok()?;
    sort_lists(&mut value);
    Some(value)
}

fn sort_lists(value: &mut Value) {
    match value {
        Value::Array(list) => list.sort_by_key(Value::to_string),
        Value::Object(members) => members.values_mut().for_each(sort_lists),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A policy's text without the statements of that label; `None` if none would be left.
///
/// # Errors
///
/// What is present is no policy.
pub(crate) fn remove(present: &str, label: &str) -> Result<Option<String>, PolicyError> {
    let policy = Policy::parse(present)?;
    let stay = policy.statements.iter().map(|statement| statement.sid.as_deref() != Some(label));
    let texts = statements(present)?.into_iter().zip(stay);
    let left: Vec<&str> = texts.filter_map(|(text, stays)| stays.then_some(text)).collect();
    if left.is_empty() { Ok(None) } else { with_statements(present, &left).map(Some) }
}

/// The text of each statement.
fn statements(policy: &str) -> Result<Vec<&str>, PolicyError> {
    let Members(members) = read(policy)?;
    let texts = members.into_iter().filter(|(name, _)| name == STATEMENT).map(|(_, text)| text);
    let mut statements = Vec::new();
    for text in texts.map(RawValue::get) {
        if text.starts_with('[') {
            statements.extend(read::<Vec<&RawValue>>(text)?.into_iter().map(RawValue::get));
        } else {
            statements.push(text);
        }
    }
    Ok(statements)
}

/// A policy's text with these statements in the place of its own.
fn with_statements(policy: &str, statements: &[&str]) -> Result<String, PolicyError> {
    let Members(members) = read(policy)?;
    let list = format!("[{}]", statements.join(","));
    let members = members.iter().map(|(name, text)| {
        let text = if name == STATEMENT { &list } else { text.get() };
        format!("{}:{text}", as_json(name))
    });
    Ok(format!("{{{}}}", members.collect::<Vec<_>>().join(",")))
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, PolicyError> {
    serde_json::from_str(text).map_err(|fault| PolicyError::Malformed(fault.to_string()))
}

fn as_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts and lists of texts can be written as JSON")
}

/// The members of an object, in their order, each as its text.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = from.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

/// The statement of a permission, its members in the order in which SQS writes them.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Grant<'a> {
    sid: &'a str,
    effect: &'static str,
    principal: Accounts,
    action: OneOrMore,
    resource: String,
}

#[derive(Serialize)]
struct Accounts {
    #[serde(rename = "AWS")]
    aws: OneOrMore,
}

#[derive(Serialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl<'a> Grant<'a> {
    fn new(queue: &QueueArn, label: &'a str, accounts: &[AccountId], actions: &[String]) -> Self {
        let accounts = accounts.iter().map(|account| format!("arn:aws:iam::{account}:root"));
        let actions = actions.iter().map(|action| format!("SQS:{action}"));
        Self {
            sid: label,
            effect: "Allow",
            principal: Accounts { aws: OneOrMore::from_texts(accounts.collect()) },
            action: OneOrMore::from_texts(actions.collect()),
            resource: queue.to_string(),
        }
    }
}

impl OneOrMore {
    fn from_texts(mut texts: Vec<String>) -> Self {
        match texts.len() {
            1 => Self::One(texts.remove(0)),
            _ => Self::More(texts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:jobs";

    fn added(present: Option<&str>, label: &str) -> Result<String, PolicyError> {
        let accounts = [AccountId::parse("111111111111").unwrap()];
        let queue = QueueArn::parse(ARN).unwrap();
        add(present, &queue, label, &accounts, &["SendMessage".to_owned()])
    }

    #[test]
    fn what_was_written_by_hand_stays_as_it_was_written() {
        let by_hand = r#"{ "Statement" : {"Sid": "é\u0041", "Effect":"Deny","Principal":"*",
            "Action":"*", "Resource":"*"}, "Version":"2012-10-17" }"#;
        let text = added(Some(by_hand), "more").unwrap();
        assert!(text.starts_with(r#"{"Statement":[{"Sid": "é\u0041", "Effect":"Deny""#), "{text}");
        assert!(text.ends_with(
            r#""Resource":"arn:aws:sqs:us-east-1:000000000000:jobs"}],"Version":"2012-10-17"}"#
        ));
        let back = remove(&text, "more").unwrap().unwrap();
        assert_eq!(Policy::parse(&back), Policy::parse(by_hand));
        assert_eq!(remove(&back, "éA"), Ok(None));
    }

    #[test]
    fn what_is_no_policy_is_not_added_to() {
        for text in ["{}", "[]", "{\"a\":1}"] {
            assert!(added(Some(text), "l").is_err(), "{text}");
        }
    }
}
