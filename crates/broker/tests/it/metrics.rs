//! What the broker counts: exact numbers after what a test did.
#![expect(clippy::float_cmp, reason = "counts are whole, and ages are what the clock was moved by")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use longshore_broker::{Broker, BrokerOptions, serve_metrics};
use longshore_types::{Clock, Timestamp};
use longshore_wire::{
    ChangeMessageVisibility, DeleteQueue, Reply, SendMessage, SendMessageBatch,
    SendMessageBatchEntry,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::http::{Server, request};
use crate::support::*;

/// The sample that begins with `name` and has all `labels`; `None` if there is none.
fn sample(page: &str, name: &str, labels: &[&str]) -> Option<f64> {
    let wanted = |line: &&str| {
        let of_name = line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
        of_name && labels.iter().all(|label| line.contains(label))
    };
    let mut lines = page.lines().filter(wanted);
    let line = lines.next()?;
    assert_eq!(lines.next(), None, "{name} {labels:?} is not one sample");
    Some(line.rsplit_once(' ').unwrap().1.parse().unwrap())
}

/// A number of the queue of that name.
#[track_caller]
fn of_queue(broker: &Broker, queue: &str, name: &str) -> f64 {
    let page = broker.metrics();
    let label = format!("queue=\"{queue}\"");
    sample(&page, name, &[&label]).unwrap_or_else(|| panic!("no {name} of {queue} in\n{page}"))
}

#[track_caller]
fn check(broker: &Broker, expect: &[(&str, f64)]) {
    for (name, value) in expect {
        assert_eq!(of_queue(broker, "jobs", name), *value, "{name}");
    }
}

const VISIBLE: &str = "aws_sqs_approximate_number_of_messages_visible";
const NOT_VISIBLE: &str = "aws_sqs_approximate_number_of_messages_not_visible";
const DELAYED: &str = "aws_sqs_approximate_number_of_messages_delayed";
const AGE: &str = "aws_sqs_approximate_age_of_oldest_message_seconds";
const SENT: &str = "aws_sqs_number_of_messages_sent_total";
const RECEIVED: &str = "aws_sqs_number_of_messages_received_total";
const DELETED: &str = "aws_sqs_number_of_messages_deleted_total";
const EMPTY: &str = "aws_sqs_number_of_empty_receives_total";
const GROUPS: &str = "aws_sqs_approximate_number_of_groups_with_inflight_messages";
const DEDUPLICATED: &str = "aws_sqs_number_of_deduplicated_sent_messages_total";
const WAITING: &str = "longshore_waiting_receives";

/// A clock whose wall clock somebody sets ahead.
#[derive(Debug)]
struct Set(Arc<ManualClock>, AtomicU64);

impl Clock for Set {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn wall(&self) -> Timestamp {
        self.now() + Duration::from_secs(self.1.load(Relaxed))
    }
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_is_set_makes_no_message_older() {
    let clock = Arc::new(Set(ManualClock::new(), AtomicU64::new(0)));
    let used: Arc<dyn Clock> = Arc::<Set>::clone(&clock);
    let broker = Broker::open(BrokerOptions { clock: used, ..Default::default() }).await.unwrap();
    create(&broker, "jobs", &[]).await;
    send(&broker, "one").await;
    clock.1.store(5 * 86_400, Relaxed);
    clock.0.advance(Duration::from_secs(7)).await;
    check(&broker, &[(AGE, 7.0)]);
    broker.close().await;
}

#[tokio::test(start_paused = true)]
async fn messages_are_counted_where_they_are_as_time_passes() {
    let (broker, clock) = with_clock().await;
    check(&broker, &[(VISIBLE, 0.0), (NOT_VISIBLE, 0.0), (DELAYED, 0.0), (AGE, 0.0)]);
    send(&broker, "one").await;
    send(&broker, "two").await;
    let later = SendMessage {
        queue_url: URL.into(),
        message_body: "later".into(),
        delay_seconds: Some(60.into()),
        ..SendMessage::default()
    };
    broker.call(later.into()).await.unwrap();
    let handle = receive(&broker, 0).await.remove(0).receipt_handle;
    check(&broker, &[(VISIBLE, 0.0), (NOT_VISIBLE, 2.0), (DELAYED, 1.0), (AGE, 0.0)]);
    delete(&broker, handle).await.unwrap();
    clock.advance(Duration::from_millis(29_500)).await;
    check(&broker, &[(VISIBLE, 0.0), (NOT_VISIBLE, 1.0), (DELAYED, 1.0), (AGE, 29.5)]);
    clock.advance(Duration::from_millis(500)).await;
    check(&broker, &[(VISIBLE, 1.0), (NOT_VISIBLE, 0.0), (DELAYED, 1.0), (AGE, 30.0)]);
    clock.advance(Duration::from_secs(30)).await;
    check(&broker, &[(VISIBLE, 2.0), (NOT_VISIBLE, 0.0), (DELAYED, 0.0), (AGE, 60.0)]);
    clock.advance(Duration::from_secs(345_600)).await;
    check(&broker, &[(VISIBLE, 0.0), (NOT_VISIBLE, 0.0), (DELAYED, 0.0), (AGE, 0.0)]);
    broker.close().await;
}

#[tokio::test(start_paused = true)]
async fn sends_receives_and_deletes_are_counted_each_time() {
    let (broker, clock) = with_clock().await;
    let entry = |id: &str, body: &str| SendMessageBatchEntry {
        id: Some(id.into()),
        message_body: body.into(),
        ..SendMessageBatchEntry::default()
    };
    let entries = vec![entry("a", "one"), entry("b", "two"), entry("c", "")];
    let batch = SendMessageBatch { queue_url: URL.into(), entries };
    let Reply::SendMessageBatch(reply) = broker.call(batch.into()).await.unwrap() else {
        panic!("a batch is answered by a batch's reply")
    };
    assert_eq!((reply.successful.len(), reply.failed.len()), (2, 1));
    send(&broker, "three").await;
    check(&broker, &[(SENT, 3.0), (RECEIVED, 0.0), (DELETED, 0.0), (EMPTY, 0.0)]);
    let first = receive(&broker, 0).await;
    assert!(receive(&broker, 0).await.is_empty());
    check(&broker, &[(SENT, 3.0), (RECEIVED, 3.0), (DELETED, 0.0), (EMPTY, 1.0)]);
    for _ in 0..2 {
        delete(&broker, first[0].receipt_handle.clone()).await.unwrap();
    }
    delete(&broker, "none of ours".into()).await.unwrap_err();
    clock.advance(Duration::from_secs(30)).await;
    receive(&broker, 0).await;
    check(&broker, &[(SENT, 3.0), (RECEIVED, 5.0), (DELETED, 2.0), (EMPTY, 1.0)]);
    broker.close().await;
}

#[tokio::test]
async fn sent_messages_are_counted_by_their_size() {
    let broker = in_memory().await;
    create(&broker, "jobs", &[]).await;
    for bytes in [1, 256, 257, 1 << 20] {
        send(&broker, &"x".repeat(bytes)).await;
    }
    let page = broker.metrics();
    let size = |suffix: &str, labels: &[&str]| {
        sample(&page, &format!("aws_sqs_sent_message_size_bytes_{suffix}"), labels).unwrap()
    };
    assert_eq!(size("count", &[]), 4.0);
    assert_eq!(size("sum", &[]), f64::from(1 + 256 + 257 + (1 << 20)));
    for (bound, below) in [("256.0", 2.0), ("1024.0", 3.0), ("1048576.0", 4.0), ("+Inf", 4.0)] {
        assert_eq!(size("bucket", &[&format!("le=\"{bound}\"")]), below, "{bound}");
    }
    broker.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_receive_that_waits_is_shown_and_then_counts_as_empty() {
    let (broker, clock) = with_clock().await;
    let waiting = tokio::spawn({
        let broker = broker.clone();
        async move { receive(&broker, 20).await }
    });
    while broker.waiting_count() == 0 {
        tokio::task::yield_now().await;
    }
    check(&broker, &[(WAITING, 1.0), (EMPTY, 0.0)]);
    clock.advance(Duration::from_secs(20)).await;
    assert!(waiting.await.unwrap().is_empty());
    check(&broker, &[(WAITING, 0.0), (EMPTY, 1.0)]);
    broker.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_waiting_receive_gets_is_received_and_no_empty_receive() {
    let (broker, _clock) = with_clock().await;
    let receiving = receive(&broker, 20);
    let sending = async {
        while broker.waiting_count() == 0 {
            tokio::task::yield_now().await;
        }
        send(&broker, "awaited").await;
    };
    let (received, ()) = tokio::join!(receiving, sending);
    assert_eq!(bodies(&received), ["awaited"]);
    check(&broker, &[(WAITING, 0.0), (EMPTY, 0.0), (RECEIVED, 1.0), (SENT, 1.0)]);
    broker.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_lettered_message_was_not_sent_to_the_dead_letter_queue() {
    let (broker, clock) = with_clock().await;
    let policy =
        r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:jobs","maxReceiveCount":1}"#;
    create(&broker, "source", &[("RedrivePolicy", policy)]).await;
    let source = "http://localhost/000000000000/source";
    let poison = SendMessage {
        queue_url: source.into(),
        message_body: "poison".into(),
        ..SendMessage::default()
    };
    broker.call(poison.into()).await.unwrap();
    assert_eq!(receive_from(&broker, source, 0).await.len(), 1);
    clock.advance(Duration::from_secs(30)).await;
    assert!(receive_from(&broker, source, 0).await.is_empty());
    check(&broker, &[(SENT, 0.0), (VISIBLE, 1.0), (AGE, 30.0)]);
    let of_source = |name| of_queue(&broker, "source", name);
    assert_eq!([SENT, RECEIVED, EMPTY].map(of_source), [1.0, 1.0, 1.0]);
    broker.close().await;
}

async fn send_to_group(broker: &Broker, body: &str, group: &str) {
    let send = SendMessage {
        queue_url: "http://localhost/000000000000/orders.fifo".into(),
        message_body: body.into(),
        message_group_id: Some(group.into()),
        message_deduplication_id: Some(body.into()),
        ..SendMessage::default()
    };
    broker.call(send.into()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_fifo_queue_counts_its_locked_groups_and_its_duplicates() {
    let (broker, _clock) = with_clock().await;
    create(&broker, "orders.fifo", &[("FifoQueue", "true")]).await;
    for (body, group) in [("1", "a"), ("2", "a"), ("3", "b"), ("1", "a"), ("1", "c")] {
        send_to_group(&broker, body, group).await;
    }
    let of_orders = |name| of_queue(&broker, "orders.fifo", name);
    assert_eq!([SENT, DEDUPLICATED, GROUPS].map(of_orders), [3.0, 2.0, 0.0]);
    let url = "http://localhost/000000000000/orders.fifo";
    let received = receive_from(&broker, url, 0).await;
    assert_eq!([RECEIVED, GROUPS].map(of_orders), [3.0, 2.0]);
    for message in &received[..2] {
        let release = ChangeMessageVisibility {
            queue_url: url.into(),
            receipt_handle: message.receipt_handle.clone(),
            visibility_timeout: 0.into(),
        };
        broker.call(release.into()).await.unwrap();
    }
    assert_eq!([GROUPS, VISIBLE, NOT_VISIBLE].map(of_orders), [1.0, 2.0, 1.0]);
    let page = broker.metrics();
    assert_eq!(sample(&page, GROUPS, &["queue=\"jobs\""]), None, "a standard queue has no groups");
    broker.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_fair_queue_counts_its_noisy_groups_and_what_is_in_none() {
    const NOISY: &str = "aws_sqs_approximate_number_of_noisy_groups";
    const VISIBLE_QUIET: &str = "aws_sqs_approximate_number_of_messages_visible_in_quiet_groups";
    const FLIGHT_QUIET: &str = "aws_sqs_approximate_number_of_messages_not_visible_in_quiet_groups";
    const DELAYED_QUIET: &str = "aws_sqs_approximate_number_of_messages_delayed_in_quiet_groups";
    const AGE_QUIET: &str = "aws_sqs_approximate_age_of_oldest_message_in_quiet_groups_seconds";
    let (broker, clock) = with_clock().await;
    let send_of = async |group: &str, delay_seconds: i64| {
        let send = SendMessage {
            queue_url: URL.into(),
            message_body: "one of many".into(),
            message_group_id: Some(group.into()),
            delay_seconds: Some(delay_seconds.into()),
            ..SendMessage::default()
        };
        broker.call(send.into()).await.unwrap();
    };
    for _ in 0..40 {
        send_of("loud", 0).await;
    }
    for _ in 0..3 {
        assert_eq!(receive(&broker, 0).await.len(), 10);
    }
    clock.advance(Duration::from_secs(5)).await;
    send_of("calm", 0).await;
    send_of("calm", 60).await;
    clock.advance(Duration::from_secs(2)).await;
    check(&broker, &[(VISIBLE, 11.0), (NOT_VISIBLE, 30.0), (DELAYED, 1.0), (AGE, 7.0)]);
    check(&broker, &[(NOISY, 1.0), (VISIBLE_QUIET, 1.0), (FLIGHT_QUIET, 0.0)]);
    check(&broker, &[(DELAYED_QUIET, 1.0), (AGE_QUIET, 2.0)]);
    clock.advance(Duration::from_secs(23)).await;
    check(&broker, &[(NOISY, 0.0), (VISIBLE_QUIET, 41.0), (DELAYED_QUIET, 1.0), (AGE_QUIET, 30.0)]);
    create(&broker, "orders.fifo", &[("FifoQueue", "true")]).await;
    let page = broker.metrics();
    assert_eq!(sample(&page, NOISY, &["orders.fifo"]), None, "a FIFO queue has no noisy groups");
    broker.close().await;
}

#[tokio::test]
async fn a_queue_that_is_deleted_vanishes_and_comes_back_at_zero() {
    let broker = in_memory().await;
    create(&broker, "jobs", &[]).await;
    send(&broker, "gone").await;
    check(&broker, &[(SENT, 1.0)]);
    broker.call(DeleteQueue { queue_url: URL.into() }.into()).await.unwrap();
    assert!(!broker.metrics().contains("queue=\"jobs\""));
    create(&broker, "jobs", &[]).await;
    check(&broker, &[(SENT, 0.0), (VISIBLE, 0.0)]);
    broker.close().await;
}

#[tokio::test]
async fn a_queue_bears_its_region_and_account() {
    let broker = in_memory().await;
    create(&broker, "jobs", &[]).await;
    let labels = "{region=\"us-east-1\",account=\"000000000000\",queue=\"jobs\"}";
    let page = broker.metrics();
    assert!(page.contains(&format!("{VISIBLE}{labels} 0\n")), "{page}");
    assert!(page.ends_with("# EOF\n"), "{page}");
    broker.close().await;
}

#[tokio::test]
async fn beyond_a_thousand_queues_the_rest_is_only_counted() {
    let broker = in_memory().await;
    for number in 0..1001 {
        create(&broker, &format!("queue-{number}"), &[]).await;
    }
    let page = broker.metrics();
    assert_eq!(sample(&page, "longshore_queues", &[]), Some(1001.0));
    assert_eq!(sample(&page, "longshore_queues_not_shown", &[]), Some(1.0));
    assert!(page.contains("queue=\"queue-999\""), "the oldest are shown");
    assert!(!page.contains("queue=\"queue-1000\""));
    broker.close().await;
}

#[tokio::test]
async fn a_restart_keeps_the_messages_and_begins_to_count_anew() {
    let directory = tempfile::tempdir().unwrap();
    let broker = on_disk(directory.path()).await;
    create(&broker, "jobs", &[]).await;
    send(&broker, "kept").await;
    let page = broker.metrics();
    let own = |name| sample(&page, name, &[]).unwrap();
    assert!(own("longshore_log_written_bytes_total") > 0.0);
    assert!(own("longshore_log_writes_total") >= 3.0, "a start, a queue, a message");
    assert!(own("longshore_log_sync_duration_seconds_count") >= 3.0);
    assert!(own("longshore_log_segments") >= 1.0);
    assert!(own("longshore_bodies_cached_bytes") > 0.0);
    let at_rest = ["longshore_log_waiting_bytes", "longshore_log_full", "longshore_store_failed"];
    assert_eq!(at_rest.map(own), [0.0; 3]);
    assert_eq!(own("longshore_bodies"), 1.0);
    assert!(own("longshore_bodies_kept_bytes") > 4.0);
    broker.close().await;
    let broker = on_disk(directory.path()).await;
    check(&broker, &[(VISIBLE, 1.0), (SENT, 0.0)]);
    broker.close().await;
}

#[tokio::test(start_paused = true)]
async fn the_start_is_that_of_the_brokers_clock() {
    let (broker, clock) = with_clock().await;
    clock.advance(Duration::from_secs(10)).await;
    let page = broker.metrics();
    assert_eq!(sample(&page, "longshore_start_time_seconds", &[]), Some(1_790_000_000.0));
    assert!(page.contains("longshore_build_info{version=\""), "{page}");
    broker.close().await;
}

#[tokio::test]
async fn requests_are_counted_by_action_protocol_and_outcome() {
    let server = Server::start().await;
    server.action("CreateQueue", r#"{"QueueName":"jobs"}"#).await;
    server.action("GetQueueUrl", r#"{"QueueName":"none"}"#).await;
    server.action("GetQueueUrl", r#"{"QueueName":"jobs"}"#).await;
    server.action("NoSuchAction", "{}").await;
    server.action("AnotherOne", "{}").await;
    server.action("SendMessage", "{ this is no JSON").await;
    server.action("ListQueues", &" ".repeat(2001)).await;
    server.exchange("GET /?Action=ListQueues HTTP/1.1", "").await;
    server.exchange("GET /?Action=ListQueues HTTP/1.1\r\norigin: http://evil.example", "").await;
    let page = server.broker.metrics();
    let count = |action: &str, protocol: &str, code: &str| {
        let labels = [
            format!("action=\"{action}\""),
            format!("protocol=\"{protocol}\""),
            format!("code=\"{code}\""),
        ];
        sample(&page, "longshore_requests_total", &labels.each_ref().map(String::as_str))
    };
    assert_eq!(count("CreateQueue", "json", "OK"), Some(1.0));
    assert_eq!(count("GetQueueUrl", "json", "OK"), Some(1.0));
    let none = "AWS.SimpleQueueService.NonExistentQueue";
    assert_eq!(count("GetQueueUrl", "json", none), Some(1.0));
    assert_eq!(count("unknown", "json", "InvalidAction"), Some(2.0));
    assert_eq!(count("unknown", "json", "MalformedInput"), Some(1.0));
    assert_eq!(count("unknown", "json", "Payload Too Large"), Some(1.0));
    assert_eq!(count("ListQueues", "query", "OK"), Some(1.0));
    assert_eq!(count("unknown", "query", "Forbidden"), Some(1.0));
    assert!(!page.contains("NoSuchAction"), "a client makes no labels");
    let took = |action: &str| {
        let label = format!("action=\"{action}\"");
        sample(&page, "longshore_request_duration_seconds_count", &[&label])
    };
    assert_eq!(
        (took("GetQueueUrl"), took("unknown"), took("PurgeQueue")),
        (Some(2.0), Some(5.0), None)
    );
}

#[tokio::test]
async fn a_connection_counts_as_long_as_it_lasts() {
    let server = Server::start().await;
    let connections = || sample(&server.broker.metrics(), "longshore_connections", &[]).unwrap();
    assert_eq!(connections(), 0.0);
    let stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    while connections() < 1.0 {
        tokio::task::yield_now().await;
    }
    drop(stream);
    while connections() > 0.0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn metrics_have_a_listener_of_their_own() {
    let broker = in_memory().await;
    create(&broker, "jobs", &[]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let serving =
        tokio::spawn(serve_metrics(broker.clone(), listener, Vec::new(), shutdown.clone()));
    let page = request(address, "GET /metrics HTTP/1.1", "").await;
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    let media_type = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";
    assert!(page.contains(media_type) && page.ends_with("# EOF\n"), "{page}");
    for (head, status) in [
        ("GET / HTTP/1.1", "404"),
        (
            "POST / HTTP/1.1\r\ncontent-type: application/x-amz-json-1.0\r\nx-amz-target: AmazonSQS.ListQueues",
            "404",
        ),
        ("POST /metrics HTTP/1.1", "405"),
        ("GET /metrics HTTP/1.1\r\nsec-fetch-site: cross-site", "403"),
    ] {
        let response = request(address, head, "").await;
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{head}: {response}");
    }
    shutdown.cancel();
    serving.await.unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    broker.close().await;
}
