//! What one SQS queue does, and which queues there are: no clock, no disk, no network.
//!
//! A [`Queue`] is a plain value. A method such as [`Queue::receive`] is handed the request and the
//! time, and *decides*: it returns the [`Event`] that would carry the request out, or a
//! [`Refusal`] that says why not. Nothing has changed yet. The caller records the event and then
//! passes it to [`Queue::apply`], which changes the queue. Delays, leases and retention end by
//! themselves as time passes: [`Queue::advance`] moves what is due. [`Catalog`] does the same for
//! the question of which queues exist. What either holds can be told piece by piece, as of one moment,
//! while it goes on changing (`snapshot`): a checkpoint is made of that.
//!
//! ```
//! use longshore_engine::{MessageKey, Queue, QueueId, Receive, Send};
//! use longshore_types::{MessageId, Settings, Timestamp};
//!
//! let mut queue = Queue::new(QueueId::new(1), Settings::default());
//! let now = Timestamp::from_millis(1_000);
//! let message = Send {
//!     key: MessageKey::new(1),
//!     id: MessageId::from_random([7; 16]),
//!     bytes: 2,
//!     delay: None,
//!     group: None,
//! };
//! let sent = queue.send(message, now);
//! queue.apply(&sent, now);
//!
//! let request = Receive { count_max: 10, visibility: None, dead_letter_target_exists: false };
//! let received = queue.receive(request, now)?.event.expect("a message is available");
//! queue.apply(&received, now);
//! assert_eq!(queue.counts().in_flight, 1);
//! # Ok::<(), longshore_engine::Refusal>(())
//! ```
//!
//! # Invariants
//!
//! - The same events at the same times make the same state: `apply` refuses nothing, and nothing
//!   here reads a clock, draws a random number or iterates in an order that varies.
//! - A message is delayed, available or in flight: one of the three, never two.
//! - Bodies are not kept here. A [`MessageKey`] stands for a message, and whoever keeps the bodies
//!   is told which keys are no longer needed.

pub mod catalog;
pub mod event;
pub mod message;
pub mod moves;
pub mod queue;
pub mod receipt;
pub mod refusal;

mod apply;
mod chunks;
mod decide;
mod fair;
mod fifo;
mod group;
mod index;
mod lapse;
mod messages;
mod peek;
mod snapshot;
mod upheld;
mod walked;

pub use catalog::{
    Catalog, CatalogEvent, CatalogPart, CatalogRefusal, DELETED_REMEMBERED, QueueEntry, Secret,
};
pub use decide::move_task::{MoveStep, Moving};
pub use decide::receive::{MOVES_MAX, Receive, ReceiveDecision};
pub use decide::repeat::Repeat;
pub use decide::send::Send;
pub use decide::send_fifo::{FifoMessage, FifoSend};
pub use event::Event;
pub use fair::Fairness;
pub use fifo::deduplication::{DeduplicationScope, Original};
pub use fifo::sequence::SequenceNumber;
pub use lapse::Lapses;
pub use message::{Delivery, Message, MessageKey, Redriven};
pub use moves::{MoveDestination, MoveFailure, MoveOutcome, MoveRefusal, MoveStart, MoveTask};
pub use peek::Peek;
pub use queue::{Counts, Queue, QueueId, QueueKind};
pub use receipt::Receipt;
pub use refusal::Refusal;
pub use snapshot::{QueueHead, QueuePart};
