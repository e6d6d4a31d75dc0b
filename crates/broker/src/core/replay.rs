//! What a checkpoint and the records after it make: the state of a broker that starts.

use longshore_engine::{Event, MessageKey};
use longshore_storage::{BodyKey, Lsn, Rebuild, ReplayError};
use longshore_types::{MessageId, QueueArn, Timestamp};

use super::ledger::{Ledger, Rules};
use super::state::State;
use super::telling::{self, OfBroker, Part};
use super::{ClockMark, Times};
use crate::clock::ClockTrust;
use crate::journal::{Change, Entry};
use crate::log::{Log, body_key};

/// What a log says, on the way to being a [`Ledger`].
#[derive(Debug, Default)]
pub(crate) struct Replay {
    pub(super) state: State,
    next_key: u64,
    /// The last record's time, and what it says of the clock.
    last: Option<(Timestamp, ClockMark)>,
    /// A checkpoint is being taken in.
    is_restoring: bool,
}

impl Rebuild for Replay {
    fn restore(&mut self, piece: &[u8]) -> Result<(), ReplayError> {
        self.is_restoring = true;
        for part in telling::decode(piece).map_err(ReplayError::new)? {
            if let Part::Broker(OfBroker { at, mark, next_key, .. }) = &part {
                (self.last, self.next_key) = (Some((*at, *mark)), *next_key);
            }
            self.state.restore(part);
        }
        Ok(())
    }

    /// Applies one record; `released` gets the bodies that nothing needs any more.
    fn record(
        &mut self,
        lsn: Lsn,
        events: &[u8],
        released: &mut Vec<BodyKey>,
    ) -> Result<(), ReplayError> {
        self.end_restoring();
        let entry = Entry::decode(events).map_err(ReplayError::new)?;
        self.last = Some((entry.at, entry.mark()));
        self.state.shown.note(entry.at, entry.mark().offset);
        if let Some(lapse) = entry.lapse {
            self.state.lapse(lapse, lsn);
        }
        if entry.changes.is_empty() {
            // What ends a checkpoint: a message that expired while it was told left no record of its own, and its
            // body may be gone.
            released.extend(self.state.advance(entry.at).into_iter().map(body_key));
        }
        for change in &entry.changes {
            self.next_key = self.next_key.max(next_key(change));
            let gone = self.state.apply(change, entry.at, lsn);
            released.extend(gone.into_iter().map(body_key));
        }
        Ok(())
    }
}

impl Replay {
    /// All pieces of a checkpoint were taken in.
    pub(super) fn end_restoring(&mut self) {
        if std::mem::take(&mut self.is_restoring) {
            self.state.restored();
        }
    }

    /// The queue that a message is in, and its id.
    pub(crate) fn named(&self, key: MessageKey) -> Option<(QueueArn, MessageId)> {
        self.state.named(key)
    }

    /// The ledger, on the log that was replayed.
    pub(crate) fn finish(mut self, rules: Rules, trust: ClockTrust, log: Box<dyn Log>) -> Ledger {
        self.end_restoring();
        let Self { state, next_key, last, .. } = self;
        Ledger::new(rules, log, state, next_key, Times::after(last, trust))
    }
}

/// The key after a change's own, if it brings a message.
fn next_key(change: &Change) -> u64 {
    match change {
        Change::Queue(_, Event::Sent { key, .. } | Event::SentFifo { key, .. }) => key.get() + 1,
        Change::Queue(..) | Change::Catalog(_) => 0,
    }
}
