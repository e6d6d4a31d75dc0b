//! Reminds an owner of an album, once the day has come.

use std::time::Duration;

use longshore::{Context, Failure, State};

use crate::Gallery;
use crate::tasks::Remind;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Writes the mail, or is put off until its day.
///
/// SQS delays a message by 15 minutes and keeps one in flight for 12 hours. So a task that is due in a week is put off
/// a few times; that counts as no attempt, and costs a few requests.
pub(crate) fn remind(
    task: Remind,
    State(gallery): State<Gallery>,
    ctx: Context,
) -> Result<(), Failure> {
    let due = ctx.created_at().unwrap_or(ctx.now()) + DAY * task.days;
    if ctx.now() < due {
        return Err(Failure::snooze(due.since(ctx.now())));
    }
    let text = format!("Dear {},\nlook at your album {} again.\n", task.owner, task.album);
    Ok(gallery.mails.deliver(ctx.task_id(), &text)?)
}
