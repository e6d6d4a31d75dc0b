//! Who runs a task: one worker at a time, and nobody once it has ended.
//!
//! A dead letter bears the generation that its task died in. When it is redriven, its delivery asks
//! for the generation after that, and gets it if the record ended as dead in the one before. Every
//! other message of the task is of the generation that it was first sent in.

use std::time::Duration;

use longshore_types::Timestamp;

use super::record::{Claim, Ending, How, Life, Next, Phase, Survives, TaskRecord, Unknown};
use super::when::When;
use super::{MESSAGES_KEPT, Refusal};

/// Why the attempt before did not end: nobody can say more.
const CUT_OFF: &str = "its worker ended, or was cut off";

/// What a worker asks for with a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The generation that the message asks for, from 1.
    pub generation: u32,
    /// Who asks.
    pub worker: String,
    /// A random number of this delivery's own: whoever asks knows its claim by it.
    pub token: u64,
    /// How long the claim is taken for.
    pub lease: Duration,
    /// Whether the version that is there was seen unchanged for as long as its claim is taken for,
    /// by the asker's own monotonic clock.
    pub unchanged: bool,
    /// Whether the times of the record are the store's own. Where it has no clock, a claim ends for
    /// others only by being seen unchanged: theirs may run ahead of its holder's.
    pub times_are_the_stores: bool,
    /// How long after the claim's end somebody is to look for the task's message, because SQS may have
    /// dead-lettered it by then. `None` where it has receives to spare: then nobody need look.
    pub watch: Option<Duration>,
    /// Whether the message was received before: what that came to, its worker could not say.
    pub received_before: bool,
}

/// What a claim comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The asker runs the task, once this is written.
    Run(Box<Next>),
    /// Another worker runs it; its claim ends after that time at the latest, unless it is extended.
    Busy(Duration),
    /// The task has ended: its result is sent again, and nothing is run.
    Ended(Box<Ending>),
    /// A late message of a task that ended long ago, or in an earlier generation: nothing is done.
    Late,
}

/// Decides what a delivery of a task comes to.
pub fn claim(record: &TaskRecord, ask: &Ask, now: Timestamp) -> Claimed {
    let life = &record.life;
    if ask.generation < life.generation {
        return Claimed::Late;
    }
    match &life.phase {
        Phase::Running(claim) => {
            match left_of(record, claim, (ask.unchanged, ask.times_are_the_stores), now) {
                Some(wait) => Claimed::Busy(wait),
                None => run(record, ask, now),
            }
        }
        Phase::Ended | Phase::Expired if is_redriven(life, ask) => run_again(record, ask, now),
        // A hidden reply answers the very message that it is known by.
        Phase::Ended | Phase::Hidden => match &life.ending {
            Some(ending) if now < ending.result_until || owes_dead_letter(life) => {
                Claimed::Ended(Box::new(ending.clone()))
            }
            Some(_) | None => Claimed::Late,
        },
        Phase::Expired => Claimed::Late,
        Phase::Pending | Phase::Waiting => run(record, ask, now),
    }
}

/// Whether the claim of that fence still holds. `unchanged` and `clocked` are what [`Ask::unchanged`] and
/// [`Ask::times_are_the_stores`] are to who asks for a claim.
pub(crate) fn is_claimed(
    record: &TaskRecord,
    fence: u64,
    unchanged: bool,
    clocked: bool,
    now: Timestamp,
) -> bool {
    let claim = record.claim().filter(|claim| claim.fence == fence);
    claim.is_some_and(|claim| left_of(record, claim, (unchanged, clocked), now).is_some())
}

/// How much longer a claim lasts; `None` if it is over. However wrong a clock is, that is no longer
/// than the claim was taken for.
fn left_of(
    record: &TaskRecord,
    claim: &Claim,
    (unchanged, clocked): (bool, bool),
    now: Timestamp,
) -> Option<Duration> {
    let until = record.until.unwrap_or(Timestamp::ZERO);
    if !clocked {
        return (!unchanged).then_some(claim.lease);
    }
    let over = unchanged || until <= now;
    (!over).then(|| until.since(now).min(claim.lease))
}

/// Whether the dead letter may not have been sent: the message may be all that there is of it.
fn owes_dead_letter(life: &Life) -> bool {
    life.outbox.as_ref().is_some_and(|outbox| outbox.dead_letter.is_some())
}

fn is_redriven(life: &Life, ask: &Ask) -> bool {
    let died = life.ending.as_ref().is_some_and(|ending| ending.how == How::Dead);
    died && life.generation.checked_add(1) == Some(ask.generation)
}

fn run(record: &TaskRecord, ask: &Ask, now: Timestamp) -> Claimed {
    let mut life = Life::clone(&record.life);
    life.generation = life.generation.max(ask.generation);
    life.end_attempt(now, vec![CUT_OFF.to_owned()]);
    take(record, life, ask, now)
}

/// A new generation: attempts are counted anew. How it ended before is shown until it ends again;
/// what was still to be sent of that is obsolete.
fn run_again(record: &TaskRecord, ask: &Ask, now: Timestamp) -> Claimed {
    let mut life = Life::clone(&record.life);
    life.generation = ask.generation;
    life.attempts_made = 0;
    (life.progress, life.cancel, life.unknown, life.outbox) = (None, None, None, None);
    take(record, life, ask, now)
}

fn take(record: &TaskRecord, mut life: Life, ask: &Ask, now: Timestamp) -> Claimed {
    life.begin_attempt(&ask.worker, now);
    let fence = record.version + 1;
    let Ask { lease, worker, token, .. } = ask.clone();
    life.phase = Phase::Running(Claim { fence, lease, worker, token });
    let keep = When::In(MESSAGES_KEPT);
    let until = Some(When::In(ask.lease));
    let wake = ask.watch.map(|watch| When::In(ask.lease + watch));
    // A claim that is lost with the host is nobody's: whoever held it went too. But where the run before may have
    // taken the host down, or somebody has to look for a message that SQS may take, it has to be known.
    let is_ordinary = !ask.received_before && ask.watch.is_none();
    let survives = if is_ordinary { Survives::Kill } else { Survives::PowerCut };
    Claimed::Run(Box::new(Next { until, wake, keep, survives, ..record.becomes(life) }))
}

/// The claim lasts for `lease` from now on. Whoever is to look for the task's message does so as long
/// after its end as before.
///
/// # Errors
///
/// The claim is no longer the holder's.
pub fn extended(record: &TaskRecord, fence: u64, lease: Duration) -> Result<Next, Refusal> {
    let mut life = held(record, fence)?;
    if let Phase::Running(claim) = &mut life.phase {
        claim.lease = lease;
    }
    let watch = record.wake.zip(record.until).map(|(wake, until)| wake.since(until));
    let wake = watch.map(|watch| When::In(lease + watch));
    let (until, survives) = (Some(When::In(lease)), Survives::Kill);
    Ok(Next { until, wake, survives, ..record.becomes(life) })
}

/// The run is over and did not end the task; it counts as an attempt, which failed for `error`. The
/// task's message is looked for after `watch`, if it may be dead-lettered by then.
///
/// # Errors
///
/// The claim is no longer the holder's.
pub fn retried(
    record: &TaskRecord,
    fence: u64,
    error: Vec<String>,
    watch: Option<Duration>,
    now: Timestamp,
) -> Result<Next, Refusal> {
    let mut life = held(record, fence)?;
    life.end_attempt(now, error);
    life.unknown = None;
    life.phase = Phase::Waiting;
    Ok(Next { wake: watch.map(When::In), ..record.becomes(life) })
}

/// The run is over as if it had not begun: no attempt counts. `unknown` says that the worker could
/// not read the task; `watch` is as of [`retried`].
///
/// # Errors
///
/// The claim is no longer the holder's.
pub fn released(
    record: &TaskRecord,
    fence: u64,
    unknown: bool,
    watch: Option<Duration>,
    now: Timestamp,
) -> Result<Next, Refusal> {
    let mut life = held(record, fence)?;
    life.take_back_attempt();
    life.phase = Phase::Waiting;
    if unknown {
        let before = life.unknown.unwrap_or(Unknown { since: now, times: 0 });
        life.unknown = Some(Unknown { times: before.times + 1, ..before });
    }
    Ok(Next { wake: watch.map(When::In), ..record.becomes(life) })
}

/// The life of a task whose claim is still the holder's.
pub(super) fn held(record: &TaskRecord, fence: u64) -> Result<Life, Refusal> {
    match &record.life.phase {
        Phase::Running(claim) if claim.fence == fence => Ok(Life::clone(&record.life)),
        Phase::Ended | Phase::Expired => Err(Refusal::Ended),
        Phase::Running(_) | Phase::Pending | Phase::Waiting | Phase::Hidden => {
            Err(Refusal::Overtaken)
        }
    }
}
