//! Who asks: access keys, and whom each belongs to.
//!
//! ```text
//! access-keys.toml ─► key_file ─► KeyRing ─► secret of a key ─► (the server verifies a signature)
//!                                    └─────► Identity ─► account, ARN, SenderId
//! ```
//!
//! A broker that requires signatures serves the keys of its ring and nobody else. One that does not
//! still asks the ring in whose account a request is.
//!
//! # Invariants
//!
//! - A secret is never shown, in no error and no log line, nor is the line of the file that has it.
//! - An id of 12 digits is the id of its own account.
//!
//! What is not here: whether somebody may use a queue. That is its owner's to say, in its policy.

mod identity;
mod key_file;
mod key_ring;

pub use identity::Identity;
pub use key_file::KeyFileError;
pub use key_ring::{AccessKey, AccessKeyError, KeyRing};
