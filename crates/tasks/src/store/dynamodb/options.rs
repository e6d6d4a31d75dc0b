//! Which table it is, and where: the parts of a `dynamodb://` URL.

use std::fmt;

/// Which table of which endpoint keeps the records.
///
/// ```
/// use longshore_tasks::DynamoOptions;
///
/// let options = DynamoOptions { create: true, ..DynamoOptions::new("tasks") };
/// assert_eq!(options.to_string(), "dynamodb://tasks?create=true"); // as `--store` takes it
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DynamoOptions {
    /// The table's name.
    pub table: String,
    /// The region. By default what environment, profile or instance say; `us-east-1` for an
    /// endpoint on this host.
    pub region: Option<String>,
    /// The endpoint's URL. By default `AWS_ENDPOINT_URL_DYNAMODB` or `AWS_ENDPOINT_URL`, else
    /// Amazon.
    pub endpoint_url: Option<String>,
    /// Whether a table that is missing is made. On an endpoint of this host it always is.
    pub create: bool,
}

impl DynamoOptions {
    /// The table of that name, where environment, profile or instance say.
    pub fn new(table: impl Into<String>) -> Self {
        Self { table: table.into(), ..Self::default() }
    }

    /// Reads what follows `dynamodb://`.
    pub(in crate::store) fn parse(text: &str) -> Result<Self, String> {
        let (table, query) = text.split_once('?').unwrap_or((text, ""));
        if !is_table(table) {
            let rule = "3 to 255 letters, digits, hyphens, points and underscores";
            return Err(format!("the name of a table follows dynamodb://, which has {rule}"));
        }
        let mut options = Self::new(table);
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            options.set(name, &decoded(value)?)?;
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match (name, value) {
            ("region", value) if is_region(value) => self.region = Some(value.to_owned()),
            ("endpoint_url", value) if is_endpoint(value) => {
                self.endpoint_url = Some(value.to_owned());
            }
            ("create", "true") => self.create = true,
            ("create", "false") => self.create = false,
            ("region", _) => return Err("region is one such as eu-west-1".to_owned()),
            ("endpoint_url", _) => {
                return Err("endpoint_url begins with http:// or https://".to_owned());
            }
            ("create", _) => return Err("create is true or false".to_owned()),
            _ => {
                let known = "region, endpoint_url and create";
                return Err(format!("there is no parameter {name:?}, but {known}"));
            }
        }
        Ok(())
    }
}

/// As a URL.
impl fmt::Display for DynamoOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dynamodb://{}", self.table)?;
        let create = self.create.then(|| "true".to_owned());
        let encoded = self.endpoint_url.as_deref().map(encoded);
        let parameters =
            [("region", self.region.clone()), ("endpoint_url", encoded), ("create", create)];
        let given = parameters.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        for (place, (name, value)) in given.enumerate() {
            write!(f, "{}{name}={value}", if place == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

fn is_table(name: &str) -> bool {
    let part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (3..=255).contains(&name.len()) && name.bytes().all(part)
}

fn is_region(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_endpoint(url: &str) -> bool {
    let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    host.is_some_and(|host| !host.is_empty() && !host.contains(char::is_whitespace))
}

/// What would end a parameter too early, as `%XX`.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '%' => encoded.push_str("%25"),
            '&' => encoded.push_str("%26"),
            other => encoded.push(other),
        }
    }
    encoded
}

/// `%XX` as the byte that it stands for.
fn decoded(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let (byte, after) = match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                (hex(*high).zip(hex(*low)).map(|(h, l)| h * 16 + l), after)
            }
            (b'%', _) => (None, after),
            _ => (Some(*first), after),
        };
        bytes.push(byte.ok_or_else(|| format!("{text:?} has a % without two hexadecimal digits"))?);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| format!("{text:?} is not UTF-8"))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_region_and_an_endpoint() {
        let text = "tasks?region=eu-west-1&endpoint_url=http%3A%2F%2F127.0.0.1:8000&create=true";
        let options = DynamoOptions::parse(text).unwrap();
        let expected = DynamoOptions {
            table: "tasks".to_owned(),
            region: Some("eu-west-1".to_owned()),
            endpoint_url: Some("http://127.0.0.1:8000".to_owned()),
            create: true,
        };
        assert_eq!(options, expected);
        let plain =
            "dynamodb://tasks?region=eu-west-1&endpoint_url=http://127.0.0.1:8000&create=true";
        assert_eq!(options.to_string(), plain);
        assert_eq!(
            DynamoOptions::parse("my.tasks_1-a").unwrap(),
            DynamoOptions::new("my.tasks_1-a")
        );
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for text in [
            "",
            "ab",
            "tasks/x",
            "a b c",
            "host:8000",
            "tasks?endpoint=http://x",
            "tasks?endpoint_url=127.0.0.1:8000",
            "tasks?endpoint_url=http://",
            "tasks?region=",
            "tasks?region=a/b",
            "tasks?create=yes",
            "tasks?create",
            "tasks?region=%4",
            "tasks?region=%ff",
        ] {
            assert!(DynamoOptions::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_url_is_read_back() {
        let endpoint_url = Some("http://127.0.0.1:8000/a%20b?c=1&d=2".to_owned());
        let options = DynamoOptions { endpoint_url, ..DynamoOptions::new("tasks") };
        let text = options.to_string();
        assert_eq!(DynamoOptions::parse(text.strip_prefix("dynamodb://").unwrap()), Ok(options));
    }
}
