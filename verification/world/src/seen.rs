//! What came to pass in schedules, in numbers: that nothing broke says little where nothing happened.

/// How often things came to pass: whoever runs schedules says what they want to have seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Schedules.
    pub schedules: u64,
    /// Tasks that came to their queue.
    pub tasks: u64,
    /// Runs of handlers.
    pub runs: u64,
    /// Tasks that were done.
    pub completed: u64,
    /// Tasks that were given up.
    pub failed: u64,
    /// Tasks that the queue took, since faults had used up the receives of their messages.
    pub worn_out: u64,
    /// Programs that were killed.
    pub kills: u64,
    /// Workers that were drained.
    pub drains: u64,
    /// Callers that waited, and heard.
    pub answered: u64,
    /// Faults of queues.
    pub faults: u64,
    /// Messages of programs that are none of ours.
    pub strangers: u64,
    /// Batches of several tasks.
    pub batches: u64,
    /// Tasks whose end was asked for.
    pub cancelled: u64,
    /// Tasks that were redriven.
    pub redriven: u64,
    /// Pauses of the queue.
    pub pauses: u64,
    /// Orders to run fewer tasks at once.
    pub narrowings: u64,
    /// Calls of a store that hung.
    pub hangs: u64,
}

impl Seen {
    /// Adds what others have seen.
    pub fn add(&mut self, other: &Self) {
        self.schedules += other.schedules;
        self.tasks += other.tasks;
        self.runs += other.runs;
        self.completed += other.completed;
        self.failed += other.failed;
        self.worn_out += other.worn_out;
        self.kills += other.kills;
        self.drains += other.drains;
        self.answered += other.answered;
        self.faults += other.faults;
        self.strangers += other.strangers;
        self.batches += other.batches;
        self.cancelled += other.cancelled;
        self.redriven += other.redriven;
        self.pauses += other.pauses;
        self.narrowings += other.narrowings;
        self.hangs += other.hangs;
    }
}
