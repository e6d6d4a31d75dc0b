//! `CreateQueue`: makes a queue, or answers the URL of one that is already as asked.

use std::collections::BTreeMap;

use longshore_engine::{Event, QueueId};
use longshore_types::{AttributeName, QueueArn, QueueName};
use longshore_wire::{CreateQueue, CreateQueueReply, Reply, SqsError, check};

use super::done;
use crate::attribute::{self, Attributes, Checked};
use crate::caller::Caller;
use crate::core::{Operation, Step, Turn};
use crate::queue_url::QueueAddress;

impl Operation for (CreateQueue, Caller) {
    fn run(self, turn: &mut Turn<'_>) -> Result<Step, SqsError> {
        let (input, caller) = self;
        refuse_fifo(&input)?;
        let name = parse_name(&input.queue_name)?;
        check::tags(&input.tags)?;
        let checked = attribute::check(&input.attributes, &Attributes::new())?;
        let arn = turn.arn(QueueAddress { account: None, name });
        match turn.catalog().by_arn(&arn) {
            Some(present) => check_same(turn, present, &checked)?,
            None => create(turn, &arn, checked, input.tags)?,
        }
        let queue_url = caller.queue_url(&arn);
        Ok(done(Reply::CreateQueue(CreateQueueReply { queue_url })))
    }
}

/// FIFO queues are not served: saying so is better than a queue that keeps no order.
fn refuse_fifo(input: &CreateQueue) -> Result<(), SqsError> {
    let fifo = input.attributes.get(AttributeName::FifoQueue.as_str());
    if fifo.is_none_or(|value| !value.eq_ignore_ascii_case("true")) {
        return Ok(());
    }
    if !QueueName::parse(&input.queue_name).is_ok_and(|name| name.is_fifo()) {
        let text = "The name of a FIFO queue can only include alphanumeric characters, hyphens, \
                    or underscores, must end with .fifo suffix and be 1 to 80 in length.";
        return Err(SqsError::InvalidParameterValue(text.to_owned()));
    }
    let text = "This broker serves standard queues: create the queue without FifoQueue.";
    Err(SqsError::UnsupportedOperation(text.to_owned()))
}

fn parse_name(text: &str) -> Result<QueueName, SqsError> {
    QueueName::parse(text).ok().filter(|name| !name.is_fifo()).ok_or_else(|| {
        let text = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 \
                    in length";
        SqsError::InvalidParameterValue(text.to_owned())
    })
}

/// Creating a queue again is no error if all that is asked of it holds now.
fn check_same(turn: &Turn<'_>, present: QueueId, asked: &Checked) -> Result<(), SqsError> {
    let entry = turn.entry(present)?;
    match attribute::first_difference(asked, &entry.attributes) {
        Some(name) => Err(SqsError::QueueNameExists(name.to_string())),
        None => Ok(()),
    }
}

fn create(
    turn: &mut Turn<'_>,
    arn: &QueueArn,
    checked: Checked,
    tags: BTreeMap<String, String>,
) -> Result<(), SqsError> {
    if turn.rules().strict && turn.catalog().deleted_at(arn).is_some() {
        return Err(SqsError::QueueDeletedRecently);
    }
    let attributes: Attributes =
        checked.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    check_redrive(turn, arn, attributes.get(&AttributeName::RedrivePolicy))?;
    let settings = attribute::settings(&attributes);
    let (id, event) = turn.decide_create(arn.clone(), attributes, tags)?;
    turn.commit_catalog(event, Some((id, Event::SettingsChanged { settings })))
}

/// Checks a redrive policy, if there is one, against its target.
pub(super) fn check_redrive(
    turn: &Turn<'_>,
    arn: &QueueArn,
    policy: Option<&String>,
) -> Result<(), SqsError> {
    let Some(policy) = policy else { return Ok(()) };
    let catalog = turn.catalog();
    attribute::check_target(policy, arn, |target| {
        catalog.by_arn(target).and_then(|id| catalog.get(id)).map(|entry| &entry.attributes)
    })
}
