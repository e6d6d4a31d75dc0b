//! The app that asks: it writes the record, sends the message, and notes the alias.

use std::time::Duration;

use longshore_tasks::id::TaskId;
use longshore_tasks::life::{self, Repeated, When};
use longshore_tasks::store::{Alias, Answer, Change};

use crate::lives::model::Action;
use crate::lives::world::{App, Message, Step, World};

/// How long a reply waits for the task that it belongs to.
const HIDDEN_KEPT: Duration = Duration::from_secs(3600);

impl World {
    /// A message comes to the task's queue, perhaps twice.
    pub(in crate::lives) fn message(&mut self, generation: u32) -> TaskId {
        self.message_count += 1;
        let message_id = TaskId::parse(&format!("{}-m{}", self.id, self.message_count))
            .expect("a task id and a number make a task id");
        let copies = if self.random.chance(20) { 2 } else { 1 };
        for copy in 0..copies {
            let (message_id, number) = (message_id.clone(), self.message_count * 2 + copy);
            self.messages.push(Message { generation, message_id, number, receives: 0 });
        }
        message_id
    }

    /// Asks for the task, or asks again under the same id, or withdraws it.
    pub(super) async fn app_asks(&mut self) -> Step {
        match self.app.record.take() {
            Some(record) if self.app.withdraws => {
                self.app.withdraws = false;
                let change = Change::of(record, life::withdrawn());
                self.commit(Action::Withdraw, change).await.map(drop)
            }
            Some(record) => {
                self.app.record = Some(record);
                Ok(())
            }
            None => self.app_submits().await,
        }
    }

    async fn app_submits(&mut self) -> Step {
        let change = Change::first(self.id.clone(), life::submitted(Self::asked()));
        match self.commit(Action::Submit, change).await? {
            Some(Answer::Written(record)) => {
                self.app.record = Some(*record);
                self.app.is_own = true;
            }
            Some(Answer::Conflict(found)) => {
                let there = found.record.filter(|there| life::repeated(there) == Repeated::Send);
                self.app.record = there;
                self.app.is_own = false;
            }
            Some(Answer::Unreadable(_)) | None => {}
        }
        Ok(())
    }

    /// Sends: confirmed, or not known to have come, or certainly not come.
    pub(super) fn app_sends(&mut self) {
        if self.app.record.is_none() || self.app.withdraws {
            return;
        }
        let luck = self.random.below(10);
        if luck == 0 {
            self.say("a send fails for certain");
            // Only what was never sent before: an earlier send of the same id may have come.
            self.app.withdraws = self.app.is_own;
            self.app.record = self.app.record.take().filter(|_| self.app.is_own);
            return;
        }
        let message_id = self.message(1);
        self.say(format!("{message_id} is sent"));
        self.app.record = None;
        if luck > 1 {
            self.app.aliases.push(message_id);
        }
    }

    pub(in crate::lives) async fn app_notes_alias(&mut self) -> Step {
        let Some(message_id) = self.app.aliases.pop() else { return Ok(()) };
        let keep = When::In(self.durations.messages);
        let alias = Alias { message_id: message_id.clone(), id: self.id.clone(), keep };
        match self.records().alias(vec![alias]).await {
            Ok(early) => {
                self.say(format!("{message_id} is noted: {early:?}"));
                self.app.early.extend(early.into_iter().flatten());
                self.note(message_id).await?;
            }
            Err(_) => self.app.aliases.push(message_id),
        }
        Ok(())
    }

    /// A hidden reply waits for its alias for an hour, less by what clocks are apart, and no longer.
    async fn note(&mut self, message_id: TaskId) -> Step {
        let now = self.observe().await?.now;
        let kept = HIDDEN_KEPT.saturating_sub(self.skew * 2);
        if self.hidden.get(&message_id).is_some_and(|since| now.since(*since) >= kept) {
            self.hidden.remove(&message_id);
        }
        self.noted.insert(message_id);
        Ok(())
    }

    /// A stranger was faster than the app's own note.
    pub(in crate::lives) async fn app_takes_early_reply(&mut self) -> Step {
        let Some(reply) = self.app.early.pop() else { return Ok(()) };
        if !self.take_in(&reply).await? {
            self.app.early.push(reply);
        }
        Ok(())
    }

    pub(super) fn app_crashes(&mut self) {
        if !self.app.early.is_empty() {
            self.lost_early = true;
        }
        self.app = App::default();
    }
}
