//! `#[derive(Task)]`: writes the `impl Task` that a person could write, and nothing else.
//!
//! ```text
//! #[task(…)] ──▶ list, argument ──▶ options ─┐
//!                (syntax, values)            ├──▶ expand ──▶ impl Task
//! struct Thumbnail { … } ──────────▶ key ────┘
//! ```
//!
//! The crate is reached through `longshore_tasks` or `longshore`, which export the macro beside the trait.
//!
//! # Invariants
//!
//! - What no worker could carry out is a compile error at the token that says so: what, why, and what to do.
//!   All errors of a type are shown at once.
//! - What is written names only public items, by full paths.

mod argument;
mod duration_text;
mod expand;
mod key;
mod list;
mod name;
mod nearest;
mod options;
mod queue;
mod rate;
mod retry;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements `Task` for a struct or an enum.
///
/// ```
/// use longshore_tasks::Task;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Serialize, Deserialize, Task)]
/// #[task(
///     name = "thumbnail",
///     reply = String,
///     timeout = "30s",
///     retry(attempts = 8, backoff = "2s..15m"),
///     key = "image",
///     concurrency = 16,
///     concurrency_per_key = 2,
///     rate_limit = "20/s",
///     retention = "4d",
///     reply_by = "store",
///     queue = "thumbnails",
///     crate = longshore_tasks,
/// )]
/// struct Thumbnail {
///     image: String,
///     width: u32,
/// }
///
/// assert_eq!(Thumbnail::NAME, "thumbnail");
/// ```
///
/// Each option can be left out:
///
/// | option | what it says | left out |
/// |---|---|---|
/// | `name = "thumbnail"` | the name in messages: 1 to 128 characters that a message attribute can carry | the type's name in kebab-case |
/// | `reply = String` | the type of the reply | `()` |
/// | `codec = MyCodec` | how argument and reply become bodies | `Json`, which needs serde's two derives |
/// | `key = "owner.id"` | the field, or the path of fields, whose `Display` is the key; in a tuple by number: `"0"` | no key |
/// | `queue = "thumbnails"` | the queue that the task is sent to, by name or URL | the client's queue |
/// | `retry(attempts = 8, backoff = "2s..15m")` | attempts in all, and the bounds of the random waits between them | the worker's policy |
/// | `timeout = "30s"` | how long an attempt may run, up to `12h` | as long as it takes |
/// | `concurrency = 16` | tasks of the type that a worker runs at once | the worker's concurrency |
/// | `concurrency_per_key = 2` | tasks of the type with one `key` that run at once, on all workers that share the store | no limit of a key |
/// | `rate_limit = "20/s"` | tasks of the type that each worker process begins in a second (`/s`), minute (`/m`) or hour (`/h`), and at once: `"20/s burst 5"` for fewer at once | as many as come |
/// | `retention = "4d"` | how long the result is kept | the worker's |
/// | `reply_by = "store"` | how the reply travels: by `"queue"`, by the `"store"` alone, or `"none"` | by queue |
/// | `crate = longshore_tasks` | where the framework is found | `::longshore` |
///
/// Durations are written `500ms`, `30s`, `15m`, `12h`, `4d`, or as a number of seconds. A `retry` that says
/// only one of its two takes the other from `RetryPolicy::default()`: 5 attempts, and waits of `2s..15m`.
///
/// # Errors
///
/// An option that no worker could carry out does not compile, and the error is at the token that says it:
///
/// ```compile_fail
/// # use longshore_tasks::Task;
/// #[derive(serde::Serialize, serde::Deserialize, Task)]
/// #[task(timeout = "13h", crate = longshore_tasks)] // over 12h, which is as long as SQS keeps a message in flight
/// struct Film;
/// ```
#[proc_macro_derive(Task, attributes(task))]
pub fn derive_task(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}
