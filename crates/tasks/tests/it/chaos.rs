//! Many tasks, several workers, faults and kills by a seed: every task is answered, once in
//! effect.
//!
//! The queue grants ten receives. A delivery that is lost before a worker can act on it burns one,
//! and no worker can help it: where many are lost in a row, `maxReceiveCount` has to have slack.
//! A task that was answered may leave a message in the dead-letter queue, when its last deletes
//! were lost; one that was not answered never.

use std::time::Duration;

use longshore_tasks::transport::Action;
use longshore_tasks::{RetryPolicy, Status, WorkerReport};
use tokio::time::sleep;

use crate::simulation::Fault;
use crate::world::{
    Counter, REPLIES, Running, Square, TASKS, TASKS_DEAD, VISIBILITY, World, start,
};

/// Numbers that a seed decides.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    /// Something that can go wrong with a call of that action.
    fn fault(&mut self, action: Action) -> Fault {
        let takes_receipts = !matches!(action, Action::SendMessageBatch | Action::ReceiveMessage);
        match self.below(4) {
            0 => Fault::NotSent,
            1 => Fault::AnswerLost,
            2 if takes_receipts => Fault::Entries(vec![1], "ReceiptHandleIsInvalid"),
            _ => Fault::Entries(vec![0, 2], "InternalError"),
        }
    }

    fn action(&mut self) -> Action {
        let actions = [
            Action::SendMessageBatch,
            Action::ReceiveMessage,
            Action::DeleteMessageBatch,
            Action::ChangeMessageVisibilityBatch,
        ];
        actions[usize::try_from(self.below(4)).unwrap()]
    }
}

fn spawn_worker(world: &World, runs: &Counter) -> Running<WorkerReport> {
    let runs = runs.clone();
    // Each run replies something else, so that two effects of a task would show.
    let handler = move |Square(n), _| {
        let run = i64::from(runs.add());
        async move {
            sleep(Duration::from_secs(u64::try_from(n % 50).unwrap())).await;
            Ok(n * 1_000_000 + run)
        }
    };
    let patient = RetryPolicy::default().attempts(1000);
    start(world.worker(handler).retry(patient))
}

async fn survive(seed: u64) {
    let world = World::new();
    world.simulation.create(TASKS, VISIBILITY, Some((TASKS_DEAD, 10)));
    let mut dice = Dice(seed);
    let tasks: Vec<Square> = (0..30).map(Square).collect();
    let sent = world.client.send_all(tasks).await;
    let ids: Vec<_> = sent.into_iter().map(|sent| sent.unwrap().id().clone()).collect();

    let runs = Counter::default();
    let mut workers: Vec<_> = (0..3).map(|_| spawn_worker(&world, &runs)).collect();
    for _ in 0..40 {
        let action = dice.action();
        world.simulation.fail_next(action, dice.fault(action));
        sleep(Duration::from_millis(dice.below(4000))).await;
        if dice.below(4) == 0 {
            let place = usize::try_from(dice.below(3)).unwrap();
            let new = spawn_worker(&world, &runs);
            std::mem::replace(&mut workers[place], new).kill().await;
        }
    }
    world.until_empty(TASKS).await;
    for worker in workers {
        worker.stop().await;
    }

    let mut replies = world.simulation.messages(REPLIES);
    replies.retain(|reply| ids.iter().any(|id| reply.text("replyMessageId") == Some(id.as_str())));
    for id in &ids {
        let mut bodies: Vec<_> = replies
            .iter()
            .filter(|reply| reply.text("replyMessageId") == Some(id.as_str()))
            .map(|reply| reply.body.as_str())
            .collect();
        assert!(!bodies.is_empty(), "seed {seed}: no reply to {id}");
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "seed {seed}: replies to {id} differ");
    }
    for dead in world.simulation.messages(TASKS_DEAD) {
        assert_eq!(dead.text("reason"), None, "seed {seed}: a task was given up");
    }
    let consumer = world.start_replies();
    world.until_empty(REPLIES).await;
    consumer.stop().await;
    for id in &ids {
        let status = world.status(id).await;
        assert!(matches!(status, Some(Status::Completed { .. })), "seed {seed}: {status:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_task_is_answered_and_has_one_effect_whatever_fails() {
    for seed in 0..60 {
        survive(seed).await;
    }
}
