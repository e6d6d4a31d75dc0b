//! The limits of SQS, each in one place.
//!
//! Source: the SQS developer guide, "Message quotas" and "Queue quotas", as of late 2026.

use std::time::Duration;

/// Bytes in a queue's name, the `.fifo` suffix included.
pub const QUEUE_NAME_BYTES_MAX: usize = 80;
/// Bytes of body and message attributes together; also the sum over the entries of a batch.
pub const MESSAGE_BYTES_MAX: u32 = 1_048_576;
/// The least that a queue's `MaximumMessageSize` can be set to.
pub const MESSAGE_BYTES_MAX_MIN: u32 = 1024;
/// Entries of a batch request.
pub const BATCH_ENTRIES_MAX: usize = 10;
/// Letters of a batch entry's id.
pub const BATCH_ENTRY_ID_BYTES_MAX: usize = 80;
/// Messages of one receive.
pub const RECEIVE_COUNT_MAX: usize = 10;
/// How long a receive can wait.
pub const RECEIVE_WAIT_MAX: Duration = Duration::from_secs(20);
/// How long a message can stay in flight, over all changes of its visibility.
pub const VISIBILITY_TIMEOUT_MAX: Duration = Duration::from_secs(43_200);
/// How long a send can be delayed.
pub const DELAY_MAX: Duration = Duration::from_secs(900);
/// The least time that a queue can keep a message.
pub const RETENTION_MIN: Duration = Duration::from_secs(60);
/// The longest time that a queue can keep a message.
pub const RETENTION_MAX: Duration = Duration::from_secs(1_209_600);
/// Message attributes of a message.
pub const MESSAGE_ATTRIBUTES_MAX: usize = 10;
/// Letters of a message attribute's name, and of its data type.
pub const ATTRIBUTE_NAME_CHARS_MAX: usize = 256;
/// Messages of a queue that can be in flight at once.
pub const IN_FLIGHT_MAX: usize = 120_000;
/// How long a FIFO queue knows the deduplication id of a message, from its send on.
pub const DEDUPLICATION_WINDOW: Duration = Duration::from_secs(300);
/// How long a receive of a FIFO queue can be repeated under its attempt id.
pub const RECEIVE_ATTEMPT_VALID: Duration = Duration::from_secs(300);
/// The range of `maxReceiveCount` in a redrive policy.
pub const RECEIVE_COUNT_BEFORE_DEAD_LETTER: std::ops::RangeInclusive<u32> = 1..=1000;
/// Bytes of an access policy.
pub const POLICY_BYTES_MAX: usize = 8192;
/// Statements of an access policy.
pub const POLICY_STATEMENTS_MAX: usize = 20;
/// Principals that an access policy names, over all its statements.
pub const POLICY_PRINCIPALS_MAX: usize = 50;
/// Conditions of an access policy, over all its statements.
pub const POLICY_CONDITIONS_MAX: usize = 10;
/// Actions of one permission.
pub const PERMISSION_ACTIONS_MAX: usize = 7;
/// Letters of a permission's label.
pub const PERMISSION_LABEL_BYTES_MAX: usize = 80;
/// Tags of a queue.
pub const TAGS_MAX: usize = 50;
/// Letters of a tag's key.
pub const TAG_KEY_CHARS_MAX: usize = 128;
/// Letters of a tag's value.
pub const TAG_VALUE_CHARS_MAX: usize = 256;
/// Messages that a move task can be told to move in a second.
pub const MOVE_RATE: std::ops::RangeInclusive<u32> = 1..=500;
/// Move tasks of an account in a region that can run at once.
pub const MOVE_TASKS_RUNNING_MAX: usize = 100;
/// Move tasks of a queue that are listed, the one that runs among them.
pub const MOVE_TASKS_LISTED_MAX: usize = 10;
/// How long a move task can run.
pub const MOVE_TASK_DURATION_MAX: Duration = Duration::from_secs(36 * 3600);
