//! The world: the real runtime (client, workers, replies) over queues of the broker's engine and a store in memory,
//! with everything around it that fails: calls, entries, answers, receipts, stores, programs, clocks. Time is
//! virtual, there is one thread, and everything random follows from a seed, so that a schedule that breaks an
//! invariant breaks it again.
//!
//! ```text
//! handlers ◀─ worker ─┐                 ┌─ lies of a mutant
//!                     ├─ program ─▶ what it asks is noted ─▶ faults ─▶ queues (engine) ─┐
//!             app ────┘    │ killed between any two calls                               ├─▶ book: could that be?
//!                          └────────────▶ faults ─▶ store in memory ────────────────────┘
//! ```
//!
//! # Invariants that are asserted
//!
//! - Nothing lost: each task that came to its queue ends, and a message is deleted only after that.
//! - Effects once: a task ends once, no claim is taken over before its end, and no two runs of a task overlap.
//! - Each end reaches its caller, by the way that the task says, and a dead task its dead-letter queue. The sender of a
//!   message without our attributes is replied to by a message, whatever the task says.
//! - A task that was redriven runs again, and ends again.
//! - The tasks of a FIFO group run one after the other, in their order.
//! - No more tasks of a kind and key run at once than may, and none before its delay is over.
//! - Each task of a batch comes to its own end.
//! - A run whose end somebody asked for is over within three seconds, nothing is received of a paused queue
//!   after as long, and no more tasks begin at once than was ordered, where the store answers.
//! - Drained and snoozed runs are no attempts.
//! - Nothing is deleted or handed back after its lease has ended, or renewed after it was handed back.
//! - A store that hangs costs no lease.
//! - A drain is over within its bound, and leaves nothing held where nothing fails.
//! - No poller is silent beyond its bound.
//! - Requests stay within what `docs/cost.md` says, where nothing fails.
//!
//! What faults may cost is drawn too: a queue that grants few receives loses a task whose deliveries are lost on
//! their way, which no worker can help; see [`Seen::worn_out`].

mod accounts;
mod book;
mod cast;
mod chore;
mod handlers;
mod kept;
mod many;
mod mortal_store;
mod mutant;
mod observed;
mod plan;
mod program;
mod purposes;
mod queues;
mod schedule;
mod seen;
mod sending;
mod store_layer;
mod time;
mod transport_layer;
mod wrong_store;
mod wrong_transport;

pub use many::{Broken, Played, hush_scripted_panics, schedule, schedules};
pub use mutant::Mutant;
pub use seen::Seen;
