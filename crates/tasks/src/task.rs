//! What a task is: a type whose value is the argument.

use crate::codec::Codec;

/// A task: its value is the argument, and the type says what it is called and what it replies.
///
/// ```
/// use longshore_tasks::{Json, Task};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Serialize, Deserialize)]
/// struct Thumbnail {
///     image: String,
///     width: u32,
/// }
///
/// impl Task for Thumbnail {
///     const NAME: &'static str = "thumbnail";
///     type Reply = String;
///     type Codec = Json;
/// }
/// ```
pub trait Task: Sized + Send + Sync + 'static {
    /// The name that messages bear and that a worker finds the handler by.
    const NAME: &'static str;
    /// What a handler answers.
    type Reply: Send + 'static;
    /// How argument and reply are written into message bodies; [`Json`](crate::Json) for most.
    type Codec: Codec<Self>;
}
