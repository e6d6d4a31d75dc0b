//! Access policies: what a queue's `Policy` says, and whether it lets somebody do something.
//!
//! ```text
//! text ─► json ─► document: Policy of statements ─► decide ─► Allowed | Denied
//!   └───► edit: a statement more, or one fewer; the rest of the text stays as it is
//! ```
//!
//! A policy is the JSON document of AWS: statements, each with an effect, principals, actions,
//! resources and conditions. It is parsed when it is set, and kept as its text. Everything here is
//! pure: who asks, from where and when are arguments.
//!
//! # Invariants
//!
//! - A document is bounded before it is read: its bytes, then its statements, principals and
//!   conditions.
//! - What is not understood never allows: a statement of which it cannot be told whether it applies
//!   grants nothing if it allows, and holds if it denies.

mod action;
mod condition;
mod context;
mod decide;
mod document;
mod edit;
mod error;
mod json;
mod principal;
mod read;
mod statement;
mod verdict;
mod wildcard;

pub(crate) use action::{Grantable, grantable};
pub use context::RequestContext;
pub use decide::{Access, Decision, Denial, decide};
pub use document::Policy;
pub(crate) use edit::{add, has_grant, remove};
pub use error::{Counted, PolicyError};
pub use principal::Principal;
