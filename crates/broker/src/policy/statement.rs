//! One statement of a policy.

use longshore_types::QueueArn;

use super::PolicyError;
use super::action::Actions;
use super::condition::Conditions;
use super::context::Keys;
use super::decide::Access;
use super::error::malformed;
use super::json::Json;
use super::principal::Principals;
use super::read::{Object, texts};
use super::verdict::Verdict;
use super::wildcard::Pattern;

/// What a statement does where it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// The label, if it has one.
    pub(super) sid: Option<String>,
    pub(super) effect: Effect,
    pub(super) principals: Principals,
    actions: Actions,
    resources: Resources,
    pub(super) conditions: Conditions,
}

impl Statement {
    /// Reads a statement of a document that has variables, if `variables`.
    pub(super) fn from_json(json: Json, variables: bool) -> Result<Self, PolicyError> {
        let mut object = Object::from_json("a statement", json)?;
        let sid = object.text("Sid")?;
        let effect = parse_effect(object.text("Effect")?.as_deref())?;
        let (principals, not_principals) = object.either("Principal", "NotPrincipal")?;
        if not_principals && effect == Effect::Allow {
            return malformed("NotPrincipal goes with the effect Deny only");
        }
        let (actions, not_actions) = object.either("Action", "NotAction")?;
        let (resources, not_resources) = object.either("Resource", "NotResource")?;
        let conditions = object.take("Condition");
        object.finish()?;
        Ok(Self {
            sid,
            effect,
            principals: Principals::from_json(principals, not_principals)?,
            actions: Actions::from_json(actions, not_actions)?,
            resources: Resources::from_json(resources, not_resources, variables)?,
            conditions: Conditions::from_json(conditions, variables)?,
        })
    }

    /// Whether the statement applies.
    pub(super) fn applies(&self, access: &Access<'_>) -> Verdict {
        let meant = self.principals.mean(access.principal) && self.actions.mean(access.action);
        if !meant {
            return Verdict::Fails;
        }
        Verdict::all([self.resources.mean(access.queue), self.conditions.hold(Keys::new(access))])
    }
}

fn parse_effect(text: Option<&str>) -> Result<Effect, PolicyError> {
    match text {
        Some("Allow") => Ok(Effect::Allow),
        Some("Deny") => Ok(Effect::Deny),
        _ => malformed("a statement's Effect is either Allow or Deny"),
    }
}

/// The queues that a statement means.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Resources {
    patterns: Vec<Pattern>,
    /// Whether it means all others.
    negated: bool,
}

impl Resources {
    fn from_json(json: Json, negated: bool, variables: bool) -> Result<Self, PolicyError> {
        let texts = texts("a resource", json)?.into_iter();
        Ok(Self { patterns: texts.map(|text| Pattern::new(text, variables)).collect(), negated })
    }

    fn mean(&self, queue: &QueueArn) -> Verdict {
        let arn = queue.to_string();
        let matched = self.patterns.iter().map(|pattern| pattern.matches(&arn));
        Verdict::any(matched).negated_if(self.negated)
    }
}
