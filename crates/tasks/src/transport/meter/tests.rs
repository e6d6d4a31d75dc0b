//! What is booked where, and that all of it together is what SQS bills.

use std::sync::Arc;

use longshore_types::{MessageAttribute, MessageAttributes};
use proptest::prelude::*;

use super::*;
use crate::envelope::TASK_NAME;

fn item(purpose: Purpose, task: &str) -> Item {
    Item::new(purpose, &Arc::from(task))
}

fn charged(items: &[Item]) -> Vec<Charged<()>> {
    items.iter().map(|item| Charged { entry: (), item: item.clone() }).collect()
}

fn received(task: Option<&str>, body: String) -> ReceivedMessage {
    let name = |task| (TASK_NAME.to_owned(), MessageAttribute::text(task));
    let attributes: MessageAttributes = task.map(name).into_iter().collect();
    ReceivedMessage {
        message_id: "m".to_owned(),
        receipt_handle: "r".to_owned(),
        body,
        attributes,
        receive_count: 1,
        sent_at: None,
        group_id: None,
        trace_header: None,
    }
}

/// What each purpose and task of a meter has spent.
fn spent(meter: &RequestMeter) -> Vec<(Purpose, String, f64, u64)> {
    let requests = meter.snapshot();
    let line = |(line, spent): (&Line, Spent)| {
        (line.purpose, line.task.to_string(), spent.requests(), spent.entries)
    };
    requests.lines().map(line).collect()
}

#[tokio::test]
async fn the_entries_of_a_batch_share_its_requests() {
    let meter = RequestMeter::default();
    let items = [
        item(Purpose::Reply, "resize"),
        item(Purpose::Reply, "resize"),
        item(Purpose::Reply, "mail"),
        item(Purpose::DeadLetter, "mail"),
    ];
    let send = |_| async { meter.count(Action::SendMessageBatch, "replies", 65_537) };
    charge(charged(&items), send).await;
    let expected = [
        (Purpose::Reply, "mail".to_owned(), 0.5, 1),
        (Purpose::Reply, "resize".to_owned(), 1.0, 2),
        (Purpose::DeadLetter, "mail".to_owned(), 0.5, 1),
    ];
    assert_eq!(spent(&meter), expected);
    assert_eq!(meter.total(Action::SendMessageBatch), 2);
}

#[tokio::test]
async fn a_receive_is_for_the_tasks_that_it_brought_and_an_empty_one_for_none() {
    let meter = RequestMeter::default();
    let names = Arc::new(TaskNames::new(["resize"].into_iter(), Some("resize")));
    let brought = vec![
        received(Some("resize"), "x".repeat(65_536)),
        received(None, String::new()),
        received(Some("made up"), String::new()),
    ];
    charge_receive(Arc::clone(&names), async { meter.receive("q").brought(&brought) }).await;
    charge_receive(names, async { meter.receive("q").brought(&[]) }).await;
    let expected = [
        (Purpose::Receive, "other".to_owned(), 2.0 / 3.0, 1),
        (Purpose::Receive, "resize".to_owned(), 4.0 / 3.0, 2),
        (Purpose::EmptyReceive, String::new(), 1.0, 0),
    ];
    assert_eq!(spent(&meter), expected);
}

#[tokio::test]
async fn a_receive_that_nobody_waits_for_any_more_is_counted() {
    let meter = RequestMeter::default();
    let receive = async {
        let _metered = meter.receive("q");
        std::future::pending::<()>().await;
    };
    let names = Arc::new(TaskNames::default());
    tokio::select! {
        biased;
        () = charge_receive(names, receive) => {}
        () = async {} => {}
    }
    assert_eq!(spent(&meter), [(Purpose::EmptyReceive, String::new(), 1.0, 0)]);
}

#[tokio::test]
async fn what_a_transport_asks_by_itself_is_a_look_also_within_a_batch() {
    let meter = RequestMeter::default();
    let items = [item(Purpose::Task, "resize")];
    charge(charged(&items), |_| async { meter.count(Action::GetQueueUrl, "q", 0) }).await;
    meter.count(Action::DeleteMessageBatch, "q", 0);
    let purposes: Vec<_> = spent(&meter).into_iter().map(|(purpose, ..)| purpose).collect();
    assert_eq!(purposes, [Purpose::Look, Purpose::Other]);
}

#[test]
fn a_report_prices_each_queue_by_its_kind() {
    let mut requests = Requests::default();
    let items = |purpose, count| vec![item(purpose, "resize"); count];
    requests.book(Action::SendMessageBatch, &"q".into(), 3, &items(Purpose::Task, 10));
    requests.book(Action::DeleteMessageBatch, &"q.fifo".into(), 1, &items(Purpose::Delete, 8));
    let report = RequestReport::new(&requests, "us-east-1");
    assert_eq!((report.requests, report.entries, report.tasks), (4.0, 18, 10));
    assert_eq!(report.requests_per_task, Some(0.4));
    assert!((report.dollars - (3.0 * 0.4 + 0.5) / 1e6).abs() < 1e-15, "{report:?}");
    let million = report.dollars_per_million_tasks.unwrap();
    assert!((million - 0.17).abs() < 1e-9, "{report:?}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["byPurpose"]["delete"]["entries"], 8);
    assert_eq!(json["byTask"]["resize"]["requests"], 4.0);
    assert_eq!(RequestReport::new(&Requests::default(), "").requests_per_task, None);
}

#[test]
fn what_came_since_a_snapshot_is_without_what_was_there() {
    let meter = RequestMeter::default();
    meter.count(Action::GetQueueUrl, "q", 0);
    let before = meter.snapshot();
    meter.count(Action::GetQueueUrl, "other", 0);
    let since = meter.snapshot().since(&before);
    let queues: Vec<_> = since.lines().map(|(line, _)| line.queue.to_string()).collect();
    assert_eq!(queues, ["other"]);
    assert_eq!(since.calls().collect::<Vec<_>>(), [("other", Action::GetQueueUrl, 1)]);
}

#[test]
fn a_region_reaches_the_report_and_every_purpose_has_a_label_of_its_own() {
    let labels: std::collections::BTreeSet<_> = Purpose::ALL.map(Purpose::as_str).into();
    assert_eq!(labels.len(), Purpose::ALL.len());
    let meter = RequestMeter::in_region("eu-central-1");
    meter.count(Action::GetQueueUrl, "q", 0);
    assert!(meter.report().dollars > 0.0);
}

proptest! {
    /// Whatever shares a request, all shares together are what is billed.
    #[test]
    fn shares_add_up_to_what_is_billed(
        calls in prop::collection::vec((1_u64..20, prop::collection::vec(0_usize..4, 1..=11)), 1..20)
    ) {
        let mut requests = Requests::default();
        for (billed, tasks) in &calls {
            let name = |task: &usize| item(Purpose::Task, ["a", "b", "c", "d"][*task]);
            let items: Vec<_> = tasks.iter().map(name).collect();
            requests.book(Action::SendMessageBatch, &"q".into(), *billed, &items);
        }
        let billed: u64 = calls.iter().map(|(billed, _)| billed).sum();
        prop_assert_eq!(requests.whole(|_| true), billed);
        prop_assert_eq!(requests.total().to_bits(), f64::from(u32::try_from(billed).unwrap()).to_bits());
    }
}
