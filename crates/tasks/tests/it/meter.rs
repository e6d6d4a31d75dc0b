//! What the meter says of requests, beside what the queues were asked.

use std::time::Duration;

use longshore_tasks::Failure;
use longshore_tasks::transport::{Action, Purpose, Requests};
use longshore_types::MessageAttributes;
use tokio::time::sleep;

use crate::simulation::Fault;
use crate::world::{REPLIES, Square, TASKS, World, start};

const ACTIONS: [Action; 6] = [
    Action::GetQueueUrl,
    Action::GetQueueAttributes,
    Action::SendMessageBatch,
    Action::ReceiveMessage,
    Action::DeleteMessageBatch,
    Action::ChangeMessageVisibilityBatch,
];

/// The queues counted as many calls of each action as the meter has requests, and as many entries.
fn check_against_the_queues(world: &World, requests: &Requests) {
    for action in ACTIONS {
        let calls = world.simulation.calls(action);
        assert_eq!(
            world.simulation.meter.total(action),
            calls.len() as u64,
            "{action}\n{requests}"
        );
        if action != Action::ReceiveMessage {
            let entries: usize = calls.iter().map(|call| call.entries).sum();
            let metered = requests.sum(|line| line.action == action).entries;
            assert_eq!(metered, entries as u64, "{action}\n{requests}");
        }
    }
    assert_eq!(requests.sum(|line| line.purpose == Purpose::Other).entries, 0, "{requests}");
}

fn entries(requests: &Requests, purpose: Purpose, task: &str) -> u64 {
    requests.sum(|line| line.purpose == purpose && &*line.task == task).entries
}

#[tokio::test(start_paused = true)]
async fn every_request_of_a_task_is_for_something_also_when_much_goes_wrong() {
    let world = World::new();
    let failing = [
        (Action::SendMessageBatch, Fault::AnswerLost),
        (Action::ReceiveMessage, Fault::NotSent),
        (Action::DeleteMessageBatch, Fault::Entries(vec![0], "InternalError")),
        (Action::ChangeMessageVisibilityBatch, Fault::NotSent),
    ];
    let replies = world.start_replies();
    let worker = start(world.worker(|Square(n), context| async move {
        match n {
            0 => Err(Failure::dead("no zero")),
            1 if context.attempt() < 3 => Err(Failure::retry("not yet")),
            2 => {
                sleep(Duration::from_secs(100)).await;
                Ok(4)
            }
            _ => Ok(n * n),
        }
    }));
    sleep(Duration::from_secs(1)).await;
    for (action, fault) in failing {
        world.simulation.fail_next(action, fault);
    }
    drop(world.client.send(Square(9)).await);
    world.client.send_all((0..12).map(Square)).await;
    world.simulation.put(TASKS, "5", MessageAttributes::new());
    world.simulation.put(REPLIES, "no reply", MessageAttributes::new());
    world.until_empty(TASKS).await;
    world.until_empty(REPLIES).await;
    worker.stop().await;
    replies.stop().await;

    let requests = world.simulation.meter.snapshot();
    check_against_the_queues(&world, &requests);
    assert_eq!(entries(&requests, Purpose::Task, "square"), 13);
    assert!(entries(&requests, Purpose::Renew, "square") >= 6, "{requests}");
    assert!(entries(&requests, Purpose::HandBack, "square") >= 2, "{requests}");
    assert_eq!(entries(&requests, Purpose::DeadLetter, "square"), 1);
    assert_eq!(entries(&requests, Purpose::DeadLetter, ""), 1);
    assert_eq!(entries(&requests, Purpose::Reply, "square"), 14);
    assert_eq!(entries(&requests, Purpose::ReplyReceive, ""), 15);
    assert!(entries(&requests, Purpose::ReplyDelete, "") >= 15, "{requests}");
    assert!(requests.of(Purpose::EmptyReceive) >= 1.0, "{requests}");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_sent_anew_says_so() {
    let world = World::new();
    world.simulation.put(TASKS, "8", MessageAttributes::new());
    let worker = start(world.worker(|Square(n), _| async move { Ok(n) }));
    // Received as often as the queue grants but one, so that it must not be handed back again.
    worker.kill().await;
    for _ in 0..3 {
        world.simulation.end_leases(TASKS);
        let worker = start(world.worker(|_, _| std::future::pending()));
        sleep(Duration::from_secs(1)).await;
        worker.kill().await;
    }
    world.simulation.end_leases(TASKS);
    sleep(Duration::from_secs(120)).await;
    let worker = start(world.worker(|Square(n), _| async move { Ok(n) }));
    world.until_empty(TASKS).await;
    worker.stop().await;
    let requests = world.simulation.meter.snapshot();
    assert_eq!(entries(&requests, Purpose::Resend, "square"), 1, "{requests}");
    check_against_the_queues(&world, &requests);
}

#[tokio::test(start_paused = true)]
async fn a_task_alone_costs_a_request_of_each_purpose_and_ten_share_theirs() {
    let world = World::new();
    let worker = start(world.worker(|Square(n), _| async move { Ok(n) }));
    sleep(Duration::from_secs(1)).await;
    let before = world.simulation.meter.snapshot();
    world.client.send_all((0..10).map(Square)).await;
    world.until_empty(TASKS).await;
    let spent = world.simulation.meter.snapshot().since(&before);
    let shared = [Purpose::Task, Purpose::Receive, Purpose::Reply, Purpose::Delete];
    for purpose in shared {
        assert_eq!((spent.of(purpose), spent.tasks()), (1.0, 10), "{purpose}\n{spent}");
    }
    worker.stop().await;
}
