//! A table with one row for each task that was computed: an effect that the handler has outside of
//! Longshore's store, for audits.
//!
//! The key is the task's id, which is the same at every attempt. So a task that runs again finds
//! its row and changes nothing. How often a task ran is counted by the work log, not here.
//!
//! # Invariants
//!
//! - A row that was written survives a kill of the process. Like the work log, the file is not
//!   synced: a power cut may take rows, or damage it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use longshore::Fault;
use longshore::tasks::TaskId;
use rusqlite::Connection;

const SET_UP: &str = "
    PRAGMA synchronous = OFF;
    CREATE TABLE IF NOT EXISTS effects (task TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
";
const KEEP: &str =
    "INSERT INTO effects (task, value) VALUES (?1, ?2) ON CONFLICT (task) DO NOTHING";

/// The table of effects. Cheap to clone; processes can share a file.
#[derive(Clone, Debug)]
pub(crate) struct Effects {
    connection: Arc<Mutex<Connection>>,
    path: Arc<PathBuf>,
}

impl Effects {
    /// Opens the file, and creates it if missing.
    pub(crate) fn open(path: &Path) -> Result<Self, Fault> {
        let open = || {
            let connection = Connection::open(path)?;
            connection.execute_batch(SET_UP)?;
            Ok(connection)
        };
        let connection = open().map_err(|fault: rusqlite::Error| {
            let path = path.display();
            Fault::cannot_start(format!(
                "the table of effects {path} cannot be opened: {fault}; name another with --effects"
            ))
        })?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), path: Arc::new(path.to_owned()) })
    }

    /// Keeps the value of the task, unless an earlier run did. Blocks its thread while other
    /// processes write, for 5 seconds at most.
    pub(crate) fn keep(&self, task: &TaskId, value: &str) -> Result<(), String> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = connection.execute(KEEP, [task.as_str(), value]);
        kept.map(|_| ()).map_err(|fault| {
            let path = self.path.display();
            format!("the table of effects {path} cannot be written: {fault}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(id: &str) -> TaskId {
        TaskId::parse(id).unwrap()
    }

    /// What a program sees that opens the file by itself.
    fn rows(path: &Path) -> Vec<(String, String)> {
        let connection = Connection::open(path).unwrap();
        let mut all = connection.prepare("SELECT task, value FROM effects ORDER BY task").unwrap();
        let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    fn row(task: &str, value: &str) -> (String, String) {
        (task.to_owned(), value.to_owned())
    }

    #[test]
    fn a_task_that_runs_again_in_another_process_leaves_its_effect_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("effects.sqlite3");
        Effects::open(&path).unwrap().keep(&task("t-1"), "13").unwrap();
        Effects::open(&path).unwrap().keep(&task("t-1"), "14").unwrap();
        assert_eq!(rows(&path), [row("t-1", "13")]);
    }

    #[test]
    fn two_tasks_of_one_value_have_an_effect_each() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("effects.sqlite3");
        let effects = Effects::open(&path).unwrap();
        effects.keep(&task("t-1"), "13").unwrap();
        effects.keep(&task("t-2"), "13").unwrap();
        assert_eq!(rows(&path), [row("t-1", "13"), row("t-2", "13")]);
    }

    #[test]
    fn a_file_of_something_else_is_named_with_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("effects.sqlite3");
        std::fs::write(&path, "not a database").unwrap();
        let fault = Effects::open(&path).unwrap_err().to_string();
        assert!(fault.contains("effects.sqlite3") && fault.contains("--effects"), "{fault}");
    }
}
