//! A whole policy: its shape and its limits.

use longshore_types::limits;

use super::error::malformed;
use super::json::Json;
use super::read::{Object, listed};
use super::statement::Statement;
use super::{Counted, PolicyError};

/// The version of the policy language that has variables; the older one has none.
const WITH_VARIABLES: &str = "2012-10-17";
const WITHOUT_VARIABLES: &str = "2008-10-17";

/// An access policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub(super) statements: Vec<Statement>,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    ///
    /// [`PolicyError`]: the text is not JSON of a policy's shape, or beyond a limit of SQS: 8192
    /// bytes, 20 statements, 50 principals, 10 conditions.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let (found, max) = (text.len(), limits::POLICY_BYTES_MAX);
        if found > max {
            return Err(PolicyError::TooLong { found, max });
        }
        match serde_json::from_str(text) {
            Ok(json) => Self::from_json(json),
            Err(fault) => malformed(fault.to_string()),
        }
    }

    fn from_json(json: Json) -> Result<Self, PolicyError> {
        let mut object = Object::from_json("the policy", json)?;
        let variables = parse_version(object.text("Version")?.as_deref())?;
        object.text("Id")?;
        let statements = listed(object.require("Statement")?);
        object.finish()?;
        check_count(Counted::Statements, statements.len(), limits::POLICY_STATEMENTS_MAX)?;
        let statements = statements.into_iter().map(|json| Statement::from_json(json, variables));
        let policy = Self { statements: statements.collect::<Result<_, _>>()? };
        policy.check_limits()?;
        Ok(policy)
    }

    /// Whether it says nothing at all. An older log can hold such a one; nobody can set it any more.
    pub(crate) const fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    fn check_limits(&self) -> Result<(), PolicyError> {
        let principals = self.statements.iter().map(|statement| statement.principals.count()).sum();
        check_count(Counted::Principals, principals, limits::POLICY_PRINCIPALS_MAX)?;
        let conditions = self.statements.iter().map(|statement| statement.conditions.count()).sum();
        check_count(Counted::Conditions, conditions, limits::POLICY_CONDITIONS_MAX)
    }
}

/// Whether documents of that version have variables. One that names none is of the older version.
fn parse_version(version: Option<&str>) -> Result<bool, PolicyError> {
    match version {
        Some(WITH_VARIABLES) => Ok(true),
        Some(WITHOUT_VARIABLES) | None => Ok(false),
        Some(other) => malformed(format!("{other} is no version of the policy language")),
    }
}

fn check_count(what: Counted, found: usize, max: usize) -> Result<(), PolicyError> {
    if found <= max { Ok(()) } else { Err(PolicyError::TooMany { what, found, max }) }
}
