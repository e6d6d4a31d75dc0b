//! `ListMessageMoveTasks`: the move tasks of a queue, the newest first.

use longshore_engine::{MoveFailure, MoveOutcome, MoveTask};
use longshore_types::{QueueArn, Timestamp};
use longshore_wire::{
    ListMessageMoveTasks, ListMessageMoveTasksReply, ListMessageMoveTasksResultEntry, SqsError,
    check,
};

use super::task_handle::TaskHandle;
use crate::core::{Operation, Turn};
use crate::log::Room;

impl Operation for ListMessageMoveTasks {
    type Reply = ListMessageMoveTasksReply;

    fn room(&self) -> Room {
        Room::none()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<ListMessageMoveTasksReply, SqsError> {
        let source = turn.resolve_arn(&self.source_arn, "SourceArn")?;
        let count = check::move_tasks_shown(self.max_results)?;
        let arn = &turn.entry(source)?.arn;
        let tasks = turn.queue(source)?.move_tasks().take(count);
        let results = tasks.map(|task| entry(task, arn, turn.shown(task.started_at))).collect();
        Ok(ListMessageMoveTasksReply { results })
    }
}

fn entry(
    task: &MoveTask,
    source: &QueueArn,
    started_at: Timestamp,
) -> ListMessageMoveTasksResultEntry {
    let handle = || TaskHandle { task: task.id, source: source.clone() }.text();
    let (status, failure_reason) = status(task.outcome);
    ListMessageMoveTasksResultEntry {
        task_handle: task.outcome.is_none().then(handle),
        status,
        source_arn: source.to_string(),
        destination_arn: task.destination.as_ref().map(|destination| destination.arn.to_string()),
        max_number_of_messages_per_second: task.rate,
        approximate_number_of_messages_moved: task.moved,
        approximate_number_of_messages_to_move: task.to_move,
        failure_reason,
        started_timestamp: started_at.as_millis(),
    }
}

const fn status(outcome: Option<MoveOutcome>) -> (&'static str, Option<&'static str>) {
    match outcome {
        None => ("RUNNING", None),
        Some(MoveOutcome::Completed) => ("COMPLETED", None),
        Some(MoveOutcome::Cancelled) => ("CANCELLED", None),
        Some(MoveOutcome::Failed(failure)) => ("FAILED", Some(reason(failure))),
    }
}

/// Why a task failed, in the words of SQS; of the last one no word of SQS is known.
const fn reason(failure: MoveFailure) -> &'static str {
    match failure {
        MoveFailure::DestinationGone => "AWS.SimpleQueueService.NonExistentQueue",
        MoveFailure::SourceUnknown => "CouldNotDetermineMessageSource",
        MoveFailure::TookTooLong => "TaskTimedOut",
    }
}
