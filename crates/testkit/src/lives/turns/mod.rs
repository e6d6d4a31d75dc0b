//! Who does something next. A turn changes the store by one call at most.

mod app;
mod replies;
mod sending;
mod worker;

use std::time::Duration;

use longshore_tasks::ReplyStatus;
use longshore_tasks::store::Change;

use super::Passage;
use super::model::Action;
use super::world::{Step, World};

impl World {
    pub(super) async fn turn(&mut self) -> Step {
        let worker = self.random.index_below(2);
        match self.random.below(100) {
            0..4 => self.app_asks().await?,
            4..10 => self.app_sends(),
            10..16 => self.app_notes_alias().await?,
            16..19 => self.app_takes_early_reply().await?,
            19..49 => self.worker_turn(worker).await?,
            49..61 => self.send_what_is_owed().await?,
            61..69 => self.sweep().await?,
            69..79 => self.take_a_reply().await?,
            79..81 => self.stranger_answers(),
            81..87 => self.redrive(),
            87 => self.cancel().await?,
            88..91 => self.crash(),
            91 if self.random.chance(50) => self.store_goes_down(),
            91..92 => self.remove_what_is_over().await?,
            _ => self.time_passes().await?,
        }
        Ok(())
    }

    fn redrive(&mut self) {
        if self.random.chance(30)
            && let Some(generation) = self.native.pop()
        {
            self.say(format!("a message of generation {generation} is moved back"));
            self.message(generation);
            return;
        }
        let Some(generation) = self.dead_letters.pop() else { return };
        self.say(format!("generation {generation} is redriven"));
        self.message(generation + 1);
    }

    async fn cancel(&mut self) -> Step {
        let Ok(found) = self.records().find(&self.id).await else { return Ok(()) };
        let Some(record) = found.record else { return Ok(()) };
        let retention = self.durations.retention;
        let next = self.rules.cancel_asked(&record, retention, found.now);
        let reply = (ReplyStatus::Failed, r#"{"message":"it was cancelled"}"#.to_owned());
        let action = Action::Cancel { reply, retention };
        self.agree(record.version, found.now, &action, next.is_ok())?;
        let Ok(next) = next else { return Ok(()) };
        self.commit(action, Change::of(record, next)).await.map(drop)
    }

    fn crash(&mut self) {
        let who = self.random.index_below(5);
        self.seen.crashes += 1;
        self.say(format!("{who} crashes"));
        if let Some(worker) = self.workers.get_mut(who) {
            worker.crash();
        } else if who == 2 {
            self.app_crashes();
        } else if who == 3 {
            self.swept.clear();
            self.anew.clear();
        } else {
            self.owed.clear();
        }
    }

    pub(super) async fn remove_what_is_over(&mut self) -> Step {
        // Whatever it answers, nothing that lives is gone: the next look would find out.
        drop(self.records().store().expire(1000).await);
        self.look().await.map(drop)
    }

    async fn time_passes(&mut self) -> Step {
        let Passage::Moved(clock) = &self.passage else {
            tokio::time::sleep(self.random.up_to(self.durations.lease / 2)).await;
            return Ok(());
        };
        let most = match self.random.below(40) {
            0..20 => Duration::from_millis(20),
            20..32 => self.durations.lease * 2,
            32..37 => Duration::from_secs(3600),
            37..39 => Duration::from_secs(86_400),
            _ => Duration::from_secs(5 * 86_400),
        };
        let passed = self.random.up_to(most);
        self.advance(clock, passed);
        self.say(format!("{passed:?} pass"));
        self.look().await.map(drop)
    }
}
