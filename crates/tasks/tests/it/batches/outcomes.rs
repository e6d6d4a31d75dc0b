//! Each task has its own end, whatever the function answers.

use std::future::ready;
use std::sync::Arc;

use longshore_tasks::envelope::TASK_NAME;
use longshore_tasks::{Context, Failure};
use longshore_types::{MessageAttribute, MessageAttributes};

use super::{Calls, replies, send, sizes, squares, up_to};
use crate::world::{Answer, Counter, Square, TASKS, TASKS_DEAD, World, start};

#[tokio::test(start_paused = true)]
async fn a_failure_of_one_task_concerns_no_other() {
    let world = World::new();
    let calls = Calls::default();
    let noted = Arc::clone(&calls);
    let judge = move |tasks: Vec<(Square, Context)>| {
        noted.lock().unwrap().push(tasks.iter().map(|(Square(n), _)| *n).collect());
        let judged = tasks.into_iter().map(|(Square(n), context)| match n {
            1 if context.attempt() == 1 => Err(Failure::retry("not yet")),
            2 => Err(Failure::dead("never")),
            n => Ok(n),
        });
        ready(judged.collect::<Vec<Answer>>())
    };
    send(&world, 0..4).await;
    let worker = start(world.worker_without_handlers().handle_batch(judge));
    world.until_empty(TASKS).await;
    let mut calls = calls.lock().unwrap().clone();
    calls[0].sort_unstable();
    assert_eq!(calls, [vec![0, 1, 2, 3], vec![1]]);
    let dead = world.simulation.messages(TASKS_DEAD);
    assert_eq!(
        (dead.len(), dead[0].body.as_str(), dead[0].text("reason")),
        (1, "2", Some("never"))
    );
    let report = worker.stop().await;
    assert_eq!((report.done, report.retried, report.dead), (3, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn one_failure_in_place_of_all_results_is_that_of_each_task() {
    let world = World::new();
    let refuse = |_: Vec<Square>| async {
        let () = Err(Failure::dead("the database is gone"))?;
        Ok(Vec::<Answer>::new())
    };
    send(&world, 0..3).await;
    let worker = start(world.worker_without_handlers().handle_batch(refuse));
    world.until_empty(TASKS).await;
    let dead = world.simulation.messages(TASKS_DEAD);
    assert_eq!(dead.len(), 3);
    assert!(dead.iter().all(|dead| dead.text("reason") == Some("the database is gone")));
    assert_eq!(worker.stop().await.dead, 3);
}

/// Has a function answer `results` results to three tasks, and says what becomes of them.
async fn answered(results: usize) {
    let (world, calls) = (World::new(), Counter::default());
    let counter = calls.clone();
    let wrong = move |tasks: Vec<Square>| {
        assert!(tasks.len() == 3 || counter.get() > 0, "the first three come together");
        let first = counter.add() == 1;
        let count = if first { results } else { tasks.len() };
        let results =
            tasks.into_iter().map(|Square(n)| Ok(n)).chain((100..200).map(Ok)).take(count);
        ready(results.collect::<Vec<Answer>>())
    };
    let ids = send(&world, 0..3).await;
    let worker = start(world.worker_without_handlers().handle_batch(wrong));
    world.until_empty(TASKS).await;
    assert_eq!(replies(&world), [0, 1, 2]);
    let report = worker.stop().await;
    assert_eq!((report.retried, report.done), (3, 3));
    for id in ids {
        let record = world.client.task(&id).await.unwrap().unwrap();
        let error = &record.life.attempts[0].error[0];
        assert!(error.contains(&format!("answered {results} results for 3 tasks")), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn fewer_results_than_tasks_fail_each_of_them_and_none_has_anothers() {
    answered(2).await;
    answered(0).await;
}

#[tokio::test(start_paused = true)]
async fn more_results_than_tasks_fail_each_of_them_and_none_has_anothers() {
    answered(4).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_each_task_of_its_batch_and_not_the_next_batch() {
    let (world, calls) = (World::new(), Counter::default());
    let counter = calls.clone();
    let panics = move |tasks: Vec<Square>| {
        // The first before its future is made, the second within it.
        let call = counter.add();
        assert!(call != 1, "out of luck");
        async move {
            assert!(call != 2, "out of luck again");
            tasks.into_iter().map(|Square(n)| Ok(n)).collect::<Vec<Answer>>()
        }
    };
    let ids = send(&world, 0..3).await;
    let worker = start(world.worker_without_handlers().handle_batch_with(panics, up_to(3)));
    world.until_empty(TASKS).await;
    assert_eq!((replies(&world), calls.get()), (vec![0, 1, 2], 3));
    for id in ids {
        let record = world.client.task(&id).await.unwrap().unwrap();
        let errors: Vec<_> = record.life.attempts.iter().map(|run| run.error.concat()).collect();
        assert_eq!(errors[0], "the handler panicked: out of luck");
        assert_eq!(errors[1], "the handler panicked: out of luck again");
    }
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_argument_that_cannot_be_read_disturbs_no_batch() {
    let (world, calls) = (World::new(), Calls::default());
    let worker = world.worker_without_handlers().handle_batch(squares(&calls));
    let named = (TASK_NAME.to_owned(), MessageAttribute::text("square"));
    world.simulation.put(TASKS, "1", MessageAttributes::from([named.clone()]));
    world.simulation.put(TASKS, "one", MessageAttributes::from([named.clone()]));
    world.simulation.put(TASKS, "2", MessageAttributes::from([named]));
    let worker = start(worker);
    world.until_empty(TASKS).await;
    assert_eq!(sizes(&calls), [2]);
    let dead = world.simulation.messages(TASKS_DEAD);
    assert_eq!((dead.len(), dead[0].body.as_str()), (1, "one"));
    worker.stop().await;
}
