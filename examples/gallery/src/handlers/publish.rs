//! Publishes an album, by sending the tasks that it takes.
//!
//! # Invariants
//!
//! - Each child has an id that follows from this task's: a second attempt sends the same tasks, and those that were
//!   sent already are not sent again.

use std::time::Duration;

use longshore::tasks::{SendOptions, TaskId};
use longshore::{Client, Context, Failure, Priority, Task};

use crate::library::name_is_valid;
use crate::tasks::{Charge, Publish, Published, Reindex, Remind, Thumbnail};

/// What a photo in an album costs.
const CENTS: u32 = 5;
/// Photos of an album at most.
const PHOTOS_MAX: usize = 1000;

/// Publishes an album.
///
/// # Errors
///
/// An album that makes no sense is discarded. What cannot be sent is sent at the next attempt.
pub(crate) async fn publish(task: Publish, ctx: Context) -> Result<Published, Failure> {
    check(&task)?;
    let client = ctx.client().ok_or("a worker has a client")?;
    let options = |kind, number, priority| {
        Ok::<_, Failure>(SendOptions {
            id: Some(child(&ctx, kind, number)?),
            priority: Some(priority),
            ..SendOptions::default()
        })
    };
    let (mut small, mut index) = (Vec::new(), Vec::new());
    for (number, photo) in task.photos.iter().enumerate() {
        let (owner, photo) = (task.owner.clone(), photo.clone());
        let thumbnail = Thumbnail { owner: owner.clone(), photo: photo.clone() };
        small.push((thumbnail, options("thumbnail", number, Priority::High)?));
        index.push((Reindex { owner, photo }, options("reindex", number, Priority::Low)?));
    }
    send_all(client, small).await?;
    ctx.progress(40, "the small pictures are asked for");
    send_all(client, index).await?;
    ctx.progress(80, "the index is asked for");
    let charge = charge(&task, &ctx).await?;
    let reminder = remind(&task, &ctx).await?;
    Ok(Published { photos: task.photos.len(), charge, reminder })
}

fn check(task: &Publish) -> Result<(), Failure> {
    let photos = task.photos.len();
    if !name_is_valid(&task.owner) {
        return Err(Failure::discard("an owner is 1 to 32 letters a to z, digits and hyphens"));
    }
    if photos == 0 || photos > PHOTOS_MAX {
        let reason = format!("an album has 1 to {PHOTOS_MAX} photos, and this one {photos}");
        return Err(Failure::discard(reason));
    }
    Ok(())
}

/// The id of a task that this one sends: the same at every attempt.
fn child(ctx: &Context, kind: &str, number: usize) -> Result<TaskId, Failure> {
    Ok(TaskId::parse(&format!("{}:{kind}:{number}", ctx.task_id()))?)
}

/// Ten share a request.
async fn send_all<T: Task>(client: &Client, tasks: Vec<(T, SendOptions)>) -> Result<(), Failure> {
    for sent in client.send_all_with(tasks).await {
        sent?;
    }
    Ok(())
}

async fn charge(task: &Publish, ctx: &Context) -> Result<String, Failure> {
    let photos = u32::try_from(task.photos.len())?;
    let charge = Charge {
        owner: task.owner.clone(),
        cents: CENTS * photos,
        what: format!("{photos} photos in {}", task.album),
    };
    let sent = ctx.send(charge).id(child(ctx, "charge", 0)?).await?;
    Ok(sent.id().to_string())
}

async fn remind(task: &Publish, ctx: &Context) -> Result<Option<String>, Failure> {
    let Some(days) = task.remind_in_days else { return Ok(None) };
    let remind = Remind { owner: task.owner.clone(), album: task.album.clone(), days };
    // The first wait is the queue's; the handler sees to the rest.
    let delay = if days == 0 { Duration::ZERO } else { Duration::from_secs(15 * 60) };
    let sent = ctx.send(remind).id(child(ctx, "remind", 0)?).delay(delay).await?;
    Ok(Some(sent.id().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;

    #[tokio::test(start_paused = true)]
    async fn a_second_attempt_sends_nothing_twice() {
        let directory = tempfile::tempdir().unwrap();
        let gallery = directory.path().to_owned();
        let options = Options { gallery, archive_pace: Duration::ZERO };
        let world = longshore_testkit::start_with(crate::app(), options).await;
        let photos = vec!["one".to_owned(), "two".to_owned()];
        let (owner, album) = ("ada".to_owned(), "Lisbon".to_owned());
        let task = Publish { owner, album, photos, remind_in_days: Some(7) };

        // The first attempt fails after it has sent everything: its worker dies, say.
        let first = longshore_testkit::context("t-1").with_client(world.client().clone());
        publish(task.clone(), first.clone()).await.unwrap();
        publish(task, first.at_attempt(2)).await.unwrap();
        assert_eq!(world.sent::<Thumbnail>().len(), 2);
        assert_eq!(world.sent::<Reindex>().len(), 2);
        assert_eq!((world.sent::<Charge>().len(), world.sent::<Remind>().len()), (1, 1));
    }
}
