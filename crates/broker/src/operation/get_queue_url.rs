//! `GetQueueUrl`: the URL of a queue, for whoever knows its name.

use longshore_types::{AccountId, QueueName};
use longshore_wire::{GetQueueUrl, GetQueueUrlReply, SqsError};

use crate::caller::Caller;
use crate::core::{Operation, Turn};
use crate::log::Room;
use crate::queue_url::QueueAddress;

serve_by!(GetQueueUrl, |input, _, caller| (input, caller.clone()));

impl Operation for (GetQueueUrl, Caller) {
    type Reply = GetQueueUrlReply;

    fn room(&self) -> Room {
        Room::none()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<GetQueueUrlReply, SqsError> {
        let (input, caller) = self;
        let address = address(&input).ok_or(SqsError::QueueDoesNotExist)?;
        let arn = turn.arn(address);
        turn.permitted(&arn)?;
        let queue_url = caller.queue_url(&arn);
        Ok(GetQueueUrlReply { queue_url })
    }
}

fn address(input: &GetQueueUrl) -> Option<QueueAddress> {
    let name = QueueName::parse(&input.queue_name).ok()?;
    let account = input.queue_owner_aws_account_id.as_deref().map(AccountId::parse);
    Some(QueueAddress { account: account.transpose().ok()?, name })
}
