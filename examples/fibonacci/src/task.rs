//! The task: which Fibonacci number is asked for, as the text that was asked.
//!
//! The argument is kept as text from the request to the handler, and goes into the message's body
//! as it is: `8`, `-1`, `abc`. What of it is a valid value is for the worker to find out, and a
//! FAILED reply quotes it as it came.

use longshore::{Codec, CodecError, Task};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A request for a Fibonacci number.
#[derive(Clone, Debug, PartialEq, Eq, Task)]
#[task(name = "fibonacci", reply = Found, codec = Text)]
pub(crate) struct Fibonacci {
    /// The argument, as it came.
    pub(crate) argument: String,
}

/// What a worker found: `{"arg":8,"value":13}`, numbers of any size.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Found {
    /// The argument.
    pub(crate) arg: Box<RawValue>,
    /// The Fibonacci number.
    pub(crate) value: Box<RawValue>,
}

/// The argument as it is; the reply as JSON.
#[derive(Debug)]
pub(crate) struct Text;

impl Codec<Fibonacci> for Text {
    fn encode_argument(task: &Fibonacci) -> Result<String, CodecError> {
        if task.argument.chars().all(can_be_sent) {
            return Ok(task.argument.clone());
        }
        Err(CodecError::new("it has a character that SQS does not take, such as U+0000"))
    }

    fn decode_argument(body: &str) -> Result<Fibonacci, CodecError> {
        Ok(Fibonacci { argument: body.to_owned() })
    }

    fn encode_reply(reply: &Found) -> Result<String, CodecError> {
        serde_json::to_string(reply).map_err(|_| CodecError::new("the reply cannot be written"))
    }

    fn decode_reply(body: &str) -> Result<Found, CodecError> {
        let unreadable = |_| CodecError::new("the reply is not an object with `arg` and `value`");
        serde_json::from_str(body).map_err(unreadable)
    }
}

/// Whether a message's body can have the character: those of XML 1.0 (SQS API reference,
/// `SendMessage`).
fn can_be_sent(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_goes_over_the_wire_as_it_came() {
        for text in ["8", "-1", "abc", "\"8\"", " 8", "1e3"] {
            let task = Fibonacci { argument: text.to_owned() };
            assert_eq!(Text::encode_argument(&task).unwrap(), text);
            assert_eq!(Text::decode_argument(text).unwrap(), task);
        }
    }

    #[test]
    fn an_argument_that_no_message_can_carry_is_refused() {
        for text in ["\0", "8\u{8}", "\u{FFFF}"] {
            assert!(Text::encode_argument(&Fibonacci { argument: text.to_owned() }).is_err());
        }
    }

    #[test]
    fn a_reply_keeps_every_digit_of_a_foreign_worker() {
        let body = r#"{"arg":1000,"value":2.6863810024485354e+208}"#;
        let found = Text::decode_reply(body).unwrap();
        assert_eq!(Text::encode_reply(&found).unwrap(), body);
    }
}
