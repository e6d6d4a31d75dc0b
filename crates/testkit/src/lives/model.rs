//! What must be true of a task, written down plainly and without `life/`.
//!
//! The model is told of each write that went through. It says whether that could be, from what it
//! knows itself, and what must be there then.

use std::time::Duration;

use longshore_tasks::ReplyStatus;
use longshore_tasks::life::{How, Phase, TaskRecord};
use longshore_types::Timestamp;

/// Something that is written about a task.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Submit,
    Withdraw,
    Claim { worker: String, generation: u32, lease: Duration, unchanged: bool, watch: bool },
    Extend { fence: u64, lease: Duration },
    Progress { fence: u64 },
    Retry { fence: u64, watch: bool },
    Release { fence: u64, watch: bool },
    End { fence: u64, reply: Answered, dead: bool, owes_dead_letter: bool, retention: Duration },
    TakeIn { reply: Answered, retention: Duration },
    MoveOn,
    Sent { reply: bool, dead_letter: bool },
    Cancel { reply: Answered, retention: Duration },
    Expire,
    Resend { unchanged: bool },
    Resent,
    GiveUp { reply: Answered, retention: Duration, unchanged: bool },
}

/// How a task was answered.
pub(super) type Answered = (ReplyStatus, String);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    Absent,
    Pending,
    Running { worker: String, fence: u64, until: Timestamp },
    Waiting,
    Ended,
    Expired,
}

#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "what is true of a task, each thing by itself")]
pub(super) struct Model {
    /// Whether a claim ends by its time: where times are not the store's, by being seen unchanged alone.
    keeps_time: bool,
    /// How much too early somebody may see a time come.
    skew: Duration,
    pub(super) stand: Stand,
    pub(super) version: u64,
    pub(super) generation: u32,
    pub(super) attempts: u32,
    pub(super) result: Option<(Answered, Timestamp)>,
    /// Whether it was given up, so that a redrive runs it again.
    pub(super) dead: bool,
    pub(super) owes_reply: bool,
    pub(super) owes_dead_letter: bool,
    /// Tries to send what is owed.
    tries: u32,
    cancel: bool,
    /// Whether somebody is to look for its message, which SQS may have dead-lettered.
    pub(super) watched: bool,
    /// When the row goes, as it was last written.
    pub(super) keep: Timestamp,
}

type Verdict = Result<(), &'static str>;

impl Model {
    pub(super) fn new(keeps_time: bool, skew: Duration) -> Self {
        Self {
            keeps_time,
            skew,
            stand: Stand::Absent,
            version: 0,
            generation: 0,
            attempts: 0,
            result: None,
            dead: false,
            owes_reply: false,
            owes_dead_letter: false,
            tries: 0,
            cancel: false,
            watched: false,
            keep: Timestamp::ZERO,
        }
    }

    /// Time passes: a row whose time is over is gone.
    pub(super) fn pass(&mut self, now: Timestamp) {
        if self.stand != Stand::Absent && self.keep <= now {
            self.forget();
        }
    }

    /// The row is gone.
    fn forget(&mut self) {
        *self = Self::new(self.keeps_time, self.skew);
    }

    pub(super) fn allows(&self, action: &Action, now: Timestamp) -> bool {
        self.clone().carry_out(action, now).is_ok()
    }

    /// What was written: the model does the same, or says why it cannot have been.
    pub(super) fn carry_out(&mut self, action: &Action, now: Timestamp) -> Verdict {
        match action {
            Action::Submit => self.submit()?,
            Action::Withdraw => return self.withdraw(),
            Action::Claim { worker, generation, lease, unchanged, watch } => {
                self.claim(worker, *generation, now, *lease, *unchanged)?;
                self.watched = *watch;
            }
            Action::Extend { fence, lease } => self.extend(*fence, now + *lease)?,
            Action::Progress { fence } => self.held(*fence)?,
            Action::Retry { fence, watch } => self.stop(*fence, 0, *watch)?,
            Action::Release { fence, watch } => self.stop(*fence, 1, *watch)?,
            Action::End { fence, reply, dead, owes_dead_letter, retention } => {
                self.held(*fence)?;
                self.end(reply.clone(), now + *retention)?;
                (self.dead, self.owes_reply) = (*dead, true);
                self.owes_dead_letter = *owes_dead_letter;
            }
            Action::TakeIn { reply, retention } => self.take_in(reply, now + *retention)?,
            Action::MoveOn if self.owes_reply || self.owes_dead_letter => self.tries += 1,
            Action::MoveOn => return Err("nothing was due"),
            Action::Sent { reply, dead_letter } => self.sent(*reply, *dead_letter)?,
            Action::Cancel { reply, retention } => self.ask_cancel(reply, now + *retention)?,
            Action::Expire => self.expire(now)?,
            Action::Resend { unchanged } => self.stranded(*unchanged)?,
            Action::Resent if self.watched => self.watched = false,
            Action::Resent => return Err("nobody looked for it"),
            Action::GiveUp { reply, retention, unchanged } => {
                self.stranded(*unchanged)?;
                self.end(reply.clone(), now + *retention)?;
                (self.dead, self.owes_reply, self.owes_dead_letter) = (true, true, true);
            }
        }
        self.version += 1;
        Ok(())
    }

    fn submit(&mut self) -> Verdict {
        if self.stand != Stand::Absent {
            return Err("it was asked for already");
        }
        (self.stand, self.generation) = (Stand::Pending, 1);
        Ok(())
    }

    fn withdraw(&mut self) -> Verdict {
        if self.stand != Stand::Pending || self.version != 1 {
            return Err("somebody has seen it: it cannot be withdrawn");
        }
        self.forget();
        Ok(())
    }

    fn claim(
        &mut self,
        worker: &str,
        generation: u32,
        now: Timestamp,
        lease: Duration,
        unchanged: bool,
    ) -> Verdict {
        if generation < self.generation {
            return Err("its message is of an earlier generation");
        }
        let redriven = self.dead && generation == self.generation + 1;
        match self.stand {
            Stand::Absent => return Err("there is nothing to claim"),
            Stand::Running { until, .. } if (until > now || !self.keeps_time) && !unchanged => {
                return Err("somebody else runs it");
            }
            Stand::Ended | Stand::Expired if !redriven => return Err("it has ended"),
            Stand::Ended | Stand::Expired => {
                (self.attempts, self.cancel, self.dead) = (0, false, false);
                (self.owes_reply, self.owes_dead_letter) = (false, false);
            }
            Stand::Pending | Stand::Waiting | Stand::Running { .. } => {}
        }
        self.generation = generation;
        self.attempts += 1;
        let (worker, fence) = (worker.to_owned(), self.version + 1);
        self.stand = Stand::Running { worker, fence, until: now + lease };
        Ok(())
    }

    fn held(&self, mine: u64) -> Verdict {
        match self.stand {
            Stand::Running { fence, .. } if fence == mine => Ok(()),
            Stand::Absent
            | Stand::Pending
            | Stand::Running { .. }
            | Stand::Waiting
            | Stand::Ended
            | Stand::Expired => Err("who wrote it does not hold it"),
        }
    }

    fn extend(&mut self, mine: u64, later: Timestamp) -> Verdict {
        self.held(mine)?;
        if let Stand::Running { until, .. } = &mut self.stand {
            *until = later;
        }
        Ok(())
    }

    fn stop(&mut self, fence: u64, taken_back: u32, watch: bool) -> Verdict {
        self.held(fence)?;
        self.attempts -= taken_back;
        self.watched = watch;
        self.stand = Stand::Waiting;
        Ok(())
    }

    /// Somebody was to look for it, and nobody runs it.
    fn stranded(&self, unchanged: bool) -> Verdict {
        match self.stand {
            Stand::Running { .. } if !unchanged => Err("somebody runs it"),
            Stand::Pending | Stand::Running { .. } | Stand::Waiting if self.watched => Ok(()),
            Stand::Absent
            | Stand::Pending
            | Stand::Running { .. }
            | Stand::Waiting
            | Stand::Ended
            | Stand::Expired => Err("nobody was to look for its message"),
        }
    }

    fn end(&mut self, reply: Answered, until: Timestamp) -> Verdict {
        if matches!(&self.result, Some(((ReplyStatus::Completed, _), _))) {
            return Err("it was completed, and that never changes");
        }
        (self.result, self.stand, self.tries) = (Some((reply, until)), Stand::Ended, 0);
        self.watched = false;
        Ok(())
    }

    fn take_in(&mut self, reply: &Answered, until: Timestamp) -> Verdict {
        if matches!(self.stand, Stand::Absent | Stand::Expired) {
            return Err("a late reply revives nothing");
        }
        let waits = matches!(self.stand, Stand::Pending | Stand::Waiting);
        if reply.0 == ReplyStatus::Failed && (!waits || self.result.is_some()) {
            return Err("FAILED replaces nothing, and ends no run");
        }
        self.end(reply.clone(), until)?;
        (self.dead, self.owes_reply, self.owes_dead_letter) = (false, false, false);
        Ok(())
    }

    fn sent(&mut self, reply: bool, dead_letter: bool) -> Verdict {
        let (reply, dead_letter) = (reply && self.owes_reply, dead_letter && self.owes_dead_letter);
        if !reply && !dead_letter {
            return Err("it was not due");
        }
        self.owes_reply &= !reply;
        self.owes_dead_letter &= !dead_letter;
        Ok(())
    }

    /// What nobody runs, and nobody is to look for, ends at once, and nothing is owed: its message brings the reply.
    fn ask_cancel(&mut self, reply: &Answered, until: Timestamp) -> Verdict {
        if matches!(self.stand, Stand::Absent | Stand::Ended | Stand::Expired) {
            return Err("nothing is left to cancel");
        }
        self.cancel = true;
        if matches!(self.stand, Stand::Pending | Stand::Waiting) && !self.watched {
            self.end(reply.clone(), until)?;
            (self.dead, self.owes_reply, self.owes_dead_letter) = (false, false, false);
        }
        Ok(())
    }

    fn expire(&mut self, now: Timestamp) -> Verdict {
        let over = self.result.as_ref().is_some_and(|(_, until)| *until <= now + self.skew);
        let untried = self.owes_reply && self.tries < 3;
        if self.stand != Stand::Ended || !over || self.owes_dead_letter || untried {
            return Err("its result has not been kept for long enough");
        }
        (self.stand, self.owes_reply, self.attempts) = (Stand::Expired, false, 0);
        (self.result, self.cancel) = (None, false);
        Ok(())
    }

    /// Where the record is not as it must be.
    pub(super) fn differs(&self, record: Option<&TaskRecord>, exact: bool) -> Option<String> {
        let Some(record) = record else {
            return (self.stand != Stand::Absent).then(|| "the record is lost".to_owned());
        };
        let life = &record.life;
        let owes = life.outbox.as_ref();
        let alike = [
            ("stand", self.stands(record, exact)),
            ("version", record.version == self.version),
            ("generation", life.generation == self.generation),
            ("attempts", life.attempts_made == self.attempts),
            ("result", self.has_result(record)),
            ("died", !self.dead || life.ending.as_ref().is_some_and(|end| end.how == How::Dead)),
            ("reply due", owes.is_some_and(|due| due.reply_to.is_some()) == self.owes_reply),
            (
                "letter due",
                owes.is_some_and(|due| due.dead_letter.is_some()) == self.owes_dead_letter,
            ),
            ("cancel", life.cancel.is_some() == self.cancel),
            ("time to wake", self.wakes(record)),
        ];
        let wrong = alike.into_iter().find(|(_, alike)| !alike)?.0;
        Some(format!("its {wrong} is not as it must be"))
    }

    fn stands(&self, record: &TaskRecord, exact: bool) -> bool {
        match (&self.stand, &record.life.phase) {
            (Stand::Running { worker, fence, until }, Phase::Running(claim)) => {
                let same = !exact || record.until == Some(*until);
                same && claim.worker == *worker && claim.fence == *fence
            }
            (Stand::Pending, Phase::Pending)
            | (Stand::Waiting, Phase::Waiting)
            | (Stand::Ended, Phase::Ended)
            | (Stand::Expired, Phase::Expired) => record.until.is_none(),
            _ => false,
        }
    }

    /// A tombstone shows no result, whatever it remembers.
    fn has_result(&self, record: &TaskRecord) -> bool {
        let Some((reply, _)) = &self.result else { return true };
        let shown = record.life.ending.as_ref().map(|end| &end.reply);
        shown.is_some_and(|shown| shown.status == reply.0 && shown.body == reply.1)
    }

    /// Whoever has to look at it again will.
    fn wakes(&self, record: &TaskRecord) -> bool {
        (self.stand == Stand::Ended || self.watched) == record.wake.is_some()
    }

    /// Takes over the times that a store of its own time stamped.
    pub(super) fn adopt(&mut self, record: &TaskRecord) {
        self.keep = record.keep;
        if let (Stand::Running { until, .. }, Some(stamped)) = (&mut self.stand, record.until) {
            *until = stamped;
        }
        if let (Some((_, until)), Some(ending)) = (&mut self.result, &record.life.ending) {
            *until = ending.result_until;
        }
    }
}
