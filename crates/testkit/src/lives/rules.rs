//! The rules and habits that lives are lived by: Longshore's own, unless a test swaps one.

use std::fmt::Debug;
use std::time::Duration;

use longshore_tasks::Reply;
use longshore_tasks::life::{self, Ask, Claimed, End, Next, Refusal, TaskRecord, Woken};
use longshore_types::Timestamp;

/// What the lives ask about a record, and what workers and apps are in the habit of doing.
///
/// Every method is what Longshore does. A test that wants to see a wrong rule caught overrides one.
pub trait Rules: Debug + Send + Sync {
    /// What a delivery comes to.
    fn claim(&self, record: &TaskRecord, ask: &Ask, now: Timestamp) -> Claimed {
        life::claim(record, ask, now)
    }

    /// A claim is extended.
    fn extended(&self, record: &TaskRecord, fence: u64, lease: Duration) -> Result<Next, Refusal> {
        life::extended(record, fence, lease)
    }

    /// A run is over, and counts.
    fn retried(
        &self,
        record: &TaskRecord,
        fence: u64,
        watch: Option<Duration>,
        now: Timestamp,
    ) -> Result<Next, Refusal> {
        life::retried(record, fence, vec!["it failed".to_owned()], watch, now)
    }

    /// A run is over, and does not count.
    fn released(
        &self,
        record: &TaskRecord,
        fence: u64,
        watch: Option<Duration>,
        now: Timestamp,
    ) -> Result<Next, Refusal> {
        life::released(record, fence, false, watch, now)
    }

    /// A run ends its task.
    fn ended(
        &self,
        record: &TaskRecord,
        fence: u64,
        end: &End,
        now: Timestamp,
    ) -> Result<Next, Refusal> {
        life::ended(record, fence, end, now)
    }

    /// A reply came over the reply queue.
    fn taken_in(
        &self,
        record: &TaskRecord,
        reply: &Reply,
        retention: Duration,
        now: Timestamp,
    ) -> Option<Next> {
        life::taken_in(record, reply, retention, now)
    }

    /// Somebody wants the task's end.
    fn cancel_asked(
        &self,
        record: &TaskRecord,
        retention: Duration,
        now: Timestamp,
    ) -> Result<Next, Refusal> {
        life::cancel_asked(record, Some(retention), now)
    }

    /// What was due is tried now.
    fn moved_on(&self, record: &TaskRecord, pause: Duration, now: Timestamp) -> Option<Next> {
        life::moved_on(record, pause, now)
    }

    /// What was sent is no longer due.
    fn sent(
        &self,
        record: &TaskRecord,
        generation: u32,
        reply: bool,
        dead_letter: bool,
    ) -> Option<Next> {
        life::sent(record, generation, reply, dead_letter)
    }

    /// A record's time to wake has come.
    fn woken(&self, record: &TaskRecord, now: Timestamp) -> Woken {
        life::woken(record, now)
    }

    /// A task whose message is presumed gone is sent anew now.
    fn resending(
        &self,
        record: &TaskRecord,
        pause: Duration,
        unchanged: bool,
        now: Timestamp,
    ) -> Result<Next, Refusal> {
        life::resending(record, pause, unchanged, now)
    }

    /// It was sent anew.
    fn resent(&self, record: &TaskRecord) -> Next {
        life::resent(record)
    }

    /// A task whose message is presumed gone, and which cannot be sent anew, ends.
    fn given_up(
        &self,
        record: &TaskRecord,
        end: &End,
        unchanged: bool,
        now: Timestamp,
    ) -> Result<Next, Refusal> {
        life::given_up(record, end, unchanged, now)
    }

    /// Whether a task is really sent anew before it is marked so.
    fn sends_anew(&self) -> bool {
        true
    }

    /// Whether replies and dead letters are really sent before they are marked as sent.
    fn sends(&self) -> bool {
        true
    }

    /// Whether a record still bears the end whose reply was sent: another generation's is another.
    fn is_same_end(&self, record: &TaskRecord, generation: u32) -> bool {
        record.life.generation == generation
    }

    /// Whether an app that hid a reply looks once more for the task that it belongs to: its alias
    /// may have come meanwhile.
    fn looks_again(&self) -> bool {
        true
    }
}

/// What Longshore does.
#[derive(Clone, Copy, Debug, Default)]
pub struct LongshoreRules;

impl Rules for LongshoreRules {}
