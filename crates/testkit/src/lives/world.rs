//! One task, everybody who has to do with it, and the writes that the model is told of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::id::TaskId;
use longshore_tasks::life::{Asked, Ending, TaskRecord};
use longshore_tasks::reply::Reply;
use longshore_tasks::store::{Answer, Change, Found};
use longshore_tasks::{Clock as _, Records, Store};
use longshore_types::Timestamp;

use super::model::{Action, Model, Stand};
use super::rules::Rules;
use super::{Lives, Passage, Seen};
use crate::faulty_store::{FaultyStore, Odds};
use crate::manual_clock::ManualClock;
use crate::seeded::Seeded;

/// Why a history broke, or nothing.
pub(super) type Step<T = ()> = Result<T, String>;

/// A message of the task in its queue, or a copy of it: its queue delivers some twice.
#[derive(Clone, Debug)]
#[expect(clippy::struct_field_names, reason = "a MessageId is what SQS calls it")]
pub(super) struct Message {
    pub(super) generation: u32,
    pub(super) message_id: TaskId,
    /// Of each copy another one.
    pub(super) number: u32,
    pub(super) receives: u32,
}

/// Receives that a queue grants: at the next one it dead-letters the message itself.
pub(super) const RECEIVES_MAX: u32 = 5;

impl Message {
    /// Whether two workers that die before they have claimed it are the last to see it.
    pub(super) fn is_near_its_end(&self) -> bool {
        self.receives + 2 >= RECEIVES_MAX
    }
}

/// A reply in the reply queue: by the task's id, or by the `MessageId` of a stranger.
#[derive(Clone, Debug)]
pub(super) struct ReplyMessage {
    pub(super) of: TaskId,
    pub(super) reply: Reply,
    pub(super) known: Known,
}

/// How far the app is with a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It has not looked for the task.
    NotYet,
    /// It found none.
    Unknown,
    /// It has hidden the reply, and is to look once more.
    Hidden,
}

/// What the app that asked knows and has still to do.
#[derive(Debug, Default)]
pub(super) struct App {
    pub(super) record: Option<TaskRecord>,
    /// Whether it wrote that record itself: then the task was never sent before.
    pub(super) is_own: bool,
    pub(super) withdraws: bool,
    pub(super) aliases: Vec<TaskId>,
    pub(super) early: Vec<Reply>,
}

/// What a worker knows and holds.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) name: String,
    pub(super) delivery: Option<Message>,
    pub(super) found: Option<Found>,
    /// The record as it was last written or met, and the fence.
    pub(super) holds: Option<(TaskRecord, u64)>,
    /// A version that was seen, and since when.
    pub(super) seen: Option<(u64, Timestamp)>,
}

impl Worker {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), delivery: None, found: None, holds: None, seen: None }
    }

    /// It forgets all it knew.
    pub(super) fn crash(&mut self) {
        *self = Self::new(&self.name);
    }
}

/// An end that somebody is about to send, and then to mark.
#[derive(Clone, Debug)]
pub(super) struct Owed {
    pub(super) record: TaskRecord,
    pub(super) generation: u32,
    pub(super) ending: Ending,
    pub(super) dead_letter: bool,
    pub(super) is_sent: bool,
}

/// How long things take, by how time passes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Durations {
    pub(super) lease: Duration,
    pub(super) retention: Duration,
    /// How long messages of the task can come.
    pub(super) messages: Duration,
}

#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what is true of a history, each thing by itself"
)]
pub(super) struct World {
    pub(super) id: TaskId,
    handles: Vec<(Records, Arc<FaultyStore>)>,
    observer: Records,
    pub(super) rules: Arc<dyn Rules>,
    pub(super) passage: Passage,
    pub(super) random: Seeded,
    odds: Odds,
    /// Whether times are the store's own.
    pub(super) keeps_time: bool,
    /// How wrong clocks are at most.
    pub(super) skew: Duration,
    pub(super) durations: Durations,
    pub(super) model: Model,
    pub(super) seen: Seen,
    pub(super) history: Vec<String>,
    pub(super) messages: Vec<Message>,
    pub(super) dead_letters: Vec<u32>,
    /// Generations of messages that the queue dead-lettered itself.
    pub(super) native: Vec<u32>,
    /// The copy of a message that the record was last claimed with, if that was near its end.
    pub(super) claimed_with: Option<u32>,
    /// Whether a task that is stranded cannot be sent anew.
    pub(super) gives_up: bool,
    /// Whether a message was taken by somebody who keeps no record.
    pub(super) was_taken: bool,
    pub(super) replies: Vec<ReplyMessage>,
    /// Generations whose reply, or dead letter, was really sent.
    pub(super) replies_sent: BTreeSet<u32>,
    pub(super) letters_sent: BTreeSet<u32>,
    pub(super) app: App,
    pub(super) workers: [Worker; 2],
    pub(super) owed: Vec<Owed>,
    pub(super) swept: Vec<(TaskRecord, Timestamp)>,
    /// The version that the sweeper found stranded, and since when.
    pub(super) swept_before: Option<(u64, Timestamp)>,
    /// What is about to be sent anew, and then to be marked.
    pub(super) anew: Vec<TaskRecord>,
    /// `MessageId`s whose COMPLETED was hidden, and when; and those whose alias was noted.
    pub(super) hidden: BTreeMap<TaskId, Timestamp>,
    pub(super) noted: BTreeSet<TaskId>,
    /// Whether the app crashed between noting an alias and taking in the reply that came first.
    pub(super) lost_early: bool,
    pub(super) message_count: u32,
}

const DAY: Duration = Duration::from_secs(86_400);

impl World {
    pub(super) fn new(lives: &Lives, seed: u64) -> Self {
        let (lease, retention) = match lives.passage {
            Passage::Moved(_) => (Duration::from_secs(30), 4 * DAY),
            Passage::Real => (Duration::from_millis(15), Duration::from_millis(30)),
        };
        let random = |salt: u64| Arc::new(Seeded::new(seed.wrapping_mul(31) ^ salt));
        let handle = |(number, store): (u64, &Arc<dyn Store>)| {
            let faulty = Arc::new(FaultyStore::new(Arc::clone(store), seed.wrapping_add(number)));
            let records = Records::new(Arc::clone(&faulty) as Arc<_>, random((2 + number) << 40));
            (records, faulty)
        };
        let handles = (0..).zip(&lives.handles).map(handle).collect();
        Self {
            id: TaskId::parse(&format!("life-{seed}")).expect("a number makes a task id"),
            handles,
            observer: Records::new(Arc::clone(&lives.store), random(1 << 40)),
            rules: Arc::clone(&lives.rules),
            passage: lives.passage.clone(),
            random: Seeded::new(seed),
            odds: lives.odds,
            keeps_time: lives.keeps_time,
            skew: lives.skew,
            durations: Durations { lease, retention, messages: 15 * DAY },
            model: Model::new(lives.keeps_time, lives.skew),
            seen: Seen::default(),
            history: Vec::new(),
            messages: Vec::new(),
            dead_letters: Vec::new(),
            native: Vec::new(),
            claimed_with: None,
            gives_up: seed.is_multiple_of(3),
            was_taken: false,
            replies: Vec::new(),
            replies_sent: BTreeSet::new(),
            letters_sent: BTreeSet::new(),
            app: App::default(),
            workers: [Worker::new("first"), Worker::new("second")],
            owed: Vec::new(),
            swept: Vec::new(),
            swept_before: None,
            anew: Vec::new(),
            hidden: BTreeMap::new(),
            noted: BTreeSet::new(),
            lost_early: false,
            message_count: 0,
        }
    }

    pub(super) async fn run(&mut self, turns: usize) -> Step {
        self.handles.iter().for_each(|(_, faulty)| faulty.set_odds(self.odds));
        for _ in 0..turns {
            self.turn().await?;
        }
        for (_, faulty) in &self.handles {
            faulty.set_odds(Odds::default());
            faulty.go_down(0);
        }
        self.settle().await
    }

    /// Where faults come by chance, the store is gone for some calls.
    pub(super) fn store_goes_down(&mut self) {
        if self.odds != Odds::default() {
            self.say("the store is gone");
            self.handles.iter().for_each(|(_, faulty)| faulty.go_down(6));
        }
    }

    pub(super) fn say(&mut self, line: impl Into<String>) {
        self.history.push(line.into());
    }

    pub(super) fn asked() -> Asked {
        Asked { queue: "tasks".to_owned(), ..Asked::default() }
    }

    /// One of the handles on the store: each call may be another process's.
    pub(super) fn records(&self) -> &Records {
        let handle = self.random.one_of(&self.handles);
        handle.map(|(records, _)| records).expect("there is a handle at least")
    }

    /// What is really there.
    pub(super) async fn observe(&self) -> Step<Found> {
        self.observer.find(&self.id).await.map_err(|error| format!("the store failed: {error}"))
    }

    fn is_exact(&self) -> bool {
        matches!(self.passage, Passage::Moved(_)) && self.skew.is_zero()
    }

    /// What somebody takes `now` for, whose clock is as wrong as clocks are.
    pub(super) fn told(&self, now: Timestamp) -> Timestamp {
        let off = self.random.up_to(self.skew * 2);
        Timestamp::from_millis((now + off).as_millis().saturating_sub(millis(self.skew)))
    }

    /// The time that has passed, whatever a store says: what is measured by one's own monotonic clock.
    pub(super) fn monotonic(&self, found: Timestamp) -> Timestamp {
        match &self.passage {
            Passage::Moved(clock) => clock.now(),
            Passage::Real => found,
        }
    }

    /// Time passes. It does not stop where wrong clocks disagree on whether the record is there.
    pub(super) fn advance(&self, clock: &ManualClock, passed: Duration) {
        clock.advance(passed);
        let (now, keep) = (clock.now(), self.model.keep);
        if self.model.stand != Stand::Absent && now + self.skew >= keep && keep + self.skew > now {
            clock.advance((keep + self.skew).since(now) + Duration::from_millis(1));
        }
    }

    /// Time has passed, or may have: the model and the store agree on what is there.
    pub(super) async fn look(&mut self) -> Step<Found> {
        let found = self.observe().await?;
        self.model.pass(found.now);
        match self.model.differs(found.record.as_ref(), self.is_exact()) {
            Some(why) => Err(format!("{why}: {:?}, {:?}", self.model, found.record)),
            None => Ok(found),
        }
    }

    /// Whether the rules said the same as the model does, if they were asked about what is there.
    pub(super) fn agree(&self, known: u64, now: Timestamp, action: &Action, allowed: bool) -> Step {
        let fresh = self.is_exact() && known == self.model.version;
        if fresh && self.model.allows(action, now) != allowed {
            return Err(format!("the rules say {allowed} to {action:?} in {:?}", self.model));
        }
        Ok(())
    }

    /// Writes a change, and tells the model if it went through. `None` if the answer was lost.
    pub(super) async fn commit(&mut self, action: Action, change: Change) -> Step<Option<Answer>> {
        let before = self.look().await?;
        let answer = self.records().write_one(change).await;
        let after = self.observe().await?;
        let moved = version(&before) != version(&after);
        self.say(format!("{action:?}: {}", short(answer.as_ref().ok(), moved)));
        if moved {
            self.carried_out(&action, &before, &after)?;
        }
        self.check_answer(&action, answer.as_ref().ok(), &before, &after)?;
        Ok(answer.ok())
    }

    fn carried_out(&mut self, action: &Action, before: &Found, after: &Found) -> Step {
        let stood = self.model.stand.clone();
        self.check_sent(action)?;
        let verdict = self.model.carry_out(action, after.now);
        verdict.map_err(|why| format!("{why}, and was written: {before:?}"))?;
        self.count(action, &stood);
        self.note_claim(action);
        if let Some(record) = &after.record {
            let exact = self.is_exact();
            if let Some(why) = self.model.differs(Some(record), exact) {
                return Err(format!("{why}: {:?}, {record:?}", self.model));
            }
            self.model.adopt(record);
        } else if self.model.stand != Stand::Absent {
            return Err("the record is lost".to_owned());
        }
        Ok(())
    }

    fn note_claim(&mut self, action: &Action) {
        if let Action::Claim { worker, watch: true, .. } = action {
            let claimer = self.workers.iter().find(|one| one.name == *worker);
            let delivery = claimer.and_then(|one| one.delivery.as_ref());
            self.claimed_with = delivery.map(|message| message.number);
        } else if matches!(action, Action::Submit | Action::Resent | Action::Claim { .. }) {
            self.claimed_with = None;
        }
    }

    /// A message was received too often. If it is the last, somebody will look for the task: whoever claimed it
    /// last did so with this very message.
    pub(super) fn dead_letter_natively(&mut self, message: &Message) -> Step {
        self.say(format!("the queue dead-letters {}", message.message_id));
        self.native.push(message.generation);
        let lives =
            matches!(self.model.stand, Stand::Pending | Stand::Running { .. } | Stand::Waiting);
        let is_last = self.messages.is_empty() && self.claimed_with == Some(message.number);
        if lives && is_last && !self.was_taken && !self.model.watched {
            return Err("its last message is dead-lettered, and nobody will look for it".to_owned());
        }
        Ok(())
    }

    fn check_sent(&self, action: &Action) -> Step {
        let Action::Sent { reply, dead_letter } = action else { return Ok(()) };
        let generation = self.model.generation;
        let forgotten = *reply && self.model.owes_reply && !self.replies_sent.contains(&generation);
        let letter =
            *dead_letter && self.model.owes_dead_letter && !self.letters_sent.contains(&generation);
        if forgotten || letter {
            return Err(format!("generation {generation} is marked as sent, and was not"));
        }
        Ok(())
    }

    fn count(&mut self, action: &Action, stood: &Stand) {
        self.seen.written += 1;
        match (action, stood) {
            (Action::Claim { .. }, Stand::Running { .. }) => self.seen.overtaken += 1,
            (Action::Claim { .. }, Stand::Ended | Stand::Expired) => self.seen.redriven += 1,
            (Action::TakeIn { .. }, _) => self.seen.taken_in += 1,
            (Action::Expire, _) => self.seen.expired += 1,
            (Action::Resend { .. } | Action::GiveUp { .. }, _) => self.seen.stranded += 1,
            _ => {}
        }
    }

    fn check_answer(
        &mut self,
        action: &Action,
        answer: Option<&Answer>,
        before: &Found,
        after: &Found,
    ) -> Step {
        let moved = version(before) != version(after);
        match answer {
            Some(Answer::Written(_)) if !moved => {
                Err("it was answered as written, and is not".into())
            }
            // What is gone bears no mark: its writer meets nothing, and wanted just that.
            Some(Answer::Conflict(_)) if moved && !matches!(action, Action::Withdraw) => {
                Err("it was answered as a conflict, and is written".into())
            }
            Some(Answer::Conflict(met)) if !moved && met.record != before.record => {
                Err(format!("a conflict brought {met:?}, and there is {before:?}"))
            }
            Some(Answer::Conflict(_)) => {
                self.seen.conflicts += 1;
                Ok(())
            }
            Some(Answer::Unreadable(error)) => Err(format!("a record is unreadable: {error}")),
            Some(Answer::Written(_)) => Ok(()),
            None => {
                self.seen.failed += 1;
                Ok(())
            }
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn version(found: &Found) -> Option<u64> {
    found.record.as_ref().map(|record| record.version)
}

fn short(answer: Option<&Answer>, moved: bool) -> String {
    let answer = match answer {
        Some(Answer::Written(record)) => format!("written as {}", record.version),
        Some(Answer::Conflict(found)) => format!("conflict with {:?}", version(found)),
        Some(Answer::Unreadable(_)) => "unreadable".to_owned(),
        None => "no answer".to_owned(),
    };
    format!("{answer}{}", if moved { ", carried out" } else { "" })
}
