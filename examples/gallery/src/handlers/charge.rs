//! Charges an owner: an effect that must happen once, though a task can run twice.

use longshore::{Context, Failure, State};

use crate::Gallery;
use crate::tasks::{Balance, Charge};

/// Books the charge under the task's id. A worker can die after the booking and before it has said so; the next
/// attempt then finds the row, and books nothing.
pub(crate) fn charge(
    task: Charge,
    State(gallery): State<Gallery>,
    ctx: Context,
) -> Result<Balance, Failure> {
    let cents = gallery.library.charge(ctx.task_id(), &task.owner, task.cents, &task.what)?;
    Ok(Balance { cents })
}
