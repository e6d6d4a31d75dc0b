//! What has ended is sent: by the worker that ended it, or by a sweeper that finds it due.

use std::time::Duration;

use longshore_tasks::Reply;
use longshore_tasks::life::{DeadLetterDue, End, How, Outbox, TaskRecord, Woken};
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
        if let Some(record) = self.anew.pop() {
            return self.send_anew(record).await;
        }
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
            Woken::Stranded if self.gives_up => self.give_up(record, now).await,
            Woken::Stranded => self.rescue(record, now).await,
            Woken::Nothing(_) | Woken::Hidden(_) => Ok(()),
        }
    }

    async fn rescue(&mut self, record: TaskRecord, now: Timestamp) -> Step {
        let unchanged = self.sweeper_saw_unchanged(&record, now);
        let next = self.rules.resending(&record, PAUSE, unchanged, now);
        let action = Action::Resend { unchanged };
        self.agree(record.version, now, &action, next.is_ok())?;
        let Ok(next) = next else { return Ok(()) };
        if let Some(Answer::Written(record)) = self.commit(action, Change::of(record, next)).await?
        {
            self.anew.push(*record);
        }
        Ok(())
    }

    /// Whether the version that is there was seen for a whole lease, as by a monotonic clock.
    fn sweeper_saw_unchanged(&mut self, record: &TaskRecord, now: Timestamp) -> bool {
        let now = self.monotonic(now);
        let lease = record.claim().map_or(self.durations.lease, |claim| claim.lease);
        match self.swept_before {
            Some((version, since)) if version == record.version => now.since(since) >= lease,
            _ => {
                self.swept_before = Some((record.version, now));
                false
            }
        }
    }

    async fn send_anew(&mut self, record: TaskRecord) -> Step {
        if self.rules.sends_anew() {
            let message_id = self.message(record.life.generation);
            self.say(format!("it is sent anew as {message_id}"));
        }
        let next = self.rules.resent(&record);
        self.commit(Action::Resent, Change::of(record, next)).await.map(drop)
    }

    async fn give_up(&mut self, record: TaskRecord, now: Timestamp) -> Step {
        let (reply, retention) = (Reply::failed("its message is gone"), self.durations.retention);
        let letter = DeadLetterDue { queue: None, reason: "gone".to_owned() };
        let reply_to = Some("replies".to_owned());
        let outbox = Outbox { reply_to, dead_letter: Some(letter), tries: 0 };
        let unchanged = self.sweeper_saw_unchanged(&record, now);
        let answered = (reply.status, reply.body.clone());
        let action = Action::GiveUp { reply: answered, retention, unchanged };
        let (messages, error) = (self.durations.messages, Vec::new());
        let end = End { reply, how: How::Dead, error, outbox, retention, messages };
        let next = self.rules.given_up(&record, &end, unchanged, now);
        self.agree(record.version, now, &action, next.is_ok())?;
        let Ok(next) = next else { return Ok(()) };
        if let Some(Answer::Written(record)) = self.commit(action, Change::of(record, next)).await?
        {
            self.owe(*record);
        }
        Ok(())
    }
}
