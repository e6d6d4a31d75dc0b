//! A thread that owns a connection and carries out commands; the writer's in groups.
//!
//! All commands that have come while a transaction was being synced share the next one: one sync
//! pays for many. One whose commands all need only survive a kill goes without a sync, and is on disk
//! with the next that has one. If a command fails, all of its group are told so and none is done, which
//! is right because each can be repeated. Reads that wait share one snapshot of the file, and so one
//! lock of it; a read that fails fails alone.

use std::fmt;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use thiserror::Error;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

use crate::life::Survives;

/// Commands of one transaction at most, so that the first does not wait long for the last.
const GROUP_MAX: usize = 256;
/// Commands that wait; who comes when they are as many waits before asking.
const WAITING_MAX: usize = 1024;
/// How long to wait before asking again whether another process's transaction is over. `SQLite`'s
/// own pauses grow to 100 ms: others fit many transactions into one of them, and so whoever has
/// waited for longest would be the last to notice that the file is free.
const BUSY_PAUSE: Duration = Duration::from_millis(1);
/// How often it is asked: for 5 seconds at least.
const BUSY_TRIES: i32 = 5_000;
/// Pages in the log before they are brought into the file: 16 MiB, where `SQLite` would take 4. A task writes the same
/// few pages that the one before it wrote, and the longer they stay in the log, the more often once is enough.
const CHECKPOINT_PAGES: u32 = 4096;
/// Tries to switch a new file to WAL while other processes try it too.
const WAL_TRIES: u32 = 10;

/// What a thread's connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Why a command was not carried out.
#[derive(Clone, Debug, Error)]
pub(super) enum CommandError {
    /// `SQLite`'s own words.
    #[error("{0}")]
    Sqlite(String),
    /// The thread is gone; it says why in the log.
    #[error("its thread has ended")]
    Ended,
}

/// Gives the answer, once it is known whether its transaction was committed.
type Answer = Box<dyn FnOnce(Result<(), CommandError>) + Send>;
/// Does the work in a transaction, or is told that there is none; its answer waits for the commit.
type Act =
    Box<dyn FnOnce(Result<&Connection, CommandError>) -> (Option<CommandError>, Answer) + Send>;

struct Command {
    survives: Survives,
    act: Act,
}

/// A thread that owns a connection. Dropped, it carries out what it has and ends.
pub(super) struct ConnectionThread {
    commands: Option<Sender<Command>>,
    thread: Option<JoinHandle<()>>,
}

/// Opens a connection, set up as every one of them has to be.
pub(super) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open(path)?;
    connection.busy_handler(Some(wait_for_others))?;
    switch_to_wal(&connection)?;
    set_survives(&connection, Survives::PowerCut)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    Ok(connection)
}

/// What the next transactions survive once they are committed.
fn set_survives(connection: &Connection, survives: Survives) -> rusqlite::Result<()> {
    let synchronous = match survives {
        Survives::Kill => "NORMAL",
        Survives::PowerCut => "FULL",
    };
    connection.pragma_update(None, "synchronous", synchronous)
}

/// Waits a little for another process's transaction; `false` once that was done for long enough.
#[expect(clippy::disallowed_methods, reason = "on a thread that waits for nothing but this file")]
pub(super) fn wait_for_others(tries: i32) -> bool {
    std::thread::sleep(BUSY_PAUSE);
    tries < BUSY_TRIES
}

/// `SQLite` does not wait for other processes when it switches; so this waits for them by a write
/// transaction, which does.
fn switch_to_wal(connection: &Connection) -> rusqlite::Result<()> {
    let mut tries = 1;
    loop {
        let switched = connection.pragma_update(None, "journal_mode", "WAL");
        match switched {
            Err(error) if is_busy(&error) && tries < WAL_TRIES => tries += 1,
            settled => return settled,
        }
        connection.execute_batch("BEGIN IMMEDIATE; COMMIT")?;
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

impl ConnectionThread {
    pub(super) fn spawn(connection: Connection, access: Access) -> std::io::Result<Self> {
        let (commands, mut queue) = channel(WAITING_MAX);
        let mut hand = Hand { connection, survives: Survives::PowerCut };
        let run = move || while carry_out_next(&mut hand, &mut queue, access) {};
        let thread = std::thread::Builder::new().name("longshore-store".to_owned()).spawn(run)?;
        Ok(Self { commands: Some(commands), thread: Some(thread) })
    }

    /// Has the command carried out, and answers when its effect survives what it has to.
    pub(super) async fn carry_out<T, F>(
        &self,
        survives: Survives,
        command: F,
    ) -> Result<T, CommandError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (asker, answer) = oneshot::channel();
        let act: Act = Box::new(|connection| {
            match connection.and_then(|connection| Ok(command(connection)?)) {
                Ok(value) => (None, answer_with(asker, value)),
                Err(error) => (Some(error), answer_without(asker)),
            }
        });
        let commands = self.commands.as_ref().ok_or(CommandError::Ended)?;
        let command = Command { survives, act };
        commands.send(command).await.map_err(|_| CommandError::Ended)?;
        answer.await.map_err(|_| CommandError::Ended)?
    }
}

impl From<rusqlite::Error> for CommandError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error.to_string())
    }
}

type Asker<T> = oneshot::Sender<Result<T, CommandError>>;

fn answer_with<T: Send + 'static>(asker: Asker<T>, value: T) -> Answer {
    // Who asked may have gone; the effect stands all the same.
    Box::new(|committed| drop(asker.send(committed.map(|()| value))))
}

fn answer_without<T: Send + 'static>(asker: Asker<T>) -> Answer {
    Box::new(|committed| {
        let error = committed.err().unwrap_or(CommandError::Ended);
        drop(asker.send(Err(error)));
    })
}

/// What a thread works with.
struct Hand {
    connection: Connection,
    /// What its next transaction survives.
    survives: Survives,
}

/// Waits for a command and carries it out with those that wait behind it; `false` when no more
/// can come.
fn carry_out_next(hand: &mut Hand, queue: &mut Receiver<Command>, access: Access) -> bool {
    let Some(first) = queue.blocking_recv() else { return false };
    let waiting = std::iter::from_fn(|| queue.try_recv().ok());
    let group = std::iter::once(first).chain(waiting.take(GROUP_MAX - 1));
    match access {
        Access::Write => hand.carry_out_group(group.collect()),
        Access::Read => look_up_group(&hand.connection, group.collect()),
    }
    true
}

/// Without the snapshot, if there is none to be had, each read has the file to itself.
fn look_up_group(connection: &Connection, group: Vec<Command>) {
    let snapshot = (group.len() > 1).then(|| connection.unchecked_transaction());
    for command in group {
        let (error, answer) = (command.act)(Ok(connection));
        answer(error.map_or(Ok(()), Err));
    }
    // Nothing was written, so a snapshot that is not let go of in order is let go of all the same.
    drop(snapshot);
}

impl Hand {
    fn carry_out_group(&mut self, group: Vec<Command>) {
        let transaction = match self.begin(&group) {
            Ok(transaction) => transaction,
            Err(error) => return refuse(group, &error.into()),
        };
        let mut failed = None;
        let mut answers = Vec::with_capacity(group.len());
        for command in group {
            let (error, answer) = (command.act)(Ok(&transaction));
            failed = failed.or(error);
            answers.push(answer);
        }
        let committed = match failed {
            None => transaction.commit().map_err(CommandError::from),
            Some(error) => transaction.rollback().map_err(CommandError::from).and(Err(error)),
        };
        for answer in answers {
            answer(committed.clone());
        }
    }

    /// A transaction that survives what the most demanding of its commands has to.
    fn begin(&mut self, group: &[Command]) -> rusqlite::Result<Transaction<'_>> {
        let survives = group.iter().map(|command| command.survives).max().unwrap_or_default();
        if survives != self.survives {
            set_survives(&self.connection, survives)?;
            self.survives = survives;
        }
        self.connection.transaction_with_behavior(TransactionBehavior::Immediate)
    }
}

/// Tells every asker that there is no transaction.
fn refuse(group: Vec<Command>, error: &CommandError) {
    for command in group {
        let (_, answer) = (command.act)(Err(error.clone()));
        answer(Err(error.clone()));
    }
}

impl Drop for ConnectionThread {
    fn drop(&mut self) {
        drop(self.commands.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's thread has panicked");
        }
    }
}

impl fmt::Debug for ConnectionThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionThread").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::time::Instant;

    use super::*;

    /// What `PRAGMA synchronous` says within a transaction of such commands.
    fn synchronous(hand: &mut Hand, group: &[Survives]) -> i64 {
        let (say, said) = mpsc::channel();
        let command = |survives: &Survives| {
            let say = say.clone();
            let act: Act = Box::new(move |connection| {
                let pragma = |row: &rusqlite::Row<'_>| row.get(0);
                let found = connection.unwrap().query_row("PRAGMA synchronous", [], pragma);
                say.send(found.unwrap()).unwrap();
                (None, Box::new(|committed| committed.unwrap()))
            });
            Command { survives: *survives, act }
        };
        hand.carry_out_group(group.iter().map(command).collect());
        let said: Vec<i64> = said.try_iter().collect();
        assert_eq!(said.len(), group.len());
        said[0]
    }

    #[test]
    fn a_transaction_is_synced_if_anything_in_it_must_survive_a_power_cut() {
        let directory = tempfile::tempdir().unwrap();
        let connection = open(&directory.path().join("tasks.sqlite3")).unwrap();
        let mut hand = Hand { connection, survives: Survives::PowerCut };
        let (normal, full) = (1, 2);
        assert_eq!(synchronous(&mut hand, &[Survives::PowerCut]), full);
        assert_eq!(synchronous(&mut hand, &[Survives::Kill, Survives::Kill]), normal);
        assert_eq!(synchronous(&mut hand, &[Survives::Kill, Survives::PowerCut]), full);
        assert_eq!(synchronous(&mut hand, &[Survives::Kill]), normal);
    }

    #[test]
    fn u7_whoever_has_waited_for_long_asks_as_often_as_whoever_has_just_come() {
        for tries in [0, 50, BUSY_TRIES - 1] {
            let took = |_| {
                let asked_at = Instant::now();
                assert!(wait_for_others(tries), "{tries}");
                asked_at.elapsed()
            };
            // The shortest of several: the machine may have something else to do.
            let pause = (0..10).map(took).min().unwrap();
            assert!(pause < BUSY_PAUSE * 10, "{pause:?} after {tries} tries");
        }
        assert!(!wait_for_others(BUSY_TRIES), "in the end it is an error");
    }
}
