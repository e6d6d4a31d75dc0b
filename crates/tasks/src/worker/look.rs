//! A look at the records of all that runs here, every two seconds: who else wrote one is noticed, and what handlers
//! said of their progress is written, in one call for all of them.
//!
//! # Invariants
//!
//! - While progress is written, nothing else is that this worker writes of those records. So it is given up early
//!   enough that each lease can still be renewed: what handlers said is then written at the next look.
//! - What a handler said last is what is written.

use std::time::Duration;

use longshore_types::Timestamp;
use tokio::time::{Instant, timeout, timeout_at};

use super::heartbeat::{Entry, Heartbeat, Held, ProgressNote};
use crate::life::{self, Progress};
use crate::store::{Answer, Change};

/// How long a look waits for the store: a cancellation is to be seen soon after it answers again.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long progress waits for the store at most: whoever ends a run waits for that.
const PROGRESS_PATIENCE: Duration = Duration::from_secs(2);

/// Progress that is being written.
struct Noted {
    id: u64,
    note: ProgressNote,
    percent: u8,
    text: String,
    /// When the store has to have answered for the lease to be renewed in time.
    until: Instant,
}

impl Heartbeat {
    /// Looks at the records of all that runs here, in one call, and writes what handlers said.
    pub(super) async fn look(&self) {
        let running: Vec<(u64, Held)> = {
            let leases = self.leases();
            let held = leases.by_id.iter().filter(|(_, entry)| !entry.in_flight);
            held.filter_map(|(id, entry)| Some((*id, entry.held.clone()?))).collect()
        };
        if running.is_empty() {
            return;
        }
        let ids = running.iter().map(|(_, held)| held.record.id.clone()).collect();
        let found = match timeout(PATIENCE, self.parts.records.find_all(ids)).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                tracing::debug!(%error, "the records of running tasks were not read");
                return;
            }
            Err(_) => {
                tracing::warn!("the store does not answer: running tasks were not looked at");
                return;
            }
        };
        for ((id, held), record) in running.iter().zip(found.value) {
            match record {
                Ok(Some(record)) if record.version > held.record.version => self.note(*id, record),
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "a running task's record is left alone"),
            }
        }
        self.write_progress(running.into_iter().map(|(id, _)| id), found.now).await;
    }

    async fn write_progress(&self, running: impl Iterator<Item = u64>, now: Timestamp) {
        let (noted, changes) = self.begin_progress(running, now);
        let Some(first) = noted.iter().map(|noted| noted.until).min() else { return };
        let until = first.min(Instant::now() + PROGRESS_PATIENCE);
        let answers = match timeout_at(until, self.parts.records.write(changes)).await {
            Ok(Ok(answers)) => answers,
            // The store is away: said again at the next look.
            Ok(Err(_)) | Err(_) => Vec::new(),
        };
        let mut answers = answers.into_iter();
        for noted in noted {
            match answers.next() {
                Some(Answer::Written(record)) => self.note(noted.id, *record),
                // Somebody else wrote the record.
                Some(_) | None => noted.note.put_back(noted.percent, noted.text),
            }
            if let Some(entry) = self.leases().by_id.get_mut(&noted.id) {
                entry.in_flight = false;
            }
        }
        self.tell_settled();
    }

    /// What is to be written. Nothing else is done about those leases until `in_flight` is taken back.
    fn begin_progress(
        &self,
        running: impl Iterator<Item = u64>,
        now: Timestamp,
    ) -> (Vec<Noted>, Vec<Change>) {
        let mut leases = self.leases();
        let begin = |id| leases.by_id.get_mut(&id)?.begin_progress(id, now);
        running.filter_map(begin).unzip()
    }
}

impl Entry {
    fn begin_progress(&mut self, id: u64, now: Timestamp) -> Option<(Noted, Change)> {
        let held = self.held.as_ref().filter(|_| !self.in_flight)?;
        let (percent, text) = held.progress.take()?;
        let progress = Progress { percent, note: text.clone(), at: now };
        let next = life::progressed(&held.record, held.fence, progress).ok()?;
        let change = Change::of(held.record.clone(), next);
        let (note, until) = (held.progress.clone(), self.progress_until());
        self.in_flight = true;
        Some((Noted { id, note, percent, text, until }, change))
    }
}
