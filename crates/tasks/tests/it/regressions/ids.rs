//! R17: an id of the caller's own, whichever way its task ends.

use std::time::Duration;

use longshore_tasks::transport::Action;
use longshore_tasks::{Failure, SendOptions, Status, TaskId};
use tokio::time::sleep;

use super::DAY;
use crate::lost::{kill_in_a_run, squaring};
use crate::world::{Counter, RETENTION, Square, TASKS, World, start};

/// A way for a task to come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    Done,
    Dead,
    Discarded,
    Cancelled,
    TooLate,
    /// Its worker was killed at each attempt.
    Killed,
    /// Its worker was killed, and its message is gone.
    Vanished,
}

const PATHS: [Path; 7] = [
    Path::Done,
    Path::Dead,
    Path::Discarded,
    Path::Cancelled,
    Path::TooLate,
    Path::Killed,
    Path::Vanished,
];

/// Sends a task with that id and sees it to its end.
async fn end_by(world: &World, path: Path, id: &TaskId) {
    let deadline = (path == Path::TooLate).then(|| world.now());
    let options = SendOptions { id: Some(id.clone()), deadline, ..SendOptions::default() };
    let sent = world.client.send_all_with(vec![(Square(8), options)]).await;
    assert!(sent[0].is_ok());
    sleep(Duration::from_secs(1)).await;
    match path {
        Path::Cancelled => world.client.cancel(id).await.unwrap(),
        Path::Killed => {
            for _ in 0..3 {
                kill_in_a_run(world).await;
            }
        }
        Path::Vanished => {
            kill_in_a_run(world).await;
            world.simulation.take_all(TASKS);
        }
        Path::Done | Path::Dead | Path::Discarded | Path::TooLate => {}
    }
    let worker = start(world.worker(move |Square(n), _| async move {
        match path {
            Path::Dead => Err(Failure::dead("broken")),
            Path::Discarded => Err(Failure::discard("nonsense")),
            Path::Done | Path::Cancelled | Path::TooLate | Path::Killed | Path::Vanished => {
                Ok(n * n)
            }
        }
    }));
    world.until_empty(TASKS).await;
    worker.stop().await;
}

async fn send_again(world: &World, id: &TaskId) {
    let pending = world.client.send(Square(9)).id(id.clone()).await.unwrap();
    assert_eq!(pending.id(), id);
}

#[tokio::test(start_paused = true)]
async fn r17_after_each_end_an_id_is_the_same_task_until_its_record_goes_and_free_then() {
    for path in PATHS {
        let (world, id) = (World::new(), TaskId::parse("order-17").unwrap());
        end_by(&world, path, &id).await;
        let ended = world.status(&id).await.unwrap();
        let done = matches!(ended, Status::Completed { .. });
        assert_eq!(done, path == Path::Done, "{path:?}: {ended:?}");
        // The same task: nothing is sent, nothing runs, and its result is what it was.
        for wait in [Duration::ZERO, RETENTION / 2] {
            sleep(wait).await;
            send_again(&world, &id).await;
            assert!(world.bodies(TASKS).is_empty(), "{path:?}, {wait:?} later");
            assert_eq!(world.status(&id).await.as_ref(), Some(&ended), "{path:?}");
        }
        // Its record has gone: another task, which runs.
        sleep(16 * DAY).await;
        send_again(&world, &id).await;
        assert_eq!(world.bodies(TASKS), ["9"], "{path:?}: the id is free");
        let runs = Counter::default();
        let worker = squaring(&world, &runs);
        world.until_empty(TASKS).await;
        let status = world.status(&id).await;
        assert_eq!(status, Some(Status::Completed { body: "81".to_owned() }), "{path:?}");
        assert_eq!((worker.stop().await.done, runs.get()), (1, 1), "{path:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn r17_a_send_that_was_refused_locks_no_id() {
    let (world, id) = (World::new(), TaskId::parse("order-17").unwrap());
    world.simulation.refuse(Action::SendMessageBatch, "AccessDenied");
    world.client.send(Square(8)).id(id.clone()).await.unwrap_err();
    assert_eq!(world.known().await, 0);
    world.simulation.accept(Action::SendMessageBatch);
    send_again(&world, &id).await;
    assert_eq!(world.bodies(TASKS), ["9"]);
}
