//! `CancelMessageMoveTask`: the task stops where it is.
//!
//! Moves and a cancel never happen at the same time, so a task is cancelled at once, and the count
//! that is answered is its last: the state between, `CANCELLING`, is never seen.

use longshore_engine::MoveRefusal;
use longshore_wire::{CancelMessageMoveTask, CancelMessageMoveTaskReply, SqsError};

use super::task_handle::TaskHandle;
use crate::core::{Operation, Turn};
use crate::log::Room;

impl Operation for CancelMessageMoveTask {
    type Reply = CancelMessageMoveTaskReply;

    fn room(&self) -> Room {
        Room::keep()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<CancelMessageMoveTaskReply, SqsError> {
        let handle =
            TaskHandle::parse(&self.task_handle).ok_or_else(SqsError::invalid_task_handle)?;
        let source = turn.resolve_arn(&handle.source.to_string(), "SourceArn")?;
        let cancelled = turn.queue(source)?.cancel_move(handle.task);
        turn.commit(source, cancelled.map_err(refused)?)?;
        let mut tasks = turn.queue(source)?.move_tasks();
        let task = tasks.find(|task| task.id == handle.task);
        let moved = task.map_or(0, |task| task.moved);
        Ok(CancelMessageMoveTaskReply { approximate_number_of_messages_moved: moved })
    }
}

fn refused(refusal: MoveRefusal) -> SqsError {
    match refusal {
        MoveRefusal::Unknown { .. } => SqsError::no_move_task(),
        MoveRefusal::Ended { .. } => SqsError::move_task_ended(),
        MoveRefusal::Running => SqsError::move_task_running(),
    }
}
