//! What has ended is sent: by the worker that ended it, or by a sweeper that finds it due.

use std::time::Duration;

use longshore_tasks::life::{TaskRecord, Woken};
use longshore_tasks::store::{Answer, Change};
use longshore_types::Timestamp;

use crate::lives::model::Action;
use crate::lives::world::{Owed, Step, World};

/// Until a sweeper's try may be made again.
const PAUSE: Duration = Duration::from_secs(60);

impl World {
    /// One step for an end that is owed: it is sent, or it is marked as sent.
    pub(in crate::lives) async fn send_what_is_owed(&mut self) -> Step {
        if self.owed.is_empty() {
            return Ok(());
        }
        let mut owed = self.owed.swap_remove(self.random.index_below(self.owed.len()));
        if owed.is_sent {
            if self.random.chance(60) {
                // Whoever sent it is slow to say so.
                self.owed.push(owed);
                return Ok(());
            }
            return self.mark_sent(owed).await;
        }
        if self.rules.sends() {
            self.reply(&owed.ending.reply.clone(), owed.generation);
            if owed.dead_letter {
                self.letters_sent.insert(owed.generation);
                self.dead_letters.push(owed.generation);
            }
        }
        owed.is_sent = true;
        self.owed.push(owed);
        Ok(())
    }

    async fn mark_sent(&mut self, mut owed: Owed) -> Step {
        // Now and then the two are marked one by one.
        let dead_letter = owed.dead_letter && self.random.chance(80);
        let action = Action::Sent { reply: true, dead_letter };
        let next = self.rules.sent(&owed.record, owed.generation, true, dead_letter);
        let Some(next) = next else { return Ok(()) };
        let answer = self.commit(action, Change::of(owed.record.clone(), next)).await?;
        if let Some(Answer::Conflict(found)) = answer
            && let Some(there) = found.record
            && self.rules.is_same_end(&there, owed.generation)
        {
            owed.record = there;
            self.owed.push(owed);
        }
        Ok(())
    }

    /// The sweeper looks for what is due, or does something about the next that it found.
    pub(in crate::lives) async fn sweep(&mut self) -> Step {
        match self.swept.pop() {
            Some((record, now)) => self.wake(record, now).await,
            None => self.look_for_due().await,
        }
    }

    async fn look_for_due(&mut self) -> Step {
        let Ok(due) = self.records().due(1000).await else { return Ok(()) };
        let own = due.value.into_iter().filter(|record| record.id == self.id);
        self.swept = own.map(|record| (record, due.now)).collect();
        Ok(())
    }

    async fn wake(&mut self, record: TaskRecord, now: Timestamp) -> Step {
        let woken = self.rules.woken(&record, now);
        let expires = matches!(woken, Woken::Expired(_));
        self.agree(record.version, now, &Action::Expire, expires)?;
        match woken {
            Woken::Outbox => {
                let Some(next) = self.rules.moved_on(&record, PAUSE, now) else {
                    return Err("an outbox is due, and there is none".to_owned());
                };
                let answer = self.commit(Action::MoveOn, Change::of(record, next)).await?;
                if let Some(Answer::Written(record)) = answer {
                    self.owe(*record);
                }
                Ok(())
            }
            Woken::Expired(next) => {
                self.commit(Action::Expire, Change::of(record, *next)).await.map(drop)
            }
            Woken::Nothing(_) | Woken::Hidden(_) => Ok(()),
        }
    }
}
