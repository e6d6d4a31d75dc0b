//! How a fair queue shares out receives, in ways that the engine does not: what scheduling mutants
//! do instead.
//!
//! The messages that can be delivered are the engine's; which of them are, and in which order, is
//! decided here, from who has how many messages in flight. With the right rule it is what the
//! engine decides, which a test shows.

use std::collections::{BTreeMap, BTreeSet};

use longshore_engine::{Event, MessageKey, Queue, QueueId, Receive, ReceiveDecision, Refusal};
use longshore_types::Timestamp;

/// How much of what is in flight makes a group noisy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    MoreThanATenth,
    ATenth,
    Any,
}

/// When messages of noisy groups are delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Last,
    First,
    Never,
}

/// A rule of sharing out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sharing {
    /// Messages that a noisy group has in flight at least.
    pub(crate) in_flight_min: usize,
    pub(crate) share: Share,
    pub(crate) turn: Turn,
    /// Once noisy, always noisy.
    pub(crate) for_ever: bool,
    /// Who is noisy is settled for each message of a receive anew.
    pub(crate) one_by_one: bool,
}

impl Sharing {
    pub(crate) const RIGHT: Self = Self {
        in_flight_min: 30,
        share: Share::MoreThanATenth,
        turn: Turn::Last,
        for_ever: false,
        one_by_one: false,
    };

    fn is_noisy(self, of_group: usize, of_queue: usize) -> bool {
        let share = match self.share {
            Share::MoreThanATenth => of_group * 10 > of_queue,
            Share::ATenth => of_group * 10 >= of_queue,
            Share::Any => true,
        };
        of_group >= self.in_flight_min && share
    }
}

/// The messages of a queue that have a group, and those that do not, each by its group.
type Counts = BTreeMap<Option<u64>, usize>;

/// Whose every message is, and what must be remembered of the past to be wrong.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    sent: BTreeMap<MessageKey, (Timestamp, Option<u64>)>,
    were_noisy: BTreeSet<(QueueId, u64)>,
}

impl Shares {
    pub(crate) fn sent(&mut self, key: MessageKey, group: Option<u64>, now: Timestamp) {
        self.sent.insert(key, (now, group));
    }

    fn group(&self, key: MessageKey) -> Option<u64> {
        self.sent.get(&key).and_then(|(_, group)| *group)
    }

    /// Decides a receive by that rule. Where messages are dead-lettered on the way, the engine
    /// decides, so that no mutant is caught for a mistake that is not its own.
    pub(crate) fn decide(
        &mut self,
        rule: Sharing,
        queue: &Queue,
        receive: Receive,
        now: Timestamp,
    ) -> Result<ReceiveDecision, Refusal> {
        let mut decision = queue.receive(receive, now)?;
        let everything = Receive { count_max: usize::MAX, ..receive };
        let all = queue.clone().with_in_flight_max(usize::MAX).receive(everything, now)?;
        let (Some(Event::Received { deliveries }), true) =
            (&decision.event, all.dead_lettered.is_empty())
        else {
            return Ok(decision);
        };
        let (count, until) = (deliveries.len(), deliveries[0].1);
        let chosen = self.choose(rule, queue, keys_of(all.event), count);
        let deliveries: Vec<_> = chosen.into_iter().map(|key| (key, until)).collect();
        decision.event = (!deliveries.is_empty()).then_some(Event::Received { deliveries });
        Ok(decision)
    }

    fn choose(
        &mut self,
        rule: Sharing,
        queue: &Queue,
        mut available: Vec<MessageKey>,
        count_max: usize,
    ) -> Vec<MessageKey> {
        let mut in_flight = self.in_flight(queue, &available);
        let mut noisy = self.noisy(rule, queue.id(), &in_flight);
        let mut chosen = Vec::new();
        while chosen.len() < count_max {
            let next = self.next(rule, &available, &noisy);
            let Some(key) = next else { break };
            available.retain(|other| *other != key);
            chosen.push(key);
            *in_flight.entry(self.group(key)).or_default() += 1;
            if rule.one_by_one {
                noisy = self.noisy(rule, queue.id(), &in_flight);
            }
        }
        chosen
    }

    fn next(
        &self,
        rule: Sharing,
        available: &[MessageKey],
        noisy: &BTreeSet<u64>,
    ) -> Option<MessageKey> {
        let is_noisy = |key| self.group(key).is_some_and(|group| noisy.contains(&group));
        let rank = |key: &&MessageKey| {
            let sent_at = self.sent.get(*key).map(|(at, _)| *at);
            (is_noisy(**key) != (rule.turn == Turn::First), sent_at, **key)
        };
        let may = |key: &&MessageKey| rule.turn != Turn::Never || !is_noisy(**key);
        available.iter().filter(may).min_by_key(rank).copied()
    }

    /// How many messages of which group are in flight: those that were received, and are not
    /// available.
    fn in_flight(&self, queue: &Queue, available: &[MessageKey]) -> Counts {
        let available: BTreeSet<_> = available.iter().copied().collect();
        let mut counts = Counts::new();
        for key in queue.keys() {
            if queue.delivery(key).is_some() && !available.contains(&key) {
                *counts.entry(self.group(key)).or_default() += 1;
            }
        }
        counts
    }

    fn noisy(&mut self, rule: Sharing, queue: QueueId, in_flight: &Counts) -> BTreeSet<u64> {
        let of_queue = in_flight.values().sum();
        let is_noisy = |(group, count): (&Option<u64>, &usize)| {
            group.filter(|_| rule.is_noisy(*count, of_queue))
        };
        let mut noisy: BTreeSet<_> = in_flight.iter().filter_map(is_noisy).collect();
        if rule.for_ever {
            self.were_noisy.extend(noisy.iter().map(|group| (queue, *group)));
            let of_queue = self.were_noisy.iter().filter(|(other, _)| *other == queue);
            noisy.extend(of_queue.map(|(_, group)| *group));
        }
        noisy
    }
}

fn keys_of(event: Option<Event>) -> Vec<MessageKey> {
    let Some(Event::Received { deliveries }) = event else { return Vec::new() };
    deliveries.into_iter().map(|(key, _)| key).collect()
}
