//! Brings the index up to date for several photos in one transaction.

use longshore::{Failure, State};
use tokio::task::spawn_blocking;

use crate::Gallery;
use crate::library::{Indexed, Library, LibraryError};
use crate::picture::Picture;
use crate::tasks::Reindex;

/// Indexes the photos. What one of them fails with concerns no other; if the library cannot be written, all of
/// them are tried again.
pub(crate) async fn reindex(
    tasks: Vec<Reindex>,
    State(gallery): State<Gallery>,
) -> Result<Vec<Result<(), Failure>>, Failure> {
    spawn_blocking(move || index(&tasks, &gallery.library)).await?
}

fn index(tasks: &[Reindex], library: &Library) -> Result<Vec<Result<(), Failure>>, Failure> {
    let (mut found, mut results) = (Vec::new(), Vec::new());
    for task in tasks {
        results.push(look(task, library)?.map(|photo| found.push(photo)));
    }
    library.index(&found)?;
    Ok(results)
}

/// What a photo is found by.
fn look(task: &Reindex, library: &Library) -> Result<Result<Indexed, Failure>, LibraryError> {
    let Some(photo) = library.photo(&task.photo)? else {
        return Ok(Err(Failure::discard("nobody uploaded it")));
    };
    let picture = Picture::parse(&photo).map_err(Failure::discard);
    Ok(picture.map(|picture| Indexed {
        owner: task.owner.clone(),
        photo: task.photo.clone(),
        words: picture.words(),
    }))
}
