//! What tests of tasks need, for users of Longshore and for Longshore itself.
//!
//! - [`start`]: an application in this process, under a clock that a test moves: [`World`]. Who has tasks
//!   tests them with it.
//! - [`assert_requests!`]: what tasks cost in requests of Amazon SQS.
//! - [`context`]: a context of any attempt, to call a handler by hand.
//! - [`store_suite`]: the suite that every [`Store`](longshore_tasks::Store) must pass. Who writes a
//!   store runs it.
//! - [`FaultyStore`]: a store around another, which fails by script and by chance.
//! - [`FaultyTransport`]: a transport around another, with the faults that SQS has, by a seed; a [`World`] has one
//!   inside, see [`World::faults`].
//! - [`lives`]: random lives of tasks over a store, against a model of what must be true.
//! - [`ManualClock`] and [`Seeded`]: time and chance that a test decides.
//!
//! # Features
//!
//! `world`, on by default, is what an application is tested with. Without it neither the front door nor
//! the broker is built, and the suite of the stores is left.
//!
//! # Invariants
//!
//! - What is random follows from a seed, and a failure names it.
//! - Nothing here is needed to run a task: no other crate depends on this one but for its tests.

mod faulty_store;
mod faulty_transport;
pub mod lives;
mod manual_clock;
mod seeded;
pub mod store_suite;
#[cfg(feature = "world")]
pub mod world;

pub use faulty_store::{Fault, FaultyStore, Odds};
pub use faulty_transport::{FaultKind, Faults, FaultyTransport};
pub use manual_clock::ManualClock;
pub use seeded::Seeded;
#[cfg(feature = "world")]
pub use world::{Answer, DeadLetter, World, context, start, start_with};
