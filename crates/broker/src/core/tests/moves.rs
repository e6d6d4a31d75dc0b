//! Move tasks on a log that is full, busy, lost or replayed.

use longshore_engine::{MoveDestination, MoveFailure, MoveOutcome, MoveStart, MoveTask, QueueId};
use longshore_types::MoveTaskId;

use super::*;

const DEAD: &str = "http://localhost/000000000000/dead";
const SOURCE: QueueId = QueueId::new(1);
const DEAD_ID: QueueId = QueueId::new(2);

/// A start without the checks of the action.
struct Start {
    destination: Option<MoveDestination>,
    rate: Option<u32>,
}

fn start(rate: Option<u32>) -> Start {
    Start { destination: None, rate }
}

impl Operation for Start {
    type Reply = ();

    fn room(&self) -> Room {
        Room::catalog()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<(), SqsError> {
        let dead = turn.resolve(DEAD)?;
        let id = MoveTaskId::from_random([9; 16]);
        let start = MoveStart { id, destination: self.destination, rate: self.rate };
        let event =
            turn.queue(dead)?.start_move(start).map_err(|_| SqsError::move_task_running())?;
        turn.commit_growth(dead, event)?;
        Ok(())
    }
}

fn receive_dead() -> Receive {
    Receive { url: DEAD, wait: Duration::ZERO }
}

impl World {
    /// A world with `count` messages of `jobs` in its dead-letter queue.
    fn with_dead(count: usize) -> Self {
        let mut world = Self::with_queue();
        let caller = Caller::new("http://localhost", Place::default());
        world.ask((CreateQueue { queue_name: "dead".into(), ..CreateQueue::default() }, caller));
        let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":1}"#;
        world.ask(longshore_wire::SetQueueAttributes {
            queue_url: URL.into(),
            attributes: [
                ("RedrivePolicy".to_owned(), policy.to_owned()),
                ("VisibilityTimeout".to_owned(), "0".to_owned()),
            ]
            .into(),
        });
        for _ in 0..count {
            world.ask(Send);
        }
        for _ in 0..=count {
            world.receive(receive());
        }
        world.sync();
        assert_eq!((world.available(SOURCE), world.available(DEAD_ID)), (0, count));
        world
    }

    fn available(&self, queue: QueueId) -> usize {
        self.core.ledger().queue(queue).unwrap().counts().available
    }

    fn task(&self) -> &MoveTask {
        self.core.ledger().queue(DEAD_ID).unwrap().move_tasks().next().unwrap()
    }

    /// Lets the next `count` things that are due happen.
    fn fire(&mut self, count: usize) {
        for _ in 0..count {
            let due = self.core.next_due().unwrap();
            self.pass(due.since(self.now));
        }
    }

    fn set_log(&self, change: impl FnOnce(&mut SlowLogState)) {
        change(&mut self.log.0.lock().unwrap());
    }

    /// What a broker finds that is started on the first `records` of the log.
    fn replayed(&self, records: usize) -> Core<Client> {
        let mut replay = Replay::default();
        for (index, (events, _)) in self.log.0.lock().unwrap().records[..records].iter().enumerate()
        {
            replay.record(Lsn(index as u64 + 1), events, &mut Vec::new()).unwrap();
        }
        Core::new(replay.finish(
            Rules::default(),
            ClockTrust::default(),
            Box::new(SlowLog::default()),
        ))
    }
}

#[test]
fn a_task_moves_at_its_rate_and_never_more() {
    let mut world = World::with_dead(5);
    world.ask(start(Some(2)));
    for moved in 1..5 {
        assert_eq!((world.available(SOURCE), world.task().moved), (moved, moved as u64));
        world.pass(Duration::from_millis(499));
        assert_eq!(world.available(SOURCE), moved);
        world.pass(Duration::from_millis(1));
    }
    assert_eq!(world.task().outcome, Some(MoveOutcome::Completed));
}

#[test]
fn a_move_is_one_record_and_no_answer_tells_of_it_before_it_is_durable() {
    let mut world = World::with_dead(1);
    let waiting = world.receive(long_receive());
    let before = world.log.last().0;
    world.ask(start(None));
    assert_eq!(world.task().moved, 1);
    let records = usize::try_from(before).unwrap();
    for (count, at_home, at_dead) in [(records + 1, 0, 1), (records + 2, 1, 0)] {
        let replayed = world.replayed(count);
        let counts = |id| replayed.ledger().queue(id).unwrap().counts().available;
        assert_eq!((counts(SOURCE), counts(DEAD_ID)), (at_home, at_dead));
    }
    let asked = world.receive(receive_dead());
    world.write();
    assert!(waiting.borrow().is_none() && asked.borrow().is_none(), "a power cut could undo it");
    world.sync();
    assert_eq!((delivered(&waiting), delivered(&asked)), (Some(1), Some(0)));
}

#[test]
fn wherever_the_log_ends_a_task_goes_on_and_each_message_is_moved_once() {
    let mut world = World::with_dead(6);
    let before = usize::try_from(world.log.last().0).unwrap();
    world.ask(start(Some(4)));
    world.fire(5);
    assert_eq!(world.task().outcome, Some(MoveOutcome::Completed));
    let last = usize::try_from(world.log.last().0).unwrap();
    for records in before + 1..=last {
        let mut core = world.replayed(records);
        let mut now = world.now;
        while core.ledger().queue(DEAD_ID).unwrap().running_move().is_some() {
            core.tick(now);
            now = core.next_due().unwrap_or(now);
        }
        let ledger = core.ledger();
        let task = ledger.queue(DEAD_ID).unwrap().move_tasks().next().unwrap();
        assert_eq!((task.moved, task.outcome), (6, Some(MoveOutcome::Completed)), "{records}");
        let keys = |id| ledger.queue(id).unwrap().keys().count();
        assert_eq!((keys(SOURCE), keys(DEAD_ID)), (6, 0), "{records}");
    }
}

#[test]
fn a_log_that_is_replayed_has_the_same_tasks_as_far_as_they_had_come() {
    let mut world = World::with_dead(3);
    world.ask(start(Some(1)));
    world.fire(1);
    let replayed = world.replayed(usize::try_from(world.log.last().0).unwrap());
    for id in [SOURCE, DEAD_ID] {
        assert_eq!(replayed.ledger().queue(id), world.core.ledger().queue(id));
    }
}

#[test]
fn a_full_disk_pauses_a_task_and_does_not_fail_it() {
    let mut world = World::with_dead(2);
    world.ask(start(Some(1)));
    assert_eq!(world.task().moved, 1);
    world.set_log(|log| log.full = true);
    world.fire(3);
    assert_eq!((world.task().moved, world.task().outcome), (1, None));
    world.set_log(|log| log.full = false);
    world.fire(1);
    assert_eq!(world.task().outcome, Some(MoveOutcome::Completed));
}

#[test]
fn a_busy_log_pauses_a_task_until_it_goes_on_and_no_timer_fires_in_vain() {
    let mut world = World::with_dead(2);
    world.ask(start(Some(1)));
    world.sync();
    world.set_log(|log| log.busy = true);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.task().moved, 1);
    assert!(world.core.next_due() > Some(world.now + Duration::from_secs(3600)));
    world.set_log(|log| log.busy = false);
    world.sync();
    assert_eq!(world.task().outcome, Some(MoveOutcome::Completed));
}

#[test]
fn a_task_without_a_rate_moves_a_bounded_number_in_a_turn_and_all_of_them_soon() {
    let mut world = World::with_dead(300);
    let begun = world.now;
    world.ask(start(None));
    while world.task().outcome.is_none() {
        let before = world.available(SOURCE);
        world.fire(1);
        assert!(world.available(SOURCE) - before <= 101);
    }
    assert!(world.now.since(begun) < Duration::from_secs(1));
}

#[test]
fn a_task_whose_destination_is_deleted_fails_at_once_though_nothing_was_due() {
    let mut world = World::with_dead(1);
    world.receive(receive_dead());
    let caller = Caller::new("http://localhost", Place::default());
    world.ask((CreateQueue { queue_name: "other".into(), ..CreateQueue::default() }, caller));
    let other = QueueId::new(3);
    let arn = world.core.ledger().entry(other).unwrap().arn.clone();
    let destination = Some(MoveDestination { queue: other, arn });
    world.ask(Start { destination, rate: None });
    assert_eq!(world.task().outcome, None, "the message is in flight");
    world.ask(DeleteQueue { queue_url: "http://localhost/000000000000/other".into() });
    let failure = MoveFailure::DestinationGone;
    assert_eq!(world.task().outcome, Some(MoveOutcome::Failed(failure)));
}
