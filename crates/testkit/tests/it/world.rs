//! An application of two tasks, tested as its user would.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use longshore::{App, Context, Failure, Priorities, Priority, State, Task};
use longshore_tasks::life::{How, Phase};
use longshore_testkit::{World, context, start};
use serde::{Deserialize, Serialize};
use serde_json::json;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

const QUEUES: &str = r#"
[queues.thumbnails]
dead_letter = { queue = "thumbnails-dead", max_receive_count = 5 }
[queues.thumbnails-dead]
[queues.replies]
"#;

/// Makes a picture small, and tells its owner.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, Task)]
#[task(reply = String, retry(attempts = 2, backoff = "15m..15m"))]
struct Thumbnail {
    image: String,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, Task)]
struct Email {
    to: String,
}

async fn render(task: Thumbnail, ctx: Context) -> Result<String, Failure> {
    match task.image.as_str() {
        "broken" => return Err(Failure::dead("this is no picture")),
        "flaky" if ctx.attempt() == 1 => return Err(Failure::retry("the disk is busy")),
        "large" => tokio::time::sleep(20 * MINUTE).await,
        _ => {}
    }
    ctx.send(Email { to: "ada".to_owned() }).await?;
    Ok(format!("small/{}", task.image))
}

async fn mail(_: Email) -> Result<(), Failure> {
    Ok(())
}

/// Replies with how many orders were stored by its call.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, Task)]
#[task(reply = usize, retry(attempts = 2, backoff = "15m..15m"))]
struct Order {
    number: u32,
}

async fn store(orders: Vec<(Order, Context)>) -> Vec<Result<usize, Failure>> {
    let stored = orders.len();
    let result = |(order, ctx): (Order, Context)| match order.number {
        0 => Err(Failure::dead("there is no order 0")),
        1 if ctx.attempt() == 1 => Err(Failure::retry("its row is locked")),
        _ => Ok(stored),
    };
    orders.into_iter().map(result).collect()
}

fn app() -> App {
    App::new("pictures")
        .queues(QUEUES)
        .queue("thumbnails", |queue| queue.handle(render))
        .queue("mails", |queue| queue.handle(mail))
        .reply_queue("replies")
        .routes(|gateway| gateway.routes::<Thumbnail>("/thumbnails"))
}

fn of(image: &str) -> Thumbnail {
    Thumbnail { image: image.to_owned() }
}

async fn ask_for(world: &World, image: &str) -> String {
    let answer = world.post_json("/thumbnails", &of(image)).await;
    assert_eq!(answer.status, 202);
    answer.json()["callbackUrl"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_task_runs_when_the_test_says_so_and_what_it_sends_runs_with_it() {
    let world = start(app()).await;
    let pending = world.client().send(of("cat")).await.unwrap();
    assert_eq!(world.sent::<Thumbnail>(), [of("cat")]);
    assert!(world.sent::<Email>().is_empty());

    let report = world.run_until_idle().await;
    assert_eq!((report.done, report.retried), (2, 0));
    assert_eq!(pending.now().await.unwrap().as_deref(), Some("small/cat"));
    assert_eq!(world.sent::<Email>(), [Email { to: "ada".to_owned() }]);
}

#[tokio::test(start_paused = true)]
async fn the_workers_of_one_queue_run_alone() {
    let world = start(app()).await;
    world.client().send(of("cat")).await.unwrap();
    assert_eq!(world.drain("thumbnails").await.done, 1);
    assert_eq!(world.available("mails").await, 1);
    assert_eq!(world.drain("mails").await.done, 1);
    assert_eq!(world.available("mails").await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_retry_in_a_quarter_of_an_hour_takes_no_time() {
    let world = start(app()).await;
    let pending = world.client().send(of("flaky")).await.unwrap();
    assert_eq!(world.run_until_idle().await.retried, 1);
    assert_eq!(world.run_until_idle().await.received, 0, "it is not due yet");
    assert_eq!(pending.now().await.unwrap(), None);
    let waiting = world.task(pending.id()).await.unwrap();
    assert_eq!(waiting.reason().as_deref(), Some("the disk is busy"));

    world.advance(15 * MINUTE).await;
    assert_eq!(world.run_until_idle().await.done, 2);
    assert_eq!(pending.now().await.unwrap().as_deref(), Some("small/flaky"));
    let record = world.task(pending.id()).await.unwrap();
    assert_eq!(record.life.attempts.len(), 2);
    assert_eq!(record.life.attempts[0].error, ["the disk is busy"]);
    assert_eq!(record.reason(), None);
    assert_eq!(world.sent::<Thumbnail>().len(), 1, "a second attempt is no second send");
}

#[tokio::test(start_paused = true)]
async fn all_that_was_sent_runs_to_its_end_however_often_it_is_put_off() {
    let world = start(app()).await;
    let before = world.now();
    let flaky = world.client().send(of("flaky")).delay(10 * MINUTE).await.unwrap();
    world.client().send(of("broken")).await.unwrap();
    let report = world.run_until_empty().await;
    // The two, and the mail that one of them sends.
    assert_eq!((report.retried, report.done, report.dead), (1, 2, 1));
    assert_eq!(flaky.now().await.unwrap().as_deref(), Some("small/flaky"));
    let took = world.now().since(before);
    // Ten minutes of delay, and up to 15 until the second attempt.
    assert!((10 * MINUTE..26 * MINUTE).contains(&took), "{took:?}");
    assert_eq!(world.run_until_empty().await.received, 0);
    assert_eq!(world.dead_letters("thumbnails").await.len(), 1, "a dead letter stays");
}

type Put = Arc<Mutex<u32>>;

/// Is put off for a day, ten times.
async fn patiently(_: Email, State(runs): State<Put>) -> Result<(), Failure> {
    let mut runs = runs.lock().unwrap();
    *runs += 1;
    if *runs > 10 { Ok(()) } else { Err(Failure::snooze(DAY)) }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_put_off_for_longer_than_its_queue_keeps_messages_is_not_lost() {
    let app = App::new("post").state(async |_, _| Ok(Put::default()));
    let world = start(app.queue("mails", |queue| queue.handle(patiently))).await;
    let pending = world.client().send(Email { to: "ada".to_owned() }).await.unwrap();
    let report = world.run_until_empty().await;
    assert_eq!((report.snoozed, report.done), (10, 1));
    assert_eq!(pending.now().await.unwrap(), Some(()));
}

async fn put_off(_: Email) -> Result<(), Failure> {
    Err(Failure::snooze(360 * MINUTE))
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "are put off for ever")]
async fn who_is_put_off_for_ever_is_not_waited_for() {
    let world = start(App::new("post").queue("mails", |queue| queue.handle(put_off))).await;
    world.client().send(Email { to: "ada".to_owned() }).await.unwrap();
    world.run_until_empty().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_and_has_not_begun_is_told_from_what_has() {
    let world = start(app()).await;
    world.client().send(of("flaky")).await.unwrap();
    world.client().send(of("cat")).delay(10 * MINUTE).await.unwrap();
    assert_eq!(world.enqueued::<Thumbnail>().await, [of("flaky"), of("cat")]);
    assert_eq!(world.run_until_idle().await.retried, 1);
    assert_eq!(world.enqueued::<Thumbnail>().await, [of("cat")], "one has begun, one is delayed");
    let found = world.assert_enqueued(|task: &Thumbnail| task.image.starts_with('c')).await;
    assert_eq!(found, of("cat"));
    world.run_until_empty().await;
    assert!(world.enqueued::<Thumbnail>().await.is_empty());
    assert_eq!(world.sent::<Thumbnail>().len(), 2);
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = r#"1 were sent, and these wait: [Thumbnail { image: "cat" }]"#)]
async fn what_waits_is_shown_where_something_else_is_expected() {
    let world = start(app()).await;
    world.client().send(of("cat")).await.unwrap();
    world.assert_enqueued(|task: &Thumbnail| task.image == "dog").await;
}

#[tokio::test(start_paused = true)]
async fn tasks_of_a_batch_share_a_call_and_each_has_its_own_end() {
    let queues = r#"
        [queues.orders]
        dead_letter = { queue = "orders-dead", max_receive_count = 5 }
        [queues.orders-dead]
        [queues.replies]
    "#;
    let shop = App::new("shop").queues(queues).reply_queue("replies");
    let world = start(shop.queue("orders", |queue| queue.handle_batch(store))).await;
    let sent = world.client().send_all((0..5).map(|number| Order { number })).await;
    let report = world.run_until_idle().await;
    assert_eq!((report.done, report.retried, report.dead), (3, 1, 1));

    world.advance(15 * MINUTE).await;
    assert_eq!(world.run_until_idle().await.done, 1);
    let mut stored = Vec::new();
    for pending in sent {
        stored.push(pending.unwrap().reply(Duration::ZERO).await.ok());
    }
    assert_eq!(stored, [None, Some(1), Some(5), Some(5), Some(5)]);
    let dead = world.dead_letters("orders").await;
    assert_eq!((dead.len(), dead[0].argument()), (1, Some(Order { number: 0 })));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_waits_is_waited_for_in_no_time() {
    let world = start(app()).await;
    let (url, before) = (ask_for(&world, "large").await, world.now());
    world.run_until_idle().await;
    assert!(world.now().since(before) >= 20 * MINUTE);
    assert_eq!(world.get(&url).await.json()["reply"], "small/large");
}

#[tokio::test(start_paused = true)]
async fn a_dead_task_is_found_with_its_reason_as_often_as_one_looks() {
    let world = start(app()).await;
    let pending = world.client().send(of("broken")).await.unwrap();
    assert_eq!(world.run_until_idle().await.dead, 1);
    for _ in 0..2 {
        let dead = world.dead_letters("thumbnails").await;
        assert_eq!(dead.len(), 1);
        assert_eq!(
            (&dead[0].id, dead[0].reason.as_deref()),
            (pending.id(), Some("this is no picture"))
        );
        assert_eq!(dead[0].argument(), Some(of("broken")));
        assert_eq!(dead[0].argument::<Email>(), None);
    }
    let record = world.task(pending.id()).await.unwrap();
    assert_eq!(record.reason().as_deref(), Some("this is no picture"));
    assert_eq!(
        (record.life.phase.clone(), record.life.ending.as_ref().unwrap().how),
        (Phase::Ended, How::Dead)
    );
}

#[tokio::test(start_paused = true)]
async fn a_result_is_gone_after_its_retention() {
    let world = start(app()).await;
    let url = ask_for(&world, "cat").await;
    assert_eq!(world.get(&url).await.json()["status"], "PENDING");
    world.run_until_idle().await;
    world.advance(3 * DAY).await;
    assert_eq!(world.get(&url).await.json()["status"], "COMPLETED");
    world.advance(2 * DAY).await;
    assert_eq!(world.get(&url).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn a_delayed_task_runs_when_it_is_due() {
    let world = start(app()).await;
    world.client().send(of("cat")).delay(10 * MINUTE).await.unwrap();
    assert_eq!(world.run_until_idle().await.received, 0);
    world.advance(10 * MINUTE).await;
    assert_eq!(world.run_until_idle().await.done, 2);
}

#[tokio::test(start_paused = true)]
async fn the_app_answers_what_does_not_fit() {
    let world = start(app()).await;
    let answer = world.post_json("/thumbnails", &json!({ "imgae": "cat" })).await;
    assert_eq!(answer.status, 422);
    assert!(answer.json()["detail"].as_str().unwrap().contains("missing field `image`"));
    assert_eq!(world.get("/health").await.status, 200);
    assert_eq!(world.get("/nowhere").await.status, 404);
    assert!(world.sent::<Thumbnail>().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_handler_can_be_called_at_any_attempt() {
    let world = start(app()).await;
    let ctx = context("t-1").with_client(world.client().clone());
    let first = render(of("flaky"), ctx.clone()).await;
    assert!(first.is_err());
    assert_eq!(render(of("flaky"), ctx.at_attempt(2)).await.unwrap(), "small/flaky");
    assert_eq!(world.sent::<Email>().len(), 1);
}

#[tokio::test]
async fn a_test_that_did_not_pause_its_clock_has_it_paused() {
    let world = start(app()).await;
    let before = world.now();
    world.advance(2 * DAY).await;
    assert!(world.now().since(before) >= 2 * DAY);
}

#[tokio::test(start_paused = true)]
async fn two_worlds_are_the_same() {
    let (one, two) = (start(app()).await, start(app()).await);
    assert_eq!(ask_for(&one, "cat").await, ask_for(&two, "cat").await);
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "there is no queue thumbnail: the application declares")]
async fn a_queue_that_is_not_there_is_named() {
    start(app()).await.drain("thumbnail").await;
}

type Deliveries = Arc<Mutex<Vec<String>>>;

async fn deliver(task: Email, State(delivered): State<Deliveries>) -> Result<(), Failure> {
    delivered.lock().unwrap().push(task.to);
    Err(Failure::dead("nobody lives there"))
}

#[tokio::test(start_paused = true)]
async fn a_queue_with_priorities_runs_all_its_levels_the_highest_first() {
    let delivered = Deliveries::default();
    let state = Arc::clone(&delivered);
    let app = App::new("post").state(async |_, _| Ok(state)).queue("mails", |queue| {
        queue.handle(deliver).concurrency(3).priorities(Priorities::strict())
    });
    let world = start(app).await;
    for (to, priority) in
        [("low", Priority::Low), ("normal", Priority::Normal), ("high", Priority::High)]
    {
        for _ in 0..8 {
            let mail = Email { to: to.to_owned() };
            world.client().send(mail).priority(priority).await.unwrap();
        }
    }
    assert_eq!(world.available("mails-high").await, 8);
    assert_eq!(world.run_until_idle().await.dead, 24);
    assert_eq!(world.dead_letters("mails-low").await.len(), 24, "all in one dead-letter queue");
    let delivered = delivered.lock().unwrap();
    let last_high = delivered.iter().rposition(|to| to == "high").unwrap();
    assert!(last_high < 12, "{delivered:?}");
}
