//! The `SQLite` store: both suites, and what only a file can do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::future::join_all;
use longshore_tasks::{Claim, ClaimStore, Reply, ReplyStore, SqliteStore, Status, TaskId};
use longshore_types::Timestamp;
use tempfile::TempDir;

use crate::{claim_suite, reply_suite};

const NOW: Timestamp = Timestamp::from_millis(1_000_000);
const LEASE: Duration = Duration::from_secs(30);

fn id(text: &str) -> TaskId {
    TaskId::parse(text).unwrap()
}

/// Makes an empty store each time.
fn opener(directory: &TempDir) -> impl Fn() -> Arc<SqliteStore> {
    let last = AtomicU32::new(0);
    let path = directory.path().to_owned();
    move || {
        let number = last.fetch_add(1, Ordering::Relaxed);
        Arc::new(SqliteStore::open(path.join(format!("{number}.sqlite3"))).unwrap())
    }
}

#[tokio::test]
async fn it_passes_both_suites() {
    let directory = TempDir::new().unwrap();
    let open = opener(&directory);
    reply_suite::exercise(&open).await;
    claim_suite::exercise(&open).await;
}

#[tokio::test]
async fn what_was_answered_is_there_after_it_was_opened_again() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.sqlite3");
    let store = SqliteStore::open(&path).unwrap();
    ReplyStore::complete(&store, &id("t"), Reply::completed("1"), NOW).await.unwrap();
    assert!(matches!(store.claim(&id("c"), LEASE, NOW).await.unwrap(), Claim::Run { .. }));
    drop(store);

    let store = SqliteStore::open(&path).unwrap();
    let completed = Status::Completed { body: "1".to_owned() };
    assert_eq!(store.status(&id("t")).await.unwrap(), Some(completed));
    let busy = Claim::Busy { until: NOW + LEASE };
    assert_eq!(store.claim(&id("c"), LEASE, NOW).await.unwrap(), busy);
}

#[tokio::test]
async fn what_was_answered_is_there_though_the_process_never_closed_the_file() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.sqlite3");
    let killed = SqliteStore::open(&path).unwrap();
    killed.begin(&id("t"), NOW).await.unwrap();
    // A killed process leaves the write-ahead log behind: a copy of both files is what is found.
    let copy = directory.path().join("copy.sqlite3");
    for suffix in ["", "-wal"] {
        let name = |path: &std::path::Path| format!("{}{suffix}", path.display());
        std::fs::copy(name(&path), name(&copy)).unwrap();
    }

    let store = SqliteStore::open(&copy).unwrap();
    assert_eq!(store.status(&id("t")).await.unwrap(), Some(Status::Pending));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_connections_one_gets_each_claim() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.sqlite3");
    let stores = [SqliteStore::open(&path).unwrap(), SqliteStore::open(&path).unwrap()];
    let tasks: Vec<TaskId> = (0..50).map(|n| id(&format!("t-{n}"))).collect();

    let claims =
        tasks.iter().flat_map(|task| stores.iter().map(move |store| store.claim(task, LEASE, NOW)));
    let claims = join_all(claims).await;

    let runs = claims.iter().filter(|claim| matches!(claim, Ok(Claim::Run { .. }))).count();
    let busy = claims.iter().filter(|claim| matches!(claim, Ok(Claim::Busy { .. }))).count();
    assert_eq!((runs, busy), (50, 50));
}

#[tokio::test]
async fn what_one_connection_wrote_the_other_reads() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.sqlite3");
    let (one, other) = (SqliteStore::open(&path).unwrap(), SqliteStore::open(&path).unwrap());
    one.begin(&id("t"), NOW).await.unwrap();
    assert_eq!(other.status(&id("t")).await.unwrap(), Some(Status::Pending));
    ReplyStore::complete(&other, &id("t"), Reply::completed("1"), NOW).await.unwrap();
    let completed = Status::Completed { body: "1".to_owned() };
    assert_eq!(one.status(&id("t")).await.unwrap(), Some(completed));
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
    assert!(refusal.contains("format 99, and this version knows 1"), "{refusal}");
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("notes.txt");
    let text = "these are notes, and not a database of any kind".repeat(100);
    std::fs::write(&path, &text).unwrap();
    let refusal = SqliteStore::open(&path).unwrap_err().to_string();
    assert!(refusal.contains("could not open its file"), "{refusal}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}
