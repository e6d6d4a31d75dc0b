//! Reads a parameter of a URL's query, exactly: `application/x-www-form-urlencoded`.

use longshore::Problem;

/// The parameter `name` of `query`, decoded.
///
/// # Errors
///
/// A 400: it is missing or empty, there are two, or what it encodes is not UTF-8.
pub(crate) fn parameter(query: &str, name: &str) -> Result<String, Problem> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut values = pairs.filter(|(key, _)| decode(key).as_deref() == Some(name));
    let value = values.next().map_or("", |(_, value)| value);
    if values.next().is_some() {
        return Err(Problem::bad_request(format!("the parameter `{name}` is there twice")));
    }
    if value.is_empty() {
        let detail = format!("the parameter `{name}` is missing or empty: write ?{name}=8");
        return Err(Problem::bad_request(detail));
    }
    decode(value).ok_or_else(|| {
        Problem::bad_request(format!("the parameter `{name}` is not UTF-8 in percent-encoding"))
    })
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let (byte, after) = match (first, after) {
            (b'+', after) => (b' ', after),
            (b'%', [high, low, after @ ..]) => (hex(*high)? << 4 | hex(*low)?, after),
            (b'%', _) => return None,
            (byte, after) => (*byte, after),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_decoded_and_otherwise_left_as_it_is() {
        for (query, value) in [
            ("value=8", "8"),
            ("a=1&value=-1", "-1"),
            ("value=%2B5", "+5"),
            ("value=a+b", "a b"),
            ("value=%C3%A4", "ä"),
            ("value=a%3Db=c", "a=b=c"),
            ("v%61lue=8", "8"),
        ] {
            assert_eq!(parameter(query, "value").unwrap(), value, "{query}");
        }
    }

    #[test]
    fn a_parameter_that_is_missing_empty_double_or_no_text_is_refused() {
        for query in ["", "value", "value=", "Value=8", "value=1&value=2", "value=%FF", "value=%4"]
        {
            assert!(parameter(query, "value").is_err(), "{query}");
        }
    }
}
