//! Opens the store of results and claims.

use std::path::Path;
use std::sync::Arc;

use longshore_tasks::{ClaimStore, MemoryStore, ReplyStore, SqliteStore};

use crate::exit::Fault;

/// The store of results and claims, by what it is asked for.
#[derive(Clone, Debug)]
pub struct Stores {
    /// How tasks stand.
    pub replies: Arc<dyn ReplyStore>,
    /// Who runs them.
    pub claims: Arc<dyn ClaimStore>,
}

impl Stores {
    /// Stores that end with the process.
    pub fn in_memory() -> Self {
        Self::of(MemoryStore::new())
    }

    /// The embedded store at `path`, created with its directory if missing.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
        if let Some(directory) = directory {
            std::fs::create_dir_all(directory).map_err(|fault| {
                let directory = directory.display();
                Fault::cannot_start(format!(
                    "the directory {directory} cannot be created: {fault}; name another with \
                     --data or --store"
                ))
            })?;
        }
        let store = SqliteStore::open(path).map_err(|fault| {
            Fault::cannot_start(format!(
                "the store of results and claims cannot be opened: {fault}; name another file \
                 with --store"
            ))
        })?;
        Ok(Self::of(store))
    }

    fn of(store: impl ReplyStore + ClaimStore) -> Self {
        let store = Arc::new(store);
        let replies: Arc<dyn ReplyStore> = Arc::clone(&store) as _;
        Self { replies, claims: store }
    }
}
