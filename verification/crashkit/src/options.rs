//! What is typed: `cargo xtask crash --help` shows it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What to do to the broker, for how long, and by which seed.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// How long to go on, all parts together. Each part plays one round at least
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub seconds: u64,
    /// Draws everything that can be drawn: round n has the seed plus n. A finding names its own [default: a fresh one, which is printed]
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// One part instead of all
    #[arg(long, value_name = "PART")]
    pub only: Option<Part>,
    /// The program to try: `longshore`, or an application's own [default: `longshore`, built for it]
    #[arg(long, value_name = "FILE")]
    pub binary: Option<PathBuf>,
}

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// SIGKILL at any moment, also while the broker recovers, and orderly stops
    Kills,
    /// SIGKILL, EIO or ENOSPC at one exact call of the store, as a traced run has shown them (needs strace)
    Syscalls,
    /// The power goes: what ext4 had on its disk at one moment is all there is (needs root, btrfs, loop devices and strace)
    Power,
    /// The disk is full, and has room again (needs root)
    Disk,
    /// The clock is wrong at a start, and jumps while the broker runs (needs libfaketime)
    Clock,
}

impl Part {
    /// All of them, in the order in which they are played.
    pub(crate) const ALL: [Self; 5] =
        [Self::Kills, Self::Syscalls, Self::Power, Self::Disk, Self::Clock];

    /// Its name, as it is typed.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Kills => "kills",
            Self::Syscalls => "syscalls",
            Self::Power => "power",
            Self::Disk => "disk",
            Self::Clock => "clock",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_typed_by_its_name() {
        for part in Part::ALL {
            assert_eq!(Part::from_str(part.name(), false), Ok(part));
        }
    }
}
