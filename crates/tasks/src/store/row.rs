//! A record as a store keeps it: what it is found by, and two texts that no store reads.
//!
//! What was asked is written with the first version, and again only when a tombstone forgets it or a
//! redrive brings it back; how the task lives is written with each version. So a heartbeat does not write an argument of a megabyte again, and a worker can claim a
//! task whose first version it has not read.

use longshore_types::Timestamp;

use crate::id::TaskId;
use crate::life::{Standing, Survives, When};

/// What was asked: written with the first version, and seldom again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskedRow {
    /// Everything, as JSON.
    pub text: String,
    /// The task's name.
    pub name: Option<String>,
    /// The queue that it was sent to.
    pub queue: String,
    /// The task's key.
    pub key: Option<String>,
    /// The task's tags.
    pub tags: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// How the task lives: a version of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifeRow<T> {
    /// Everything, as JSON.
    pub text: String,
    /// How the task stands.
    pub standing: Standing,
    /// When the claim ends.
    pub until: Option<T>,
    /// When somebody has to look at the record again.
    pub wake: Option<T>,
    /// When the record goes.
    pub keep: T,
}

/// A row as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The task's id.
    pub id: TaskId,
    /// How often the row was written: 1 for the first time.
    pub version: u64,
    /// What its last writer marked it with.
    pub mark: u64,
    /// The last `MessageId` that stands for the task.
    pub message_id: Option<String>,
    /// What was asked.
    pub asked: AskedRow,
    /// How the task lives.
    pub life: LifeRow<Timestamp>,
}

impl Row {
    /// Stands for the row of `id` that a store cannot read, which must not keep others from being
    /// found: [`Records`](super::Records) cannot read its text either, and says so. The version, if
    /// it is known, tells one such row from the next.
    #[cfg_attr(
        not(any(
            feature = "sqlite",
            feature = "dynamodb",
            feature = "postgres",
            feature = "redis"
        )),
        expect(dead_code, reason = "the store in memory reads every row")
    )]
    pub(super) fn unreadable(id: TaskId, version: u64, why: &str) -> Self {
        let text = serde_json::Value::from(why).to_string();
        let (standing, keep) = (Standing::Pending, Timestamp::from_millis(u64::MAX));
        let life = LifeRow { text, standing, until: None, wake: None, keep };
        Self { id, version, mark: 0, message_id: None, asked: AskedRow::default(), life }
    }

    /// What was read, or what stands for a row that cannot be read.
    #[cfg(any(feature = "postgres", feature = "redis"))]
    pub(super) fn or_unreadable(read: super::Result<Self>) -> super::Result<Self> {
        match read {
            Err(super::StoreError::Unreadable { id, source, .. }) => {
                Ok(Self::unreadable(id, 0, &source.to_string()))
            }
            read => read,
        }
    }
}

/// A row to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The task's id.
    pub id: TaskId,
    /// The version that has to be there; `None` where no row may be. The row gets the next one.
    pub expected: Option<u64>,
    /// A random number that is this write's own: a retry knows by it what it has written itself.
    pub mark: u64,
    /// What was asked; `None` leaves what is there. Always given where no row may be.
    pub asked: Option<AskedRow>,
    /// How the task lives.
    pub life: LifeRow<When>,
    /// What the row must survive from when the write is answered.
    pub survives: Survives,
}

impl Write {
    /// The version that the row has once it is written.
    pub fn version(&self) -> u64 {
        self.expected.unwrap_or(0).saturating_add(1)
    }

    /// Whether the row is gone once this is written. A store must not make such a write a second time when
    /// the answer to the first was lost: by then somebody may have written a row of that version anew.
    pub fn removes(&self) -> bool {
        self.life.keep == When::At(Timestamp::ZERO)
    }
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is written.
    Done,
    /// Another version is there, or none; nothing was written.
    Conflict(Option<Box<Row>>),
}

/// Which task a `MessageId` stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The `MessageId`.
    pub message_id: TaskId,
    /// The task.
    pub id: TaskId,
    /// When the alias goes.
    pub keep: When,
}

/// Which rows to list. Every condition must hold.
///
/// ```
/// use longshore_tasks::life::Standing;
/// use longshore_tasks::{Client, ListQuery, StoreError};
///
/// /// The ids of all thumbnails that failed and are still known.
/// async fn failed(client: &Client) -> Result<Vec<String>, StoreError> {
///     let mut ids = Vec::new();
///     let mut query = ListQuery {
///         standings: vec![Standing::Failed],
///         name: Some("thumbnail".to_owned()),
///         ..ListQuery::default()
///     };
///     loop {
///         let (page, next) = client.tasks(query.clone()).await?;
///         ids.extend(page.iter().map(|record| record.id.to_string()));
///         if next.is_none() {
///             return Ok(ids);
///         }
///         query.after = next;
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQuery {
    /// How they stand: one of these; any, if there is none.
    pub standings: Vec<Standing>,
    /// The task's name.
    pub name: Option<String>,
    /// The queue that it was sent to.
    pub queue: Option<String>,
    /// The task's key.
    pub key: Option<String>,
    /// A tag that it has.
    pub tag: Option<String>,
    /// Where the page before ended: [`Page::next`].
    pub after: Option<String>,
    /// Rows at most.
    pub count_max: usize,
}

impl Default for ListQuery {
    /// All rows, a hundred a page.
    fn default() -> Self {
        Self {
            standings: Vec::new(),
            name: None,
            queue: None,
            key: None,
            tag: None,
            after: None,
            count_max: 100,
        }
    }
}

impl ListQuery {
    /// Whether a row meets the conditions.
    pub fn matches(&self, row: &Row) -> bool {
        let asked = &row.asked;
        let same = |wanted: &Option<String>, is: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| is == Some(wanted))
        };
        (self.standings.is_empty() || self.standings.contains(&row.life.standing))
            && same(&self.name, asked.name.as_deref())
            && same(&self.queue, Some(&asked.queue))
            && same(&self.key, asked.key.as_deref())
            && self.tag.as_ref().is_none_or(|tag| asked.tags.contains(tag))
    }
}

/// A page of rows, the latest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Row>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// A place in a list that is ordered by time of creation and id: where a page ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The row's time of creation.
    pub created_at: Timestamp,
    /// The row's id.
    pub id: String,
}

impl Place {
    /// The place of a row.
    pub fn of(row: &Row) -> Self {
        Self { created_at: row.asked.created_at, id: row.id.to_string() }
    }

    /// Reads a place back; `None` if the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (millis, id) = text.split_once('.')?;
        let created_at = Timestamp::from_millis(millis.parse().ok()?);
        Some(Self { created_at, id: id.to_owned() })
    }

    /// The place as a cursor.
    pub fn to_cursor(&self) -> String {
        format!("{}.{}", self.created_at.as_millis(), self.id)
    }
}
