//! Connections to the database, and the one way in which statements go over them.
//!
//! # Invariants
//!
//! - A trip is answered or has failed within [`CALL_TIMEOUT`]. A connection that did not answer in
//!   time is closed: what is sent over it would wait behind the same silence.
//! - A trip that found its connection broken, or met a deadlock, is made once more: a call of a
//!   store can be repeated.
//! - No transaction stays open between statements, so that a dropped call leaves none behind.

use std::error::Error;
use std::fmt;

use deadpool_postgres::{
    HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod,
};
use futures::future::try_join_all;
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use super::address::Address;
use super::{CALL_TIMEOUT, tls};
use crate::store::{Result, StoreError};
use crate::transport::Cause;

/// Connections at most; more calls wait. A server has a hundred for all its clients by default.
const CONNECTIONS_MAX: usize = 8;

/// The parameters of a statement.
pub(super) type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

/// The connections.
pub(super) struct Database {
    name: String,
    pool: Pool,
}

/// Why a trip failed.
struct Failure {
    source: Cause,
    /// Whether it is worth another try.
    again: bool,
    /// Whether the server has certainly not done what it was asked.
    undone: bool,
}

/// Whether a trip may be made a second time whose answer was lost, though it may have been carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    Yes,
    No,
}

impl Database {
    /// Connections to that address, made when they are needed, by the runtime that needs them.
    ///
    /// # Errors
    ///
    /// If TLS cannot be set up as the address asks for.
    pub(super) fn open(address: &Address) -> Result<Self> {
        let name = address.name.clone();
        let fail = |source| StoreError::unavailable(&name, "set up TLS", source);
        let tls = tls::connector(address).map_err(fail)?;
        let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(address.config.clone(), tls, config);
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS_MAX)
            .post_create(super::settings::hook())
            .build()
            .expect("a pool without deadlines of its own needs nothing");
        Ok(Self { name, pool })
    }

    /// The store's name, for errors.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The rows that a statement answers.
    pub(super) async fn query(
        &self,
        action: &'static str,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>> {
        self.query_one(action, sql, parameters, Repeat::Yes).await
    }

    /// As [`Self::query`], and says whether it may be made twice.
    pub(super) async fn query_one(
        &self,
        action: &'static str,
        sql: &str,
        parameters: Parameters<'_>,
        repeat: Repeat,
    ) -> Result<Vec<Row>> {
        let mut answers = self.within_time(action, &[(sql, parameters)], repeat).await?;
        Ok(answers.pop().expect("every statement is answered"))
    }

    /// The rows that each of these statements answers. They are sent together and carried out in
    /// turn, each in a transaction of its own that sees what those before it did.
    pub(super) async fn query_all(
        &self,
        action: &'static str,
        statements: &[(&str, Parameters<'_>)],
    ) -> Result<Vec<Vec<Row>>> {
        self.within_time(action, statements, Repeat::Yes).await
    }

    async fn within_time(
        &self,
        action: &'static str,
        statements: &[(&str, Parameters<'_>)],
        repeat: Repeat,
    ) -> Result<Vec<Vec<Row>>> {
        let answer = timeout(CALL_TIMEOUT, self.try_twice(statements, repeat)).await;
        let answer = answer.unwrap_or_else(|_| Err(late()));
        answer.map_err(|source| StoreError::unavailable(&self.name, action, source))
    }

    /// A connection, for what is more than a few statements.
    pub(super) async fn connection(&self, action: &'static str) -> Result<Object> {
        let answer = timeout(CALL_TIMEOUT, self.pool.get()).await;
        let answer = answer.map_err(|_| late()).and_then(|got| got.map_err(pool_cause));
        answer.map_err(|source| StoreError::unavailable(&self.name, action, source))
    }

    async fn try_twice(
        &self,
        statements: &[(&str, Parameters<'_>)],
        repeat: Repeat,
    ) -> std::result::Result<Vec<Vec<Row>>, Cause> {
        match self.try_once(statements).await {
            Err(Failure { again: true, undone, source }) if undone || repeat == Repeat::Yes => {
                tracing::debug!(store = self.name, %source, "a statement is sent again");
                self.try_once(statements).await.map_err(|failure| failure.source)
            }
            answer => answer.map_err(|failure| failure.source),
        }
    }

    async fn try_once(
        &self,
        statements: &[(&str, Parameters<'_>)],
    ) -> std::result::Result<Vec<Vec<Row>>, Failure> {
        let connection = self.pool.get().await.map_err(|error| Failure {
            again: false,
            undone: true,
            source: pool_cause(error),
        })?;
        let in_use = InUse(Some(connection));
        let answers = run(in_use.connection(), statements).await;
        match answers {
            Err(error) if is_broken(&error) => {
                // The others to the same server are likely to be broken too.
                drop(self.pool.retain(|_, _| false));
                Err(Failure { again: true, undone: false, source: InWords(error).into() })
            }
            Err(error) => {
                in_use.hand_back();
                let passing = is_passing(&error);
                Err(Failure { again: passing, undone: passing, source: InWords(error).into() })
            }
            Ok(answers) => {
                in_use.hand_back();
                Ok(answers)
            }
        }
    }
}

/// A connection that a trip uses. It goes back to the pool by [`InUse::hand_back`] only: dropped
/// with a trip that took too long or broke, it is closed.
struct InUse(Option<Object>);

impl InUse {
    fn connection(&self) -> &Object {
        self.0.as_ref().expect("it is there until it is handed back")
    }

    fn hand_back(mut self) {
        drop(self.0.take());
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}

async fn run(
    connection: &Object,
    statements: &[(&str, Parameters<'_>)],
) -> std::result::Result<Vec<Vec<Row>>, tokio_postgres::Error> {
    let mut prepared = Vec::with_capacity(statements.len());
    for (sql, _) in statements {
        prepared.push(connection.prepare_cached(sql).await?);
    }
    let sent = prepared.iter().zip(statements);
    // Polled in turn, so that they are sent in turn, and before the first answer.
    try_join_all(sent.map(|(prepared, (_, parameters))| connection.query(prepared, parameters)))
        .await
}

fn is_broken(error: &tokio_postgres::Error) -> bool {
    let gone = [&SqlState::ADMIN_SHUTDOWN, &SqlState::CRASH_SHUTDOWN];
    // What no server said is the connection's doing, or that of the values that were sent.
    let unsaid = error.as_db_error().is_none();
    let io = error.source().is_some_and(<dyn Error>::is::<std::io::Error>);
    error.is_closed() || (unsaid && io) || error.code().is_some_and(|code| gone.contains(&code))
}

/// What goes by when it is tried again: another transaction was in the way.
fn is_passing(error: &tokio_postgres::Error) -> bool {
    let passing = [&SqlState::T_R_DEADLOCK_DETECTED, &SqlState::T_R_SERIALIZATION_FAILURE];
    error.code().is_some_and(|code| passing.contains(&code))
}

/// The client's error, in all its words: by itself it says what went wrong, but not why.
#[derive(Debug)]
pub(super) struct InWords(tokio_postgres::Error);

impl From<tokio_postgres::Error> for InWords {
    fn from(error: tokio_postgres::Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for InWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(found) = cause {
            write!(f, ": {found}")?;
            cause = found.source();
        }
        Ok(())
    }
}

impl Error for InWords {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

fn late() -> Cause {
    format!("no answer within {} seconds", CALL_TIMEOUT.as_secs()).into()
}

/// The database's own error, where the pool only passes it on.
fn pool_cause(error: PoolError) -> Cause {
    if let PoolError::Backend(source) | PoolError::PostCreateHook(HookError::Backend(source)) =
        error
    {
        return InWords(source).into();
    }
    error.into()
}
