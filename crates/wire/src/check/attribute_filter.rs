//! Which message attributes a receive asked for.

/// The message attributes that a receive answers, from its `MessageAttributeNames`.
///
/// `All` in any case, `*` and `.*` stand for every attribute; `Hel.*` for those whose names begin
/// with `Hel`; anything else for the attribute of exactly that name. A name that no attribute can
/// have is no error: it matches nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributeFilter {
    all: bool,
    prefixes: Vec<String>,
    names: Vec<String>,
}

impl AttributeFilter {
    /// The filter that the names of a request make.
    pub fn parse(names: &[String]) -> Self {
        let mut filter = Self::default();
        for name in names {
            filter.add(name);
        }
        filter
    }

    fn add(&mut self, name: &str) {
        if name.eq_ignore_ascii_case("All") || name == "*" || name == ".*" {
            self.all = true;
        } else if let Some(prefix) = name.strip_suffix(".*") {
            self.prefixes.push(prefix.to_owned());
        } else {
            self.names.push(name.to_owned());
        }
    }

    /// Whether no attribute was asked for, so that none need be read.
    pub const fn is_empty(&self) -> bool {
        !self.all && self.prefixes.is_empty() && self.names.is_empty()
    }

    /// Whether the attribute of that name was asked for.
    pub fn matches(&self, name: &str) -> bool {
        self.all
            || self.names.iter().any(|asked| asked == name)
            || self.prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
    }
}
