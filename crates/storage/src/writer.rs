//! The one thread that writes: natural group commit.
//!
//! It takes all records that are pending, writes them as one batch, syncs once, reports, and takes
//! what has come in the meantime. There is no linger: a lone record is written at once, and the more
//! there are, the more of them share a sync.
//!
//! # Invariants
//!
//! - Progress is reported after each write and each sync, in order, and never ahead of them.
//! - A failed write or sync ends the thread and poisons the store. No call is repeated: after a
//!   failed sync the kernel may call the lost pages clean, and the next sync would lie.

use std::sync::Arc;

use crate::{
    Options, SyncMode,
    log::{Failure, Log, Placed},
    pace::{Due, Pace, Stopwatch},
    record::PendingRecord,
    shared::{Shared, Work},
};

/// The writer of one store.
#[derive(Debug)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
    log: Log,
    pace: Pace,
    sync: SyncMode,
    segment_bytes: u64,
    /// Whether something was synced since the start. What is written first is called durable once it
    /// is, in every mode: it is how a caller tells one start from another.
    has_synced: bool,
}

/// How a turn of the writer ended.
enum Turn {
    Again,
    End,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, log: Log, options: &Options) -> Self {
        let mut pace = Pace::new(options);
        if log.is_unvouched() {
            pace.rests();
        }
        Self {
            shared,
            log,
            pace,
            sync: options.sync,
            segment_bytes: options.segment_bytes,
            has_synced: false,
        }
    }

    /// Writes until the store is closed, or poisoned.
    pub(crate) fn run(mut self) {
        let _guard = PoisonOnPanic(Arc::clone(&self.shared));
        loop {
            match self.turn() {
                Ok(Turn::Again) => {}
                Ok(Turn::End) => return,
                Err(failure) => return self.fail(&failure),
            }
        }
    }

    /// A turn that waits for nothing, and is told what is due; whether there may be more to do.
    #[cfg(feature = "faults")]
    pub(crate) fn step(&mut self, due: Option<Due>) -> bool {
        let work = self.shared.next_work(Some(std::time::Duration::ZERO));
        match self.carry_out(work, due) {
            Ok(Turn::Again) => true,
            Ok(Turn::End) => false,
            Err(failure) => {
                self.fail(&failure);
                false
            }
        }
    }

    fn fail(&self, failure: &Failure) {
        let Failure { action, file, source } = failure;
        tracing::error!(%file, error = %source, "cannot {action} the log: the store takes nothing more; check the disk and restart");
        self.shared.poison();
    }

    fn turn(&mut self) -> Result<Turn, Failure> {
        let next = self.pace.next();
        let work = self.shared.next_work(next.map(|(_, wait)| wait));
        self.carry_out(work, next.map(|(due, _)| due))
    }

    /// Does what there is to do; `due` is what the time that has passed asks for.
    fn carry_out(&mut self, work: Work, due: Option<Due>) -> Result<Turn, Failure> {
        match work {
            Work::Records(records) => self.commit(&records)?,
            Work::Timeout => match due {
                Some(Due::Sync) => self.sync()?,
                Some(Due::Vouch) => self.vouch()?,
                None => {}
            },
            Work::Close => {
                self.vouch()?;
                return Ok(Turn::End);
            }
            Work::Stop => return Ok(Turn::End),
        }
        Ok(Turn::Again)
    }

    /// Writes all records, in as many batches as segments ask for, and syncs if somebody waits.
    fn commit(&mut self, records: &[PendingRecord]) -> Result<(), Failure> {
        let mut rest = records;
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(self.log.fit(rest));
            if batch.is_empty() {
                self.roll()?;
            } else {
                self.write(batch)?;
            }
            rest = later;
        }
        if self.must_sync(records) { self.sync() } else { Ok(()) }
    }

    fn must_sync(&self, records: &[PendingRecord]) -> bool {
        let awaited = match self.sync {
            SyncMode::Always => records.iter().any(|record| record.sync),
            SyncMode::Interval(_) => false,
        };
        awaited || !self.has_synced || self.pace.is_sync_overdue()
    }

    fn write(&mut self, batch: &[PendingRecord]) -> Result<(), Failure> {
        let placed = self.write_batch(batch)?;
        self.pace.wrote();
        self.shared.bodies.place(placed.into_iter());
        let charges = batch.iter().map(|record| record.charge).sum();
        let durable = self.sync != SyncMode::Always && self.has_synced;
        self.shared.written(self.log.written(), durable, charges, self.log.active_bytes());
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Failure> {
        self.sync_log()?;
        self.pace.synced();
        self.has_synced = true;
        self.shared.synced(self.log.written());
        Ok(())
    }

    fn write_batch(&mut self, batch: &[PendingRecord]) -> Result<Placed, Failure> {
        let before = self.log.written_bytes();
        let placed = self.log.write(batch)?;
        self.shared.counters.wrote(self.log.written_bytes() - before);
        Ok(placed)
    }

    fn sync_log(&mut self) -> Result<(), Failure> {
        if !self.log.is_dirty() {
            return self.log.sync();
        }
        let began = Stopwatch::start();
        self.log.sync()?;
        self.shared.counters.synced(began.elapsed());
        Ok(())
    }

    fn roll(&mut self) -> Result<(), Failure> {
        let spare = self.shared.take_spare().expect("room was promised before the append");
        tracing::debug!(segment = %spare.path, "going on to the next segment");
        self.sync_log()?;
        let before = self.log.written_bytes();
        self.log.roll(spare, self.segment_bytes)?;
        self.log.tell_used(&self.shared);
        self.shared.counters.wrote(self.log.written_bytes() - before);
        self.pace.synced();
        self.shared.synced(self.log.written());
        Ok(())
    }

    /// Makes all durable, and says so on the disk in a batch of its own: a bad byte in the last
    /// records is then known to be damage. Without room for it, the records stay as they are.
    fn vouch(&mut self) -> Result<(), Failure> {
        self.sync()?;
        let wanted = self.log.is_unvouched() && self.shared.promise_vouch();
        self.pace.vouched();
        if !wanted {
            return Ok(());
        }
        if !self.log.fits_empty() {
            self.roll()?;
        }
        self.write_batch(&[])?;
        self.shared.vouched(self.log.active_bytes());
        self.sync_log()
    }
}

/// Poisons the store if the thread that holds it panics: nobody may wait for it in vain.
#[derive(Debug)]
pub(crate) struct PoisonOnPanic(pub(crate) Arc<Shared>);

impl Drop for PoisonOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.poison();
        }
    }
}
