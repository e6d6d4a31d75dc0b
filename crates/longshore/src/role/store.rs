//! Opens the store of task records.

use std::sync::Arc;

use longshore_tasks::{Store, StoreLocation, SystemClock};

use crate::exit::Fault;

/// Opens the store at that place.
///
/// # Errors
///
/// It cannot be reached or opened, was written by a later version, or is set up so that it would lose
/// records: what it is, and what to do.
pub(super) async fn open(location: &StoreLocation) -> Result<Arc<dyn Store>, Fault> {
    location.open(Arc::new(SystemClock)).await.map_err(|error| {
        Fault::cannot_start(format!(
            "the store of task records cannot be opened: {error}; name another with --store"
        ))
    })
}
