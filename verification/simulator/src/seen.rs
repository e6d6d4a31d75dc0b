//! What came to pass in schedules: how often each fault was played.

use std::fmt;

/// What came to pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Schedules that were played to their end.
    pub schedules: u64,
    /// Requests of clients.
    pub requests: u64,
    /// Sends that were acknowledged.
    pub sends: u64,
    /// Deliveries.
    pub deliveries: u64,
    /// Deletes that were acknowledged.
    pub deletes: u64,
    /// Purges that were acknowledged.
    pub purges: u64,
    /// Requests of which nobody knows what came of them.
    pub unknown: u64,
    /// Requests that were made within a call of the disk.
    pub meanwhile: u64,
    /// Starts of the broker.
    pub starts: u64,
    /// Crashes of the process.
    pub kills: u64,
    /// Crashes of the machine.
    pub power_cuts: u64,
    /// Of both, those at one exact call of the disk.
    pub at_a_call: u64,
    /// Of those, within an opening.
    pub in_opening: u64,
    /// Of those, at a call on a checkpoint.
    pub at_checkpoints: u64,
    /// Of those, at a call on the manifest.
    pub at_manifests: u64,
    /// Of those, at a call on the directory.
    pub at_directories: u64,
    /// Stops that were orderly.
    pub orderly: u64,
    /// Replays whose result was compared.
    pub replays: u64,
    /// Writes that failed.
    pub failed_writes: u64,
    /// Syncs that failed.
    pub failed_syncs: u64,
    /// Times when the disk was full.
    pub full: u64,
    /// Requests that were refused for want of room.
    pub refused: u64,
    /// Times when the disk did only parts of what it was asked.
    pub short: u64,
    /// Jumps of the wall clock.
    pub jumps: u64,
    /// Bits that rotted.
    pub rotten: u64,
    /// Of those, such as kept the store from opening.
    pub named: u64,
    /// Checkpoints that were published.
    pub checkpoints: u64,
    /// Milliseconds that passed.
    pub millis: u64,
}

impl Seen {
    /// What came to pass in both.
    pub(crate) fn add(&mut self, other: &Self) {
        let Self {
            schedules,
            requests,
            sends,
            deliveries,
            deletes,
            purges,
            unknown,
            meanwhile,
            starts,
            kills,
            power_cuts,
            at_a_call,
            in_opening,
            at_checkpoints,
            at_manifests,
            at_directories,
            orderly,
            replays,
            failed_writes,
            failed_syncs,
            full,
            refused,
            short,
            jumps,
            rotten,
            named,
            checkpoints,
            millis,
        } = self;
        *schedules += other.schedules;
        *requests += other.requests;
        *sends += other.sends;
        *deliveries += other.deliveries;
        *deletes += other.deletes;
        *purges += other.purges;
        *unknown += other.unknown;
        *meanwhile += other.meanwhile;
        *starts += other.starts;
        *kills += other.kills;
        *power_cuts += other.power_cuts;
        *at_a_call += other.at_a_call;
        *in_opening += other.in_opening;
        *at_checkpoints += other.at_checkpoints;
        *at_manifests += other.at_manifests;
        *at_directories += other.at_directories;
        *orderly += other.orderly;
        *replays += other.replays;
        *failed_writes += other.failed_writes;
        *failed_syncs += other.failed_syncs;
        *full += other.full;
        *refused += other.refused;
        *short += other.short;
        *jumps += other.jumps;
        *rotten += other.rotten;
        *named += other.named;
        *checkpoints += other.checkpoints;
        *millis += other.millis;
    }
}

impl fmt::Display for Seen {
    /// The table of the ledger: the rows of the project's list of faults, and how often each was played.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = [
            ("1", "requests of clients", self.requests),
            ("1", "of those, within a call of the disk", self.meanwhile),
            ("1", "messages acknowledged", self.sends),
            ("1", "deliveries", self.deliveries),
            ("2", "kills of the process", self.kills),
            ("2, 9", "power cuts, with lost, reordered and torn writes", self.power_cuts),
            ("3", "of both, at one exact call of the disk", self.at_a_call),
            ("4", "of those, while the store was opened", self.in_opening),
            ("4", "of those, at a call on a checkpoint", self.at_checkpoints),
            ("4", "of those, at a call on the manifest", self.at_manifests),
            ("4", "of those, at a call on the directory", self.at_directories),
            ("4", "checkpoints published", self.checkpoints),
            ("2", "replays that were compared with what was there", self.replays),
            ("10, 14", "bits that rotted in a closed store", self.rotten),
            ("10, 14", "of those, named when it was opened", self.named),
            ("11", "spells of short reads and writes", self.short),
            ("12", "writes that failed", self.failed_writes),
            ("12", "syncs that failed", self.failed_syncs),
            ("13", "spells of a full disk", self.full),
            ("13", "requests refused for want of room", self.refused),
            ("16", "jumps of the wall clock", self.jumps),
            ("19", "seconds that passed", self.millis / 1000),
        ];
        writeln!(f, "| row | what | how often |\n|---|---|---|")?;
        rows.iter().try_for_each(|(row, what, count)| writeln!(f, "| {row} | {what} | {count} |"))
    }
}
