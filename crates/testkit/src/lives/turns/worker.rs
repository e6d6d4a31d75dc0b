//! Workers: they receive, claim, run and end.

use std::time::Duration;

use longshore_tasks::ReplyStatus;
use longshore_tasks::life::{
    self, Ask, Claimed, DeadLetterDue, End, How, Next, Outbox, Phase, Progress, Refusal, TaskRecord,
};
use longshore_tasks::reply::Reply;
use longshore_tasks::store::{Answer, Change, Found};
use longshore_types::Timestamp;

use crate::lives::model::Action;
use crate::lives::world::{Known, Message, Owed, RECEIVES_MAX, ReplyMessage, Step, World};

impl World {
    pub(super) async fn worker_turn(&mut self, who: usize) -> Step {
        if self.workers[who].holds.is_some() {
            return self.holder_turn(who).await;
        }
        match (&self.workers[who].delivery, self.workers[who].found.take()) {
            (None, _) => self.receive(who),
            (Some(delivery), None) if delivery.generation == 1 && self.random.chance(70) => {
                self.claim_unread(who).await
            }
            (Some(_), None) => {
                self.workers[who].found = self.records().find(&self.id).await.ok();
                Ok(())
            }
            (Some(_), Some(found)) => self.claim_found(who, found).await,
        }
    }

    /// A message stays in its queue until it is deleted, or was received too often: any copy may come again.
    fn receive(&mut self, who: usize) -> Step {
        let place = self.random.index_below(self.messages.len());
        let Some(message) = self.messages.get_mut(place) else { return Ok(()) };
        message.receives += 1;
        if message.receives > RECEIVES_MAX {
            let message = self.messages.swap_remove(place);
            return self.dead_letter_natively(&message);
        }
        self.workers[who].delivery = Some(message.clone());
        Ok(())
    }

    /// When somebody is to look for the message that this worker has.
    fn watch(&self, who: usize) -> Option<Duration> {
        let delivery = self.workers[who].delivery.as_ref();
        let near_its_end = delivery.is_some_and(Message::is_near_its_end);
        near_its_end.then_some(self.durations.lease * 2)
    }

    /// A first claim reads nothing: the sender has written the record that is assumed.
    async fn claim_unread(&mut self, who: usize) -> Step {
        let record = TaskRecord::assumed(self.id.clone(), Self::asked());
        let ask = self.ask(who, 1, false);
        let now = self.told(self.observe().await?.now);
        match self.rules.claim(&record, &ask, now) {
            Claimed::Run(next) => self.write_claim(who, record, *next, ask).await,
            other @ (Claimed::Busy(_) | Claimed::Ended(_) | Claimed::Late) => {
                Err(format!("a pending task cannot be claimed: {other:?}"))
            }
        }
    }

    fn ask(&self, who: usize, generation: u32, unchanged: bool) -> Ask {
        let lease = self.durations.lease;
        Ask {
            generation,
            worker: self.workers[who].name.clone(),
            token: who as u64,
            lease,
            unchanged,
            times_are_the_stores: self.keeps_time,
            watch: self.watch(who),
            received_before: false,
        }
    }

    async fn claim_found(&mut self, who: usize, found: Found) -> Step {
        let Some(record) = found.record else { return self.note_task(who).await };
        let generation =
            self.workers[who].delivery.as_ref().map_or(1, |delivery| delivery.generation);
        let unchanged = self.was_unchanged(who, &record, found.now);
        let ask = self.ask(who, generation, unchanged);
        let claimed = self.rules.claim(&record, &ask, found.now);
        let runs = matches!(claimed, Claimed::Run(_));
        self.agree(record.version, found.now, &claim_action(&ask), runs)?;
        match claimed {
            Claimed::Run(next) => return self.write_claim(who, record, *next, ask).await,
            Claimed::Busy(_) => self.workers[who].delivery = None,
            Claimed::Ended(ending) => {
                self.reply(&ending.reply, record.life.generation);
                self.delete(who);
            }
            Claimed::Late => self.delete(who),
        }
        Ok(())
    }

    /// Nobody knows the task: its message came without a record, or outlived it. A first version is
    /// written as its sender would have, so that a claim never is one.
    async fn note_task(&mut self, who: usize) -> Step {
        let change = Change::first(self.id.clone(), life::submitted(Self::asked()));
        let now = self.observe().await?.now;
        self.workers[who].found = match self.commit(Action::Submit, change).await? {
            Some(Answer::Written(record)) => Some(Found { record: Some(*record), now }),
            Some(Answer::Conflict(found)) => Some(found),
            Some(Answer::Unreadable(_)) | None => None,
        };
        Ok(())
    }

    /// Whether the version that is there was seen for a whole lease, as by a monotonic clock.
    fn was_unchanged(&mut self, who: usize, record: &TaskRecord, now: Timestamp) -> bool {
        let lease = record.claim().map_or(self.durations.lease, |claim| claim.lease);
        let now = self.monotonic(now);
        match self.workers[who].seen {
            Some((version, since)) if version == record.version => now.since(since) >= lease,
            _ => {
                self.workers[who].seen = Some((record.version, now));
                false
            }
        }
    }

    async fn write_claim(&mut self, who: usize, record: TaskRecord, next: Next, ask: Ask) -> Step {
        let fence = record.version + 1;
        let answer = self.commit(claim_action(&ask), Change::of(record, next)).await?;
        let worker = &mut self.workers[who];
        match answer {
            Some(Answer::Written(record)) => worker.holds = Some((*record, fence)),
            Some(Answer::Conflict(found)) => worker.found = Some(found),
            Some(Answer::Unreadable(_)) | None => {}
        }
        Ok(())
    }

    async fn holder_turn(&mut self, who: usize) -> Step {
        let Some((record, fence)) = self.workers[who].holds.clone() else { return Ok(()) };
        let now = self.told(self.observe().await?.now);
        let (action, next) = self.decide(who, &record, fence, now);
        self.agree(record.version, now, &action, next.is_ok())?;
        let Ok(next) = next else {
            self.seen.refused += 1;
            self.say(format!("{who} gives up {action:?}"));
            self.workers[who].crash();
            return Ok(());
        };
        let answer = self.commit(action.clone(), Change::of(record, next)).await?;
        self.go_on(who, fence, &action, answer);
        Ok(())
    }

    fn decide(
        &self,
        who: usize,
        record: &TaskRecord,
        fence: u64,
        now: Timestamp,
    ) -> (Action, Result<Next, Refusal>) {
        let (lease, watch) = (self.durations.lease, self.watch(who));
        let watched = watch.is_some();
        match self.random.below(10) {
            0 | 1 => (Action::Extend { fence, lease }, self.rules.extended(record, fence, lease)),
            2 => {
                let progress = Progress { percent: 50, note: "half".to_owned(), at: now };
                (Action::Progress { fence }, life::progressed(record, fence, progress))
            }
            3 => {
                let next = self.rules.retried(record, fence, watch, now);
                (Action::Retry { fence, watch: watched }, next)
            }
            4 => {
                let next = self.rules.released(record, fence, watch, now);
                (Action::Release { fence, watch: watched }, next)
            }
            _ => self.decide_end(record, fence, now),
        }
    }

    fn decide_end(
        &self,
        record: &TaskRecord,
        fence: u64,
        now: Timestamp,
    ) -> (Action, Result<Next, Refusal>) {
        let (how, reply) = match self.random.below(4) {
            0 => (How::Discarded, Reply::failed("it was discarded")),
            1 | 2 => (How::Dead, Reply::failed("it is dead")),
            _ => (How::Done, Reply::completed(format!("\"at fence {fence}\""))),
        };
        let dead = how == How::Dead;
        let letter = dead.then(|| DeadLetterDue { queue: None, reason: "dead".to_owned() });
        let reply_to = Some("replies".to_owned());
        let outbox = Outbox { reply_to, dead_letter: letter, tries: 0 };
        let (retention, messages) = (self.durations.retention, self.durations.messages);
        let answered = (reply.status, reply.body.clone());
        let error = Vec::new();
        let end = End { reply, how, error, outbox, retention, messages };
        let next = self.rules.ended(record, fence, &end, now);
        let owes_dead_letter = dead;
        (Action::End { fence, reply: answered, dead, owes_dead_letter, retention }, next)
    }

    /// What a holder does when its write was answered.
    fn go_on(&mut self, who: usize, fence: u64, action: &Action, answer: Option<Answer>) {
        let record = match answer {
            Some(Answer::Written(record)) => *record,
            Some(Answer::Conflict(Found { record: Some(record), .. })) => {
                // It decides again on what is there.
                self.workers[who].holds = Some((record, fence));
                return;
            }
            Some(Answer::Conflict(_) | Answer::Unreadable(_)) => return self.workers[who].crash(),
            None => return,
        };
        match &record.life.phase {
            Phase::Running(_) => self.workers[who].holds = Some((record, fence)),
            Phase::Ended if matches!(action, Action::End { .. }) => {
                self.owe(record);
                self.workers[who].holds = None;
                self.delete(who);
            }
            Phase::Pending | Phase::Waiting | Phase::Ended | Phase::Hidden | Phase::Expired => {
                self.workers[who].crash();
            }
        }
    }

    pub(in crate::lives) fn owe(&mut self, record: TaskRecord) {
        let Some(ending) = record.life.ending.clone() else { return };
        let outbox = record.life.outbox.clone().unwrap_or_default();
        let (generation, dead_letter) = (record.life.generation, outbox.dead_letter.is_some());
        self.owed.push(Owed { record, generation, ending, dead_letter, is_sent: false });
    }

    pub(super) fn reply(&mut self, reply: &Reply, generation: u32) {
        let completed = reply.status == ReplyStatus::Completed;
        self.say(format!("the reply of generation {generation} is sent: {completed}"));
        self.replies_sent.insert(generation);
        let (of, reply) = (self.id.clone(), reply.clone());
        self.replies.push(ReplyMessage { of, reply, known: Known::NotYet });
    }

    fn delete(&mut self, who: usize) {
        let Some(delivery) = self.workers[who].delivery.take() else { return };
        let same =
            |message: &crate::lives::world::Message| message.message_id == delivery.message_id;
        if let Some(place) = self.messages.iter().position(same) {
            self.messages.swap_remove(place);
        }
        self.workers[who].crash();
    }
}

fn claim_action(ask: &Ask) -> Action {
    let Ask { generation, worker, lease, unchanged, watch, .. } = ask.clone();
    Action::Claim { worker, generation, lease, unchanged, watch: watch.is_some() }
}
