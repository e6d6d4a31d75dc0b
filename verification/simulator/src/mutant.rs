//! Ways to be wrong, each of which the schedules must find out: M1 to M12 of the list of seeded faults, and some more.
//!
//! None of them is in the broker: what a wrong broker or store would do is done in its place by what stands around it,
//! a disk that lies (`disk.rs`), a clock (`clock.rs`), or who carries its clients' requests (`wrong.rs`).

/// A way to be wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mutant {
    /// None.
    #[default]
    None,
    /// M1: an answer leaves before its record is synced.
    AnswersBeforeTheSync,
    /// M2: the directory is not synced.
    SkipsDirectorySyncs,
    /// M3: a receipt handle is the same after a power cut took the first one back.
    ForgetsEpochs,
    /// M4: a checkpoint has no deduplication ids.
    ForgetsDeduplication,
    /// M5: a message is sent to its dead-letter queue, and then deleted.
    MovesInTwoSteps,
    /// M6: a record counts though its checksum is wrong.
    AcceptsTornRecords,
    /// M7: damage counts as the torn end of the log.
    CutsDamage,
    /// M8: leases go by the wall clock.
    LeasesByTheWallClock,
    /// M9: a group is open after a start, though one of its messages is leased.
    UnlocksGroupsAtStarts,
    /// M11: a sync that failed is tried again.
    RetriesSyncs,
    /// M12: who waits for a message is not woken by it.
    ForgetsToWake,
    /// A checkpoint is named before it is on the disk.
    NamesCheckpointsEarly,
    /// A segment is used again before the manifest without it is on the disk.
    ReusesSegmentsEarly,
}

impl Mutant {
    /// Every way to be wrong.
    pub const WRONG: [Self; 13] = [
        Self::AnswersBeforeTheSync,
        Self::SkipsDirectorySyncs,
        Self::ForgetsEpochs,
        Self::ForgetsDeduplication,
        Self::MovesInTwoSteps,
        Self::AcceptsTornRecords,
        Self::CutsDamage,
        Self::LeasesByTheWallClock,
        Self::UnlocksGroupsAtStarts,
        Self::RetriesSyncs,
        Self::ForgetsToWake,
        Self::NamesCheckpointsEarly,
        Self::ReusesSegmentsEarly,
    ];

    /// The mutant of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::WRONG.into_iter().find(|mutant| format!("{mutant:?}") == name)
    }
}
