//! The task: which Fibonacci number is asked for, as the text that was asked.
//!
//! The argument is kept as text from the request to the handler, and goes into the message's body
//! as it is: `8`, `-1`, `abc`. What of it is a valid value is for the worker to find out, and a
//! FAILED reply quotes it as it came.

use longshore::{Codec, CodecError, Task};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A request for a Fibonacci number.
#[derive(Clone, Debug, PartialEq, Eq)]
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

impl Task for Fibonacci {
    const NAME: &'static str = "fibonacci";
    type Reply = Found;
    type Codec = Text;
}

impl Codec<Fibonacci> for Text {
    fn encode_argument(task: &Fibonacci) -> Result<String, CodecError> {
        Ok(task.argument.clone())
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
    fn a_reply_keeps_every_digit_of_a_foreign_worker() {
        let body = r#"{"arg":1000,"value":2.6863810024485354e+208}"#;
        let found = Text::decode_reply(body).unwrap();
        assert_eq!(Text::encode_reply(&found).unwrap(), body);
    }
}
