//! What a schedule is like: everything that can be drawn once, drawn from its seed.
//!
//! A rate may be 0: what does not happen leaves room for what does.

use std::time::Duration;

use crate::draw::Draw;

/// How a broker keeps its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// An answer waits for a sync.
    Durable,
    /// An answer waits for a write; syncs come so often.
    Relaxed(Duration),
}

/// A queue.
#[derive(Clone, Debug)]
pub(crate) struct QueuePlan {
    pub(crate) name: &'static str,
    /// Where messages go that were received so often.
    pub(crate) dead_letters: Option<(usize, u64)>,
    /// Seconds.
    pub(crate) visibility: u64,
    /// Seconds.
    pub(crate) delay: u64,
}

impl QueuePlan {
    pub(crate) fn is_fifo(&self) -> bool {
        // No other name has a full stop.
        self.name.contains('.')
    }
}

/// Where standard messages go.
pub(crate) const STANDARD: usize = 0;
/// Where ordered ones go.
pub(crate) const ORDERED: usize = 1;
/// The dead-letter queue of the first.
pub(crate) const DEAD: usize = 2;
/// The dead-letter queue of the second.
pub(crate) const DEAD_ORDERED: usize = 3;
/// One that is deleted and made again.
pub(crate) const BRIEF: usize = 4;

/// How likely each fault is, against the others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Faults {
    pub(crate) kill: u64,
    pub(crate) power_cut: u64,
    /// A crash at one exact call of the disk.
    pub(crate) at_a_call: u64,
    pub(crate) orderly: u64,
    pub(crate) failing_call: u64,
    pub(crate) full: u64,
    pub(crate) short: u64,
    pub(crate) wall_clock: u64,
    pub(crate) damage: u64,
    /// Of a hundred starts, how many have a crash while they open the store.
    pub(crate) in_opening: u64,
}

/// What a schedule is like.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) mode: Mode,
    pub(crate) segment_bytes: u64,
    pub(crate) cache_bytes: usize,
    pub(crate) pending_bytes_max: usize,
    pub(crate) body_bytes_max: u64,
    pub(crate) clients: u64,
    /// The longest pause of a client between two requests.
    pub(crate) pause_max: u64,
    pub(crate) groups: u64,
    pub(crate) queues: [QueuePlan; 5],
    pub(crate) faults: Faults,
    /// Milliseconds between two faults, at most.
    pub(crate) calm_max: u64,
    /// How many faults there are.
    pub(crate) faults_count: u64,
    /// Milliseconds that a step of the disk takes, at most.
    pub(crate) disk_max: u64,
    /// Of a hundred steps, how many take a hundred times as long.
    pub(crate) stalls: u64,
    /// Of a hundred calls of the disk, within how many something else happens.
    pub(crate) meanwhile: u64,
    /// Of a hundred messages that are received, how many are deleted.
    pub(crate) diligence: u64,
    /// Whether tasks move dead letters back.
    pub(crate) moves: bool,
}

impl Plan {
    pub(crate) fn of(seed: u64) -> Self {
        let draw = Draw::new(seed, 1);
        let mode = match draw.within(0..4) {
            0 => Mode::Relaxed(Duration::from_millis(draw.within(10..3000))),
            _ => Mode::Durable,
        };
        Self {
            seed,
            mode,
            segment_bytes: draw.of(&[288, 320, 512, 1024]) << 10,
            cache_bytes: usize::try_from(draw.of(&[0, 20_000, 1_000_000])).unwrap_or(0),
            pending_bytes_max: draw.of(&[100_000, 1 << 20]),
            body_bytes_max: draw.of(&[200, 4_000, 12_000, 12_000]),
            clients: draw.within(1..6),
            pause_max: draw.of(&[60, 300, 1500]),
            groups: draw.within(1..8),
            queues: Self::queues(&draw),
            faults: Faults::of(&draw),
            calm_max: draw.of(&[300, 3000, 12_000]),
            faults_count: draw.within(2..12),
            disk_max: draw.of(&[2, 6, 40]),
            stalls: draw.of(&[0, 0, 1, 4]),
            meanwhile: draw.of(&[0, 2, 10, 30]),
            diligence: draw.of(&[20, 60, 95]),
            moves: draw.chance(30),
        }
    }

    fn queues(draw: &Draw) -> [QueuePlan; 5] {
        let queue = |name, dead_letters| QueuePlan {
            name,
            dead_letters,
            visibility: draw.of(&[1, 5, 30]),
            delay: if draw.chance(20) { draw.within(1..10) } else { 0 },
        };
        let times = |draw: &Draw| draw.within(1..4);
        [
            queue("jobs", draw.chance(60).then(|| (DEAD, times(draw)))),
            queue("orders.fifo", draw.chance(40).then(|| (DEAD_ORDERED, times(draw)))),
            queue("dead", None),
            queue("dead.fifo", None),
            queue("brief", None),
        ]
    }
}

impl Faults {
    fn of(draw: &Draw) -> Self {
        let rate = || draw.of(&[0, 1, 3]);
        Self {
            kill: draw.of(&[1, 3]),
            power_cut: rate() + 1,
            at_a_call: rate(),
            orderly: rate(),
            failing_call: rate(),
            full: rate(),
            short: rate(),
            wall_clock: rate(),
            damage: draw.of(&[0, 0, 1]),
            in_opening: draw.of(&[0, 20, 60]),
        }
    }
}
