//! A queue's full name: `arn:aws:sqs:<region>:<account>:<name>`.

use std::fmt;

use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::{AccountId, QueueName, Region};

/// What tells a queue from every other: its region, its account and its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct QueueArn {
    /// Where the queue is.
    #[n(0)]
    pub region: Region,
    /// Whose the queue is.
    #[n(1)]
    pub account: AccountId,
    /// What the queue is called there.
    #[n(2)]
    pub name: QueueName,
}

/// Why a text is not a queue's ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum QueueArnError {
    /// Not six parts that begin with `arn:`.
    #[error("not an ARN: an ARN is arn:aws:sqs:<region>:<account>:<name>")]
    NotAnArn,
    /// An ARN of another service, or with a part that no queue can have.
    #[error("not the ARN of an SQS queue: that is arn:aws:sqs:<region>:<account>:<name>")]
    NotAQueue,
}

impl QueueArn {
    /// Parses an ARN.
    pub fn parse(text: &str) -> Result<Self, QueueArnError> {
        let parts: Vec<&str> = text.split(':').collect();
        let ["arn", partition, service, region, account, name] = parts[..] else {
            return Err(QueueArnError::NotAnArn);
        };
        if service != "sqs" || !partition.starts_with("aws") {
            return Err(QueueArnError::NotAQueue);
        }
        Ok(Self {
            region: Region::parse(region).map_err(|_| QueueArnError::NotAQueue)?,
            account: AccountId::parse(account).map_err(|_| QueueArnError::NotAQueue)?,
            name: QueueName::parse(name).map_err(|_| QueueArnError::NotAQueue)?,
        })
    }
}

impl fmt::Display for QueueArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:aws:sqs:{}:{}:{}", self.region, self.account, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_reads_back_as_it_was_written() {
        let text = "arn:aws:sqs:eu-west-1:123456789012:jobs-dlq";
        assert_eq!(QueueArn::parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn an_arn_of_another_service_is_told_from_no_arn_at_all() {
        let topic = "arn:aws:sns:eu-west-1:123456789012:news";
        assert_eq!(QueueArn::parse(topic), Err(QueueArnError::NotAQueue));
        assert_eq!(QueueArn::parse("dummy"), Err(QueueArnError::NotAnArn));
    }
}
