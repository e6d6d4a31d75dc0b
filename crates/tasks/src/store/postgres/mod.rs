//! The store in a `PostgreSQL` database, which the apps and workers of several hosts share.
//!
//! A call becomes one statement, whatever the size of its batch: the batch travels as arrays, and
//! the statement answers per record. Only a write that met another version costs a second trip,
//! which brings the row that is there.
//!
//! ```text
//! Store ──▶ rows, search, values (statements, parameters) ──▶ Database (pool, deadline, one retry) ──▶ server
//! ```
//!
//! # What it costs
//!
//! | call | trips | disk |
//! | --- | --- | --- |
//! | `read`, `list`, `due`, `values`, `list_values` | 1 | none |
//! | `write`, `put_value` | 1, and 1 more if something conflicts | one commit for all of the batch |
//! | `alias` | 1 (two statements, sent together) | one commit for all of the batch |
//! | `expire` | 1 | one commit |
//!
//! Calls of several callers become one call in [`GroupedStore`](super::GroupedStore), which
//! [`StoreLocation::open`](super::StoreLocation::open) puts around this.
//!
//! A new connection prepares each statement when it first needs it, at one trip more, and plans it
//! once; a list alone is planned for what it asks for. A store has
//! up to eight connections, made as calls need them, and [`separate`](Store::separate) makes up to
//! eight others; calls beyond them wait.
//!
//! All tables are in one schema. Rows that were written over are left to autovacuum; a heartbeat does
//! not write again what was asked.
//!
//! # What is promised
//!
//! - An answer to a write is given after its commit is on the server's disk. A server with
//!   `fsync = off` is refused; where `synchronous_commit` is off, the store switches it on for its
//!   own connections, and says so at the start.
//! - With replicas that copy later than the commit, a failover loses what they had not yet. To lose
//!   nothing, name them in `synchronous_standby_names` and leave `synchronous_commit` on.
//! - Each batch is one transaction, except that an id which it has several times makes it several.
//!   Rows are locked in the order of their ids, so that two batches do not wait for each other; what
//!   meets a deadlock all the same is made again.
//! - Time is the server's `clock_timestamp()`, in milliseconds.
//! - A call answers within [`CALL_TIMEOUT`], or fails; a connection that did not answer is not used
//!   again. After a restart of the server the next call connects anew.
//!
//! A proxy that gives each statement another connection of the server must keep prepared statements
//! apart (`PgBouncer` from 1.21 does). What the store sets for its sessions does not hold there: switch
//! `synchronous_commit` on in the server, or by `ALTER ROLE`.

mod address;
mod convert;
mod database;
mod rows;
mod schema;
mod search;
mod settings;
mod tls;
mod values;
mod write;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;

use self::address::Address;
use self::database::Database;
use self::schema::Schema;
use super::{
    Alias, ListQuery, Page, PutValue, Result, Row, Store, StoreError, Timed, Value, ValueWritten,
    Write, Written,
};
use crate::id::TaskId;
use crate::transport::BoxFuture;

/// The schema that tables are kept in, if none is named.
pub const DEFAULT_SCHEMA: &str = "longshore";

/// How long a trip to the server may take, with the connecting that it needs.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// A [`Store`] in a `PostgreSQL` database, version 12 or later.
///
/// Any number of processes can use the same schema of a database at once.
///
/// ```no_run
/// use longshore_tasks::PostgresStore;
/// use longshore_tasks::store::postgres::DEFAULT_SCHEMA;
///
/// # async fn open() -> Result<(), longshore_tasks::StoreError> {
/// let url = "postgres://worker:secret@db.example:5432/tasks?sslmode=verify-full";
/// let store = PostgresStore::connect(url, DEFAULT_SCHEMA).await?;
/// # drop(store);
/// # Ok(())
/// # }
/// ```
///
/// [`StoreLocation::open`](super::StoreLocation::open) also puts a [`GroupedStore`](super::GroupedStore)
/// around it, so that calls which come at the same time share a trip and a commit.
pub struct PostgresStore {
    address: Address,
    schema: Schema,
    database: Database,
}

impl PostgresStore {
    /// Connects to the database of `url` and makes the schema and its tables if they are missing:
    /// then the user needs `CREATE` on the database, afterwards only `USAGE` on the schema and the
    /// rights on its tables.
    ///
    /// `url` is `postgres://user:password@host:port/database`. Its `sslmode` decides on TLS:
    ///
    /// | `sslmode` | connection | the server's certificate |
    /// | --- | --- | --- |
    /// | `disable` | plain | – |
    /// | `prefer` (default) | TLS, if the server offers it | not checked |
    /// | `require`, `verify-ca`, `verify-full` | TLS | checked, with the host's name |
    ///
    /// It is checked against the system's certificates, or those of the PEM file that
    /// `sslrootcert` names.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unsafe`] if `schema` is not 1 to 63 small letters, digits and underscores, or if
    /// the server does not sync its writes; [`StoreError::TooNew`] if a later version of Longshore
    /// made the tables; else [`StoreError::Unavailable`].
    ///
    /// # Cancel safety
    ///
    /// A dropped call leaves no half-made tables.
    pub async fn connect(url: &str, schema: &str) -> Result<Self> {
        let address = Address::parse(url)?;
        let Some(schema) = Schema::parse(schema) else {
            let reason =
                "its schema must be named by 1 to 63 small letters, digits and underscores";
            return Err(StoreError::Unsafe { store: address.name, reason: reason.to_owned() });
        };
        let database = Database::open(&address)?;
        settings::check(&database).await?;
        schema::prepare(&database, &schema).await?;
        Ok(Self { address, schema, database })
    }
}

impl Store for PostgresStore {
    fn name(&self) -> &str {
        &self.address.name
    }

    fn read(&self, ids: Vec<TaskId>) -> BoxFuture<'_, Result<Timed<Vec<Option<Row>>>>> {
        async move { rows::read(&self.database, &self.schema, &ids).await }.boxed()
    }

    fn write(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Timed<Vec<Written>>>> {
        async move { write::write(&self.database, &self.schema, &writes).await }.boxed()
    }

    fn alias(&self, aliases: Vec<Alias>) -> BoxFuture<'_, Result<Timed<Vec<Option<Row>>>>> {
        async move { rows::alias(&self.database, &self.schema, &aliases).await }.boxed()
    }

    fn list(&self, query: ListQuery) -> BoxFuture<'_, Result<Timed<Page>>> {
        async move { search::list(&self.database, &self.schema, &query).await }.boxed()
    }

    fn due(&self, count_max: usize) -> BoxFuture<'_, Result<Timed<Vec<Row>>>> {
        async move { search::due(&self.database, &self.schema, count_max).await }.boxed()
    }

    fn expire(&self, count_max: usize) -> BoxFuture<'_, Result<usize>> {
        async move { search::expire(&self.database, &self.schema, count_max).await }.boxed()
    }

    fn values(&self, keys: Vec<String>) -> BoxFuture<'_, Result<Timed<Vec<Option<Value>>>>> {
        async move { values::find(&self.database, &self.schema, &keys).await }.boxed()
    }

    fn list_values(
        &self,
        prefix: String,
        count_max: usize,
    ) -> BoxFuture<'_, Result<Timed<Vec<Value>>>> {
        async move { values::list(&self.database, &self.schema, &prefix, count_max).await }.boxed()
    }

    fn put_value(&self, put: PutValue) -> BoxFuture<'_, Result<Timed<ValueWritten>>> {
        async move { values::put(&self.database, &self.schema, put).await }.boxed()
    }

    fn separate(self: Arc<Self>) -> BoxFuture<'static, Result<Arc<dyn Store>>> {
        async move {
            let database = Database::open(&self.address)?;
            settings::check(&database).await?;
            let (address, schema) = (self.address.clone(), self.schema.clone());
            Ok(Arc::new(Self { address, schema, database }) as Arc<dyn Store>)
        }
        .boxed()
    }
}

/// Without the address, which holds a password.
impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("PostgresStore");
        shown
            .field("name", &self.address.name)
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}
