//! Says when a bound of the queues was met, once a minute at most: somebody is refused what they
//! asked for.

use std::sync::Arc;
use std::time::Duration;

use crate::core::Refused;
use crate::driver::Driver;

/// How often the watch looks.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Looks until the driver is closed.
pub(crate) async fn watch(driver: Arc<Driver>) {
    let mut said = Refused::default();
    while driver.is_open_after(LOOK_EVERY).await {
        let refused = driver.look(|core| *core.ledger().refused()).unwrap_or(said);
        tell(&refused, &said);
        said = refused;
    }
}

fn tell(refused: &Refused, said: &Refused) {
    let (queues, bytes) =
        (refused.queues - said.queues, refused.catalog_bytes - said.catalog_bytes);
    if queues > 0 {
        tracing::warn!(
            times = queues,
            "queues were not created: there are as many as --queues-max"
        );
    }
    if bytes > 0 {
        tracing::warn!(
            times = bytes,
            "tags or attributes of queues were refused: there are as many bytes of them as \
             --catalog-bytes-max"
        );
    }
    let receives = refused.waiting_receives - said.waiting_receives;
    if receives > 0 {
        tracing::warn!(
            times = receives,
            "receives were refused: as many wait for the queue as --waiting-receives-max"
        );
    }
}
