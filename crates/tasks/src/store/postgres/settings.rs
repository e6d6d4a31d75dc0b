//! The server's settings that durability hangs on: read at the start, and for each connection.

use deadpool_postgres::{Hook, HookError};

use super::database::Database;
use crate::store::{Result, StoreError};

/// Statements of a call that nobody waits for any more end by themselves. Every statement finds its
/// rows by an index: one that is prepared while the tables are still empty must not read them whole
/// for as long as its connection lives. And a statement is planned once ([`PLAN_ONCE`]): to plan it
/// for each call takes the server about as long as to carry it out. Nor is it compiled: the server would do
/// so for each call again, because what the settings above leave no choice about counts as dear.
const PREPARE: &str = "SELECT set_config('statement_timeout', '10000', false),
           set_config('plan_cache_mode', 'force_generic_plan', false),
           set_config('enable_seqscan', 'off', false),
           set_config('enable_hashjoin', 'off', false),
           set_config('enable_mergejoin', 'off', false),
           set_config('jit', 'off', false),
           CASE WHEN current_setting('synchronous_commit') = 'off'
                THEN set_config('synchronous_commit', 'on', false) END";

/// Has the statements that follow planned for their parameters.
pub(super) const PLAN_ANEW: &str =
    "SELECT set_config('plan_cache_mode', 'force_custom_plan', false)";
/// Has the statements that follow planned once, as it is from the start.
pub(super) const PLAN_ONCE: &str =
    "SELECT set_config('plan_cache_mode', 'force_generic_plan', false)";

/// Prepares a new connection.
pub(super) fn hook() -> Hook {
    Hook::async_fn(|connection, _| {
        Box::pin(async move {
            connection.simple_query(PREPARE).await.map(drop).map_err(HookError::Backend)
        })
    })
}

/// Refuses a server that does not sync its writes, and says what else is unusual.
///
/// # Errors
///
/// [`StoreError::Unsafe`] if it does not; [`StoreError::Unavailable`] if it cannot be asked.
pub(super) async fn check(database: &Database) -> Result<()> {
    let sql = "SELECT name, COALESCE(reset_val, setting) FROM pg_settings
               WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes')";
    let store = database.name();
    for row in database.query("read its settings", sql, &[]).await? {
        let (setting, value): (&str, &str) = (row.get(0), row.get(1));
        match (setting, value) {
            ("fsync", "off") => return Err(no_fsync(store)),
            ("full_page_writes", "off") => tracing::warn!(
                store,
                "full_page_writes is off: unless its disk writes pages whole, a crash of the \
                 server's host may damage records"
            ),
            ("synchronous_commit", "off") => tracing::warn!(
                store,
                "synchronous_commit is off: this store switches it on for its own connections"
            ),
            _ => {}
        }
    }
    Ok(())
}

fn no_fsync(store: &str) -> StoreError {
    let reason = "fsync is off, so that a crash of the server's host would lose records: set it by \
                  ALTER SYSTEM SET fsync = on, then SELECT pg_reload_conf()";
    StoreError::Unsafe { store: store.to_owned(), reason: reason.to_owned() }
}
