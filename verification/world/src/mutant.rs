//! Ways to be wrong, each of which the schedules must find out.
//!
//! None of them is in the runtime: what a wrong runtime would do to its queues and to its store is done in its
//! place by what stands between them. A batch that counts a failed entry as done, for one, is a transport that
//! says so of it.

/// A way to be wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mutant {
    /// None.
    #[default]
    None,
    /// An entry of a batch that failed counts as done.
    CountsFailedEntriesAsDone,
    /// A heartbeat is not awaited: its call is carried out after its message was handed back.
    DoesNotAwaitTheHeartbeat,
    /// Leases are not renewed, and count as renewed.
    DoesNotRenew,
    /// The lease on a message is not known to be lost: it is spent long after.
    SpendsLostLeases,
    /// A drain forgets the deletes that wait for company.
    DrainForgetsTheBuffer,
    /// A drain does not begin when it is asked for.
    DrainsLate,
    /// A message is deleted when it is received.
    DeletesOnReceive,
    /// A message is deleted without its task's end being kept.
    ForgetsTheEnd,
    /// Replies wait in memory, and are gone with the program.
    BuffersReplies,
    /// What is owed is never looked for.
    ForgetsTheOutbox,
    /// Whoever writes last wins: two workers hold one task.
    IgnoresVersions,
    /// A claim lasts a third as long as it says.
    CutsClaimsShort,
    /// The messages of a group are run side by side.
    ForgetsGroups,
    /// The queue is asked again at once, without waiting for messages.
    PollsWithoutWaiting,
    /// The queue is looked up for each message.
    ResolvesForEachSend,
    /// After some receives none is made.
    StopsPolling,
    /// What is throttled is asked for until it is done, also after the lease has ended.
    IgnoresDeadlines,
    /// While a call of the store hangs, no lease is renewed.
    WaitsForTheStore,
    /// A task without an id of ours is not replied to.
    ForgetsStrangers,
    /// The results of a batch go to each other's tasks.
    MixesUpBatches,
    /// Whoever runs a task does not see that somebody asked for its end.
    IgnoresCancels,
    /// A task that was redriven counts as a duplicate.
    ForgetsGenerations,
    /// As many tasks of a key run as come.
    IgnoresKeyLimits,
    /// Tasks are sent without the delay that was asked for.
    ForgetsDelays,
    /// A paused queue is received from.
    IgnoresPauses,
    /// As many tasks run as the worker was started with, whatever was ordered since.
    IgnoresOrders,
    /// A run that was snoozed or handed back counts as an attempt.
    CountsEveryRun,
}

impl Mutant {
    /// Every way to be wrong.
    pub const WRONG: [Self; 27] = [
        Self::CountsFailedEntriesAsDone,
        Self::DoesNotAwaitTheHeartbeat,
        Self::DoesNotRenew,
        Self::SpendsLostLeases,
        Self::DrainForgetsTheBuffer,
        Self::DrainsLate,
        Self::DeletesOnReceive,
        Self::ForgetsTheEnd,
        Self::BuffersReplies,
        Self::ForgetsTheOutbox,
        Self::IgnoresVersions,
        Self::CutsClaimsShort,
        Self::ForgetsGroups,
        Self::PollsWithoutWaiting,
        Self::ResolvesForEachSend,
        Self::StopsPolling,
        Self::IgnoresDeadlines,
        Self::WaitsForTheStore,
        Self::ForgetsStrangers,
        Self::MixesUpBatches,
        Self::IgnoresCancels,
        Self::ForgetsGenerations,
        Self::IgnoresKeyLimits,
        Self::ForgetsDelays,
        Self::IgnoresPauses,
        Self::IgnoresOrders,
        Self::CountsEveryRun,
    ];

    /// The mutant of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::WRONG.into_iter().find(|mutant| format!("{mutant:?}") == name)
    }
}
