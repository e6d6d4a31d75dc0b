//! `GetQueueAttributes`: what a queue is set to, and how much it holds.

use std::collections::BTreeMap;

use longshore_types::AttributeName;
use serde::{Deserialize, Serialize};

use super::{Input, read, require, write};
use crate::{Request, SqsError};

/// Asks for attributes of a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct GetQueueAttributes {
    /// The queue's URL, or its bare name.
    #[serde(deserialize_with = "read::text")]
    pub queue_url: String,
    /// Names of attributes, or `All`. Without a name, no attribute is answered.
    #[serde(deserialize_with = "read::texts")]
    pub attribute_names: Vec<String>,
}

impl Input for GetQueueAttributes {
    fn into_request(self) -> Result<Request, SqsError> {
        require(&self.queue_url, "QueueUrl")?;
        Ok(self.into())
    }
}

/// The attributes that were asked for and are set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetQueueAttributesReply {
    /// Values by name; numbers and booleans are text too.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "write::named")]
    pub attributes: BTreeMap<AttributeName, String>,
}
