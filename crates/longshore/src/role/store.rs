//! Opens the store of task records.

use std::sync::Arc;

use longshore_tasks::store::{MeasuredStore, StoreCalls};
use longshore_tasks::{Store, StoreError, StoreLocation, SystemClock};

use crate::exit::Fault;

/// Opens the store at that place, and counts its calls.
///
/// # Errors
///
/// It cannot be reached or opened, was written by a later version, or is set up so that it would lose
/// records: what it is, and what to do.
pub(crate) async fn open(
    location: &StoreLocation,
) -> Result<(Arc<dyn Store>, Arc<StoreCalls>), Fault> {
    let opened = location.open(Arc::new(SystemClock)).await;
    let store = MeasuredStore::new(opened.map_err(|error| cannot_open(&error))?);
    let calls = store.calls();
    Ok((Arc::new(store), calls))
}

fn cannot_open(error: &StoreError) -> Fault {
    // The other errors say themselves what to do.
    let is_unavailable = matches!(error, StoreError::Unavailable { .. });
    let first = if is_unavailable { "see that it can be used from here, " } else { "" };
    Fault::cannot_start(format!(
        "the store of task records cannot be opened: {error}; {first}or name another with --store"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    /// What opening that file as a store ends with.
    async fn fault(file: &std::path::Path) -> String {
        let fault = open(&StoreLocation::file(file)).await.unwrap_err();
        assert_eq!(fault.exit(), Exit::CannotStart);
        fault.to_string()
    }

    #[tokio::test]
    async fn a_store_that_cannot_be_used_is_named_with_what_to_do() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "notes, and not a database".repeat(100)).unwrap();
        let text = fault(file.path()).await;
        assert!(text.contains(file.path().to_str().unwrap()), "{text}");
        let end = "see that it can be used from here, or name another with --store";
        assert!(text.ends_with(end), "{text}");
    }

    #[test]
    fn a_store_of_a_later_version_is_named_with_what_to_do() {
        let error = StoreError::TooNew { store: "tasks.sqlite3".to_owned(), found: 3, known: 2 };
        let text = cannot_open(&error).to_string();
        assert!(text.contains("tasks.sqlite3 has format 3, and this version knows 2"), "{text}");
        assert!(text.ends_with("use a newer Longshore; or name another with --store"), "{text}");
    }
}
