//! `StartMessageMoveTask`: from here on the core moves the messages of a dead-letter queue.

use longshore_engine::{MoveDestination, MoveStart, QueueId};
use longshore_types::{MoveTaskId, limits};
use longshore_wire::{SqsError, StartMessageMoveTask, StartMessageMoveTaskReply, check};

use super::task_handle::TaskHandle;
use crate::core::{Operation, Turn};
use crate::log::Room;
use crate::runtime::Runtime;

/// A start, prepared.
#[derive(Debug)]
pub(super) struct StartMove {
    input: StartMessageMoveTask,
    id: MoveTaskId,
}

impl StartMove {
    pub(super) fn prepare(input: StartMessageMoveTask, runtime: &Runtime) -> Self {
        Self { input, id: runtime.new_move_task_id() }
    }
}

serve_by!(StartMessageMoveTask, |input, runtime, _| StartMove::prepare(input, runtime));

impl Operation for StartMove {
    type Reply = StartMessageMoveTaskReply;

    fn room(&self) -> Room {
        Room::catalog()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<StartMessageMoveTaskReply, SqsError> {
        let Self { input, id } = self;
        let source = resolve_source(turn, &input.source_arn)?;
        let destination = resolve_destination(turn, source, input.destination_arn.as_deref())?;
        let rate = check::move_rate(input.max_number_of_messages_per_second)?;
        let started = turn.queue(source)?.start_move(MoveStart { id, destination, rate });
        let event = started.map_err(|_running| SqsError::move_task_running())?;
        if turn.running_moves() >= limits::MOVE_TASKS_RUNNING_MAX {
            return Err(SqsError::too_many_move_tasks(limits::MOVE_TASKS_RUNNING_MAX));
        }
        let handle = TaskHandle { task: id, source: turn.entry(source)?.arn.clone() };
        turn.commit_growth(source, event)?;
        let reply = StartMessageMoveTaskReply { task_handle: handle.text() };
        Ok(reply)
    }
}

/// The source, which another queue must dead-letter to.
fn resolve_source(turn: &mut Turn<'_>, arn: &str) -> Result<QueueId, SqsError> {
    let source = turn.resolve_arn(arn, "SourceArn")?;
    let mut sources = turn.catalog().sources_of(&turn.entry(source)?.arn);
    let is_target = sources.any(|entry| entry.id != source);
    if is_target { Ok(source) } else { Err(SqsError::source_is_no_dead_letter_queue()) }
}

fn resolve_destination(
    turn: &mut Turn<'_>,
    source: QueueId,
    arn: Option<&str>,
) -> Result<Option<MoveDestination>, SqsError> {
    let Some(arn) = arn else { return Ok(None) };
    let queue = turn.resolve_arn(arn, "DestinationArn")?;
    if queue == source {
        return Err(SqsError::source_is_destination());
    }
    if turn.queue(queue)?.kind() != turn.queue(source)?.kind() {
        return Err(SqsError::destination_of_another_type());
    }
    Ok(Some(MoveDestination { queue, arn: turn.entry(queue)?.arn.clone() }))
}
