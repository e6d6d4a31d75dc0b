//! Conditions of a statement: `{operator: {key: value or values}}`, all of which must hold.
//!
//! # Invariants
//!
//! - An operator or a key that is not known makes the condition [`Verdict::Unknown`], and so does a
//!   value that is none of the operator's kind.
//! - A condition with an empty list of values never holds, negated or not: real accounts have such
//!   policies, and what compares with nothing must let nobody in.

mod compare;
pub(super) mod date;
mod operator;

use super::PolicyError;
use super::context::{Found, Keys};
use super::error::malformed;
use super::json::Json;
use super::read::{Object, listed};
use super::verdict::Verdict;
use compare::Comparison;
use operator::{Operator, Over};

/// The conditions of a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Conditions(Vec<Condition>);

/// An operator with one key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Condition {
    /// `None` if there is no such operator.
    operator: Option<Operator>,
    /// The key, in lower case.
    key: String,
    values: Vec<String>,
    /// Whether a value has a policy variable, `${…}`, which this broker does not fill in.
    variable: bool,
}

impl Conditions {
    /// Reads `Condition` of a document that has variables, if `variables`.
    pub(super) fn from_json(json: Option<Json>, variables: bool) -> Result<Self, PolicyError> {
        let Some(json) = json else { return Ok(Self::default()) };
        let mut conditions = Vec::new();
        for (operator, json) in Object::from_json("Condition", json)?.rest() {
            let operator = Operator::parse(&operator);
            for (key, json) in Object::from_json("an operator of a Condition", json)?.rest() {
                conditions.push(Condition::from_json(operator, &key, json, variables)?);
            }
        }
        Ok(Self(conditions))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether all hold.
    pub(super) fn hold(&self, keys: Keys<'_>) -> Verdict {
        Verdict::all(self.0.iter().map(|condition| condition.holds(keys)))
    }
}

impl Condition {
    fn from_json(
        operator: Option<Operator>,
        key: &str,
        json: Json,
        variables: bool,
    ) -> Result<Self, PolicyError> {
        let values = listed(json).into_iter().map(scalar);
        let values: Vec<String> = values.collect::<Result<_, _>>()?;
        let variable = variables && values.iter().any(|value| value.contains("${"));
        Ok(Self { operator, key: key.to_ascii_lowercase(), values, variable })
    }

    fn holds(&self, keys: Keys<'_>) -> Verdict {
        match (self.operator, keys.find(&self.key)) {
            (None, _) | (_, Found::Unknown) => Verdict::Unknown,
            _ if self.variable => Verdict::Unknown,
            _ if self.values.is_empty() => Verdict::Fails,
            (Some(Operator::Null), found) => self.is_null(found == Found::Absent),
            (Some(Operator::Compare { negated, if_exists, over, .. }), Found::Absent) => {
                without_value(negated, if_exists, over).into()
            }
            (Some(Operator::Compare { comparison, negated, .. }), Found::Value(found)) => {
                self.any_value(comparison, &found).negated_if(negated)
            }
        }
    }

    /// `Null`: whether the key is absent, or there, as one of the values says.
    fn is_null(&self, absent: bool) -> Verdict {
        Verdict::any(self.values.iter().map(|value| {
            compare::boolean(value).map_or(Verdict::Unknown, |wanted| (wanted == absent).into())
        }))
    }

    fn any_value(&self, comparison: Comparison, found: &str) -> Verdict {
        Verdict::any(
            self.values.iter().map(|value| {
                comparison.compare(found, value).map_or(Verdict::Unknown, Verdict::from)
            }),
        )
    }
}

/// Whether a condition holds for a key that the request does not have.
fn without_value(negated: bool, if_exists: bool, over: Over) -> bool {
    match over {
        Over::Any => if_exists,
        Over::All => true,
        Over::One => negated || if_exists,
    }
}

fn scalar(json: Json) -> Result<String, PolicyError> {
    match json {
        Json::Text(text) | Json::Scalar(text) => Ok(text),
        Json::Null | Json::List(_) | Json::Object(_) => {
            malformed("a value of a condition is a text, a number or a boolean")
        }
    }
}
