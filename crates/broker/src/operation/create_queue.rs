//! `CreateQueue`: makes a queue, or answers the URL of one that is already as asked.

use std::collections::BTreeMap;

use longshore_engine::{DELETED_REMEMBERED, Event, QueueId, QueueKind};
use longshore_types::{AttributeName, QueueArn, QueueName};
use longshore_wire::{CreateQueue, CreateQueueReply, SqsError, check};

use crate::attribute::{self, Attributes, Checked};
use crate::caller::Caller;
use crate::core::{Operation, Turn};
use crate::log::Room;
use crate::queue_url::QueueAddress;

serve_by!(CreateQueue, |input, _, caller| (input, caller.clone()));

impl Operation for (CreateQueue, Caller) {
    type Reply = CreateQueueReply;

    fn room(&self) -> Room {
        Room::catalog()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<CreateQueueReply, SqsError> {
        let (input, caller) = self;
        let (name, kind) = parse_name(&input)?;
        check::tags(&input.tags)?;
        let checked = attribute::check_each(&input.attributes, kind).map_err(of_creation)?;
        let arn = turn.arn(QueueAddress { account: None, name });
        match turn.catalog().by_arn(&arn) {
            Some(present) => check_same(turn, present, &checked)?,
            None => create(turn, &arn, check_new(&input, kind)?, input.tags)?,
        }
        let queue_url = caller.queue_url(&arn);
        Ok(CreateQueueReply { queue_url })
    }
}

/// The queue's name, and the kind that the name and `FifoQueue` together ask for.
fn parse_name(input: &CreateQueue) -> Result<(QueueName, QueueKind), SqsError> {
    let asked = input.attributes.get(AttributeName::FifoQueue.as_str());
    let asked_fifo = asked.is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let name = QueueName::parse(&input.queue_name).ok();
    match name.filter(|name| name.is_fifo() == asked_fifo) {
        Some(name) if asked_fifo => Ok((name, QueueKind::Fifo)),
        Some(name) => Ok((name, QueueKind::Standard)),
        None => Err(SqsError::invalid_queue_name(asked_fifo)),
    }
}

/// Only a new queue has nothing beside what is asked: of a present one, a part of what it is may be
/// asked for, which would make no sense on its own.
fn check_new(input: &CreateQueue, kind: QueueKind) -> Result<Checked, SqsError> {
    attribute::check(&input.attributes, &Attributes::new(), kind)
}

/// What is over a limit when attributes are set is an invalid value when a queue is created.
fn of_creation(refused: SqsError) -> SqsError {
    if let SqsError::OverLimit(text) = refused {
        return SqsError::InvalidParameterValue(text);
    }
    refused
}

/// Creating a queue again is no error if all that is asked of it holds now.
fn check_same(turn: &Turn<'_>, present: QueueId, asked: &Checked) -> Result<(), SqsError> {
    let entry = turn.entry(present)?;
    match attribute::first_difference(asked, &entry.attributes) {
        Some(name) => Err(SqsError::QueueNameExists(name.to_string())),
        None => Ok(()),
    }
}

fn deleted_lately(turn: &Turn<'_>, arn: &QueueArn) -> bool {
    let deleted_at = turn.catalog().deleted_at(arn);
    deleted_at.is_some_and(|at| turn.now().since(at) < DELETED_REMEMBERED)
}

fn create(
    turn: &mut Turn<'_>,
    arn: &QueueArn,
    checked: Checked,
    tags: BTreeMap<String, String>,
) -> Result<(), SqsError> {
    if turn.rules().strict && deleted_lately(turn, arn) {
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
