//! Who is connected: a place for each connection, so many in all and so many of one peer.
//!
//! Where there is no place, the connection gives way whose client has kept the broker waiting
//! longest: one that is idle, or has not sent the whole head of a request, or that neither sends
//! nor reads the rest of what it began. If the broker waits for none, the new one is turned away.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Notice, Pressure};

/// How long a client that is in the middle of something may stand still before it gives way.
const STANDS_STILL: Duration = Duration::from_secs(1);
/// What a client shows while the broker does not wait for it.
const WORKING: u64 = 0;

/// No whole head of a request has come since the last answer was read.
const IDLE: u8 = 0;
/// A request has come, but for its body.
const ASKED: u8 = 1;
/// An answer is on its way.
const ANSWERED: u8 = 2;

/// How many connections there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientBounds {
    pub(crate) connections_max: usize,
    pub(crate) of_peer_max: usize,
}

/// Who is connected.
#[derive(Debug)]
pub(crate) struct Clients {
    bounds: ClientBounds,
    started: Instant,
    present: Mutex<Present>,
    pressure: Arc<Pressure>,
    gave_way: Notice,
    refused: Notice,
}

#[derive(Debug, Default)]
struct Present {
    next: u64,
    by_number: BTreeMap<u64, Arc<Client>>,
    of_peer: HashMap<IpAddr, usize>,
}

/// One that is connected.
#[derive(Debug)]
pub(crate) struct Client {
    number: u64,
    peer: IpAddr,
    started: Instant,
    /// Since when the broker waits for it, in milliseconds after `started`; or [`WORKING`].
    waits_since: AtomicU64,
    /// [`IDLE`], [`ASKED`] or [`ANSWERED`].
    phase: AtomicU8,
    /// Its bytes in flight.
    bytes: AtomicU64,
    /// Whether it was told to give way: looked at for every client when a place is wanted, and so apart
    /// from the token, which would be locked each time.
    is_sent_away: AtomicBool,
    gives_way: CancellationToken,
}

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    clients: Arc<Clients>,
    client: Arc<Client>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.clients.lock().remove(self.client.number);
    }
}

impl Place {
    pub(crate) const fn client(&self) -> &Arc<Client> {
        &self.client
    }
}

impl Clients {
    pub(crate) fn new(bounds: ClientBounds, pressure: Arc<Pressure>) -> Arc<Self> {
        Arc::new(Self {
            bounds,
            started: Instant::now(),
            present: Mutex::default(),
            pressure,
            gave_way: Notice::default(),
            refused: Notice::default(),
        })
    }

    /// A place for a connection of `peer`; `None` if it is to be turned away.
    pub(crate) fn enter(self: &Arc<Self>, peer: IpAddr) -> Option<Place> {
        let mut present = self.lock();
        let of_peer = present.of_peer.get(&peer).copied().unwrap_or_default();
        let has_place = (of_peer < self.bounds.of_peer_max
            || self.make_place(&mut present, |client| client.peer == peer))
            && (present.by_number.len() < self.bounds.connections_max
                || self.make_place(&mut present, |_| true));
        if !has_place {
            drop(present);
            self.turned_away(peer);
            return None;
        }
        let client = Arc::new(Client::new(present.next, peer, self.started));
        present.add(&client);
        Some(Place { clients: Arc::clone(self), client })
    }

    /// Has a connection give way, because the system has no room for another.
    pub(crate) fn make_room(&self) {
        let mut present = self.lock();
        self.make_place(&mut present, |_| true);
    }

    /// Has the connection give way that holds bytes and has kept the broker waiting longest, if
    /// there is one that stands still.
    pub(super) fn free_bytes(&self) {
        let present = self.lock();
        let holders = present.by_number.values().filter(|client| client.bytes.load(Relaxed) > 0);
        if let Some(client) = holders.filter(|client| client.can_give_way()).min_by_key(order) {
            self.send_away(client);
        }
    }

    /// Whether one of those connections gives way: its place is free at once.
    fn make_place(&self, present: &mut Present, of: impl Fn(&Client) -> bool) -> bool {
        let candidates = present.by_number.values().filter(|client| of(client));
        let first = candidates.filter(|client| client.can_give_way()).min_by_key(order);
        let Some(client) = first.map(Arc::clone) else { return false };
        present.remove(client.number);
        self.send_away(&client);
        true
    }

    fn send_away(&self, client: &Client) {
        client.is_sent_away.store(true, Relaxed);
        client.gives_way.cancel();
        self.pressure.connections_gave_way.fetch_add(1, Relaxed);
        if let Some(times) = self.gave_way.due() {
            tracing::warn!(
                peer = %client.peer,
                connections_max = self.bounds.connections_max,
                of_one_peer_max = self.bounds.of_peer_max,
                times,
                "a connection that kept the broker waiting was closed to make way for others"
            );
        }
    }

    fn turned_away(&self, peer: IpAddr) {
        self.pressure.connections_refused.fetch_add(1, Relaxed);
        if let Some(times) = self.refused.due() {
            tracing::warn!(
                %peer,
                connections_max = self.bounds.connections_max,
                of_one_peer_max = self.bounds.of_peer_max,
                times,
                "too many connections: one was turned away"
            );
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who gives way first.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "it is a key of an iterator's items")]
fn order(client: &&Arc<Client>) -> u64 {
    client.waits_since.load(Relaxed)
}

impl Present {
    fn add(&mut self, client: &Arc<Client>) {
        self.next += 1;
        *self.of_peer.entry(client.peer).or_default() += 1;
        self.by_number.insert(client.number, Arc::clone(client));
    }

    fn remove(&mut self, number: u64) {
        let Some(client) = self.by_number.remove(&number) else { return };
        if let Some(count) = self.of_peer.get_mut(&client.peer) {
            *count -= 1;
            if *count == 0 {
                self.of_peer.remove(&client.peer);
            }
        }
    }
}

impl Client {
    fn new(number: u64, peer: IpAddr, started: Instant) -> Self {
        let client = Self {
            number,
            peer,
            started,
            waits_since: AtomicU64::new(WORKING),
            phase: AtomicU8::new(IDLE),
            bytes: AtomicU64::new(0),
            is_sent_away: AtomicBool::new(false),
            gives_way: CancellationToken::new(),
        };
        client.is_waited_for();
        client
    }

    /// Where it is connected from.
    pub(crate) const fn peer(&self) -> IpAddr {
        self.peer
    }

    /// A request has come: the client waits for the broker.
    pub(crate) fn asks(&self) {
        self.phase.store(ASKED, Relaxed);
        self.is_served();
    }

    /// The broker works for the client.
    pub(crate) fn is_served(&self) {
        self.waits_since.store(WORKING, Relaxed);
    }

    /// The broker waits for the client, to send or to read.
    pub(crate) fn is_waited_for(&self) {
        self.waits_since.store(self.now(), Relaxed);
    }

    /// A request is answered, but the client has not read it.
    pub(crate) fn is_answered(&self) {
        self.is_waited_for();
        self.phase.store(ANSWERED, Relaxed);
    }

    /// All that was to be sent is sent.
    pub(crate) fn has_read(&self) {
        if self.phase.load(Relaxed) == ANSWERED {
            self.phase.store(IDLE, Relaxed);
        }
    }

    /// The client has read something.
    pub(crate) fn reads(&self) {
        if self.waits_since.load(Relaxed) != WORKING {
            self.is_waited_for();
        }
    }

    /// Whether no answer to it is due.
    pub(crate) fn is_idle(&self) -> bool {
        self.phase.load(Relaxed) == IDLE
    }

    /// Whether the broker works for the client.
    pub(crate) fn is_working(&self) -> bool {
        self.waits_since.load(Relaxed) == WORKING
    }

    /// Resolves when the connection is to end, because others need what it has.
    pub(crate) async fn gives_way(&self) {
        self.gives_way.cancelled().await;
    }

    pub(super) const fn bytes(&self) -> &AtomicU64 {
        &self.bytes
    }

    /// Whether the broker has waited for the client for a while.
    pub(crate) fn stands_still(&self) -> bool {
        let since = self.waits_since.load(Relaxed);
        since != WORKING && u128::from(self.now() - since) >= STANDS_STILL.as_millis()
    }

    /// An idle connection gives way at once; one in the middle of something once it stands still.
    fn can_give_way(&self) -> bool {
        let is_left_alone = self.is_working() || self.is_sent_away.load(Relaxed);
        !is_left_alone && (self.is_idle() || self.stands_still())
    }

    fn now(&self) -> u64 {
        1 + u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn clients(connections_max: usize, of_peer_max: usize) -> Arc<Clients> {
        Clients::new(ClientBounds { connections_max, of_peer_max }, Arc::default())
    }

    fn peer(last: u8) -> IpAddr {
        Ipv4Addr::new(10, 0, 0, last).into()
    }

    fn is_sent_away(place: &Place) -> bool {
        place.client.gives_way.is_cancelled()
    }

    async fn pass() {
        tokio::time::advance(Duration::from_millis(10)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn c10_the_oldest_idle_connection_gives_way() {
        let clients = clients(2, 2);
        let first = clients.enter(peer(1)).unwrap();
        pass().await;
        let second = clients.enter(peer(2)).unwrap();
        let third = clients.enter(peer(3)).unwrap();
        assert_eq!([&first, &second, &third].map(is_sent_away), [true, false, false]);
        // The place that was given up is not given up again when its connection has ended.
        drop(first);
        let _fourth = clients.enter(peer(4)).unwrap();
        assert!(is_sent_away(&second));
        assert_eq!(clients.pressure.connections_gave_way.load(Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn c10_a_connection_is_idle_from_when_its_answer_is_read() {
        let clients = clients(2, 2);
        let of_use = clients.enter(peer(1)).unwrap();
        of_use.client.asks();
        pass().await;
        let silent = clients.enter(peer(2)).unwrap();
        pass().await;
        of_use.client.is_answered();
        let third = clients.enter(peer(3)).unwrap();
        assert_eq!([&of_use, &silent, &third].map(is_sent_away), [false, true, false]);
        drop(third);
        of_use.client.has_read();
        pass().await;
        let _fourth = (clients.enter(peer(4)), clients.enter(peer(5)));
        assert!(is_sent_away(&of_use));
    }

    #[tokio::test(start_paused = true)]
    async fn c10_whoever_waits_for_the_broker_stays_and_the_new_one_is_turned_away() {
        let clients = clients(1, 1);
        let first = clients.enter(peer(1)).unwrap();
        first.client.asks();
        assert!(clients.enter(peer(2)).is_none());
        assert_eq!(clients.pressure.connections_refused.load(Relaxed), 1);
        // It has all but its body: one that stands still gives way.
        first.client.is_waited_for();
        assert!(clients.enter(peer(2)).is_none());
        tokio::time::advance(STANDS_STILL).await;
        assert!(clients.enter(peer(2)).is_some());
        assert!(is_sent_away(&first));
    }

    #[tokio::test(start_paused = true)]
    async fn c10_a_peer_that_has_its_places_gives_up_one_of_its_own() {
        let clients = clients(3, 2);
        let other = clients.enter(peer(1)).unwrap();
        pass().await;
        let first = clients.enter(peer(2)).unwrap();
        pass().await;
        let second = clients.enter(peer(2)).unwrap();
        let _third = clients.enter(peer(2)).unwrap();
        assert_eq!([&other, &first, &second].map(is_sent_away), [false, true, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_is_free_again_when_its_connection_ends() {
        let clients = clients(1, 1);
        drop(clients.enter(peer(1)).unwrap());
        let again = clients.enter(peer(1)).unwrap();
        assert!(!is_sent_away(&again));
        assert_eq!(clients.pressure.connections_gave_way.load(Relaxed), 0);
    }
}
