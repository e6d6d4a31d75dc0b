//! Carries out an order with a client.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use longshore::Client;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use crate::order::{Done, Kind, Order};
use crate::task::{Answered, Found, POSITION, Unanswered, VALUE};

/// What an order fails with.
pub(crate) type Failed = Box<dyn Error + Send + Sync>;

/// Tasks that are enqueued by one call, where nobody wants their results.
const TOGETHER: u64 = 10;
/// A task that has no result by then is lost.
const RESULT_MAX: Duration = Duration::from_secs(60);

/// Does what is ordered.
pub(crate) async fn drive(client: &Client, order: Order) -> Result<Done, Failed> {
    let begun = now();
    let mut clients = JoinSet::new();
    match order.kind {
        Kind::Paced => {
            for place in 0..order.count {
                let at = begun
                    + Duration::from_secs(1) * u32::try_from(place)? / u32::try_from(order.rate)?;
                clients.spawn(later(client.clone(), order.first + place, at));
            }
        }
        Kind::Request | Kind::Send => {
            let numbers = Arc::new(Numbers::of(order, begun));
            for _ in 0..order.rate {
                clients.spawn(closed(client.clone(), order.kind, Arc::clone(&numbers)));
            }
        }
    }
    let mut all = Done::default();
    while let Some(done) = clients.join_next().await {
        let done = done??;
        all.count += done.count;
        all.times.extend(done.times);
    }
    all.elapsed = begun.elapsed();
    Ok(all)
}

/// The numbers of an order's tasks, handed out to its clients.
struct Numbers {
    next: AtomicU64,
    end: u64,
    until: Instant,
}

impl Numbers {
    fn of(order: Order, begun: Instant) -> Self {
        let (next, end) = (AtomicU64::new(order.first), order.first + order.count);
        Self { next, end, until: begun + order.limit }
    }

    /// The next numbers; none when all are taken, or the time is over.
    fn take(&self, count: u64) -> std::ops::Range<u64> {
        if now() > self.until {
            return 0..0;
        }
        let first = self.next.fetch_add(count, Relaxed);
        first.min(self.end)..(first + count).min(self.end)
    }
}

/// A client in a closed loop.
async fn closed(client: Client, kind: Kind, numbers: Arc<Numbers>) -> Result<Done, Failed> {
    let mut done = Done::default();
    let together = if kind == Kind::Send { TOGETHER } else { 1 };
    loop {
        let taken = numbers.take(together);
        if taken.is_empty() {
            return Ok(done);
        }
        done.count += taken.end - taken.start;
        if kind == Kind::Send {
            send(&client, taken).await?;
        } else {
            done.times.push(request(&client, taken.start, now()).await?);
        }
    }
}

async fn send(client: &Client, numbers: std::ops::Range<u64>) -> Result<(), Failed> {
    let task = |number| Unanswered { number, position: POSITION };
    for sent in client.send_all(numbers.map(task)).await {
        sent?;
    }
    Ok(())
}

async fn later(client: Client, number: u64, at: Instant) -> Result<Done, Failed> {
    sleep_until(at.into()).await;
    let times = vec![request(&client, number, at).await?];
    Ok(Done { count: 1, elapsed: Duration::ZERO, times })
}

/// Asks for a result, and answers how long after `since` it was there.
async fn request(client: &Client, number: u64, since: Instant) -> Result<Duration, Failed> {
    let task = Answered { number, position: POSITION };
    let found = client.call(task).deadline(RESULT_MAX).await?;
    if found != (Found { position: POSITION, value: VALUE }) {
        return Err(format!("the result of task {number} is wrong: {found:?}").into());
    }
    Ok(since.elapsed())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}
