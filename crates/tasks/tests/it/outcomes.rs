//! What each outcome does to the message, the reply and the dead-letter queue.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use longshore_tasks::envelope::{REPLY_TO, TASK_ID, TASK_NAME};
use longshore_tasks::reply::REPLY_MESSAGE_ID;
use longshore_tasks::transport::Action;
use longshore_tasks::{Failure, ReplyError, RetryPolicy, Status};
use longshore_types::{MessageAttribute, MessageAttributes};

use crate::lost::kill_in_a_run;
use crate::simulation::Fault;
use crate::world::{
    Counter, Log, RECEIVES_MAX, REPLIES, REPLIES_DEAD, Square, TASKS, TASKS_DEAD, VISIBILITY,
    World, start, until,
};

const PATIENCE: Duration = Duration::from_secs(3600);

fn failed(message: &str) -> Status {
    Status::Failed { body: format!(r#"{{"message":"{message}"}}"#) }
}

#[tokio::test(start_paused = true)]
async fn a_task_is_run_replied_to_and_deleted() {
    let world = World::new();
    let replies = world.start_replies();
    let worker = start(world.worker(|Square(n), _| async move { Ok(n * n) }));
    let pending = world.client.send(Square(8)).await.unwrap();
    assert_eq!(pending.reply(PATIENCE).await.unwrap(), 64);
    world.until_empty(TASKS).await;
    let report = worker.stop().await;
    assert_eq!((report.done, report.deleted, report.lost), (1, 1, 0));
    replies.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_without_attributes_is_the_default_task_and_its_id_is_the_messages() {
    let world = World::new();
    let worker = start(world.worker(|Square(n), _| async move { Ok(n * n) }));
    let message_id = world.simulation.put(TASKS, "8", MessageAttributes::new());
    world.until_empty(TASKS).await;
    let reply = &world.simulation.messages(REPLIES)[0];
    assert_eq!(reply.body, "64");
    assert_eq!(reply.text(REPLY_MESSAGE_ID), Some(message_id.as_str()));
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn discard_replies_and_leaves_no_dead_letter() {
    let world = World::new();
    let replies = world.start_replies();
    let refuse = |Square(n), _| async move { Err(Failure::discard(format!("invalid: {n}"))) };
    let worker = start(world.worker(refuse));
    let id = world.send(-1).await;
    world.until_empty(TASKS).await;
    world.until_empty(REPLIES).await;
    assert_eq!(world.status(&id).await, Some(failed("invalid: -1")));
    assert!(world.simulation.messages(TASKS_DEAD).is_empty());
    assert_eq!(worker.stop().await.discarded, 1);
    replies.stop().await;
}

#[tokio::test(start_paused = true)]
async fn dead_replies_and_leaves_a_copy_with_the_reason() {
    let world = World::new();
    let replies = world.start_replies();
    let worker = start(world.worker(|_, _| async { Err(Failure::dead("nothing to do")) }));
    let id = world.send(8).await;
    world.until_empty(TASKS).await;
    world.until_empty(REPLIES).await;
    assert_eq!(world.status(&id).await, Some(failed("nothing to do")));
    let copy = &world.simulation.messages(TASKS_DEAD)[0];
    assert_eq!((copy.body.as_str(), copy.text("reason")), ("8", Some("nothing to do")));
    assert_eq!(copy.text(TASK_ID), Some(id.as_str()));
    worker.stop().await;
    replies.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_task_and_an_unreadable_argument_are_dead() {
    let world = World::new();
    let worker = start(world.worker(|Square(n), _| async move { Ok(n) }));
    let named = (TASK_NAME.to_owned(), MessageAttribute::text("cube"));
    world.simulation.put(TASKS, "8", MessageAttributes::from([named]));
    world.simulation.put(TASKS, "abc", MessageAttributes::new());
    until(|| world.simulation.messages(TASKS_DEAD).len() == 2).await;
    let dead = world.simulation.messages(TASKS_DEAD);
    let reasons: Vec<_> = dead.iter().map(|copy| copy.text("reason").unwrap()).collect();
    assert!(reasons.contains(&"no handler for task cube"), "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason.contains("not the JSON")), "{reasons:?}");
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_error_is_retried_and_the_last_attempts_is_final() {
    let world = World::new();
    let attempts: Log<u32> = Arc::default();
    let seen = Arc::clone(&attempts);
    let worker = start(world.worker(move |_, context| {
        seen.lock().unwrap().push(context.attempt());
        async { Err(Failure::retry("still broken")) }
    }));
    let replies = world.start_replies();
    let pending = world.client.send(Square(8)).await.unwrap();
    let error = pending.reply(PATIENCE).await.unwrap_err();
    assert!(matches!(error, ReplyError::Failed { .. }), "{error}");
    world.until_empty(TASKS).await;
    assert_eq!(*attempts.lock().unwrap(), [1, 2, 3]);
    assert_eq!(world.simulation.messages(TASKS_DEAD)[0].text("reason"), Some("still broken"));
    let report = worker.stop().await;
    assert_eq!((report.retried, report.dead), (2, 1));
    replies.stop().await;
}

#[tokio::test(start_paused = true)]
async fn r22_a_snoozed_run_counts_no_attempt_however_often() {
    let world = World::new();
    let runs = Counter::default();
    let counter = runs.clone();
    let worker = start(world.worker(move |Square(n), context| {
        assert_eq!(context.attempt(), 1);
        let run = counter.add();
        let later = Duration::from_secs(60);
        async move { if run <= 12 { Err(Failure::snooze(later)) } else { Ok(n) } }
    }));
    world.send(8).await;
    world.until_empty(TASKS).await;
    assert_eq!(world.bodies(REPLIES), ["8"]);
    assert!(world.simulation.messages(TASKS_DEAD).is_empty());
    assert_eq!(worker.stop().await.snoozed, 12);
}

#[tokio::test(start_paused = true)]
async fn r23_a_panic_is_a_failed_attempt_and_not_the_workers_end() {
    let world = World::new();
    let runs = Counter::default();
    let counter = runs.clone();
    let worker = start(world.worker(move |Square(n), _| {
        assert!(counter.add() > 1, "the first run panics");
        async move { Ok(n) }
    }));
    world.send(8).await;
    world.until_empty(TASKS).await;
    assert_eq!(world.bodies(REPLIES), ["8"]);
    let report = worker.stop().await;
    assert_eq!((report.retried, report.done), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_gets_the_kept_reply_and_nothing_is_run() {
    let world = World::new();
    let runs = Counter::default();
    let counter = runs.clone();
    let worker = start(world.worker(move |_, _| {
        let run = counter.add();
        async move { Ok(i64::from(run)) }
    }));
    world.send(8).await;
    let original = world.simulation.messages(TASKS)[0].clone();
    world.until_empty(TASKS).await;
    world.simulation.put(TASKS, &original.body, original.attributes);
    world.until_empty(TASKS).await;
    assert_eq!(runs.get(), 1);
    assert_eq!(world.bodies(REPLIES), ["1", "1"]);
    assert_eq!(worker.stop().await.repeated, 1);
}

#[tokio::test(start_paused = true)]
async fn a_redriven_task_runs_again_and_completed_replaces_failed() {
    let world = World::new();
    let replies = world.start_replies();
    let repaired = Arc::new(Mutex::new(false));
    let switch = Arc::clone(&repaired);
    let worker = start(world.worker(move |Square(n), _| {
        let repaired = *switch.lock().unwrap();
        async move { if repaired { Ok(n) } else { Err(Failure::dead("broken")) } }
    }));
    let id = world.send(8).await;
    until(|| !world.simulation.messages(TASKS_DEAD).is_empty()).await;
    world.until_empty(REPLIES).await;
    assert_eq!(world.status(&id).await, Some(failed("broken")));

    *repaired.lock().unwrap() = true;
    let copy = world.simulation.messages(TASKS_DEAD)[0].clone();
    world.simulation.put(TASKS, &copy.body, copy.attributes);
    world.until_empty(TASKS).await;
    world.until_empty(REPLIES).await;
    assert_eq!(world.status(&id).await, Some(Status::Completed { body: "8".to_owned() }));
    worker.stop().await;
    replies.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_cannot_be_sent_is_due_and_sent_later_though_the_message_is_gone() {
    let world = World::new();
    world.send(8).await;
    for _ in 0..6 {
        world.simulation.fail_next(Action::SendMessageBatch, Fault::NotSent);
    }
    let runs = Counter::default();
    let counter = runs.clone();
    let worker = start(world.worker(move |Square(n), _| {
        counter.add();
        async move { Ok(n) }
    }));
    world.until_empty(TASKS).await;
    assert!(world.bodies(REPLIES).is_empty());
    until(|| !world.bodies(REPLIES).is_empty()).await;
    assert_eq!((world.bodies(REPLIES), runs.get()), (vec!["8".to_owned()], 1));
    assert_eq!(worker.stop().await.made_good, 1);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_kills_its_worker_ends_dead_with_a_reply() {
    let world = World::new();
    let id = world.send(8).await;
    for _ in 0..3 {
        kill_in_a_run(&world).await;
    }
    let worker = start(world.worker(|_, _| async { panic!("it must not be run again") }));
    world.until_empty(TASKS).await;
    let reply = &world.simulation.messages(REPLIES)[0];
    assert_eq!(reply.text("status"), Some("FAILED"));
    assert_eq!(reply.text(REPLY_MESSAGE_ID), Some(id.as_str()));
    let reason = world.simulation.messages(TASKS_DEAD)[0].text("reason").unwrap().to_owned();
    assert_eq!(reason, "attempt 3 was the last and ended its worker, or was cut off");
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_runs_elsewhere_is_waited_for_and_not_run_twice() {
    let world = World::new();
    let id = world.send(8).await;
    let lease = Duration::from_secs(300);
    world.claim_elsewhere(&id, lease).await;
    let begun = tokio::time::Instant::now();
    let worker = start(world.worker(move |Square(n), context| async move {
        assert_eq!((context.attempt(), begun.elapsed() >= lease), (2, true));
        Ok(n)
    }));
    world.until_empty(TASKS).await;
    assert_eq!(world.bodies(REPLIES), ["8"]);
    assert!(worker.stop().await.busy >= 1);
}

#[tokio::test(start_paused = true)]
async fn busy_deliveries_never_bring_a_task_to_the_dead_letter_queue() {
    let world = World::new();
    let id = world.send(8).await;
    let day = Duration::from_secs(86_400);
    world.claim_elsewhere(&id, day).await;
    let worker = start(world.worker(|Square(n), _| async move { Ok(n) }));
    for _ in 0..20 {
        world.simulation.end_leases(TASKS);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(world.simulation.messages(TASKS_DEAD).is_empty());
    let messages = world.simulation.messages(TASKS);
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].text(TASK_ID), Some(id.as_str()));
    assert!(worker.stop().await.busy >= 20);
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_down_nothing_is_run_and_nothing_is_lost() {
    let world = World::new();
    world.flaky.set_down(true);
    let runs = Counter::default();
    let counter = runs.clone();
    let worker = start(world.worker(move |Square(n), _| {
        counter.add();
        async move { Ok(n) }
    }));
    world.send(8).await;
    tokio::time::sleep(Duration::from_secs(1800)).await;
    assert_eq!(runs.get(), 0);
    assert!(world.simulation.messages(TASKS_DEAD).is_empty());
    world.flaky.set_down(false);
    world.until_empty(TASKS).await;
    assert_eq!((runs.get(), world.bodies(REPLIES)), (1, vec!["8".to_owned()]));
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_kills_every_worker_never_reaches_the_native_redrive_without_a_reply() {
    let world = World::new();
    world.send(8).await;
    let patient = RetryPolicy::default().attempts(12);
    for _ in 0..12 {
        let runs = Counter::default();
        let counter = runs.clone();
        let deadly = move |_, _| {
            counter.add();
            std::future::pending()
        };
        let worker = start(world.worker(deadly).retry(patient.clone()));
        until(|| runs.get() == 1).await;
        worker.kill().await;
    }
    let worker = start(world.worker(|_, _| async { panic!("it must not run") }).retry(patient));
    world.until_empty(TASKS).await;
    assert_eq!(world.simulation.messages(REPLIES)[0].text("status"), Some("FAILED"));
    let dead = world.simulation.messages(TASKS_DEAD);
    assert!(dead[0].text("reason").unwrap().starts_with("attempt 12 was the last"));
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_foreign_message_full_of_attributes_is_run_though_it_cannot_be_sent_anew() {
    let world = World::new();
    let attribute = |n| (format!("theirs-{n}"), MessageAttribute::text("v"));
    world.simulation.put(TASKS, "8", (0..10).map(attribute).collect());
    let worker = start(world.worker(|_, _| async { Err(Failure::retry("broken")) }));
    world.until_empty(TASKS).await;
    assert_eq!(world.simulation.messages(REPLIES)[0].text("status"), Some("FAILED"));
    let copy = &world.simulation.messages(TASKS_DEAD)[0];
    assert_eq!((copy.attributes.len(), copy.text("reason")), (10, Some("broken")));
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn r23_a_panic_while_a_handler_is_dropped_costs_that_run_only() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(std::thread::panicking(), "dropped");
        }
    }
    let world = World::new();
    let action = Action::ChangeMessageVisibilityBatch;
    world.simulation.fail_next(action, Fault::Entries(vec![0], "ReceiptHandleIsInvalid"));
    let runs = Counter::default();
    let counter = runs.clone();
    let worker = start(world.worker(move |Square(n), _| {
        let first = counter.add() == 1;
        async move {
            if first {
                let _bomb = Bomb;
                std::future::pending::<()>().await;
            }
            Ok(n)
        }
    }));
    world.send(8).await;
    world.until_empty(TASKS).await;
    assert_eq!(world.bodies(REPLIES), ["8"]);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_replied_whatever_its_text_is() {
    let world = World::new();
    let texts =
        ["x".repeat(3_000_000), "\0".repeat(500_000), "a\u{ffff}".to_owned(), String::new()];
    let count = texts.len();
    let worker = start(world.worker(move |Square(n), _| {
        let text = texts[usize::try_from(n).unwrap()].clone();
        async move { Err(Failure::dead(text)) }
    }));
    for n in 0..count {
        world.send(i64::try_from(n).unwrap()).await;
    }
    world.until_empty(TASKS).await;
    assert_eq!(world.bodies(REPLIES).len(), count);
    assert_eq!(world.simulation.messages(TASKS_DEAD).len(), count);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_worn_message_is_sent_anew_before_the_claim_of_a_dead_worker_ends() {
    let (world, runs) = (World::new(), Counter::default());
    world.send(8).await;
    let counter = runs.clone();
    let deadly = move |_, _| {
        counter.add();
        std::future::pending()
    };
    for run in 1..RECEIVES_MAX - 1 {
        let worker = start(world.worker(deadly.clone()));
        until(|| runs.get() == run).await;
        worker.kill().await;
    }
    let last_run_at = tokio::time::Instant::now();
    let worker = start(world.worker(deadly));
    until(|| world.simulation.messages(TASKS).last().unwrap().receive_count == 0).await;
    // The message is back when its lease ends; the claim lasts a second longer.
    assert!(last_run_at.elapsed() < VISIBILITY + Duration::from_millis(100));
    worker.kill().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_is_sent_anew_so_late_that_its_claim_is_free() {
    let world = World::new();
    world.send(8).await;
    for _ in 0..RECEIVES_MAX {
        let runs = Counter::default();
        let counter = runs.clone();
        let patient = RetryPolicy::default().attempts(12);
        let deadly = world.worker(move |_, _| {
            counter.add();
            std::future::pending()
        });
        let worker = start(deadly.retry(patient));
        let begun = world.simulation.messages(TASKS)[0].receive_count;
        let sent_anew = || world.simulation.messages(TASKS).last().unwrap().receive_count < begun;
        until(|| runs.get() == 1 || sent_anew()).await;
        if sent_anew() {
            let successor = world.simulation.messages(TASKS).pop().unwrap();
            assert!(successor.available_at > tokio::time::Instant::now());
            until(|| runs.get() == 1).await;
            let report = worker.stop().await;
            return assert_eq!(report.busy, 1, "the worn one; its successor finds the claim free");
        }
        worker.kill().await;
    }
    panic!("the task was never sent anew");
}

#[tokio::test(start_paused = true)]
async fn a_reply_queue_that_is_slow_to_be_found_keeps_no_other_reply_waiting() {
    let world = World::new();
    let worker = world.worker(|Square(n), _| async move { Ok(n) });
    let worker = start(worker.allow_reply_queue(REPLIES_DEAD));
    world.send(1).await;
    world.until_empty(TASKS).await;
    world.simulation.hold(Action::GetQueueUrl);
    let slow = (REPLY_TO.to_owned(), MessageAttribute::text(REPLIES_DEAD));
    world.simulation.put(TASKS, "2", MessageAttributes::from([slow]));
    until(|| world.simulation.calls(Action::GetQueueUrl).last().unwrap().queue == REPLIES_DEAD)
        .await;
    world.send(3).await;
    until(|| world.bodies(REPLIES).len() == 2).await;
    world.simulation.let_go(Action::GetQueueUrl);
    world.until_empty(TASKS).await;
    assert_eq!(world.bodies(REPLIES_DEAD), ["2"]);
    worker.stop().await;
}
