//! Whether a queue already is as a `CreateQueue` asks for it.

use longshore_types::AttributeName;

use super::{Attributes, Checked, KEY_REUSE_PERIOD, default_text, redrive_policy};

/// The first attribute whose asked value is not the present one. Only what is asked is compared,
/// with what holds now, defaults included.
pub(crate) fn first_difference(asked: &Checked, present: &Attributes) -> Option<AttributeName> {
    let differs = |(name, value): (&AttributeName, &Option<String>)| {
        let now = present.get(name).map(String::as_str).or_else(|| default_of(*name));
        !same(*name, value.as_deref().or_else(|| default_of(*name)), now)
    };
    asked.iter().find(|asked| differs(*asked)).map(|(name, _)| *name)
}

/// A key's reuse period has its default also on a queue that does not show it, having no key.
fn default_of(name: AttributeName) -> Option<&'static str> {
    let is_reuse_period = name == AttributeName::KmsDataKeyReusePeriodSeconds;
    if is_reuse_period { Some(KEY_REUSE_PERIOD) } else { default_text(name) }
}

/// Values are normalised already; JSON is compared by what it says. A redrive policy says the same
/// with its count as a number and as a string.
fn same(name: AttributeName, asked: Option<&str>, present: Option<&str>) -> bool {
    if asked == present {
        return true;
    }
    if name == AttributeName::RedrivePolicy {
        let policy = |text: Option<&str>| redrive_policy::parse(text?).ok();
        return policy(asked).is_some_and(|asked| policy(present) == Some(asked));
    }
    json(asked).is_some_and(|asked| json(present) == Some(asked))
}

fn json(text: Option<&str>) -> Option<serde_json::Value> {
    let value: serde_json::Value = serde_json::from_str(text?).ok()?;
    value.is_object().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: AttributeName, value: &str) -> Checked {
        Checked::from([(name, Some(value.to_owned()))])
    }

    #[test]
    fn what_was_never_set_has_its_default() {
        let wait = asked(AttributeName::VisibilityTimeout, "30");
        assert_eq!(first_difference(&wait, &Attributes::new()), None);
        let other = asked(AttributeName::VisibilityTimeout, "31");
        let difference = first_difference(&other, &Attributes::new());
        assert_eq!(difference, Some(AttributeName::VisibilityTimeout));
    }

    #[test]
    fn json_is_compared_by_what_it_says() {
        let present = Attributes::from([(AttributeName::Policy, r#"{"a":1,"b":2}"#.to_owned())]);
        let spaced = asked(AttributeName::Policy, r#"{ "b": 2, "a": 1 }"#);
        assert_eq!(first_difference(&spaced, &present), None);
    }
}
