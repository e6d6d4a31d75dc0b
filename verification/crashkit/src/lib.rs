//! The crash kit: the real broker, over HTTP, while its process is killed, its disk fails or fills up, the power goes and
//! the clock is wrong. What clients were told is written down outside the broker, and compared with what it holds after.
//!
//! ```text
//! options, run      what is asked for, for how long, and the table at the end
//!   kills, syscalls, power, disk, clock
//!                   the parts: each a round of faults that a seed draws
//!   tracing, mounts what they need of the system: strace, and file systems of their own
//! site              a store with its broker and its clients
//!   broker          the program: started, killed, stopped, verified
//!   load, sqs, http clients at work, their calls, one connection
//!   book, history   what was asked and answered
//! judge             the promises that a history and a look at the queues show to be broken; pure
//! draw, body, stopwatch
//! ```
//!
//! # Invariants
//!
//! - A seed draws everything that can be drawn; what two threads do at once, and when a disk is done, no seed can.
//! - A fault that cannot be had on a machine is a part that is skipped, with the reason, and never one that passed.
//! - Before a part is believed, a broker that forgets, or a disk that lies, has to be found out by it.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the kit reports to the terminal that it was started from"
)]

mod body;
mod book;
mod broker;
mod clock;
mod disk;
mod draw;
mod history;
mod http;
mod judge;
mod kills;
mod load;
mod mounts;
mod options;
mod power;
mod run;
mod site;
mod sqs;
mod stopwatch;
mod syscalls;
mod tally;
mod tracing;

pub use judge::{Finding, Invariant};
pub use options::{Options, Part};
pub use run::run;
