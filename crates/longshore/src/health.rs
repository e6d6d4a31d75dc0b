//! How a role is: the page that says it, and the command that asks for it.

pub mod ask;
pub mod page;

pub use ask::ask;
