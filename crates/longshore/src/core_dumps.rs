//! No core dumps: what is in memory (messages, keys, the secret that signs receipt handles) is nobody's
//! to read from a file, whatever becomes of the process.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Has the system write none for this process and what it starts.
///
/// # Errors
///
/// What to warn of, if the system does not let it.
pub(crate) fn forbid() -> Result<(), String> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).map_err(|fault| {
        format!("core dumps cannot be switched off, and would hold messages: {fault}")
    })
}
