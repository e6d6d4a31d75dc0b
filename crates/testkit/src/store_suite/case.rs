//! A store with shorthands: what the cases say often, said once.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::id::TaskId;
use longshore_tasks::life::{Standing, Survives, When};
use longshore_tasks::store::{
    Alias, AskedRow, Expected, LifeRow, ListQuery, Page, PutValue, Result, Row, Store, Timed,
    Value, ValueWritten, Write, Written,
};
use longshore_types::Timestamp;

/// Long enough for anything in the suite.
pub(super) const LONG: Duration = Duration::from_secs(3600);
/// Short enough to wait for, and long enough for some calls of a slow server.
pub(super) const SHORT: Duration = Duration::from_millis(400);
/// How long is waited between two looks at the store's time.
const LOOK: Duration = Duration::from_millis(10);

pub(super) struct Case {
    pub(super) store: Arc<dyn Store>,
}

pub(super) fn id(text: &str) -> TaskId {
    TaskId::parse(text).expect("the suite's ids are task ids")
}

/// A row's first write.
pub(super) fn first(text: &str) -> Write {
    let asked = AskedRow {
        text: format!("{{\"asked\":\"{text}\"}}"),
        name: Some("thumbnail".to_owned()),
        queue: "tasks".to_owned(),
        key: None,
        tags: Vec::new(),
        created_at: Timestamp::from_millis(1_700_000_000_000),
    };
    Write { asked: Some(asked), ..over(text, 0) }
}

/// A write over a version; over 0, where none may be.
pub(super) fn over(text: &str, version: u64) -> Write {
    let life = LifeRow {
        text: format!("{{\"life\":{version}}}"),
        standing: Standing::Pending,
        until: None,
        wake: None,
        keep: When::In(LONG),
    };
    let expected = (version > 0).then_some(version);
    Write {
        id: id(text),
        expected,
        mark: version + 1,
        asked: None,
        life,
        survives: Survives::PowerCut,
    }
}

pub(super) fn put(key: &str, expected: Expected, text: &str) -> PutValue {
    PutValue { key: key.to_owned(), expected, mark: 1, text: text.to_owned(), keep: When::In(LONG) }
}

#[track_caller]
fn answered<T>(answer: Result<T>) -> T {
    answer.unwrap_or_else(|error| panic!("a call of the store failed: {error}"))
}

/// The row that a write met.
#[track_caller]
pub(super) fn conflict(written: Written) -> Option<Row> {
    match written {
        Written::Conflict(there) => there.map(|row| *row),
        Written::Done => panic!("the write was to meet something else, and went through"),
    }
}

#[track_caller]
pub(super) fn value_conflict(written: ValueWritten) -> Option<Value> {
    match written {
        ValueWritten::Conflict(there) => there,
        ValueWritten::Done(version) => {
            panic!("the value was to meet something else, and was put as version {version}")
        }
    }
}

/// Asserts that two things are equal, and says of which rule that is.
#[track_caller]
pub(super) fn same<T: PartialEq + Debug>(found: &T, expected: &T, rule: &str) {
    assert!(found == expected, "{rule}\n   found: {found:?}\nexpected: {expected:?}");
}

impl Case {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    pub(super) async fn write_all(&self, writes: Vec<Write>) -> Vec<Written> {
        let count = writes.len();
        let written = answered(self.store.write(writes).await).value;
        same(&written.len(), &count, "every write of a batch is answered for");
        written
    }

    pub(super) async fn write(&self, write: Write) -> Written {
        self.write_all(vec![write]).await.pop().expect("one write has one answer")
    }

    /// Writes what has to go through, and answers the row.
    pub(super) async fn done(&self, write: Write) -> Row {
        let (id, version) = (write.id.clone(), write.version());
        let written = self.write(write).await;
        assert!(
            written == Written::Done,
            "{id} was to be written as version {version}: {written:?}"
        );
        let row = self.read(id.as_str()).await;
        row.unwrap_or_else(|| panic!("{id} was written, and is not there"))
    }

    pub(super) async fn read_all(&self, ids: &[&str]) -> Vec<Option<Row>> {
        let rows = answered(self.store.read(ids.iter().map(|text| id(text)).collect()).await).value;
        same(&rows.len(), &ids.len(), "every id that was read is answered for");
        rows
    }

    pub(super) async fn read(&self, id: &str) -> Option<Row> {
        self.read_all(&[id]).await.pop().flatten()
    }

    /// Reads what has to be there.
    pub(super) async fn there(&self, id: &str) -> Row {
        self.read(id).await.unwrap_or_else(|| panic!("{id} is not there"))
    }

    pub(super) async fn alias(&self, message_id: &str, task: &str, keep: When) -> Option<Row> {
        let alias = Alias { message_id: id(message_id), id: id(task), keep };
        let mut early = answered(self.store.alias(vec![alias]).await).value;
        same(&early.len(), &1, "every alias is answered for");
        early.pop().flatten()
    }

    pub(super) async fn list(&self, query: ListQuery) -> Page {
        answered(self.store.list(query).await).value
    }

    pub(super) async fn due(&self, count_max: usize) -> Timed<Vec<Row>> {
        answered(self.store.due(count_max).await)
    }

    /// The ids of what is due.
    pub(super) async fn due_ids(&self) -> Vec<String> {
        self.due(100).await.value.iter().map(|row| row.id.to_string()).collect()
    }

    pub(super) async fn expire(&self, count_max: usize) -> usize {
        answered(self.store.expire(count_max).await)
    }

    pub(super) async fn put(&self, put: PutValue) -> ValueWritten {
        answered(self.store.put_value(put).await).value
    }

    pub(super) async fn value(&self, key: &str) -> Option<Value> {
        let mut values = answered(self.store.values(vec![key.to_owned()]).await).value;
        same(&values.len(), &1, "every key is answered for");
        values.pop().flatten()
    }

    pub(super) async fn list_values(&self, prefix: &str, count_max: usize) -> Vec<Value> {
        answered(self.store.list_values(prefix.to_owned(), count_max).await).value
    }

    /// The store's time.
    pub(super) async fn now(&self) -> Timestamp {
        answered(self.store.values(vec!["the-time".to_owned()]).await).now
    }

    /// Waits until the store's time is beyond `time`.
    pub(super) async fn pass(&self, time: Timestamp) {
        while self.now().await <= time {
            tokio::time::sleep(LOOK).await;
        }
    }
}
