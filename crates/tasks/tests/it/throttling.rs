//! What clients, workers and consumers of replies do while their queue throttles. Storms over many workers are
//! in `transport/throttle/storm.rs`.

use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::transport::Action;
use longshore_tasks::{Client, ClientOptions, MemoryStore, SendError, Status, TransportError};
use tokio::time::{Instant, sleep};

use crate::simulation::{Fault, Simulation};
use crate::world::{REPLIES, Square, TASKS, World, start, until};

const THROTTLED: Fault = Fault::Throttled("RequestThrottled", None);

fn later(seconds: u64) -> Fault {
    Fault::Throttled("ServiceUnavailable", Some(Duration::from_secs(seconds)))
}

fn fail(world: &World, action: Action, faults: impl IntoIterator<Item = Fault>) {
    faults.into_iter().for_each(|fault| world.simulation.fail_next(action, fault));
}

fn calls(world: &World, action: Action) -> usize {
    world.simulation.calls(action).len()
}

#[tokio::test(start_paused = true)]
async fn a_send_waits_for_as_long_as_the_queue_says_and_is_made_once_more() {
    let world = World::new();
    fail(&world, Action::SendMessageBatch, [later(3)]);
    let asked_at = Instant::now();
    world.send(8).await;
    assert_eq!(asked_at.elapsed().as_secs(), 3);
    assert_eq!((calls(&world, Action::SendMessageBatch), world.bodies(TASKS).len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn who_would_wait_for_longer_than_its_patience_is_told_at_once_for_how_long() {
    let world = World::new();
    fail(&world, Action::SendMessageBatch, [later(30)]);
    let asked_at = Instant::now();
    for waited in [0, 10] {
        sleep(Duration::from_secs(waited)).await;
        let refused_at = asked_at.elapsed();
        let refusal = world.client.send(Square(8)).await.unwrap_err();
        let SendError::Throttled { retry_after, .. } = &refusal else { panic!("{refusal}") };
        assert_eq!(*retry_after + refused_at, Duration::from_secs(30));
        assert!(refusal.to_string().contains("throttle"), "{refusal}");
        assert_eq!(asked_at.elapsed(), refused_at);
    }
    assert_eq!(calls(&world, Action::SendMessageBatch), 1, "a queue that is shut is not asked");
    assert_eq!(world.known().await, 0, "what was not sent is not known");
    sleep(Duration::from_secs(20)).await;
    world.send(8).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_has_a_deadline_does_not_wait_beyond_it() {
    let world = World::new();
    fail(&world, Action::SendMessageBatch, [later(3)]);
    let deadline = world.now() + Duration::from_secs(2);
    let refusal = world.client.send(Square(8)).deadline(deadline).await.unwrap_err();
    assert!(matches!(refusal, SendError::Throttled { .. }), "{refusal}");
}

#[tokio::test(start_paused = true)]
async fn of_a_batch_only_the_entries_that_were_throttled_are_sent_again() {
    let world = World::new();
    let throttled = Fault::Entries(vec![1, 4], "RequestThrottled");
    fail(&world, Action::SendMessageBatch, [throttled]);
    for sent in world.client.send_all((0..6).map(Square)).await {
        sent.unwrap();
    }
    let sizes: Vec<_> =
        world.simulation.calls(Action::SendMessageBatch).iter().map(|call| call.entries).collect();
    assert_eq!((sizes, world.bodies(TASKS).len()), (vec![6, 2], 6));
}

#[tokio::test(start_paused = true)]
async fn many_who_send_at_once_ask_a_queue_that_throttles_as_seldom_as_one() {
    let world = World::new();
    fail(&world, Action::SendMessageBatch, std::iter::repeat_n(THROTTLED, 1000));
    let options = ClientOptions { linger: Duration::ZERO, ..ClientOptions::default() };
    let client = Client::new(
        Arc::<Simulation>::clone(&world.simulation) as _,
        TASKS,
        Arc::<MemoryStore>::clone(&world.store) as _,
        options,
    );
    let sends = (0..300).map(|n| {
        let client = &client;
        async move {
            sleep(Duration::from_millis(200 * n)).await;
            client.send(Square(8)).await
        }
    });
    let sent = futures::future::join_all(sends).await;
    assert!(sent.iter().all(|sent| matches!(sent, Err(SendError::Throttled { .. }))));
    // 300 sends in 60 s; pauses grow up to 20 s. Up to eight calls are under way before the first is answered.
    let asked = calls(&world, Action::SendMessageBatch);
    assert!((4..=30).contains(&asked), "{asked}");
}

#[tokio::test(start_paused = true)]
async fn while_sends_are_throttled_renewals_deletes_and_receives_go_on() {
    let world = World::new();
    for n in 0..3 {
        world.send(n).await;
    }
    let worker = start(world.worker(|Square(n), _| async move {
        sleep(Duration::from_secs(100)).await;
        Ok(n)
    }));
    fail(&world, Action::SendMessageBatch, std::iter::repeat_n(THROTTLED, 1000));
    sleep(Duration::from_secs(90)).await;
    let renewed = calls(&world, Action::ChangeMessageVisibilityBatch);
    assert!(renewed >= 5, "leases of 30 s are renewed all the time: {renewed}");
    sleep(Duration::from_secs(60)).await;
    let sends = calls(&world, Action::SendMessageBatch);
    assert!((2..=15).contains(&(sends - 3)), "replies are tried for 50 s: {sends}");
    assert_eq!(world.simulation.messages(TASKS)[0].receive_count, 1, "no lease was lost");
    worker.kill().await;
}

#[tokio::test(start_paused = true)]
async fn while_deletes_are_throttled_sends_and_receives_of_the_queue_yield() {
    let world = World::new();
    let worker = start(world.worker(|Square(n), _| async move { Ok(n) }));
    world.send(8).await;
    fail(&world, Action::DeleteMessageBatch, [later(20)]);
    until(|| calls(&world, Action::DeleteMessageBatch) == 1).await;
    sleep(Duration::from_secs(1)).await;
    let throttled_at = Instant::now();
    world.simulation.put(TASKS, "9", longshore_types::MessageAttributes::new());
    // The receive that was under way brings it; no other is made until the deletes are answered.
    let before = calls(&world, Action::ReceiveMessage);
    sleep(Duration::from_secs(15)).await;
    let meanwhile = calls(&world, Action::ReceiveMessage) - before;
    assert_eq!(meanwhile, 0);
    world.until_empty(TASKS).await;
    assert!(throttled_at.elapsed() < Duration::from_secs(25));
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_whose_receives_are_throttled_asks_when_the_queue_says_and_then_goes_on() {
    let world = World::new();
    fail(&world, Action::ReceiveMessage, [later(5), later(5), later(5)]);
    let begun_at = Instant::now();
    let worker = start(world.worker(|Square(n), _| async move { Ok(n) }));
    world.send(8).await;
    world.until_empty(TASKS).await;
    assert!((15..18).contains(&begun_at.elapsed().as_secs()), "{:?}", begun_at.elapsed());
    assert!((4..=5).contains(&calls(&world, Action::ReceiveMessage)));
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn where_too_many_are_in_flight_nothing_is_received_until_something_was_deleted() {
    let world = World::new();
    let worker = start(world.worker(|Square(n), _| async move {
        sleep(Duration::from_secs(200)).await;
        Ok(n)
    }));
    world.send(1).await;
    until(|| world.simulation.messages(TASKS)[0].receive_count == 1).await;
    let over_limit = Fault::Throttled("OverLimit", None);
    fail(&world, Action::ReceiveMessage, std::iter::repeat_n(over_limit, 30));
    let before = calls(&world, Action::ReceiveMessage);
    sleep(Duration::from_secs(190)).await;
    let asked = calls(&world, Action::ReceiveMessage) - before;
    assert!((5..=25).contains(&asked), "the pauses grow: {asked} receives in 170 s");
    let mut before = 0;
    until(|| {
        let is_there = !world.simulation.messages(TASKS).is_empty();
        before = if is_there { calls(&world, Action::ReceiveMessage) } else { before };
        !is_there
    })
    .await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(calls(&world, Action::ReceiveMessage), before + 1);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_throttled_stops_at_once() {
    let world = World::new();
    fail(&world, Action::ReceiveMessage, [later(60)]);
    let worker = start(world.worker(|Square(n), _| async move { Ok(n) }));
    sleep(Duration::from_secs(1)).await;
    let stopped_at = Instant::now();
    worker.stop().await;
    assert!(stopped_at.elapsed() < Duration::from_secs(1), "{:?}", stopped_at.elapsed());
}

#[tokio::test(start_paused = true)]
async fn in_a_storm_of_a_minute_every_task_is_answered_and_soon_after_it() {
    let world = World::new();
    let replies = world.start_replies();
    let workers: Vec<_> =
        (0..3).map(|_| start(world.worker(|Square(n), _| async move { Ok(n * n) }))).collect();
    let mut ids = Vec::new();
    for n in 0..60 {
        ids.push(world.send(n).await);
    }
    let began_at = Instant::now();
    let actions = [
        Action::SendMessageBatch,
        Action::ReceiveMessage,
        Action::DeleteMessageBatch,
        Action::ChangeMessageVisibilityBatch,
    ];
    let asked = || actions.map(|action| calls(&world, action)).iter().sum::<usize>();
    let before = asked();
    while began_at.elapsed() < Duration::from_secs(60) {
        for action in actions {
            world.simulation.throttle(action);
        }
        sleep(Duration::from_secs(1)).await;
    }
    let asked = asked() - before;
    for action in actions {
        world.simulation.accept(action);
    }
    world.until_empty(TASKS).await;
    world.until_empty(REPLIES).await;
    assert!(began_at.elapsed() <= Duration::from_secs(120), "{:?}", began_at.elapsed());
    assert!(asked <= 150, "{asked} requests in a minute of four processes");
    for id in ids {
        let status = world.status(&id).await;
        assert!(matches!(status, Some(Status::Completed { .. })), "{status:?}");
    }
    for worker in workers {
        worker.stop().await;
    }
    replies.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_transport_says_of_a_throttled_call_what_it_knows() {
    let (action, target) = (Action::ReceiveMessage, "q".to_owned());
    let (code, message) = ("OverLimit".to_owned(), "too many in flight".to_owned());
    let retry_after = Some(Duration::from_secs(5));
    let error = TransportError::Throttled { action, target, code, message, retry_after };
    assert_eq!(
        error.to_string(),
        "q throttled ReceiveMessage (OverLimit): too many in flight; ask again in 5s"
    );
    assert!(error.is_transient() && error.is_certain());
}
