//! JSON to requests.
//!
//! Only what needs no queue is refused here: an action that there is not, a value of the wrong
//! sort (the texts are in `action::read`), and a required member that is missing.

use memchr::memchr2;
use serde::de::DeserializeSeed;
use serde_json::error::Category;

use super::surrogate;
use crate::action::Input;
use crate::action::read::{NULL_VALUE, Reader, Structure};
use crate::action::sent::Sent;
use crate::{Request, SqsError};

/// What precedes the action in `X-Amz-Target`; the case counts.
const TARGET_PREFIX: &str = "AmazonSQS.";

/// Commas of a large body: as many as a form can have parameters.
const SEPARATORS_MAX: usize = 5_000;

/// Bytes of a body that is not looked at so.
const UNCHECKED_BYTES_MAX: usize = 64 * 1024;

/// How the parser begins to say that it cannot hold a number. An integer is not read by it.
const OUT_OF_RANGE: &str = "number out of range";

/// What SQS says of a number where a string should be.
const NUMBER_FOUND: &str = "NUMBER_VALUE can not be converted to a String";

/// The request in `body`, whose action the header `X-Amz-Target` names. Members that the action
/// does not have are ignored; an empty body is read as `{}`.
///
/// # Errors
///
/// [`SqsError::UnknownOperation`], [`SqsError::Serialization`], or what the action says of a
/// required member that is missing.
pub fn decode(target: Option<&str>, body: &[u8]) -> Result<Request, SqsError> {
    let target = target.unwrap_or_default();
    match target.strip_prefix(TARGET_PREFIX) {
        Some(action) => {
            check_separators(body)?;
            Body(body).request(action)
        }
        None => Err(SqsError::unknown_operation(target)),
    }
}

/// A body of JSON.
struct Body<'a>(&'a [u8]);

impl Sent for Body<'_> {
    /// A body that JSON cannot hold for lone surrogates alone is read with stand-ins, so that the
    /// check of its characters can refuse it, and not the parser.
    fn members<I: Input>(&self) -> Result<I, SqsError> {
        let body = self.0;
        if body.trim_ascii().is_empty() {
            return Ok(I::default());
        }
        let fault = match parse(body) {
            Ok(members) => return Ok(members),
            Err(fault) => fault,
        };
        let replaced = surrogate::replace_lone(body).filter(|_| fault.is_syntax());
        let read = replaced.map_or(Err(fault), |replaced| parse(&replaced));
        read.map_err(|fault| refused(&fault))
    }
}

/// Refuses a large body of so many elements and members that what they become would take many times its
/// bytes. A small one can become no more than a few megabytes.
fn check_separators(body: &[u8]) -> Result<(), SqsError> {
    if body.len() <= UNCHECKED_BYTES_MAX || separators(body) <= SEPARATORS_MAX {
        return Ok(());
    }
    let max = SEPARATORS_MAX;
    Err(SqsError::Serialization(format!("A request can have at most {max} elements and members.")))
}

/// The commas of a body, but for those within its strings.
fn separators(mut body: &[u8]) -> usize {
    let (mut count, mut is_text) = (0, false);
    loop {
        let found = if is_text { memchr2(b'"', b'\\', body) } else { memchr2(b'"', b',', body) };
        let Some(at) = found else { return count };
        let skipped = match body[at] {
            b'\\' => 2,
            b',' => {
                count += 1;
                1
            }
            _ => {
                is_text = !is_text;
                1
            }
        };
        body = body.get(at + skipped..).unwrap_or_default();
    }
}

fn parse<I: Input>(body: &[u8]) -> Result<I, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let members = Reader::<Structure<I>>::new().deserialize(&mut json)?;
    json.end()?;
    Ok(members.unwrap_or_default())
}

/// A wrong value is refused in SQS's own words, without the position that the parser adds; where
/// the body is no JSON at all, the position is what helps.
fn refused(fault: &serde_json::Error) -> SqsError {
    let mut text = fault.to_string();
    if fault.classify() == Category::Data
        && let Some(position) = text.rfind(" at line ")
    {
        text.truncate(position);
    }
    if text.starts_with(OUT_OF_RANGE) {
        return SqsError::Serialization(NUMBER_FOUND.to_owned());
    }
    if text == NULL_VALUE {
        SqsError::InvalidParameterValue(text)
    } else {
        SqsError::Serialization(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_of_strings_are_no_separators() {
        for (body, count) in [
            (r#"{"a":1,"b":[1,2]}"#, 2),
            (r#"{"a":",,,","b":1}"#, 1),
            (r#"{"a":"\",","b":1}"#, 1),
            (r#"{"a":"\\","b":1}"#, 1),
            ("", 0),
            (r#"{"a":"\"#, 0),
        ] {
            assert_eq!(separators(body.as_bytes()), count, "{body}");
        }
    }

    #[test]
    fn c8_a_large_body_of_many_small_elements_is_refused_before_it_is_read() {
        let decode = |body: &str| decode(Some("AmazonSQS.SendMessageBatch"), body.as_bytes());
        let entries = |count: usize| vec!["{            }"; count].join(",");
        let of = |count| format!(r#"{{"QueueUrl":"q","Entries":[{}]}}"#, entries(count));
        let refused = decode(&of(6000)).unwrap_err();
        let wanted = "A request can have at most 5000 elements and members.";
        assert_eq!(refused, SqsError::Serialization(wanted.to_owned()));
        let text = format!(
            r#"{{"QueueUrl":"q","Entries":[{{"Id":"a","MessageBody":"{}"}}]}}"#,
            ",".repeat(100_000)
        );
        assert!(decode(&text).is_ok());
    }
}
