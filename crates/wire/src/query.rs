//! The Query protocol, which SDKs spoke until 2023: parameters of a form in, XML out.
//!
//! [`Parameters::parse`] reads the query string and the body, [`Parameters::request`] makes the
//! [`Request`](crate::Request), and [`Format`] writes what comes back. The inputs and replies are
//! those of [`action`](crate::action); what is particular to Query is how their members are named
//! (`member`), flattened (`read`, `outline`) and escaped (`xml`). As in [`json`](crate::json), the
//! HTTP around it is the caller's.
//!
//! # Invariants
//!
//! - No member of an action is declared here: a new action needs nothing but its own file, and a
//!   new list its name in `member`.
//! - How many parameters there are and how deeply they nest is bounded; an index is only an order.

mod error;
pub(crate) mod form;
mod format;
mod member;
mod outline;
mod parameters;
mod read;
mod xml;

pub use format::Format;
pub use parameters::Parameters;

/// What a request without an action is answered, with status 404: XML whatever it accepts.
pub const NO_ACTION: &str = "<UnknownOperationException/>";
