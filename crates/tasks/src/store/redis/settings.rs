//! The server's settings that durability hangs on, and the version of what is kept: read at the start.

use super::keys::Keys;
use super::server::Server;
use crate::store::{Result, StoreError};

/// The format that this version of Longshore writes.
const VERSION: u32 = 1;

/// What is promised only with these.
const NEEDED: [(&str, &str); 3] =
    [("appendonly", "yes"), ("appendfsync", "always"), ("maxmemory-policy", "noeviction")];

/// Refuses a server whose settings would lose records. One that does not show them is used, with a
/// warning.
///
/// # Errors
///
/// [`StoreError::Unsafe`] with each setting and the command that sets it;
/// [`StoreError::Unavailable`] if the server cannot be reached.
pub(super) async fn check(server: &Server) -> Result<()> {
    server.ping().await?;
    let mut wrong = Vec::new();
    for (setting, needed) in NEEDED {
        match read(server, setting).await {
            Ok(found) if found == needed => {}
            Ok(found) => wrong.push((setting, found, needed)),
            Err(error) => {
                warn_unread(server, &error);
                return Ok(());
            }
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(StoreError::Unsafe { store: server.name().to_owned(), reason: reason(&wrong) })
}

async fn read(server: &Server, setting: &str) -> std::result::Result<String, String> {
    let command = redis::cmd("CONFIG").arg("GET").arg(setting).to_owned();
    let found: Vec<String> = server.command(&command).await.map_err(|error| error.to_string())?;
    found.into_iter().nth(1).ok_or_else(|| format!("the server knows no {setting}"))
}

fn warn_unread(server: &Server, error: &str) {
    tracing::warn!(
        store = server.name(),
        error,
        "this server does not show its settings: unless it has appendonly yes, appendfsync always and \
         maxmemory-policy noeviction, it may lose records"
    );
}

fn reason(wrong: &[(&str, String, &str)]) -> String {
    let settings = wrong.iter().map(|(setting, found, needed)| {
        format!("{setting} is {found} (CONFIG SET {setting} {needed})")
    });
    let settings: Vec<String> = settings.collect();
    format!(
        "it may lose records: {}. Set the same in its configuration file, or by CONFIG REWRITE, to \
         keep it so",
        settings.join(", ")
    )
}

/// Notes the version of the format in a new store, and refuses that of a later version.
///
/// # Errors
///
/// [`StoreError::TooNew`], or [`StoreError::Unavailable`].
pub(super) async fn check_format(server: &Server, keys: &Keys) -> Result<()> {
    let key = keys.of("format");
    let fail = |source| server.unavailable("read its format", source);
    let read = redis::cmd("GET").arg(&key).to_owned();
    let mut found: Option<u32> = server.command(&read).await.map_err(fail)?;
    if found.is_none() {
        // Only then: a server that is full refuses it, and is to be read all the same.
        let note = redis::cmd("SETNX").arg(&key).arg(VERSION).to_owned();
        server.command::<i64>(&note).await.map_err(fail)?;
        found = server.command(&read).await.map_err(fail)?;
    }
    let found = found.unwrap_or(VERSION);
    if found > VERSION {
        let store = server.name().to_owned();
        return Err(StoreError::TooNew { store, found, known: VERSION });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_each_setting_and_how_to_set_it() {
        let wrong =
            [("appendonly", "no".to_owned(), "yes"), ("appendfsync", "no".to_owned(), "always")];
        let reason = reason(&wrong);
        assert!(reason.contains("CONFIG SET appendonly yes"), "{reason}");
        assert!(reason.contains("CONFIG SET appendfsync always"), "{reason}");
    }
}
