//! The few calls on queues themselves that reconciling needs, behind one trait.

use std::collections::BTreeMap;
use std::fmt::Debug;

use futures::future::BoxFuture;
use longshore_types::{AttributeName, QueueName};
use thiserror::Error;

/// Attributes to set, by name.
pub(crate) type Attributes = BTreeMap<AttributeName, String>;
/// Tags, by key.
pub(crate) type Tags = BTreeMap<String, String>;

/// An endpoint's queues, as their owner sees them.
///
/// Every call is one request to the endpoint, or two; none is made for each message.
pub trait Admin: Debug + Send + Sync {
    /// The queue of that name, or `None` where there is none.
    fn find<'a>(
        &'a self,
        name: &'a QueueName,
    ) -> BoxFuture<'a, Result<Option<ExistingQueue>, AdminError>>;

    /// Creates a queue.
    fn create<'a>(
        &'a self,
        name: &'a QueueName,
        attributes: &'a Attributes,
        tags: &'a Tags,
    ) -> BoxFuture<'a, Result<(), AdminError>>;

    /// Sets attributes of the queue at `url`; others keep their values.
    fn set_attributes<'a>(
        &'a self,
        url: &'a str,
        attributes: &'a Attributes,
    ) -> BoxFuture<'a, Result<(), AdminError>>;

    /// Sets tags of the queue at `url`; others stay.
    fn tag<'a>(&'a self, url: &'a str, tags: &'a Tags) -> BoxFuture<'a, Result<(), AdminError>>;
}

/// A queue as an endpoint describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExistingQueue {
    /// Where requests about it go.
    pub url: String,
    /// Its attributes, `QueueArn` among them.
    pub attributes: Attributes,
    /// Its tags.
    pub tags: Tags,
}

impl ExistingQueue {
    /// The queue's ARN, as the endpoint says it.
    pub fn arn(&self) -> Option<&str> {
        self.attributes.get(&AttributeName::QueueArn).map(String::as_str)
    }
}

/// Why a call on a queue failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AdminError {
    /// Nobody answered: worth trying again.
    #[error("the endpoint cannot be reached: {0}")]
    Unreachable(String),
    /// The endpoint answered that it will not.
    #[error("{0}")]
    Refused(String),
}
