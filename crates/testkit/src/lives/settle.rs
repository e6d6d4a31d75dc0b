//! A history is brought to its end: without faults, everything that is owed comes to pass.

use std::time::Duration;

use longshore_tasks::ReplyStatus;
use longshore_tasks::life::{Shown, Standing, result};

use super::Passage;
use super::model::{Action, Stand};
use super::world::{App, Step, World};

/// Rounds after which whatever is still owed will never be sent.
const ROUNDS: usize = 60;

impl World {
    pub(super) async fn settle(&mut self) -> Step {
        self.say("everybody starts anew, and nothing fails any more");
        self.workers.iter_mut().for_each(super::world::Worker::crash);
        self.owed.clear();
        self.swept.clear();
        self.anew.clear();
        self.read_all_replies().await?;
        self.notes_and_early_replies().await?;
        self.check_strangers()?;
        if let Passage::Moved(clock) = self.passage.clone() {
            self.rescue_what_is_stranded(&clock).await?;
            self.send_everything(&clock).await?;
            self.result_is_shown_and_expires(&clock).await?;
        }
        self.app = App::default();
        Ok(())
    }

    async fn read_all_replies(&mut self) -> Step {
        for _ in 0..ROUNDS * 4 {
            if self.replies.is_empty() {
                return Ok(());
            }
            self.take_a_reply().await?;
        }
        Err(format!("replies are never through: {:?}", self.replies))
    }

    async fn notes_and_early_replies(&mut self) -> Step {
        for _ in 0..ROUNDS {
            self.app_takes_early_reply().await?;
            if self.app.early.is_empty() {
                self.app_notes_alias().await?;
            }
        }
        Ok(())
    }

    /// A stranger's COMPLETED that was hidden is the task's result once its alias is noted.
    fn check_strangers(&self) -> Step {
        let known = self.hidden.keys().find(|message_id| self.noted.contains(message_id));
        let lives = !matches!(self.model.stand, Stand::Absent | Stand::Expired);
        let done =
            self.model.result.as_ref().is_some_and(|(reply, _)| reply.0 == ReplyStatus::Completed);
        match known {
            Some(message_id) if lives && !done && !self.lost_early => {
                Err(format!("the reply to {message_id} was hidden, and never came to its task"))
            }
            _ => Ok(()),
        }
    }

    /// Nobody but the sweeper does anything: a task that somebody is to look for is sent anew, or ended.
    async fn rescue_what_is_stranded(&mut self, clock: &crate::manual_clock::ManualClock) -> Step {
        self.look().await?;
        if !self.model.watched {
            return Ok(());
        }
        for _ in 0..ROUNDS {
            self.advance(clock, Duration::from_secs(30) + self.skew / 10);
            self.sweep_once().await?;
            self.look().await?;
            if !self.model.watched {
                let has_ended = matches!(self.model.stand, Stand::Ended | Stand::Absent);
                let is_there = has_ended || !self.messages.is_empty();
                return if is_there {
                    Ok(())
                } else {
                    Err("it was sent anew, and is not there".into())
                };
            }
        }
        Err(format!("nobody ever looked for it: {:?}", self.model))
    }

    /// Nobody but the sweeper does anything: all that is owed is sent.
    async fn send_everything(&mut self, clock: &crate::manual_clock::ManualClock) -> Step {
        for _ in 0..ROUNDS {
            self.look().await?;
            if !self.model.owes_reply && !self.model.owes_dead_letter {
                return Ok(());
            }
            // Where clocks are apart, it is due for each of them some time.
            self.advance(clock, Duration::from_secs(30) + self.skew / 10);
            self.sweep_once().await?;
        }
        Err(format!("something was forgotten: {:?}", self.model))
    }

    async fn sweep_once(&mut self) -> Step {
        self.sweep().await?;
        while !self.swept.is_empty() || !self.anew.is_empty() {
            self.sweep().await?;
        }
        while !self.owed.is_empty() {
            self.send_what_is_owed().await?;
        }
        Ok(())
    }

    async fn result_is_shown_and_expires(
        &mut self,
        clock: &crate::manual_clock::ManualClock,
    ) -> Step {
        let found = self.look().await?;
        let (Some(record), true) = (found.record, self.model.stand == Stand::Ended) else {
            return self.what_runs_is_pending().await;
        };
        let retention = self.durations.retention;
        let over = self.model.result.as_ref().is_some_and(|(_, until)| *until < found.now);
        let shown = result(&record.life, retention, found.now);
        if !over && !matches!(shown, Some(Shown::Ended(_))) {
            return Err(format!("the result is not shown: {shown:?}"));
        }
        self.advance(clock, retention + self.skew * 2 + Duration::from_millis(1));
        self.sweep_once().await?;
        let found = self.look().await?;
        let Some(record) = found.record else { return Ok(()) };
        if record.life.standing() != Standing::Expired || self.model.stand != Stand::Expired {
            return Err(format!("the result never expires: {record:?}"));
        }
        let shown = result(&record.life, retention, found.now);
        let late = Action::Claim {
            worker: "late".to_owned(),
            generation: self.model.generation,
            lease: self.durations.lease,
            unchanged: true,
            watch: false,
        };
        if shown.is_some() || self.model.allows(&late, found.now) {
            return Err(format!("an expired task shows {shown:?}"));
        }
        Ok(())
    }

    /// What is asked for and has not ended is shown as pending, or as it ended before.
    async fn what_runs_is_pending(&mut self) -> Step {
        let found = self.look().await?;
        let Some(record) = found.record else { return Ok(()) };
        let shown = result(&record.life, self.durations.retention, found.now);
        if shown.is_none() && self.model.stand != Stand::Expired {
            return Err(format!("a task that may still run is not found: {record:?}"));
        }
        Ok(())
    }
}
