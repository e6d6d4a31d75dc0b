//! Packs all photos of an owner, one after the other: long work that says how far it is.
//!
//! # Invariants
//!
//! - A photo that is packed stays packed, under the task's id: an attempt goes on where the one before it was, however
//!   that one ended.

use longshore::{Context, Failure, State};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::Gallery;
use crate::picture::pack;
use crate::tasks::{Archive, Archived};

/// Packs the photos. Cancelled, it is dropped between two photos, or while it waits for one.
pub(crate) async fn archive(
    task: Archive,
    State(gallery): State<Gallery>,
    ctx: Context,
) -> Result<Archived, Failure> {
    let photos = gallery.library.photos_of(&task.owner)?;
    let found = gallery.library.packed(ctx.task_id())?.len();
    for (number, photo) in photos.iter().enumerate() {
        let percent = u8::try_from(number * 100 / photos.len())?;
        ctx.progress(percent, format!("photo {} of {}", number + 1, photos.len()));
        pack_one(&gallery, &ctx, photo).await?;
    }
    let bytes = gallery.library.packed(ctx.task_id())?.into_iter().map(u64::from).sum();
    Ok(Archived { photos: photos.len(), found, bytes })
}

async fn pack_one(gallery: &Gallery, ctx: &Context, photo: &str) -> Result<(), Failure> {
    if gallery.library.is_packed(ctx.task_id(), photo)? {
        return Ok(());
    }
    sleep(gallery.options.archive_pace).await;
    let (library, task, photo) = (gallery.library.clone(), ctx.task_id().clone(), photo.to_owned());
    spawn_blocking(move || {
        let bytes = library.photo(&photo)?.unwrap_or_default();
        library.keep_packed(&task, &photo, &pack(&bytes))
    })
    .await??;
    Ok(())
}
