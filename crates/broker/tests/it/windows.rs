//! The windows of minutes, hours and days that SQS promises, in wire bytes and under a clock that the test moves.
//!
//! A window is a function of time, so nothing has to fire at its end: the clock is moved, and the next request sees it.

use std::sync::Arc;
use std::time::Duration;

use longshore_broker::BrokerOptions;
use longshore_broker::clock::Clock;

use crate::http::Server;
use crate::support::*;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

const ACCOUNT: &str = "000000000000";

/// The protocols, each with how it writes a request and how it spells what it answers.
#[derive(Clone, Copy, Debug)]
enum Protocol {
    Json,
    Query,
}

const BOTH: [Protocol; 2] = [Protocol::Json, Protocol::Query];

struct World {
    clock: Arc<ManualClock>,
    server: Server,
    protocol: Protocol,
}

impl World {
    async fn new(protocol: Protocol, strict: bool) -> Self {
        let clock = ManualClock::new();
        let told: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let options = BrokerOptions { clock: told, strict, ..BrokerOptions::default() };
        Self { server: Server::open(options).await, clock, protocol }
    }

    fn pass(&self, seconds: u64) {
        self.clock.pass(Duration::from_secs(seconds));
    }

    /// Asks for an action with members that are texts or, if they look like it, numbers.
    async fn ask(&self, action: &str, members: &[(&str, &str)]) -> String {
        match self.protocol {
            Protocol::Json => self.server.action(action, &json(members)).await,
            Protocol::Query => {
                let head = "POST / HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded";
                let form = members.iter().map(|(name, value)| format!("&{name}={value}"));
                let form = format!("Action={action}{}", form.collect::<String>());
                self.server.exchange(head, &form).await
            }
        }
    }

    async fn create(&self, name: &str) -> String {
        self.ask("CreateQueue", &[("QueueName", name)]).await
    }

    async fn create_fifo(&self, name: &str) -> String {
        let members: &[(&str, &str)] = match self.protocol {
            Protocol::Json => &[("QueueName", name), ("Attributes", r#"{"FifoQueue":"true"}"#)],
            Protocol::Query => &[
                ("QueueName", name),
                ("Attribute.1.Name", "FifoQueue"),
                ("Attribute.1.Value", "true"),
            ],
        };
        self.ask("CreateQueue", members).await
    }

    /// The body of the message that one receive finds with this visibility timeout.
    async fn receive(&self, queue: &str, visibility: &str) -> Option<String> {
        let members = [("QueueUrl", queue), ("VisibilityTimeout", visibility)];
        self.find(&self.ask("ReceiveMessage", &members).await, "Body")
    }

    /// The text of the first member of that name in a response.
    fn find(&self, response: &str, name: &str) -> Option<String> {
        let (before, after) = match self.protocol {
            Protocol::Json => (format!("\"{name}\":\""), "\"".to_owned()),
            Protocol::Query => (format!("<{name}>"), format!("</{name}>")),
        };
        let (_, rest) = response.split_once(&before)?;
        Some(rest.split_once(&after)?.0.to_owned())
    }
}

fn json(members: &[(&str, &str)]) -> String {
    let member = |(name, value): &(&str, &str)| {
        let bare = value.starts_with('{') || value.bytes().all(|byte| byte.is_ascii_digit());
        if bare { format!(r#""{name}":{value}"#) } else { format!(r#""{name}":"{value}""#) }
    };
    format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
}

fn url(queue: &str) -> String {
    format!("http://localhost/{ACCOUNT}/{queue}")
}

#[tokio::test]
async fn a_deduplication_id_is_new_again_five_minutes_after_its_first_send_and_duplicates_do_not_slide_that()
 {
    for protocol in BOTH {
        let world = World::new(protocol, false).await;
        world.create_fifo("Ordered.fifo").await;
        let url = url("Ordered.fifo");
        let mut members = [
            ("QueueUrl", &*url),
            ("MessageBody", "first"),
            ("MessageGroupId", "g"),
            ("MessageDeduplicationId", "same"),
        ];
        let first = world.find(&world.ask("SendMessage", &members).await, "MessageId").unwrap();
        for seconds in [2 * MINUTE, 3 * MINUTE - 1] {
            world.pass(seconds);
            let again = world.ask("SendMessage", &members).await;
            assert_eq!(world.find(&again, "MessageId"), Some(first.clone()), "{protocol:?}");
        }
        world.pass(1);
        members[1].1 = "second";
        let later = world.find(&world.ask("SendMessage", &members).await, "MessageId").unwrap();
        assert_ne!(later, first, "{protocol:?}");
        assert_eq!(world.receive(&url, "0").await.as_deref(), Some("first"), "{protocol:?}");
    }
}

#[tokio::test]
async fn a_message_is_kept_for_four_days_also_while_it_is_in_flight() {
    for protocol in BOTH {
        let world = World::new(protocol, false).await;
        world.create("Kept").await;
        let url = url("Kept");
        world.ask("SendMessage", &[("QueueUrl", &url), ("MessageBody", "old")]).await;
        world.pass(4 * DAY - 1);
        assert_eq!(world.receive(&url, "0").await.as_deref(), Some("old"), "{protocol:?}");
        assert_eq!(world.receive(&url, "2").await.as_deref(), Some("old"), "{protocol:?}");
        world.pass(3);
        assert_eq!(world.receive(&url, "0").await, None, "{protocol:?}");
    }
}

#[tokio::test]
async fn a_delay_of_fifteen_minutes_ends_after_fifteen_minutes() {
    for protocol in BOTH {
        let world = World::new(protocol, false).await;
        world.create("Late").await;
        let url = url("Late");
        let members = [("QueueUrl", &*url), ("MessageBody", "late"), ("DelaySeconds", "900")];
        world.ask("SendMessage", &members).await;
        world.pass(15 * MINUTE - 1);
        assert_eq!(world.receive(&url, "0").await, None, "{protocol:?}");
        world.pass(1);
        assert_eq!(world.receive(&url, "0").await.as_deref(), Some("late"), "{protocol:?}");
    }
}

#[tokio::test]
async fn a_lease_of_twelve_hours_ends_after_twelve_hours_and_cannot_be_made_longer() {
    for protocol in BOTH {
        let world = World::new(protocol, false).await;
        world.create("Leased").await;
        let url = url("Leased");
        world.ask("SendMessage", &[("QueueUrl", &url), ("MessageBody", "leased")]).await;
        let lease = [("QueueUrl", &*url), ("VisibilityTimeout", "43200")];
        let received = world.ask("ReceiveMessage", &lease).await;
        let handle = world.find(&received, "ReceiptHandle").unwrap();
        world.pass(12 * HOUR - 60);
        let extend = |seconds| {
            [("QueueUrl", &*url), ("ReceiptHandle", &*handle), ("VisibilityTimeout", seconds)]
        };
        let refused = world.ask("ChangeMessageVisibility", &extend("61")).await;
        assert!(refused.starts_with("HTTP/1.1 400 "), "{protocol:?}: {refused}");
        let granted = world.ask("ChangeMessageVisibility", &extend("59")).await;
        assert!(granted.starts_with("HTTP/1.1 200 "), "{protocol:?}: {granted}");
        world.pass(58);
        assert_eq!(world.receive(&url, "0").await, None, "{protocol:?}");
        world.pass(1);
        assert_eq!(world.receive(&url, "0").await.as_deref(), Some("leased"), "{protocol:?}");
    }
}

#[tokio::test]
async fn a_strict_broker_lets_a_queue_be_purged_and_created_again_after_sixty_seconds() {
    for protocol in BOTH {
        let world = World::new(protocol, true).await;
        world.create("Strict").await;
        let url = url("Strict");
        for action in ["PurgeQueue", "DeleteQueue"] {
            let again = async || match action {
                "PurgeQueue" => world.ask(action, &[("QueueUrl", &url)]).await,
                _ => world.create("Strict").await,
            };
            let first = world.ask(action, &[("QueueUrl", &url)]).await;
            assert!(first.starts_with("HTTP/1.1 200 "), "{protocol:?}: {first}");
            world.pass(59);
            let early = again().await;
            assert!(early.starts_with("HTTP/1.1 4"), "{protocol:?} {action}: {early}");
            world.pass(1);
            let late = again().await;
            assert!(late.starts_with("HTTP/1.1 200 "), "{protocol:?} {action}: {late}");
        }
    }
}
