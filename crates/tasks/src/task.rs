//! What a task is: a type whose value is the argument.

use crate::codec::Codec;
use crate::task_options::TaskOptions;

/// A task: its value is the argument, and the type says what it is called, what it replies and how it
/// is run.
///
/// Most tasks derive it. `crate = …` names this crate where the front door, `longshore`, is not used:
///
/// ```
/// # #[cfg(feature = "macros")]
/// # mod derived {
/// use longshore_tasks::Task;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Serialize, Deserialize, Task)]
/// #[task(reply = String, timeout = "30s", key = "image", crate = longshore_tasks)]
/// struct Thumbnail {
///     image: String,
///     width: u32,
/// }
/// # }
/// ```
///
/// The same by hand:
///
/// ```
/// use std::time::Duration;
///
/// use longshore_tasks::{Json, Task, TaskOptions};
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
///
///     fn options() -> TaskOptions {
///         TaskOptions::new().timeout(Duration::from_secs(30))
///     }
///
///     const HAS_KEY: bool = true;
///
///     fn key(&self) -> Option<String> {
///         Some(self.image.to_string())
///     }
/// }
/// ```
pub trait Task: Sized + Send + Sync + 'static {
    /// The name that messages bear and that a worker finds the handler by: 1 to 128 characters that
    /// a message attribute can carry.
    const NAME: &'static str;
    /// What a handler answers.
    type Reply: Send + 'static;
    /// Whether [`key`](Task::key) answers one: `false` by default, and `true` by the derive for a type with a `key`. A
    /// type that limits how many tasks of a key run at once needs it.
    const HAS_KEY: bool = false;
    /// How argument and reply are written into message bodies; [`Json`](crate::Json) for most.
    type Codec: Codec<Self>;

    /// Options of the task. A worker's configuration can override them, and its defaults fill in
    /// what they leave open; by default they leave everything open.
    fn options() -> TaskOptions {
        TaskOptions::default()
    }

    /// What tasks are kept in order by, shared out by and limited by. The message bears it as its
    /// message group id, so SQS must accept it: 1 to 128 letters, digits and ASCII punctuation
    /// marks. `None`, the default, is no key.
    fn key(&self) -> Option<String> {
        None
    }
}
