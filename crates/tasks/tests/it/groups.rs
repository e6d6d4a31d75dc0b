//! Message groups of FIFO queues: in order each, and beside one another.

use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::transport::Action;
use longshore_tasks::{Client, Context, Failure, Worker};
use tokio::time::{Instant, sleep};

use crate::fifo::{TASKS, flaky, world};
use crate::world::{Counter, Log, Square, VISIBILITY, World, start, until};

fn lines(log: &Log<String>) -> Vec<String> {
    log.lock().unwrap().clone()
}

/// Notes what ran and how it ended, in order. The first attempt at `fails` does not succeed.
fn noting(world: &World, log: &Log<String>, fails: i64) -> Worker {
    let log = Arc::clone(log);
    let handler = move |Square(n): Square, context: Context| {
        let log = Arc::clone(&log);
        async move {
            log.lock().unwrap().push(format!("{n} begins"));
            sleep(Duration::from_secs(1)).await;
            if n == fails && context.attempt() == 1 {
                return Err(Failure::retry_after(Duration::from_secs(5), "again"));
            }
            log.lock().unwrap().push(format!("{n} ends"));
            Ok(n)
        }
    };
    flaky(world).handle::<Square, _, _>(handler).concurrency(10)
}

/// Sends numbers to message groups.
async fn send_to_groups(client: &Client, tasks: &[(i64, &str)]) {
    for (number, group) in tasks {
        client.send(Square(*number)).key(*group).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn r9_a_group_is_run_in_order_and_others_beside_it() {
    let (world, client) = world();
    send_to_groups(&client, &[(1, "a"), (2, "a"), (3, "a"), (10, "b")]).await;
    let log = Log::default();
    let begun_at = Instant::now();
    let worker = start(noting(&world, &log, 0));
    until(|| world.simulation.messages(TASKS).is_empty()).await;
    assert!(begun_at.elapsed() < Duration::from_secs(4), "{:?}", begun_at.elapsed());
    let of_a: Vec<_> = lines(&log).into_iter().filter(|line| !line.starts_with("10")).collect();
    let in_order = ["1 begins", "1 ends", "2 begins", "2 ends", "3 begins", "3 ends"];
    assert_eq!(of_a, in_order);
    assert_eq!(lines(&log).iter().position(|line| line == "10 ends"), Some(3));
    // All four came with one receive, and nothing was handed back.
    assert!(world.simulation.calls(Action::ChangeMessageVisibilityBatch).is_empty());
    assert_eq!(worker.stop().await.done, 4);
}

#[tokio::test(start_paused = true)]
async fn r9_a_failure_stops_its_own_group_only_and_the_group_goes_on_in_order() {
    let (world, client) = world();
    send_to_groups(&client, &[(1, "a"), (2, "a"), (3, "a"), (10, "b"), (11, "b")]).await;
    let log = Log::default();
    let worker = start(noting(&world, &log, 1));
    until(|| world.simulation.messages(TASKS).is_empty()).await;
    let told = lines(&log);
    let of_a = told.iter().filter(|line| !line.starts_with('1') || line.starts_with("1 "));
    let of_a: Vec<_> = of_a.map(String::as_str).collect();
    let order = ["1 begins", "1 begins", "1 ends", "2 begins", "2 ends", "3 begins", "3 ends"];
    assert_eq!(of_a, order);
    let place = |line: &str| told.iter().position(|one| one == line).unwrap();
    assert!(place("11 ends") < place("1 ends"), "the other group did not wait: {told:?}");
    let report = worker.stop().await;
    assert_eq!((report.done, report.retried, report.returned), (5, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn r9_a_long_group_takes_one_place_and_keeps_its_leases() {
    let (world, client) = world();
    let of_a: Vec<_> = (1..=10).map(|n| (n, "a")).collect();
    send_to_groups(&client, &of_a).await;
    let (log, runs) = (Log::<String>::default(), Counter::default());
    let (noted, counter) = (Arc::clone(&log), runs.clone());
    let handler = move |Square(n): Square| {
        let (noted, counter) = (Arc::clone(&noted), counter.clone());
        async move {
            counter.add();
            sleep(if n < 100 { VISIBILITY } else { Duration::ZERO }).await;
            noted.lock().unwrap().push(n.to_string());
            Ok(n)
        }
    };
    let worker = start(flaky(&world).handle::<Square, _, _>(handler).concurrency(2));
    until(|| runs.get() == 1).await;
    send_to_groups(&client, &[(100, "b")]).await;
    until(|| world.simulation.messages(TASKS).is_empty()).await;
    let told = lines(&log);
    assert_eq!(told[0], "100", "one place was free for the other group");
    assert_eq!(told[1..], (1..=10).map(|n| n.to_string()).collect::<Vec<_>>());
    let report = worker.stop().await;
    assert_eq!((report.received, report.done, report.lost), (11, 11, 0));
}

#[tokio::test(start_paused = true)]
async fn r9_a_drain_hands_back_what_waits_in_a_group() {
    let (world, client) = world();
    send_to_groups(&client, &[(1, "a"), (2, "a"), (3, "a")]).await;
    let log = Log::default();
    let worker = start(noting(&world, &log, 0));
    until(|| lines(&log).len() == 1).await;
    let report = worker.stop().await;
    assert_eq!((report.done, report.returned), (1, 2));
    let next = start(noting(&world, &log, 0));
    until(|| world.simulation.messages(TASKS).is_empty()).await;
    let in_order = ["1 begins", "1 ends", "2 begins", "2 ends", "3 begins", "3 ends"];
    assert_eq!(lines(&log), in_order);
    next.stop().await;
}
