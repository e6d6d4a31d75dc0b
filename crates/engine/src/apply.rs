//! The only code that changes a queue because something happened to it.
//!
//! # Invariants
//!
//! - `apply` refuses nothing: what an event names and the queue does not have is passed over.
//! - Before and after an event the queue is advanced to the event's time, so that nothing is due
//!   when the next decision is asked for.

use std::sync::Arc;
use std::time::Duration;

use longshore_types::{QueueArn, Settings, Timestamp};

use crate::fifo::attempts::Attempt;
use crate::message::{Kept, Stage};
use crate::{Event, Message, MessageKey, MoveTask, Original, Queue, Redriven};

impl Queue {
    /// Carries out what happened at `now`, the time of the event's record.
    ///
    /// Returns the keys of the messages that are gone for good (deleted, purged or expired by
    /// now), so that their bodies can be released. Messages that left for another queue are
    /// not among them: they keep their key there.
    pub fn apply(&mut self, event: &Event, now: Timestamp) -> Vec<MessageKey> {
        let mut gone = self.advance(now);
        match event {
            Event::Sent { key, id, bytes, available_at, group } => {
                self.put(*key, &Kept::sent(*id, *bytes, now, *available_at), group.as_deref());
            }
            Event::Received { deliveries } => {
                for (key, until) in deliveries {
                    self.deliver(*key, *until, now);
                }
            }
            Event::VisibilityChanged { key, until } => self.set_stage(*key, lease(*until, now)),
            Event::Deleted { key } => gone.extend(self.take(*key).map(|_| *key)),
            Event::Purged => gone.extend(self.take_all()),
            Event::DeadLettered { keys } => {
                for key in keys {
                    self.take(*key);
                }
            }
            Event::Arrived { messages, source } => {
                let source = Arc::new(source.clone());
                for message in messages {
                    self.take_in(message, &source, now);
                }
            }
            Event::SettingsChanged { settings } => self.set(settings, now),
            Event::SentFifo { key, id, bytes, group, deduplication_id } => {
                let available_at = now + self.settings.delay;
                self.put(*key, &Kept::sent(*id, *bytes, now, available_at), Some(group));
                self.remember_send(*key, deduplication_id, now);
            }
            Event::Attempted { attempt, epoch, keys } => {
                self.remember_attempt(attempt, *epoch, keys, now);
            }
            Event::Repeated { attempt, until } => self.repeat_attempt(attempt, *until, now),
            Event::MoveStarted { id, destination, rate, to_move } => {
                let destination = destination.clone();
                self.moves.start(MoveTask::started(*id, destination, *rate, *to_move, now));
            }
            Event::MoveEnded { outcome } => self.moves.end(*outcome),
            Event::Left { keys } => {
                let left = keys.iter().filter_map(|key| self.take(*key)).count();
                self.moves.count(left, now);
            }
            Event::Redriven { messages } => {
                for message in messages {
                    self.redrive_in(message, now);
                }
            }
        }
        gone.extend(self.advance(now));
        gone
    }

    /// Counts a receive of the message and leases it until `until`.
    fn deliver(&mut self, key: MessageKey, until: Timestamp, now: Timestamp) {
        self.change(key, |message| {
            message.count_receive(now);
            message.stage = lease(until, now);
        });
        if let Some(fifo) = &mut self.fifo {
            fifo.groups.serve(key);
        }
    }

    /// Takes in a message that was received too often in `source`. A FIFO queue enqueues it anew.
    fn take_in(&mut self, message: &Message, source: &Arc<QueueArn>, now: Timestamp) {
        let sent_at = if self.fifo.is_some() { now } else { message.sent_at };
        let kept = Kept::arriving(message, sent_at, Arc::clone(source));
        self.put(message.key, &kept, message.group.as_deref());
        self.remember_send(message.key, &message.id.to_string(), now);
    }

    /// Takes in a message that a task moved here, as if it were sent.
    fn redrive_in(&mut self, message: &Redriven, now: Timestamp) {
        let kept = Kept::redriven(message, now, now + self.settings.delay);
        self.put(message.key, &kept, message.group.as_deref());
        self.remember_send(message.key, &message.id.to_string(), now);
    }

    fn remember_send(&mut self, key: MessageKey, deduplication_id: &str, now: Timestamp) {
        let (Some(fifo), Some(message)) = (&mut self.fifo, self.messages.get(key)) else { return };
        let original = Original { id: message.id, sequence: fifo.last_sequence };
        let group = fifo.groups.id_of(key).unwrap_or_default();
        fifo.window.remember(group, deduplication_id, original, now);
    }

    fn remember_attempt(&mut self, id: &str, epoch: u32, keys: &[MessageKey], now: Timestamp) {
        let Some(fifo) = &mut self.fifo else { return };
        let delivered = |key: &MessageKey| Some((*key, self.messages.get(*key)?));
        let delivered: Vec<_> = keys.iter().filter_map(delivered).collect();
        let Some((_, first)) = delivered.first() else { return };
        let Stage::InFlight(until) = first.stage else { return };
        let deliveries = delivered.iter().map(|(key, message)| (*key, message.delivery)).collect();
        fifo.attempts.remember(id, Attempt { received_at: now, epoch, until, deliveries });
    }

    fn repeat_attempt(&mut self, id: &str, until: Timestamp, now: Timestamp) {
        let attempt = self.fifo.as_mut().and_then(|fifo| fifo.attempts.get_mut(id));
        let Some(attempt) = attempt else { return };
        attempt.until = until;
        for (key, _) in attempt.deliveries.clone() {
            self.set_stage(key, lease(until, now));
        }
    }

    fn set(&mut self, settings: &Settings, now: Timestamp) {
        let delay_before = std::mem::replace(&mut self.settings, settings.clone()).delay;
        let delay = self.settings.delay;
        if self.fifo.is_some() && delay != delay_before {
            for key in self.not_delivered_since(delay.max(delay_before), now) {
                let sent_at = self.messages.known(key).sent_at;
                self.set_stage(key, delayed(sent_at + delay, now));
            }
        }
    }

    /// The messages that were sent to this queue less than `ago` before `now` and never delivered.
    fn not_delivered_since(&self, ago: Duration, now: Timestamp) -> Vec<MessageKey> {
        let waits = |key: &MessageKey| {
            let message = self.messages.known(*key);
            message.redrive_count == 0 && message.dead_letter_source.is_none()
        };
        let recent = |key: &MessageKey| self.messages.known(*key).sent_at + ago > now;
        self.sends.youngest_first().take_while(recent).filter(waits).collect()
    }

    fn take_all(&mut self) -> Vec<MessageKey> {
        let fifo = self.fifo.as_ref().map(|fifo| Box::new(fifo.purged()));
        let (moves, lapses) = (std::mem::take(&mut self.moves), std::mem::take(&mut self.lapses));
        let empty = Self { fifo, moves, lapses, ..Self::new(self.id, self.settings.clone()) };
        let full = std::mem::replace(self, empty.with_in_flight_max(self.in_flight_max));
        let gone = full.keys().collect();
        self.go_on_telling(full);
        gone
    }
}

/// A lease that has no length is none: the message stays available.
fn lease(until: Timestamp, now: Timestamp) -> Stage {
    if until > now { Stage::InFlight(until) } else { Stage::Available }
}

/// A delay that has ended is none.
fn delayed(until: Timestamp, now: Timestamp) -> Stage {
    if until > now { Stage::Delayed(until) } else { Stage::Available }
}
