//! What workers do: a file for each task, and an `async` function, or one that blocks, in each.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a handler is given its task, whatever it does with it"
)]

mod archive;
mod charge;
mod publish;
mod reindex;
mod remind;
mod thumbnail;

pub(crate) use archive::archive;
pub(crate) use charge::charge;
pub(crate) use publish::publish;
pub(crate) use reindex::reindex;
pub(crate) use remind::remind;
pub(crate) use thumbnail::thumbnail;
