//! The reply queue: the app takes replies in, from our workers and from strangers.

use longshore_tasks::ReplyStatus;
use longshore_tasks::life;
use longshore_tasks::reply::Reply;
use longshore_tasks::store::{Answer, Change, Found};
use longshore_types::Timestamp;

use crate::lives::model::Action;
use crate::lives::world::{Known, ReplyMessage, Step, World};

impl World {
    /// A stranger runs a message of the task, and answers by its `MessageId`.
    pub(super) fn stranger_answers(&mut self) {
        let place = self.random.index_below(self.messages.len());
        if self.messages.get(place).is_none_or(|message| message.generation > 1) {
            return;
        }
        let message = self.messages.remove(place);
        self.was_taken = true;
        self.say(format!("a stranger answers {}", message.message_id));
        let reply = if self.random.chance(70) {
            Reply::completed("\"by a stranger\"")
        } else {
            Reply::failed("by a stranger")
        };
        self.replies.push(ReplyMessage { of: message.message_id, reply, known: Known::NotYet });
    }

    /// The next step for a reply; it stays in the queue until it is through.
    pub(in crate::lives) async fn take_a_reply(&mut self) -> Step {
        if self.replies.is_empty() {
            return Ok(());
        }
        let place = self.random.index_below(self.replies.len());
        let mut message = self.replies.swap_remove(place);
        let is_through = match message.known {
            Known::NotYet | Known::Hidden => self.look_up(&mut message).await?,
            Known::Unknown => self.hide(&mut message).await,
        };
        if !is_through || self.random.chance(10) {
            self.replies.push(message);
        }
        Ok(())
    }

    async fn look_up(&mut self, message: &mut ReplyMessage) -> Step<bool> {
        let Ok(found) = self.records().find(&message.of).await else { return Ok(false) };
        match found.record {
            Some(record) if record.id == self.id => self.take_in(&message.reply).await,
            Some(there) if life::hidden_again(&there, &message.reply, found.now).is_some() => {
                message.known = Known::Unknown;
                Ok(false)
            }
            // An unknown task's: dropped. A hidden one's: its alias will bring it.
            Some(_) => Ok(true),
            None if message.of == self.id => Ok(true),
            None => {
                message.known = Known::Unknown;
                Ok(false)
            }
        }
    }

    async fn hide(&mut self, message: &mut ReplyMessage) -> bool {
        let Ok(found) = self.observe().await else { return false };
        let hidden = self.write_hidden(message, self.told(found.now)).await;
        self.say(format!("the reply to {} is hidden: {hidden}", message.of));
        if !hidden {
            return false;
        }
        if message.reply.status == ReplyStatus::Completed {
            self.hidden.insert(message.of.clone(), found.now);
        }
        message.known = Known::Hidden;
        !self.rules.looks_again()
    }

    /// Whether the reply is hidden, or another that says as much. A second call is made only where the first wrote nothing.
    async fn write_hidden(&self, message: &ReplyMessage, now: Timestamp) -> bool {
        let first = life::hidden("replies", message.reply.clone(), now);
        let first = Change::first(message.of.clone(), first);
        let there = match self.records().write_one(first).await {
            Ok(Answer::Conflict(Found { record: Some(there), .. })) => there,
            Ok(answer) => return matches!(answer, Answer::Written(_)),
            Err(_) => return false,
        };
        let Some(next) = life::hidden_again(&there, &message.reply, now) else { return true };
        let again = self.records().write_one(Change::of(there, next)).await;
        matches!(again, Ok(Answer::Written(_)))
    }

    /// `false` if the reply has to be taken in again.
    pub(super) async fn take_in(&mut self, reply: &Reply) -> Step<bool> {
        let Ok(found) = self.records().find(&self.id).await else { return Ok(false) };
        let Some(record) = found.record else { return Ok(true) };
        let retention = self.durations.retention;
        let action = Action::TakeIn { reply: (reply.status, reply.body.clone()), retention };
        let next = self.rules.taken_in(&record, reply, retention, found.now);
        self.agree(record.version, found.now, &action, next.is_some())?;
        let Some(next) = next else { return Ok(true) };
        let answer = self.commit(action, Change::of(record, next)).await?;
        Ok(matches!(answer, Some(Answer::Written(_))))
    }
}
