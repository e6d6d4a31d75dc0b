//! The file of the embedded store: format 1 is taken over, a later one refused, and it is private.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::id::TaskId;
use longshore_tasks::life::{
    self, Ask, Asked, Claimed, How, Next, Phase, Shown, Survives, TaskRecord, When, Woken,
};
use longshore_tasks::reply::Reply;
use longshore_tasks::store::{Answer, Change};
use longshore_tasks::{Clock as _, Records, SqliteStore, StoreError};
use longshore_testkit::{ManualClock, Seeded};
use rusqlite::Connection;

/// As version 0.1 made its file.
const FORMAT_1: &str = "
CREATE TABLE replies (
    task_id    TEXT PRIMARY KEY NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('PENDING', 'COMPLETED', 'FAILED')),
    body       TEXT,
    changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX replies_by_change ON replies (changed_at);
CREATE TABLE aliases (
    message_id TEXT PRIMARY KEY NOT NULL,
    task_id    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_by_task ON aliases (task_id);
CREATE TABLE claims (
    task_id     TEXT PRIMARY KEY NOT NULL,
    fence       INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    until       INTEGER NOT NULL,
    status      TEXT CHECK (status IN ('COMPLETED', 'FAILED')),
    body        TEXT,
    dead_letter TEXT,
    changed_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX claims_by_change ON claims (changed_at);
PRAGMA user_version = 1;
";

/// An hour before the clock's beginning.
const CHANGED: u64 = 1_700_000_000_000 - 3_600_000;
const RETENTION: Duration = Duration::from_secs(345_600);

const ROWS: &str = r#"
INSERT INTO replies VALUES
    ('pending', 'PENDING', NULL, 1699996400000),
    ('completed', 'COMPLETED', '{"n":123456789012345678901234567890}', 1699996400000),
    ('dead', 'PENDING', NULL, 1699996400000),
    ('tried', 'PENDING', NULL, 1699996400000);
INSERT INTO aliases VALUES ('message', 'completed'), ('of-nobody', 'unheard-of');
INSERT INTO claims VALUES
    ('completed', 4, 1, 0, 'COMPLETED', '{"n":123456789012345678901234567890}', NULL, 1699996400000),
    ('dead', 9, 5, 0, 'FAILED', '{"message":"no"}', 'five attempts failed', 1699996400000),
    ('tried', 3, 2, 1700000005000, NULL, NULL, NULL, 1699996400000),
    ('worker-only', 2, 1, 0, NULL, NULL, NULL, 1699996400000);
"#;

struct TakenOver {
    records: Records,
    clock: Arc<ManualClock>,
    path: std::path::PathBuf,
    _directory: tempfile::TempDir,
}

fn open(path: &Path, clock: &Arc<ManualClock>) -> Result<SqliteStore, StoreError> {
    SqliteStore::open_with_clock(path, Arc::clone(clock) as Arc<_>)
}

fn taken_over() -> TakenOver {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasks.sqlite3");
    Connection::open(&path).unwrap().execute_batch(&format!("{FORMAT_1}{ROWS}")).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let clock = Arc::new(ManualClock::new());
    let store = open(&path, &clock).unwrap();
    let records = Records::new(Arc::new(store), Arc::new(Seeded::new(1)));
    TakenOver { records, clock, path, _directory: directory }
}

fn id(text: &str) -> TaskId {
    TaskId::parse(text).unwrap()
}

impl TakenOver {
    async fn find(&self, text: &str) -> TaskRecord {
        self.records.find(&id(text)).await.unwrap().record.unwrap()
    }
}

#[tokio::test]
async fn each_task_of_format_1_is_a_record() {
    let old = taken_over();
    let pending = old.find("pending").await;
    assert_eq!(
        (pending.life.phase.clone(), pending.asked.created_at.as_millis()),
        (Phase::Pending, CHANGED)
    );
    for (tried, attempts) in [("tried", 2), ("worker-only", 1)] {
        let life = old.find(tried).await.life;
        assert_eq!((life.phase.clone(), life.attempts_made), (Phase::Waiting, attempts), "{tried}");
    }
    let completed = old.find("message").await;
    assert_eq!(
        (completed.id.as_str(), completed.message_id.as_deref()),
        ("completed", Some("message"))
    );
    let reply = Reply::completed("{\"n\":123456789012345678901234567890}");
    let shown = life::result(&completed.life, RETENTION, old.clock.now());
    assert_eq!(shown, Some(Shown::Ended(reply)));
    let nobody = old.records.find(&id("of-nobody")).await.unwrap().record;
    assert_eq!(nobody, None);
}

#[tokio::test]
async fn a_dead_letter_that_format_1_owed_is_due_at_once() {
    let old = taken_over();
    let due = old.records.due(10).await.unwrap();
    let ids: Vec<_> = due.value.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(ids, ["dead"]);
    assert_eq!(life::woken(&due.value[0], due.now), Woken::Outbox);
    let letter = due.value[0].life.outbox.clone().unwrap().dead_letter.unwrap();
    assert_eq!(letter.reason, "five attempts failed");
    assert_eq!(due.value[0].life.ending.as_ref().unwrap().how, How::Dead);
}

/// A worker's first claim reads nothing: it must not run what format 1 knows to have ended.
#[tokio::test]
async fn a_claim_that_read_nothing_meets_what_was_taken_over() {
    let old = taken_over();
    let lease = Duration::from_secs(30);
    let worker = "new".to_owned();
    let ask = Ask {
        generation: 1,
        worker,
        token: 0,
        lease,
        unchanged: false,
        times_are_the_stores: true,
        watch: None,
        received_before: false,
    };
    for text in ["completed", "dead", "tried", "worker-only"] {
        let assumed = TaskRecord::assumed(id(text), Asked::default());
        let Claimed::Run(next) = life::claim(&assumed, &ask, old.clock.now()) else {
            panic!("an assumed record is claimed");
        };
        let answer = old.records.write_one(Change::of(assumed, *next)).await.unwrap();
        assert!(matches!(answer, Answer::Conflict(_)), "{text}: {answer:?}");
    }
}

#[tokio::test]
async fn the_old_tables_are_renamed_and_it_happens_once() {
    let old = taken_over();
    let tables = tables(&old.path);
    for name in ["replies", "claims"] {
        assert!(!tables.contains(name), "an old process still finds {name}");
    }
    for name in ["replies_of_format_1", "aliases_of_format_1", "claims_of_format_1", "tasks"] {
        assert!(tables.contains(name), "{name} is missing in {tables:?}");
    }
    let record = old.find("pending").await;
    let (wake, keep) = (None, When::In(RETENTION));
    let (life, survives) = (Arc::clone(&record.life), Survives::PowerCut);
    let next = Next { asked: None, life, until: None, wake, keep, survives };
    old.records.write_one(Change::of(record, next)).await.unwrap();
    let again = open(&old.path, &old.clock).unwrap();
    let records = Records::new(Arc::new(again), Arc::new(Seeded::new(2)));
    let record = records.find(&id("pending")).await.unwrap().record.unwrap();
    assert_eq!(record.version, 3, "opening again takes nothing over");
}

fn tables(path: &Path) -> BTreeSet<String> {
    let connection = Connection::open(path).unwrap();
    let mut names =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let names = names.query_map([], |row| row.get(0)).unwrap();
    names.collect::<Result<_, _>>().unwrap()
}

#[test]
fn the_files_are_their_owners_alone() {
    let old = taken_over();
    for suffix in ["", "-wal", "-shm"] {
        let name = format!("{}{suffix}", old.path.display());
        let mode = fs::metadata(&name).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name} is {mode:o}");
    }
}

#[test]
fn a_later_format_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasks.sqlite3");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = open(&path, &Arc::new(ManualClock::new())).unwrap_err();
    assert!(matches!(error, StoreError::TooNew { found: 99, known: 2, .. }), "{error}");
}
