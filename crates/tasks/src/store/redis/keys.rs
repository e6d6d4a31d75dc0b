//! How the keys are called. All begin with the prefix in braces, so that a cluster has them in one slot.

/// Letters of a prefix: each key has them.
const PREFIX_CHARS_MAX: usize = 64;

/// The keys of a store.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    /// The prefix in braces, and a colon.
    start: String,
}

impl Keys {
    /// Keys that begin with that prefix; `None` if it is not 1 to 64 letters, digits, `.`, `_`, `:`
    /// and `-`.
    pub(super) fn parse(prefix: &str) -> Option<Self> {
        let part = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        let valid = (1..=PREFIX_CHARS_MAX).contains(&prefix.len()) && prefix.bytes().all(part);
        valid.then(|| Self { start: format!("{{{prefix}}}:") })
    }

    /// A key that there is one of: `list`, `failed`, `due`, `keep`, `values`, `format`; or what the
    /// keys of a kind begin with: `task:`, `value:`.
    pub(super) fn of(&self, what: &str) -> String {
        format!("{}{what}", self.start)
    }

    /// The row of a task.
    pub(super) fn task(&self, id: &str) -> String {
        format!("{}task:{id}", self.start)
    }

    /// What a `MessageId` stands for.
    pub(super) fn alias(&self, message_id: &str) -> String {
        format!("{}alias:{message_id}", self.start)
    }

    /// A value.
    pub(super) fn value(&self, key: &str) -> String {
        format!("{}value:{key}", self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_keys_are_in_one_slot() {
        let keys = Keys::parse("a.b").unwrap();
        assert_eq!(keys.task("1"), "{a.b}:task:1");
        assert_eq!(keys.of("due"), "{a.b}:due");
        assert!(Keys::parse("{a}").is_none());
        assert!(Keys::parse("").is_none());
    }
}
