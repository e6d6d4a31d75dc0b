//! The words that every Longshore crate shares: time, names, ids, and the limits of SQS.
//!
//! Nothing here does IO and nothing is asynchronous. A value that exists is valid: names and
//! settings are parsed once, at the edge, and never checked again below it.

pub mod account;
pub mod arn;
pub mod attribute;
pub mod clock;
pub mod declaration;
pub mod duration_text;
pub mod limits;
pub mod message;
pub mod move_task;
pub mod queue_name;
pub mod random;
pub mod settings;
pub mod timestamp;

pub use account::{AccountId, Region};
pub use arn::QueueArn;
pub use attribute::AttributeName;
pub use clock::Clock;
pub use message::{AttributeValue, MessageAttribute, MessageAttributes, MessageId};
pub use move_task::MoveTaskId;
pub use queue_name::QueueName;
pub use random::RandomSource;
pub use settings::{RedrivePolicy, Settings};
pub use timestamp::Timestamp;
