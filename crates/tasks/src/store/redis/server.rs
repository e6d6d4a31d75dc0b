//! The connection to the server, and the one way in which calls go over it.
//!
//! Calls share one connection, which carries them side by side.
//!
//! # Invariants
//!
//! - A trip is answered or has failed within [`CALL_TIMEOUT`]. A connection that did not answer in
//!   time is given up: what is sent over it would wait behind the same silence.
//! - A trip that found its connection broken is made once more over a new one: a call of a store can
//!   be repeated.

use std::sync::{Mutex, MutexGuard, PoisonError};

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, FromRedisValue, RedisError,
    ScriptInvocation, ServerErrorKind,
};
use tokio::time::timeout;

use super::CALL_TIMEOUT;
use crate::store::{Result, StoreError};
use crate::transport::Cause;

/// A server and the connection to it.
pub(super) struct Server {
    name: String,
    client: Client,
    connection: Mutex<Option<Numbered>>,
    /// Held by who connects, so that the others wait and share the connection.
    connecting: tokio::sync::Mutex<u64>,
}

/// A connection, and which of all it is.
#[derive(Clone)]
struct Numbered {
    number: u64,
    connection: MultiplexedConnection,
}

/// What is asked of a server.
#[derive(Clone, Copy)]
enum Ask<'a> {
    Script(&'a ScriptInvocation<'a>),
    /// A script that must not run a second time when its answer was lost.
    ScriptOnce(&'a ScriptInvocation<'a>),
    Command(&'a Cmd),
}

impl Ask<'_> {
    async fn send<T: FromRedisValue>(
        self,
        connection: &mut MultiplexedConnection,
    ) -> std::result::Result<T, RedisError> {
        match self {
            Self::Script(script) | Self::ScriptOnce(script) => {
                script.invoke_async(connection).await
            }
            Self::Command(command) => command.query_async(connection).await,
        }
    }
}

impl Server {
    /// The server of that URL; nothing is sent to it yet.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if it is no URL; without its text, which may hold a password.
    pub(super) fn open(url: &str) -> Result<Self> {
        let client = Client::open(url).map_err(|source| {
            StoreError::unavailable("the store in Redis", "read its URL", source)
        })?;
        if is_tls(&client) {
            provide_tls();
        }
        Ok(Self::of(client))
    }

    /// The same server over a connection of its own.
    pub(super) fn separate(&self) -> Self {
        Self::of(self.client.clone())
    }

    fn of(client: Client) -> Self {
        let (name, connection, connecting) = (name(&client), Mutex::default(), 0.into());
        Self { name, client, connection, connecting }
    }

    /// The URL without its password.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What a script answers.
    pub(super) async fn call<T: FromRedisValue>(
        &self,
        action: &'static str,
        script: &ScriptInvocation<'_>,
    ) -> Result<T> {
        self.within_time(Ask::Script(script))
            .await
            .map_err(|source| self.unavailable(action, source))
    }

    /// As [`Self::call`], for what must not be carried out twice.
    pub(super) async fn call_once<T: FromRedisValue>(
        &self,
        action: &'static str,
        script: &ScriptInvocation<'_>,
    ) -> Result<T> {
        self.within_time(Ask::ScriptOnce(script))
            .await
            .map_err(|source| self.unavailable(action, source))
    }

    /// What a command answers; an error of the server's own, as it is.
    pub(super) async fn command<T: FromRedisValue>(
        &self,
        command: &Cmd,
    ) -> std::result::Result<T, Cause> {
        self.within_time(Ask::Command(command)).await
    }

    /// Whether the server answers.
    pub(super) async fn ping(&self) -> Result<()> {
        let answer = self.command::<String>(&redis::cmd("PING")).await;
        answer.map(drop).map_err(|source| self.unavailable("connect", source))
    }

    /// The error of a call.
    pub(super) fn unavailable(&self, action: &'static str, source: impl Into<Cause>) -> StoreError {
        StoreError::unavailable(&self.name, action, source)
    }

    async fn within_time<T: FromRedisValue>(&self, ask: Ask<'_>) -> std::result::Result<T, Cause> {
        if let Ok(answer) = timeout(CALL_TIMEOUT, self.try_twice(ask)).await {
            return answer.map_err(Cause::from);
        }
        drop(self.held().take());
        Err(format!("no answer within {} seconds", CALL_TIMEOUT.as_secs()).into())
    }

    async fn try_twice<T: FromRedisValue>(
        &self,
        ask: Ask<'_>,
    ) -> std::result::Result<T, RedisError> {
        let (mut found, is_new) = self.connected().await?;
        match ask.send(&mut found.connection).await {
            Err(error) if is_broken(&error) => {
                self.give_up(found.number);
                if is_new || matches!(ask, Ask::ScriptOnce(_)) {
                    return Err(error);
                }
                tracing::debug!(store = self.name, %error, "a call is made again");
                let (mut found, _) = self.connected().await?;
                ask.send(&mut found.connection).await
            }
            Err(error) => {
                if is_read_only(&error) {
                    self.give_up(found.number);
                }
                Err(error)
            }
            answer => answer,
        }
    }

    /// The connection, and whether it was made only now.
    async fn connected(&self) -> std::result::Result<(Numbered, bool), RedisError> {
        if let Some(found) = self.held().clone() {
            return Ok((found, false));
        }
        let mut number = self.connecting.lock().await;
        // Somebody else may have connected meanwhile.
        if let Some(found) = self.held().clone() {
            return Ok((found, false));
        }
        // The deadline is the call's.
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        *number += 1;
        let made = Numbered { number: *number, connection };
        *self.held() = Some(made.clone());
        Ok((made, true))
    }

    /// Forgets that connection, unless there is a later one.
    fn give_up(&self, number: u64) {
        drop(self.held().take_if(|held| held.number == number));
    }

    fn held(&self) -> MutexGuard<'_, Option<Numbered>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_broken(error: &RedisError) -> bool {
    error.is_io_error() || error.is_connection_dropped() || error.is_unrecoverable_error()
}

/// After a failover the old server only reads; its name may lead to the new one by now.
fn is_read_only(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
}

fn is_tls(client: &Client) -> bool {
    matches!(client.get_connection_info().addr(), ConnectionAddr::TcpTls { .. })
}

fn name(client: &Client) -> String {
    let info = client.get_connection_info();
    let settings = info.redis_settings();
    let user = settings.username().map(|user| format!("{user}@")).unwrap_or_default();
    let scheme = if is_tls(client) { "rediss" } else { "redis" };
    format!("{scheme}://{user}{}/{}", info.addr(), settings.db())
}

/// The client takes the process's TLS, and a process that has none uses ring, as everywhere here.
fn provide_tls() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let provided = rustls::crypto::ring::default_provider().install_default();
        provided.unwrap_or_else(|_| tracing::debug!("another thread has just provided TLS"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_password() {
        let server = Server::open("redis://ann:s3cret@cache.example:7000/2").unwrap();
        assert_eq!(server.name(), "redis://ann@cache.example:7000/2");
        let server = Server::open("rediss://:s3cret@cache.example").unwrap();
        assert_eq!(server.name(), "rediss://cache.example:6379/0");
    }

    #[test]
    fn a_bad_url_is_not_repeated_in_its_error() {
        let error = Server::open("redis://ann:s3cret@cache.example/two").err().unwrap();
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}
