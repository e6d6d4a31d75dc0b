//! The tables, in a schema of their own, and the version of their format.

use tokio::time::timeout;

use super::CALL_TIMEOUT;
use super::database::{Database, InWords};
use crate::store::{Result, StoreError};

/// The format that this version of Longshore writes.
const VERSION: u32 = 1;

/// Letters of a name in `PostgreSQL`.
const NAME_CHARS_MAX: usize = 63;

/// Whoever makes tables holds this advisory lock: "longshor", as a number.
const LOCK: i64 = 0x6c6f_6e67_7368_6f72;

/// Times are milliseconds since the epoch. What is compared or sorted is so by its bytes (`"C"`), as
/// in every other store.
const VERSION_1: &str = r#"
CREATE TABLE {schema}.tasks (
    id         TEXT COLLATE "C" PRIMARY KEY,
    version    BIGINT NOT NULL,   -- one higher with each write
    mark       BIGINT NOT NULL,   -- what the last writer knows its write by; 64 bits, the highest as the sign
    message_id TEXT COLLATE "C",  -- the last MessageId that stands for the task
    asked      TEXT NOT NULL,     -- what was asked, as JSON
    name       TEXT COLLATE "C",
    queue      TEXT COLLATE "C" NOT NULL,
    key        TEXT COLLATE "C",
    tags       JSONB NOT NULL,    -- an array
    created_at BIGINT NOT NULL,
    life       TEXT NOT NULL,     -- how the task lives, as JSON
    standing   TEXT COLLATE "C" NOT NULL,
    until      BIGINT,            -- when the claim ends
    wake       BIGINT,            -- when somebody has to look at it again
    keep       BIGINT NOT NULL    -- when it goes
);
CREATE INDEX tasks_by_wake ON {schema}.tasks (wake) WHERE wake IS NOT NULL;
CREATE INDEX tasks_by_keep ON {schema}.tasks (keep);
CREATE INDEX tasks_by_creation ON {schema}.tasks (created_at, id);
CREATE INDEX tasks_failed ON {schema}.tasks (created_at, id) WHERE standing = 'failed';

CREATE TABLE {schema}.aliases (
    message_id TEXT COLLATE "C" PRIMARY KEY,
    task_id    TEXT COLLATE "C" NOT NULL,
    keep       BIGINT NOT NULL
);
CREATE INDEX aliases_by_keep ON {schema}.aliases (keep);

CREATE TABLE {schema}.kept_values (
    key     TEXT COLLATE "C" PRIMARY KEY,
    version BIGINT NOT NULL,
    mark    BIGINT NOT NULL,
    text    TEXT NOT NULL,
    keep    BIGINT NOT NULL
);
CREATE INDEX kept_values_by_keep ON {schema}.kept_values (keep);

CREATE TABLE {schema}.format (version BIGINT NOT NULL);
INSERT INTO {schema}.format VALUES (1);
"#;

/// A schema, by its name.
#[derive(Clone, Debug)]
pub(super) struct Schema(String);

impl Schema {
    /// A schema of that name; `None` if it is not 1 to 63 small letters, digits and underscores.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let valid = (1..=NAME_CHARS_MAX).contains(&name.len()) && name.bytes().all(part);
        valid.then(|| Self(name.to_owned()))
    }

    /// SQL in which `{schema}` stands for the schema.
    pub(super) fn sql(&self, text: &str) -> String {
        text.replace("{schema}", &format!("\"{}\"", self.0))
    }
}

/// Makes the schema and its tables if they are missing, whoever else is at it.
///
/// # Errors
///
/// [`StoreError::TooNew`] if a later version of Longshore made them; [`StoreError::Unavailable`] if
/// they cannot be made.
pub(super) async fn prepare(database: &Database, schema: &Schema) -> Result<()> {
    let action = "make its tables";
    let found = timeout(CALL_TIMEOUT, make(database, schema)).await;
    let late =
        |_| StoreError::unavailable(database.name(), action, "others make them for too long");
    let found = found.map_err(late)??;
    if found > VERSION {
        let store = database.name().to_owned();
        return Err(StoreError::TooNew { store, found, known: VERSION });
    }
    Ok(())
}

/// The version of the tables, which are there afterwards. All of it is one transaction.
async fn make(database: &Database, schema: &Schema) -> Result<u32> {
    let action = "make its tables";
    let mut connection = database.connection(action).await?;
    let fail = |source| StoreError::unavailable(database.name(), action, InWords::from(source));
    let transaction = connection.transaction().await.map_err(fail)?;
    let lock = "SELECT pg_advisory_xact_lock($1)";
    transaction.execute(lock, &[&LOCK]).await.map_err(fail)?;
    let format = schema.sql("{schema}.format");
    let found = "SELECT to_regclass($1) IS NOT NULL";
    let is_there: bool = transaction.query_one(found, &[&format]).await.map_err(fail)?.get(0);
    if !is_there {
        let sql = schema.sql(&format!("CREATE SCHEMA IF NOT EXISTS {{schema}};{VERSION_1}"));
        transaction.batch_execute(&sql).await.map_err(fail)?;
    }
    let sql = schema.sql("SELECT version FROM {schema}.format");
    let version: i64 = transaction.query_one(&sql, &[]).await.map_err(fail)?.get(0);
    transaction.commit().await.map_err(fail)?;
    Ok(u32::try_from(version).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_has_a_plain_name() {
        assert!(Schema::parse("longshore_2").is_some());
        for bad in ["", "A", "a b", "a\"", &"x".repeat(64)] {
            assert!(Schema::parse(bad).is_none(), "{bad:?}");
        }
    }
}
