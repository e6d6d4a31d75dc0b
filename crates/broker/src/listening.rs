//! A broker served at an address, in one call: for tests, and for programs with a broker inside.
//!
//! [`serve`] leaves everything to its caller: the listener, the task it runs in, its end. This has
//! all three, as a test wants them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::ToSocketAddrs;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::bind::bind;
use crate::broker::Broker;
use crate::server::{ServeError, ServerOptions, serve};

/// A broker that is being served. It ends with this value, or with [`Listening::stop`].
///
/// # Dropping
///
/// The server is told to stop and is not waited for: it takes no new connection, answers what is
/// under way, and ends in its own time, ten seconds at most. The broker stays open, and goes when
/// its last clone does.
#[derive(Debug)]
pub struct Listening {
    address: SocketAddr,
    shutdown: DropGuard,
    server: JoinHandle<Result<(), ServeError>>,
}

impl Broker {
    /// Serves the broker at `address`, in a task of the current Tokio runtime; port 0 is any free
    /// port, and [`Listening::url`] says which. Clients can connect as soon as this returns.
    ///
    /// No signature is checked: whoever reaches the address uses the queues, so it should be a
    /// loopback one.
    ///
    /// ```
    /// use longshore_broker::{Broker, BrokerOptions};
    /// use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let broker = Broker::open(BrokerOptions::default()).await?;
    /// let served = broker.listen("127.0.0.1:0").await?;
    ///
    /// let mut client = tokio::net::TcpStream::connect(served.address()).await?;
    /// client.write_all(b"GET /health HTTP/1.0\r\nhost: localhost\r\n\r\n").await?;
    /// let mut answer = String::new();
    /// client.read_to_string(&mut answer).await?;
    /// assert!(answer.contains(" 200 OK\r\n"), "{answer}");
    ///
    /// served.stop().await?;
    /// broker.close().await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The address is in use, or cannot be listened on.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it returns, it has not begun to serve, and the address is free.
    pub async fn listen(&self, address: impl ToSocketAddrs) -> io::Result<Listening> {
        let listener = bind(address).await?;
        let address = listener.local_addr()?;
        let shutdown = CancellationToken::new();
        let server = serve(self.clone(), listener, ServerOptions::default(), shutdown.clone());
        Ok(Listening { address, shutdown: shutdown.drop_guard(), server: tokio::spawn(server) })
    }
}

impl Listening {
    /// What a client on this host takes as its endpoint URL, such as `http://127.0.0.1:41234`.
    pub fn url(&self) -> String {
        let ip = match self.address.ip() {
            ip if !ip.is_unspecified() => ip,
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        };
        format!("http://{}", SocketAddr::new(ip, self.address.port()))
    }

    /// The address that was taken.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops serving: answers what is under way, receives that wait among it, and waits until that
    /// is done, ten seconds at most. The broker stays open.
    ///
    /// # Errors
    ///
    /// [`ServeError`]: the server had ended before, because the broker's log failed.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it returns, the server stops all the same.
    pub async fn stop(self) -> Result<(), ServeError> {
        drop(self.shutdown);
        self.server.await.expect("the server's task does not panic and is not aborted")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::BrokerOptions;

    async fn listening(address: &str) -> (Broker, Listening) {
        let broker = Broker::open(BrokerOptions::default()).await.unwrap();
        let served = broker.listen(address).await.unwrap();
        (broker, served)
    }

    #[tokio::test]
    async fn an_address_that_is_taken_is_an_error_and_the_first_keeps_it() {
        let (broker, served) = listening("127.0.0.1:0").await;
        let fault = broker.listen(served.address()).await.unwrap_err();
        assert_eq!(fault.kind(), io::ErrorKind::AddrInUse);
        tokio::net::TcpStream::connect(served.address()).await.unwrap();
    }

    #[tokio::test]
    async fn a_server_that_was_stopped_leaves_its_address_and_its_broker_alone() {
        let (broker, served) = listening("127.0.0.1:0").await;
        let address = served.address();
        served.stop().await.unwrap();
        let again = broker.listen(address).await.unwrap();
        assert_eq!(again.address(), address);
    }

    #[tokio::test]
    async fn a_server_that_is_dropped_stops() {
        let (_broker, served) = listening("127.0.0.1:0").await;
        let Listening { shutdown, server, .. } = served;
        drop(shutdown);
        server.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn every_address_of_the_host_is_named_by_its_loopback_one() {
        let (_broker, served) = listening("0.0.0.0:0").await;
        assert_eq!(served.url(), format!("http://127.0.0.1:{}", served.address().port()));
    }
}
