//! The `SQLite` store: what only a file can do. What every store must do is in `longshore-testkit`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use longshore_tasks::life::{self, Ask, Asked, Claimed};
use longshore_tasks::store::{Answer, Change};
use longshore_tasks::{Records, SqliteStore, Store, StoreError, SystemRandom, TaskId};
use tempfile::TempDir;

fn id(text: &str) -> TaskId {
    TaskId::parse(text).unwrap()
}

fn open(path: &Path) -> Records {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(path).unwrap());
    Records::new(store, Arc::new(SystemRandom))
}

async fn submit(records: &Records, id: &TaskId) {
    let first = Change::first(id.clone(), life::submitted(Asked::default()));
    assert!(matches!(records.write_one(first).await.unwrap(), Answer::Written(_)));
}

/// Whether a worker gets the claim of a task that it has not read.
async fn claim(records: &Records, id: &TaskId) -> bool {
    let record = life::TaskRecord::assumed(id.clone(), Asked::default());
    let lease = Duration::from_secs(30);
    let ask = Ask {
        generation: 1,
        worker: "w".to_owned(),
        token: 0,
        lease,
        unchanged: false,
        times_are_the_stores: true,
        watch: None,
        received_before: false,
    };
    let now = records.find(id).await.unwrap().now;
    let Claimed::Run(next) = life::claim(&record, &ask, now) else { panic!("not free") };
    matches!(records.write_one(Change::of(record, *next)).await.unwrap(), Answer::Written(_))
}

#[tokio::test]
async fn what_was_answered_is_there_after_it_was_opened_again() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.sqlite3");
    let records = open(&path);
    submit(&records, &id("t")).await;
    assert!(claim(&records, &id("t")).await);
    drop(records);
    let record = open(&path).find(&id("t")).await.unwrap().record.unwrap();
    assert_eq!((record.version, record.life.attempts_made), (2, 1));
}

#[tokio::test]
async fn what_was_answered_is_there_though_the_process_never_closed_the_file() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.sqlite3");
    let killed = open(&path);
    submit(&killed, &id("t")).await;
    // A killed process leaves the write-ahead log behind: a copy of both files is what is found.
    let copy = directory.path().join("copy.sqlite3");
    for suffix in ["", "-wal"] {
        let name = |path: &Path| format!("{}{suffix}", path.display());
        std::fs::copy(name(&path), name(&copy)).unwrap();
    }
    assert!(open(&copy).find(&id("t")).await.unwrap().record.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_processes_one_gets_each_claim() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.sqlite3");
    let workers = [open(&path), open(&path)];
    let tasks: Vec<TaskId> = (0..50).map(|n| id(&format!("t-{n}"))).collect();
    join_all(tasks.iter().map(|task| submit(&workers[0], task))).await;
    let claims = tasks.iter().flat_map(|task| workers.iter().map(move |one| claim(one, task)));
    let claims = join_all(claims).await;
    assert_eq!(claims.iter().filter(|got| **got).count(), 50);
}

#[test]
fn l9_its_files_are_for_their_owner_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.sqlite3");
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let mode = std::fs::metadata(format!("{}{suffix}", path.display())).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600, "{suffix}");
    }
    drop(store);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_processes_can_open_a_new_file_at_once() {
    let directory = TempDir::new().unwrap();
    let path = Arc::new(directory.path().join("tasks.sqlite3"));
    let open = |_| {
        let path = Arc::clone(&path);
        tokio::task::spawn_blocking(move || SqliteStore::open(&*path))
    };
    for opened in join_all((0..8).map(open)).await {
        opened.unwrap().unwrap();
    }
}

#[test]
fn a_file_of_a_later_version_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.sqlite3");
    drop(SqliteStore::open(&path).unwrap());
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    let refusal = SqliteStore::open(&path).unwrap_err().to_string();
    assert!(refusal.contains("format 99, and this version knows 2"), "{refusal}");
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("notes.txt");
    let text = "these are notes, and not a database of any kind".repeat(100);
    std::fs::write(&path, &text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refusal = SqliteStore::open(&path).unwrap_err().to_string();
    assert!(refusal.contains("could not open its file"), "{refusal}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
}

#[test]
fn the_database_of_another_program_is_refused_and_left_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("accounts.sqlite3");
    for version in [0, 1, 2] {
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE IF NOT EXISTS accounts (id INTEGER)").unwrap();
        connection.pragma_update(None, "user_version", version).unwrap();
        drop(connection);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let before = std::fs::read(&path).unwrap();
        let refusal = SqliteStore::open(&path).unwrap_err().to_string();
        assert!(refusal.contains("a table `accounts`"), "{refusal}");
        assert_eq!(std::fs::read(&path).unwrap(), before, "of version {version}");
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_fails_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.sqlite3");
    let records = open(&path);
    submit(&records, &id("later")).await;
    submit(&records, &id("ours")).await;
    let connection = rusqlite::Connection::open(&path).unwrap();
    let sql = "UPDATE tasks SET standing = 'teleported' WHERE id = 'later'";
    assert_eq!(connection.execute(sql, []).unwrap(), 1);
    let found = records.find_all(vec![id("later"), id("ours")]).await.unwrap().value;
    assert!(matches!(found[0], Err(StoreError::Unreadable { .. })), "{found:?}");
    assert!(matches!(found[1], Ok(Some(_))), "{found:?}");
    let first = |task: &str| Change::first(id(task), life::submitted(Asked::default()));
    let written = records.write(vec![first("later"), first("new")]).await.unwrap();
    assert!(matches!(written[0], Answer::Unreadable(_)), "{written:?}");
    assert!(matches!(written[1], Answer::Written(_)), "{written:?}");
}
