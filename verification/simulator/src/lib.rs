//! The simulator: the real broker and its real store, from one seed and on one thread, over a disk, a clock and clients
//! that fail. Time is virtual.
//!
//! ```text
//! clients ─▶ broker (core, ledger, timers, mover, checkpointer) ─▶ store (writer, allocator, recovery) ─▶ disk
//!    │          ▲ killed, stopped, started      └── steps are made by hand ──┘      │ fails, tears, forgets, is full
//!    └─▶ book: could that be? ◀──────────── nemesis: faults by the plan ────────────┘ others act within its calls
//! ```
//!
//! A storm of faults is followed by calm weather, in which everything must come to its end. What must hold, is
//! [`Invariant`], by the numbers of the project's list; it is judged by what clients were told (`checks`), and by
//! comparing what a broker held when it stopped with what a replay makes (`nemesis::orderly`).
//!
//! # Reading order
//!
//! `schedule` (storm and calm) → `plan` (what is drawn once) → `clients`, `sending`, `receiving` (what is asked) →
//! `machine` (start, crash, the steps of the store) → `nemesis` (what goes wrong) → `calm` → `history`, `book`, `checks`
//! (what may be) → `mutant`, `wrong` (ways to be wrong, that show that all of it notices).
//!
//! # Invariants
//!
//! - The same seed plays the same schedule, to the last call.
//! - No rule of the broker's is used to judge it: the book knows what clients were told, and what the mode promises.

mod book;
mod calm;
mod checks;
mod clients;
mod clock;
mod disk;
mod draw;
mod history;
mod invariant;
mod machine;
mod many;
mod mutant;
mod nemesis;
mod plan;
mod receiving;
mod schedule;
mod seen;
mod sending;
mod stage;
mod wrong;

pub use invariant::Invariant;
pub use many::{Broken, Played, schedule, schedules};
pub use mutant::Mutant;
pub use seen::Seen;
