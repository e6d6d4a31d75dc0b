//! The expressions of a request. Every attribute's name is written `#name`, because many of ours
//! (`name`, `key`, `ttl` …) are words that `DynamoDB` keeps to itself.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::item::Attributes;

/// Expressions, and the names and values that they use.
#[derive(Debug, Default)]
pub(super) struct Expression {
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
    set: Vec<String>,
    remove: Vec<String>,
    conditions: Vec<String>,
}

impl Expression {
    /// What must hold. `text` uses attributes as `#name`, and values as `:name`.
    pub(super) fn must(mut self, text: &str) -> Self {
        for word in text.split(|letter: char| !letter.is_alphanumeric() && !"#_".contains(letter)) {
            if let Some(name) = word.strip_prefix('#') {
                self.names.insert(word.to_owned(), name.to_owned());
            }
        }
        self.conditions.push(format!("({text})"));
        self
    }

    /// The value that conditions use as `:name`.
    pub(super) fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.values.insert(format!(":{name}"), value);
        self
    }

    /// Sets attributes, or takes them away.
    pub(super) fn set_all(mut self, attributes: Attributes) -> Self {
        for (name, value) in attributes {
            self.names.insert(format!("#{name}"), name.to_owned());
            match value {
                Some(value) => {
                    self.set.push(format!("#{name} = :set_{name}"));
                    self.values.insert(format!(":set_{name}"), value);
                }
                None => self.remove.push(format!("#{name}")),
            }
        }
        self
    }

    /// Adds one to a number.
    pub(super) fn increment(mut self, name: &'static str) -> Self {
        self.names.insert(format!("#{name}"), name.to_owned());
        self.values.insert(":one".to_owned(), AttributeValue::N("1".to_owned()));
        self.set.push(format!("#{name} = #{name} + :one"));
        self
    }

    pub(super) fn condition(&self) -> Option<String> {
        (!self.conditions.is_empty()).then(|| self.conditions.join(" AND "))
    }

    pub(super) fn update(&self) -> String {
        let clause = |word: &str, parts: &[String]| match parts {
            [] => String::new(),
            parts => format!("{word} {} ", parts.join(", ")),
        };
        clause("SET", &self.set) + &clause("REMOVE", &self.remove)
    }

    pub(super) fn names(&self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.clone())
    }

    pub(super) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::dynamodb::item;

    #[test]
    fn an_update_sets_and_takes_away_under_its_conditions() {
        let expression = Expression::default()
            .must("#version = :expected AND #keep > :now")
            .with("expected", item::number(1))
            .with("now", item::number(2))
            .set_all(vec![("wake", None), ("life", Some(item::text("x")))]);
        assert_eq!(expression.update(), "SET #life = :set_life REMOVE #wake ");
        let condition = expression.condition();
        assert_eq!(condition.as_deref(), Some("(#version = :expected AND #keep > :now)"));
        let mut names: Vec<String> = expression.names().unwrap().into_values().collect();
        names.sort();
        assert_eq!(names, ["keep", "life", "version", "wake"]);
        assert_eq!(expression.values().unwrap().len(), 3);
    }
}
