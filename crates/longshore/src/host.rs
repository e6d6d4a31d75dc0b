//! What this host is called.

use std::fs;

/// The host's name, for the records of tasks; `localhost` where the system does not say.
pub(crate) fn name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".to_owned() } else { name.to_owned() }
}
