//! A server that can be taken away and given back: what stands between a store and its server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Passes connections on to a server.
pub(crate) struct Proxy {
    address: SocketAddr,
    server: String,
    connections: Arc<AtomicU32>,
    running: Option<JoinHandle<()>>,
}

impl Proxy {
    /// In front of `server`, a host and a port.
    pub(crate) async fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, server) = (listener.local_addr().unwrap(), server.to_owned());
        let connections = Arc::default();
        let mut proxy = Self { address, server, connections, running: None };
        proxy.run(listener);
        proxy
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections that were made through it.
    pub(crate) fn connections(&self) -> u32 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Breaks all connections, and refuses new ones.
    pub(crate) async fn go(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
            assert!(running.await.unwrap_err().is_cancelled());
        }
    }

    /// Takes connections again.
    pub(crate) async fn come_back(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.run(listener);
    }

    fn run(&mut self, listener: TcpListener) {
        let (server, connections) = (self.server.clone(), Arc::clone(&self.connections));
        self.running = Some(tokio::spawn(async move {
            let mut passing = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::Relaxed);
                passing.spawn(pass(stream, server.clone()));
            }
        }));
    }
}

async fn pass(mut stream: TcpStream, server: String) {
    if let Ok(mut other) = TcpStream::connect(server).await {
        // Either end may break off: that is what this is for.
        drop(tokio::io::copy_bidirectional(&mut stream, &mut other).await);
    }
}

/// The host and port of a URL, and the URL with another in their place.
pub(crate) fn host_of(url: &str) -> (&str, impl Fn(SocketAddr) -> String) {
    let (scheme, rest) = url.split_once("://").unwrap();
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (user, host) = authority.rsplit_once('@').map_or(("", authority), |(u, h)| (u, h));
    let at = if user.is_empty() { "" } else { "@" };
    (host, move |address| format!("{scheme}://{user}{at}{address}{path}"))
}
