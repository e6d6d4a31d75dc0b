//! Takes the members of an object one by one, each as what it must be.

use super::PolicyError;
use super::error::malformed;
use super::json::{Json, Members};

/// An object whose members are being taken.
#[derive(Debug)]
pub(super) struct Object {
    /// What the object is, for the reasons of refusals.
    what: &'static str,
    members: Members,
}

impl Object {
    /// The object that `json` must be.
    pub(super) fn from_json(what: &'static str, json: Json) -> Result<Self, PolicyError> {
        match json {
            Json::Object(members) => Ok(Self { what, members }),
            Json::Null | Json::Scalar(_) | Json::Text(_) | Json::List(_) => {
                malformed(format!("{what} is not an object"))
            }
        }
    }

    /// Takes a member, if it is there: one that is `null` is not.
    pub(super) fn take(&mut self, name: &str) -> Option<Json> {
        self.members.remove(name).filter(|json| *json != Json::Null)
    }

    /// Takes a member that must be there.
    pub(super) fn require(&mut self, name: &str) -> Result<Json, PolicyError> {
        let what = self.what;
        self.take(name).ok_or_else(|| PolicyError::Malformed(format!("{what} has no {name}")))
    }

    /// Takes a member that is a text, if it is there.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, PolicyError> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(_) => malformed(format!("{name} of {} is not a text", self.what)),
        }
    }

    /// Takes one of two members of which one excludes the other, and whether it is the second.
    pub(super) fn either(
        &mut self,
        name: &str,
        negated: &str,
    ) -> Result<(Json, bool), PolicyError> {
        match (self.take(name), self.take(negated)) {
            (Some(json), None) => Ok((json, false)),
            (None, Some(json)) => Ok((json, true)),
            _ => malformed(format!("{} needs either {name} or {negated}", self.what)),
        }
    }

    /// The members that were not taken.
    pub(super) fn rest(self) -> Members {
        self.members
    }

    /// Refuses members that were not taken: whoever wrote them meant something by them.
    pub(super) fn finish(self) -> Result<(), PolicyError> {
        match self.members.iter().find(|(_, json)| **json != Json::Null) {
            None => Ok(()),
            Some((name, _)) => malformed(format!("{} has the unknown element {name}", self.what)),
        }
    }
}

/// A list, or the one that stands there without one. The list can be empty.
pub(super) fn listed(json: Json) -> Vec<Json> {
    match json {
        Json::List(list) => list,
        one @ (Json::Null | Json::Scalar(_) | Json::Text(_) | Json::Object(_)) => vec![one],
    }
}

/// A value, or a list of at least one.
pub(super) fn one_or_more(what: &str, json: Json) -> Result<Vec<Json>, PolicyError> {
    let list = listed(json);
    if list.is_empty() { malformed(format!("{what} is an empty list")) } else { Ok(list) }
}

/// A text, or a list of at least one.
pub(super) fn texts(what: &str, json: Json) -> Result<Vec<String>, PolicyError> {
    let text = |json| match json {
        Json::Text(text) if !text.is_empty() => Ok(text),
        Json::Null | Json::Scalar(_) | Json::Text(_) | Json::List(_) | Json::Object(_) => {
            malformed(format!("{what} is not a text"))
        }
    };
    one_or_more(what, json)?.into_iter().map(text).collect()
}
