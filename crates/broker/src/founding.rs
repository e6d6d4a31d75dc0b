//! The start of a broker: its log is replayed, and then says that it has started.
//!
//! Two facts are in the log before the first reply: the secret that signs receipt handles, made
//! once, and the epoch, one more at each start. A delivery that a power cut took back bears an
//! earlier epoch than any later one.

use std::sync::Arc;

use longshore_storage::disk::RealDisk;
use longshore_storage::{Purpose, Quarantined, Recovered, ReserveError, Store};
use longshore_wire::SqsError;

use crate::clock::{Clock, Reading};
use crate::core::{Ledger, Operation, Replay, Turn};
use crate::journal::Change;
use crate::log::Room;
use crate::options::{BrokerOptions, OpenError};
use crate::random::RandomSource;

/// A store, and what its log says.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) store: Arc<Store>,
    pub(crate) replay: Replay,
    /// Contents of messages that the replayed part of the log has, and that have rotted.
    pub(crate) quarantined: Vec<Quarantined>,
}

/// Opens the store and replays its log. Blocks.
pub(crate) fn open_store(options: &BrokerOptions) -> Result<Opened, OpenError> {
    let mut replay = Replay::default();
    let Some(directory) = &options.data else {
        let (store, quarantined) = (Arc::new(Store::in_memory()), Vec::new());
        return Ok(Opened { store, replay, quarantined });
    };
    let shown = directory.display().to_string();
    let disk = RealDisk::open(directory)
        .map_err(|source| OpenError::Directory { directory: shown.clone(), source })?;
    let (store, recovered) = Store::open_from(Arc::new(disk), options.store.clone(), &mut replay)
        .map_err(|source| OpenError::Store { directory: shown, source })?;
    tell(&recovered);
    Ok(Opened { store: Arc::new(store), replay, quarantined: recovered.quarantined })
}

/// The same over a disk of a simulator's, which makes each step of the store itself.
#[cfg(feature = "simulation")]
pub(crate) fn open_stepped(
    disk: Arc<dyn longshore_storage::Disk>,
    options: &BrokerOptions,
) -> Result<Opened, OpenError> {
    let (directory, mut replay) = (disk.describe(""), Replay::default());
    let (store, recovered) = Store::open_stepped(disk, options.store.clone(), &mut replay)
        .map_err(|source| OpenError::Store { directory, source })?;
    tell(&recovered);
    Ok(Opened { store: Arc::new(store), replay, quarantined: recovered.quarantined })
}

fn tell(recovered: &Recovered) {
    for torn in &recovered.torn {
        tracing::warn!(
            file = torn.file,
            offset = torn.offset,
            bytes = torn.bytes,
            "cut the end of the log, which was being written when the broker stopped: nothing in it had been acknowledged"
        );
    }
    let (records, bodies) = (recovered.records, recovered.bodies);
    tracing::info!(records, bodies, "the log is replayed");
}

/// Appends that the broker has started, and answers its secret.
pub(crate) fn found(
    ledger: &mut Ledger,
    clock: &dyn Clock,
    random: &dyn RandomSource,
) -> Result<[u8; 32], ReserveError> {
    ledger.advance_time(Reading::of(clock));
    let secret = ledger.catalog().secret().copied().unwrap_or_else(|| new_secret(random));
    let mut changes = vec![Change::Catalog(ledger.catalog().boot())];
    if ledger.catalog().secret().is_none() {
        changes.push(Change::Catalog(ledger.catalog().found(secret)));
    }
    ledger.commit(changes, None, Purpose::Start)?;
    Ok(secret)
}

fn new_secret(random: &dyn RandomSource) -> [u8; 32] {
    let mut secret = [0; 32];
    random.fill(&mut secret);
    secret
}

/// Awaits that the start is durable, as any answer does.
#[derive(Debug)]
pub(crate) struct Started;

impl Operation for Started {
    type Reply = ();

    fn room(&self) -> Room {
        Room::none()
    }

    fn run(self, _turn: &mut Turn<'_>) -> Result<(), SqsError> {
        Ok(())
    }
}
