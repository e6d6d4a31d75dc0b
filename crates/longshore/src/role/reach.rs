//! Waits for an endpoint and its queues, so that roles can be started in any order.

use std::time::Duration;

use longshore_tasks::TransportError;
use longshore_types::QueueName;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::endpoint::Endpoint;
use crate::exit::Fault;

/// How soon it is tried again, at first and at last.
const TRY_AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// How often the log says that it still waits.
const SAY_AGAIN: Duration = Duration::from_secs(15);
/// How long a queue can be missing: a broker that starts creates its queues in much less.
pub const MISSING_MAX: Duration = Duration::from_secs(60);

/// Waits until `queue` is there; `false` if `shutdown` came first.
///
/// # Errors
///
/// The endpoint refuses, or has not had the queue for a minute.
pub async fn reach(
    endpoint: &Endpoint,
    queue: &QueueName,
    shutdown: &CancellationToken,
) -> Result<bool, Fault> {
    let found = shutdown.run_until_cancelled(found(endpoint, queue)).await;
    found.map_or(Ok(false), |found| found.map(|()| true))
}

async fn found(endpoint: &Endpoint, queue: &QueueName) -> Result<(), Fault> {
    let mut patience = Patience::new();
    loop {
        match endpoint.transport.resolve(queue.as_str()).await {
            Ok(_) => return Ok(()),
            Err(error) => patience.wait_or_give_up(endpoint, queue, error).await?,
        }
    }
}

/// How long has been waited, and for what.
struct Patience {
    pause: Duration,
    said: Option<Instant>,
    missing_since: Option<Instant>,
}

impl Patience {
    fn new() -> Self {
        Self { pause: TRY_AGAIN.0, said: None, missing_since: None }
    }

    async fn wait_or_give_up(
        &mut self,
        endpoint: &Endpoint,
        queue: &QueueName,
        error: TransportError,
    ) -> Result<(), Fault> {
        if is_missing_queue(&error) {
            let since = *self.missing_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= MISSING_MAX {
                return Err(missing(endpoint, queue));
            }
        } else if error.is_transient() {
            self.missing_since = None;
        } else {
            let name = &endpoint.name;
            return Err(Fault::cannot_start(format!("{name} refuses this program: {error}")));
        }
        self.say(endpoint, queue, &error);
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(TRY_AGAIN.1);
        Ok(())
    }

    fn say(&mut self, endpoint: &Endpoint, queue: &QueueName, error: &TransportError) {
        if self.said.is_some_and(|said| said.elapsed() < SAY_AGAIN) {
            return;
        }
        self.said = Some(Instant::now());
        tracing::warn!(endpoint = endpoint.name, %queue, %error, "waiting for the queue");
    }
}

/// Whether the endpoint answered that it has no such queue, however it spells that.
pub fn is_missing_queue(error: &TransportError) -> bool {
    let codes = ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"];
    matches!(error, TransportError::Refused { code, .. } if codes.contains(&code.as_str()))
}

fn missing(endpoint: &Endpoint, queue: &QueueName) -> Fault {
    let (name, waited) = (&endpoint.name, MISSING_MAX.as_secs());
    Fault::cannot_start(format!(
        "{name} has had no queue {queue} for {waited} seconds: create the queues with \
         `queues apply`, with the same --endpoint-url and --region"
    ))
}

#[cfg(test)]
mod tests {
    use longshore_broker::{Broker, BrokerOptions};
    use longshore_wire::CreateQueue;

    use super::*;
    use crate::exit::Exit;

    async fn broker() -> Broker {
        Broker::open(BrokerOptions::default()).await.unwrap()
    }

    fn queue() -> QueueName {
        QueueName::parse("Work").unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_comes_within_a_minute_is_found() {
        let broker = broker().await;
        let endpoint = Endpoint::embedded(&broker);
        let create = async {
            sleep(MISSING_MAX / 2).await;
            let create = CreateQueue { queue_name: "Work".to_owned(), ..CreateQueue::default() };
            broker.call(create.into()).await.unwrap();
        };
        let shutdown = CancellationToken::new();
        let queue = queue();
        let (reached, ()) = tokio::join!(reach(&endpoint, &queue, &shutdown), create);
        assert_eq!(reached, Ok(true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_is_missing_for_a_minute_ends_the_role_and_names_the_command() {
        let endpoint = Endpoint::embedded(&broker().await);
        let begun = Instant::now();
        let fault = reach(&endpoint, &queue(), &CancellationToken::new()).await.unwrap_err();
        assert!(begun.elapsed() >= MISSING_MAX);
        assert_eq!(fault.exit(), Exit::CannotStart);
        assert!(fault.to_string().contains("queues apply"), "{fault}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_role_that_waits_can_be_stopped() {
        let endpoint = Endpoint::embedded(&broker().await);
        let shutdown = CancellationToken::new();
        shutdown.cancel();
        assert_eq!(reach(&endpoint, &queue(), &shutdown).await, Ok(false));
    }
}
