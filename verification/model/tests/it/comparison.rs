//! One case, given to the engine and to the model side by side.
//!
//! After every command both have given the same answer and show the same messages. At the end, a
//! replay of the engine's log has made the same queues.

use std::time::Duration;

use longshore_engine::Queue;
use longshore_model::{
    Counts, DeduplicationId, Delivery, Fairness, Model, Receipt, Received, Refused,
};
use longshore_types::Timestamp;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestCaseResult;

use crate::command::{Case, Command, Edge, Passing, Picked, PickedId, QUEUE_COUNT, arn};
use crate::engine::Engine;
use crate::mutant::Mutant;

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const HOURS_12: Duration = Duration::from_secs(43_200);

/// How many receipts are recent ones.
const RECENT_COUNT: usize = 5;

/// Gives all commands of the case to both.
pub(crate) fn compare(case: &Case, mutant: Mutant) -> TestCaseResult {
    let mut comparison = Comparison::new(case, mutant);
    for command in &case.commands {
        comparison.give(command)?;
        comparison.check_what_can_be_seen()?;
    }
    comparison.check_replay()
}

struct Comparison {
    engine: Engine,
    model: Model,
    now: Timestamp,
    /// All receipts ever given, old ones too.
    receipts: Vec<Receipt>,
    /// How many messages were sent to FIFO queues, duplicates too.
    sent_count: u64,
}

impl Comparison {
    fn new(case: &Case, mutant: Mutant) -> Self {
        let queues: Vec<_> = case
            .settings
            .iter()
            .cloned()
            .enumerate()
            .map(|(queue, set)| (arn(queue), set, case.kind))
            .collect();
        Self {
            engine: Engine::new(queues.clone(), case.in_flight_max, mutant),
            model: Model::new(queues, case.in_flight_max),
            now: START,
            receipts: Vec::new(),
            sent_count: 0,
        }
    }

    fn give(&mut self, command: &Command) -> TestCaseResult {
        let now = self.now;
        match command {
            Command::Send { queue, group, delay, count } => {
                for _ in 0..*count {
                    let number = self.model.send(*queue, *group, *delay, now);
                    prop_assert_eq!(self.engine.send(*queue, *group, *delay, now), number);
                }
            }
            Command::Receive { queue, count_max, visibility } => {
                let expected = self.model.receive(*queue, *count_max, *visibility, now);
                let given = self.engine.receive(*queue, *count_max, *visibility, now);
                prop_assert_eq!(&given, &expected, "received from queue {}", queue);
                self.keep_receipts(*queue, expected, now);
            }
            Command::SendFifo { queue, group, id } => {
                let id = self.pick_id(id);
                let expected = self.model.send_fifo(*queue, *group, id, now);
                let given = self.engine.send_fifo(*queue, *group, id, now);
                prop_assert_eq!(Some(given), expected, "{:?}", command);
            }
            Command::ReceiveAttempt { queue, attempt, count_max, visibility } => {
                let (queue, attempt) = (*queue, *attempt);
                let expected =
                    self.model.receive_attempt(queue, attempt, *count_max, *visibility, now);
                let given =
                    self.engine.receive_attempt(queue, attempt, *count_max, *visibility, now);
                prop_assert_eq!(&given, &expected, "{:?}", command);
                let Received { deliveries, received_before } = expected.unwrap_or_default();
                self.keep_receipts(queue, Ok(deliveries), received_before.unwrap_or(now));
            }
            Command::Delete { receipt, elsewhere } => {
                let Some((queue, receipt)) = self.pick(receipt, *elsewhere) else { return Ok(()) };
                let expected = self.model.delete(queue, receipt, now);
                prop_assert_eq!(self.engine.delete(queue, receipt, now), expected);
            }
            Command::ChangeVisibility { receipt, elsewhere, timeout } => {
                let Some((queue, receipt)) = self.pick(receipt, *elsewhere) else { return Ok(()) };
                let expected = self.model.change_visibility(queue, receipt, *timeout, now);
                let given = self.engine.change_visibility(queue, receipt, *timeout, now);
                prop_assert_eq!(given, expected, "{:?} of {:?}", command, receipt);
            }
            Command::Purge { queue } => {
                self.model.purge(*queue, now);
                self.engine.purge(*queue, now);
            }
            Command::Set { queue, settings } => {
                self.model.set(*queue, settings.clone(), now);
                self.engine.set(*queue, settings.clone(), now);
            }
            Command::Pass(passing) => {
                self.now = self.after(passing);
                self.engine.advance(self.now);
            }
        }
        Ok(())
    }

    fn pick_id(&mut self, id: &PickedId) -> DeduplicationId {
        self.sent_count += 1;
        match id {
            PickedId::Fresh => DeduplicationId::Chosen(1_000 + self.sent_count),
            PickedId::Chosen(id) => DeduplicationId::Chosen(*id),
            PickedId::OfMessage(which) => {
                let numbers = usize::try_from(self.sent_count).unwrap();
                DeduplicationId::OfMessage(u64::try_from(which.index(numbers)).unwrap() + 1)
            }
        }
    }

    fn keep_receipts(
        &mut self,
        queue: usize,
        deliveries: Result<Vec<Delivery>, Refused>,
        received_at: Timestamp,
    ) {
        for Delivery { number, delivery, .. } in deliveries.into_iter().flatten() {
            self.receipts.push(Receipt { queue, number, delivery, received_at });
        }
    }

    /// A receipt and the queue that it is given to: usually its own.
    fn pick(&self, picked: &Picked, elsewhere: bool) -> Option<(usize, Receipt)> {
        let receipt = match picked {
            Picked::Recent(which) => {
                let recent = self.receipts.len().saturating_sub(RECENT_COUNT)..;
                *pick_from(&self.receipts[recent], *which)?
            }
            Picked::Any(which) => *pick_from(&self.receipts, *which)?,
        };
        let queue = if elsewhere { (receipt.queue + 1) % QUEUE_COUNT } else { receipt.queue };
        Some((queue, receipt))
    }

    fn after(&mut self, passing: &Passing) -> Timestamp {
        let deadlines = self.deadlines();
        let (deadline, edge) = match passing {
            Passing::By(time) => return self.now + *time,
            Passing::ToNextDeadline(edge) => (deadlines.first(), edge),
            Passing::ToDeadline { which, edge } => (pick_from(&deadlines, *which), edge),
        };
        let Some(deadline) = deadline.map(|deadline| deadline.as_millis()) else { return self.now };
        Timestamp::from_millis(match edge {
            Edge::Before => deadline - 1,
            Edge::At => deadline,
            Edge::After => deadline + 1,
        })
    }

    /// What lies ahead, in ascending order: ends of delays, leases and retention, of the 12 hours
    /// of receipts, and of what FIFO queues remember.
    fn deadlines(&mut self) -> Vec<Timestamp> {
        let receipts = self.receipts.iter().map(|receipt| receipt.received_at + HOURS_12);
        let mut deadlines: Vec<_> = receipts.filter(|end| *end > self.now).collect();
        for queue in 0..QUEUE_COUNT {
            deadlines.extend(self.model.deadlines(queue, self.now));
            deadlines.extend(self.model.ends_of_memory(queue, self.now));
        }
        deadlines.sort_unstable();
        deadlines
    }

    fn check_what_can_be_seen(&mut self) -> TestCaseResult {
        let mut bodies = Vec::new();
        for queue in 0..QUEUE_COUNT {
            let numbers = self.model.numbers(queue, self.now);
            self.check_queue(queue, &numbers)?;
            bodies.extend(numbers);
        }
        bodies.sort_unstable();
        let kept: Vec<u64> = self.engine.bodies.iter().copied().collect();
        prop_assert_eq!(kept, bodies, "bodies kept, and messages there are");
        Ok(())
    }

    fn check_queue(&mut self, index: usize, numbers: &[u64]) -> TestCaseResult {
        let queue = &self.engine.queues[index];
        let counts = counts(queue);
        prop_assert_eq!(counts, self.model.counts(index, self.now), "counts of queue {}", index);
        let keys: Vec<u64> = queue.keys().map(longshore_engine::MessageKey::get).collect();
        prop_assert_eq!(&keys, numbers, "messages of queue {}", index);
        let places = counts.available + counts.in_flight + counts.delayed;
        prop_assert_eq!(places, keys.len(), "every message is in exactly one place");
        prop_assert_eq!(queue.oldest(), self.model.oldest(index, self.now));
        let due = self.model.deadlines(index, self.now).first().copied();
        prop_assert_eq!(queue.next_due(), due, "what queue {} waits for", index);
        prop_assert_eq!(fairness(queue), self.model.fairness(index, self.now), "queue {}", index);
        let groups_in_flight = self.model.groups_in_flight(index, self.now);
        prop_assert_eq!(queue.groups_in_flight(), groups_in_flight, "queue {}", index);
        let has_deliverable = self.model.has_deliverable(index, self.now);
        prop_assert_eq!(queue.has_deliverable(), has_deliverable, "queue {}", index);
        Ok(())
    }

    fn check_replay(&self) -> TestCaseResult {
        let replayed = self.engine.replayed(self.now);
        prop_assert_eq!(&replayed, &self.engine.queues, "a replay makes the same queues");
        Ok(())
    }
}

fn counts(queue: &Queue) -> Counts {
    as_counts(queue.counts())
}

fn as_counts(counts: longshore_engine::Counts) -> Counts {
    let longshore_engine::Counts { available, in_flight, delayed } = counts;
    Counts { available, in_flight, delayed }
}

fn fairness(queue: &Queue) -> Fairness {
    let longshore_engine::Fairness { noisy_group_count, quiet, oldest_quiet } = queue.fairness();
    Fairness { noisy_group_count, quiet: as_counts(quiet), oldest_quiet }
}

fn pick_from<T>(items: &[T], which: Index) -> Option<&T> {
    (!items.is_empty()).then(|| which.get(items))
}
