//! The scripts. A server knows a script by its digest, and is given its text once.

use redis::Script;

/// Every script, behind what all begin with.
macro_rules! script {
    ($name:literal) => {
        Script::new(concat!(
            include_str!("scripts/common.lua"),
            include_str!(concat!("scripts/", $name, ".lua"))
        ))
    };
}

/// The scripts, each of which says at its top what it takes and what it returns.
pub(super) struct Scripts {
    pub(super) read: Script,
    pub(super) write: Script,
    pub(super) alias: Script,
    pub(super) list: Script,
    pub(super) due: Script,
    pub(super) expire: Script,
    pub(super) values: Script,
    pub(super) list_values: Script,
    pub(super) put_value: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            read: script!("read"),
            write: script!("write"),
            alias: script!("alias"),
            list: script!("list"),
            due: script!("due"),
            expire: script!("expire"),
            values: script!("values"),
            list_values: script!("list_values"),
            put_value: script!("put_value"),
        }
    }
}
