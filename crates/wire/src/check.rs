//! The checks that SQS makes once it has found the queue: pure functions on decoded values.
//!
//! SQS looks up the queue before it looks at ranges, shapes and characters, so decoding leaves
//! all of these to whoever knows the queue. Each function says one rule, or one table of rules in
//! SQS's own order, and answers the exact error.

mod attribute_filter;
mod batch_shape;
mod contents;
mod id;
mod message_attributes;
mod move_task;
mod number;
mod page;
mod range;
mod system_attributes;
mod tags;

pub use attribute_filter::AttributeFilter;
pub use batch_shape::batch_shape;
pub use contents::body;
pub use id::{message_deduplication_id, message_group_id};
pub use message_attributes::message_attributes;
pub use move_task::{move_rate, move_tasks_shown};
pub use page::max_results;
pub use range::{ReceiveLimits, delay, entry_visibility, receive, visibility};
pub use system_attributes::{SystemAttributeNames, system_attribute_names, system_attributes};
pub use tags::{tag_keys, tags};
