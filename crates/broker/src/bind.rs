//! Listeners that hold a burst of connections until they are accepted.
//!
//! A listener that holds too few drops what comes beyond, other clients' connections too. The kernel
//! of whoever is dropped tries again a second later: so long a client that had nothing to do with the
//! burst would wait.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, ToSocketAddrs, lookup_host};

/// Connections that wait to be accepted. The system takes less if it is set so
/// (`net.core.somaxconn` on Linux, by default 4096), and by itself a listener would have 128.
const BACKLOG: u32 = 65_535;

/// Listens on `address`, or on the first of several that is free.
///
/// # Errors
///
/// The address is in use, or cannot be listened on.
///
/// # Cancel safety
///
/// Dropped before it returns, nothing listens.
pub async fn bind(address: impl ToSocketAddrs) -> io::Result<TcpListener> {
    let none = || io::Error::new(io::ErrorKind::InvalidInput, "the name has no address");
    let mut last = Err(none());
    for address in lookup_host(address).await? {
        last = listen(address);
        if last.is_ok() {
            break;
        }
    }
    last
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Else a restart would wait for the last connections of the process before.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpStream};
    use std::time::Duration;

    use super::*;

    /// More than the 128 that a listener holds unless it is told otherwise, and fewer than the files that a process may have.
    const BURST: usize = 300;

    #[tokio::test]
    async fn c10_a_burst_that_nobody_accepts_yet_is_held() {
        let listener = bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let connect = |_| TcpStream::connect_timeout(&address, Duration::from_millis(900));
        let held: Result<Vec<_>, _> = (0..BURST).map(connect).collect();
        assert_eq!(held.unwrap().len(), BURST);
    }

    #[tokio::test]
    async fn an_address_that_is_taken_is_refused_and_the_next_one_taken() {
        let holder = bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let taken = holder.local_addr().unwrap();
        assert_eq!(bind(taken).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let found = bind(&[taken, free][..]).await.unwrap();
        assert_ne!(found.local_addr().unwrap(), taken);
    }
}
