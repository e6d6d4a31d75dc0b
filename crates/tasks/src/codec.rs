//! Argument and reply ⇄ message body.

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::contents::escape_json;
use crate::task::Task;

/// Writes a task's argument and reply into message bodies, and reads them back.
///
/// ```
/// use longshore_tasks::{Codec, CodecError, Task};
///
/// /// An image by its path, and nothing around it.
/// struct Thumbnail(String);
///
/// struct Plain;
///
/// impl Codec<Thumbnail> for Plain {
///     fn encode_argument(task: &Thumbnail) -> Result<String, CodecError> {
///         Ok(task.0.clone())
///     }
///     fn decode_argument(body: &str) -> Result<Thumbnail, CodecError> {
///         Ok(Thumbnail(body.to_owned()))
///     }
///     fn encode_reply(width: &u32) -> Result<String, CodecError> {
///         Ok(width.to_string())
///     }
///     fn decode_reply(body: &str) -> Result<u32, CodecError> {
///         body.parse().map_err(|why| CodecError::new(format!("the reply is not a width: {why}")))
///     }
/// }
///
/// impl Task for Thumbnail {
///     const NAME: &'static str = "thumbnail";
///     type Reply = u32;
///     type Codec = Plain;
/// }
///
/// assert!(<Thumbnail as Task>::Codec::decode_reply("wide").is_err());
/// ```
pub trait Codec<T: Task> {
    /// The body of the task's message.
    fn encode_argument(task: &T) -> Result<String, CodecError>;
    /// The argument in a body, whoever wrote it.
    fn decode_argument(body: &str) -> Result<T, CodecError>;
    /// The body of the reply's message.
    fn encode_reply(reply: &T::Reply) -> Result<String, CodecError>;
    /// The reply in a body, whoever wrote it.
    fn decode_reply(body: &str) -> Result<T::Reply, CodecError>;
}

/// A value that cannot be written, or a body that cannot be read. The text never holds the body.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct CodecError(String);

impl CodecError {
    /// An error that says `why`.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// The value itself as JSON, with nothing around it: `8` is a whole argument, so that any
/// language, or a person at a console, can send one.
///
/// ```
/// use longshore_tasks::{Codec, Json, Task};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Fibonacci(u32);
///
/// impl Task for Fibonacci {
///     const NAME: &'static str = "fibonacci";
///     type Reply = u64;
///     type Codec = Json;
/// }
///
/// assert_eq!(Json::encode_argument(&Fibonacci(8)).unwrap(), "8");
/// // Where the body stops making sense is told, and nothing of what is in it.
/// let error = <Json as Codec<Fibonacci>>::decode_argument("\"secret\"").err().unwrap();
/// assert!(!error.to_string().contains("secret"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Json;

impl<T> Codec<T> for Json
where
    T: Task + Serialize + DeserializeOwned,
    T::Reply: Serialize + DeserializeOwned,
{
    fn encode_argument(task: &T) -> Result<String, CodecError> {
        encode(task).map_err(|error| unwritable("argument", &error))
    }

    fn decode_argument(body: &str) -> Result<T, CodecError> {
        serde_json::from_str(body).map_err(|error| unreadable("argument", &error))
    }

    fn encode_reply(reply: &T::Reply) -> Result<String, CodecError> {
        encode(reply).map_err(|error| unwritable("reply", &error))
    }

    fn decode_reply(body: &str) -> Result<T::Reply, CodecError> {
        serde_json::from_str(body).map_err(|error| unreadable("reply", &error))
    }
}

fn encode(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value).map(escape_json)
}

fn unwritable(what: &str, error: &serde_json::Error) -> CodecError {
    CodecError::new(format!("the {what} cannot be written as JSON: {error}"))
}

/// Where the body stops making sense, without the piece of it that serde's own text may quote.
fn unreadable(what: &str, error: &serde_json::Error) -> CodecError {
    let (category, line, column) = (error.classify(), error.line(), error.column());
    let fault = format!("{category:?}").to_lowercase();
    CodecError::new(format!(
        "the {what} is not the JSON that was expected ({fault} fault at line {line} column {column})"
    ))
}
