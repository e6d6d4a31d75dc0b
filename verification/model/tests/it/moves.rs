//! Random histories with message move tasks: what holds whatever happens, without a model.
//!
//! Three queues, of which the first two dead-letter to the third. After each step the queues are
//! what their log says, and every message is in exactly one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use longshore_engine::{
    DeduplicationScope, Event, FifoMessage, FifoSend, MessageKey, MoveDestination, MoveStart,
    MoveStep, Queue, QueueId, Receive, Redriven, Send,
};
use longshore_types::{MessageId, MoveTaskId, QueueArn, RedrivePolicy, Settings, Timestamp};
use proptest::prelude::*;

const DEAD: usize = 2;
const QUEUES: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    Send { queue: usize, group: u64 },
    Receive { queue: usize, visibility: u64 },
    Start { destination: Option<usize>, rate: Option<u32> },
    Carry,
    Cancel,
    Purge { queue: usize },
    Pass { millis: u64 },
}

fn steps() -> impl Strategy<Value = Step> {
    let queue = || 0..QUEUES;
    prop_oneof![
        8 => (queue(), 0..3_u64).prop_map(|(queue, group)| Step::Send { queue, group }),
        10 => (queue(), prop::sample::select(vec![0, 0, 0, 1, 5]))
            .prop_map(|(queue, visibility)| Step::Receive { queue, visibility }),
        3 => (prop::option::of(0..DEAD), prop::option::of(1..=500_u32))
            .prop_map(|(destination, rate)| Step::Start { destination, rate }),
        10 => Just(Step::Carry),
        1 => Just(Step::Cancel),
        1 => queue().prop_map(|queue| Step::Purge { queue }),
        6 => prop::sample::select(vec![1, 20, 1000, 5000]).prop_map(|millis| Step::Pass { millis }),
    ]
}

struct World {
    queues: Vec<Queue>,
    founded: Vec<Queue>,
    log: Vec<(Timestamp, usize, Vec<u8>)>,
    now: Timestamp,
    last: u64,
    /// The messages that nothing has ended.
    alive: BTreeSet<u64>,
    /// When which task, of which rate, moved a message.
    moves: Vec<(Option<u32>, MoveTaskId, Timestamp)>,
    tasks: u8,
}

fn arn(queue: usize) -> QueueArn {
    QueueArn::parse(&format!("arn:aws:sqs:us-east-1:000000000000:queue-{queue}")).unwrap()
}

fn position(name: &QueueArn) -> Option<usize> {
    (0..QUEUES).find(|queue| arn(*queue) == *name)
}

fn fresh(number: u64) -> MessageId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    MessageId::from_random(bytes)
}

impl World {
    fn new(is_fifo: bool) -> Self {
        let queue = |index: usize| {
            let redrive =
                (index != DEAD).then(|| RedrivePolicy { target: arn(DEAD), receive_count_max: 1 });
            let settings = Settings { redrive, ..Settings::default() };
            let id = QueueId::new(index as u64);
            if is_fifo {
                Queue::fifo(id, settings, DeduplicationScope::Queue)
            } else {
                Queue::new(id, settings)
            }
        };
        let queues: Vec<_> = (0..QUEUES).map(queue).collect();
        let founded = queues.clone();
        let now = Timestamp::from_millis(1_790_000_000_000);
        Self {
            queues,
            founded,
            log: Vec::new(),
            now,
            last: 0,
            alive: BTreeSet::new(),
            moves: Vec::new(),
            tasks: 0,
        }
    }

    fn happens(&mut self, queue: usize, event: &Event) {
        self.log.push((self.now, queue, minicbor::to_vec(event).unwrap()));
        for key in self.queues[queue].apply(event, self.now) {
            self.alive.remove(&key.get());
        }
    }

    fn send(&mut self, queue: usize, group: u64) {
        self.last += 1;
        let (key, id) = (MessageKey::new(self.last), fresh(self.last));
        let group = format!("group-{group}");
        let event = if self.queues[queue].kind() == longshore_engine::QueueKind::Fifo {
            let deduplication_id = self.last.to_string();
            let message = FifoMessage { key, id, bytes: 1, group, deduplication_id };
            let decided = self.queues[queue].send_fifo(message, self.now);
            let FifoSend::Accepted { event, .. } = decided else { panic!("{decided:?}") };
            event
        } else {
            let send = Send { key, id, bytes: 1, delay: None, group: Some(group) };
            self.queues[queue].send(send, self.now)
        };
        self.alive.insert(self.last);
        self.happens(queue, &event);
    }

    fn receive(&mut self, queue: usize, visibility: u64) {
        let receive = Receive {
            count_max: 3,
            visibility: Some(Duration::from_secs(visibility)),
            dead_letter_target_exists: queue != DEAD,
        };
        let decision = self.queues[queue].receive(receive, self.now).unwrap();
        if !decision.dead_lettered.is_empty() {
            let keys: Vec<_> = decision.dead_lettered.iter().map(|message| message.key).collect();
            let leave = self.queues[queue].dead_letter(&keys);
            self.happens(queue, &leave);
            self.happens(DEAD, &Queue::arrive(decision.dead_lettered, arn(queue)));
        }
        if let Some(event) = decision.event {
            self.happens(queue, &event);
        }
    }

    fn start(&mut self, destination: Option<usize>, rate: Option<u32>) {
        self.tasks += 1;
        let named =
            |queue: usize| MoveDestination { queue: QueueId::new(queue as u64), arn: arn(queue) };
        let id = MoveTaskId::from_random([self.tasks; 16]);
        let start = MoveStart { id, destination: destination.map(named), rate };
        if let Ok(event) = self.queues[DEAD].start_move(start) {
            self.happens(DEAD, &event);
        }
    }

    /// Carries the task on by one step, as a broker does.
    fn carry(&mut self) {
        match self.queues[DEAD].next_move(self.now) {
            MoveStep::Rest | MoveStep::Wait(_) => {}
            MoveStep::End(outcome) => {
                let event = self.queues[DEAD].end_move(outcome);
                self.happens(DEAD, &event);
            }
            MoveStep::Move(moving) => {
                let task = self.queues[DEAD].running_move().unwrap().clone();
                let mut arriving: BTreeMap<usize, Vec<Redriven>> = BTreeMap::new();
                let mut left = Vec::new();
                for message in moving {
                    let source = message.dead_letter_source.as_deref();
                    let source =
                        source.and_then(|from| (0..QUEUES).find(|queue| arn(*queue) == *from));
                    let named = task.destination.as_ref().map(|to| position(&to.arn).unwrap());
                    let Some(to) = named.or(source) else { break };
                    self.last += 1;
                    left.push(message.key);
                    arriving.entry(to).or_default().push(message.into_redriven(fresh(self.last)));
                }
                if left.is_empty() {
                    let failure = longshore_engine::MoveFailure::SourceUnknown;
                    let event =
                        self.queues[DEAD].end_move(longshore_engine::MoveOutcome::Failed(failure));
                    return self.happens(DEAD, &event);
                }
                for _ in &left {
                    self.moves.push((task.rate, task.id, self.now));
                }
                let event = self.queues[DEAD].leave(&left);
                self.happens(DEAD, &event);
                for (to, messages) in arriving {
                    self.happens(to, &Queue::redrive(messages));
                }
            }
        }
    }

    fn carry_out(&mut self, step: &Step) {
        match *step {
            Step::Send { queue, group } => self.send(queue, group),
            Step::Receive { queue, visibility } => self.receive(queue, visibility),
            Step::Start { destination, rate } => self.start(destination, rate),
            Step::Carry => self.carry(),
            Step::Cancel => {
                let running = self.queues[DEAD].running_move().map(|task| task.id);
                if let Some(event) = running.and_then(|id| self.queues[DEAD].cancel_move(id).ok()) {
                    self.happens(DEAD, &event);
                }
            }
            Step::Purge { queue } => {
                let event = self.queues[queue].purge();
                self.happens(queue, &event);
            }
            Step::Pass { millis } => self.now = self.now + Duration::from_millis(millis),
        }
        for queue in &mut self.queues {
            for key in queue.advance(self.now) {
                self.alive.remove(&key.get());
            }
        }
    }

    fn replayed(&self) -> Vec<Queue> {
        let mut queues = self.founded.clone();
        for (at, queue, bytes) in &self.log {
            queues[*queue].apply(&minicbor::decode::<Event>(bytes).unwrap(), *at);
        }
        for queue in &mut queues {
            queue.advance(self.now);
        }
        queues
    }

    /// The keys of all queues; a message that is in two of them is there twice.
    fn keys(&self) -> Vec<u64> {
        let mut keys: Vec<_> =
            self.queues.iter().flat_map(Queue::keys).map(MessageKey::get).collect();
        keys.sort_unstable();
        keys
    }

    /// No second saw more moves of a task than its rate.
    fn kept_its_rates(&self) -> bool {
        let with_rate =
            self.moves.iter().filter_map(|(rate, task, at)| Some(((*rate)?, *task, *at)));
        let mut by_task: BTreeMap<(u32, MoveTaskId), Vec<Timestamp>> = BTreeMap::new();
        for (rate, task, at) in with_rate {
            by_task.entry((rate, task)).or_default().push(at);
        }
        by_task.iter().all(|((rate, _), times)| {
            let second = Duration::from_secs(1);
            times.windows(*rate as usize + 1).all(|w| w[w.len() - 1].since(w[0]) >= second)
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_log_replays_and_every_message_is_in_one_queue(
        is_fifo in any::<bool>(), steps in prop::collection::vec(steps(), 1..120),
    ) {
        let mut world = World::new(is_fifo);
        for step in &steps {
            world.carry_out(step);
            prop_assert_eq!(world.keys(), world.alive.iter().copied().collect::<Vec<_>>());
        }
        prop_assert_eq!(world.replayed(), world.queues.clone());
        prop_assert!(world.kept_its_rates());
        let task = world.queues[DEAD].move_tasks().map(|task| task.moved).sum::<u64>();
        prop_assert!(task <= world.moves.len() as u64);
    }
}
