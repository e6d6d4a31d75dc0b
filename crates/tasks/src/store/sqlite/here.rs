//! A look-up where it is asked for: a few pages that the system has in memory are read in less time than another
//! thread is woken in.
//!
//! # Invariants
//!
//! - Nobody waits here: not for another look-up, nor for a lock of the file. Who would have to is told to ask the
//!   reader's thread.
//! - Where look-ups have to wait for the disk, none is done here for a while, so that an asker's thread, and all that
//!   runs on it, waits for few of them.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use longshore_types::Timestamp;
use longshore_types::limits::RECEIVE_COUNT_MAX;
use rusqlite::Connection;
use tokio::time::Instant;

use super::rows;
use crate::id::TaskId;
use crate::store::Row;

/// Tasks that are looked up at once: those of a receive. More of them are worth another thread's while.
const TASKS_MAX: usize = RECEIVE_COUNT_MAX;
/// Where look-ups take longer than this in the mean, what they need is not in memory.
const QUICK: Duration = Duration::from_micros(500);
/// The weight of those before, against the latest: one by itself says nothing, as its thread may have lost its core.
const MEMORY: u32 = 15;
/// How long nothing is looked up here after that.
const REST: Duration = Duration::from_secs(1);

/// A connection for whoever comes when nobody else does.
#[derive(Debug)]
pub(super) struct Here {
    connection: Mutex<Paced>,
    opened_at: Instant,
    /// Until when nothing is looked up, in milliseconds after `opened_at`.
    rests_until: AtomicU64,
}

#[derive(Debug)]
struct Paced {
    connection: Connection,
    /// How long its last look-ups took.
    mean: Duration,
}

impl Here {
    /// Opens the file, which is there and in WAL mode.
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::ZERO)?;
        let connection = Mutex::new(Paced { connection, mean: Duration::ZERO });
        let rests_until = AtomicU64::new(0);
        Ok(Self { connection, opened_at: Instant::now(), rests_until })
    }

    /// The rows of tasks, each in its place; `None` if the reader's thread is to be asked.
    pub(super) fn find(&self, ids: &[TaskId], now: Timestamp) -> Option<Vec<Option<Row>>> {
        let began_at = Instant::now();
        if ids.len() > TASKS_MAX || self.millis(began_at) < self.rests_until.load(Relaxed) {
            return None;
        }
        let mut paced = self.connection.try_lock().ok()?;
        // What fails here, the reader's thread finds out about and says.
        let found: rusqlite::Result<_> =
            ids.iter().map(|id| rows::find(&paced.connection, id, now)).collect();
        if paced.is_slow_after(began_at.elapsed()) {
            self.rests_until.store(self.millis(began_at + REST), Relaxed);
        }
        found.ok()
    }

    fn millis(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.opened_at);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

impl Paced {
    /// Learns how long another look-up took; who was slow is judged anew.
    fn is_slow_after(&mut self, took: Duration) -> bool {
        self.mean = (self.mean * MEMORY + took) / (MEMORY + 1);
        let is_slow = self.mean > QUICK;
        if is_slow {
            self.mean = Duration::ZERO;
        }
        is_slow
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::super::connection;
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    fn ids(count: usize) -> Vec<TaskId> {
        (0..count).map(|number| TaskId::parse(&format!("t-{number}")).unwrap()).collect()
    }

    /// A file with the first of `ids`, a connection that writes to it, and what is tried.
    fn file(directory: &Path) -> (Connection, Here) {
        let path = directory.join("tasks.sqlite3");
        let mut writer = connection::open(&path).unwrap();
        super::super::schema::prepare(&mut writer, NOW).unwrap();
        let here = Here::open(&path).unwrap();
        writer.execute(
            "INSERT INTO tasks (id, version, mark, asked, queue, tags, created_at, life, standing, keep)
             VALUES ('t-0', 1, 1, '', 'q', '[]', 1, '', 'pending', 2000)",
            [],
        ).unwrap();
        (writer, here)
    }

    fn known(found: Option<Vec<Option<Row>>>) -> Option<Vec<bool>> {
        Some(found?.iter().map(Option::is_some).collect())
    }

    #[test]
    fn what_another_connection_has_written_is_found_and_in_its_place() {
        let directory = tempfile::tempdir().unwrap();
        let (writer, here) = file(directory.path());
        assert_eq!(known(here.find(&ids(2), NOW)), Some(vec![true, false]));
        writer.execute("UPDATE tasks SET keep = 1000", []).unwrap();
        assert_eq!(known(here.find(&ids(2), NOW)), Some(vec![false, false]));
    }

    #[test]
    fn neither_a_writer_nor_another_look_up_is_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let (writer, here) = file(directory.path());
        writer.execute_batch("BEGIN IMMEDIATE; DELETE FROM tasks").unwrap();
        assert_eq!(known(here.find(&ids(1), NOW)), Some(vec![true]), "as it was before");
        let another = here.connection.lock().unwrap();
        assert_eq!(here.find(&ids(1), NOW), None);
        drop(another);
    }

    #[test]
    fn many_at_once_are_for_the_readers_thread() {
        let directory = tempfile::tempdir().unwrap();
        let (_writer, here) = file(directory.path());
        assert!(here.find(&ids(TASKS_MAX), NOW).is_some());
        assert_eq!(here.find(&ids(TASKS_MAX + 1), NOW), None);
    }

    #[tokio::test(start_paused = true)]
    async fn where_look_ups_wait_for_the_disk_none_is_done_here_for_a_while() {
        let directory = tempfile::tempdir().unwrap();
        let (_writer, here) = file(directory.path());
        let took = |time| here.connection.lock().unwrap().mean = time;
        assert!(here.find(&ids(1), NOW).is_some());
        took(QUICK * 2);
        assert!(here.find(&ids(1), NOW).is_some(), "the one that finds out");
        assert_eq!(here.find(&ids(1), NOW), None);
        advance(REST).await;
        assert!(here.find(&ids(1), NOW).is_some());
        assert!(here.find(&ids(1), NOW).is_some(), "it is judged anew");
    }

    #[test]
    fn one_slow_look_up_says_nothing_and_some_say_that_the_disk_is_waited_for() {
        let connection = Connection::open_in_memory().unwrap();
        let mut paced = Paced { connection, mean: Duration::ZERO };
        let mut after = |millis| paced.is_slow_after(Duration::from_millis(millis));
        assert_eq!([4, 0, 0, 0].map(&mut after), [false; 4]);
        assert_eq!([4, 4, 4].map(&mut after), [false, true, false]);
    }
}
