//! Makes the small picture of a photo: computing, so it runs on a thread that may be blocked.
//!
//! To run twice does no harm: the second small picture is the first.

use longshore::{Failure, State};

use crate::Gallery;
use crate::picture::Picture;
use crate::tasks::{Small, Thumbnail};

/// Pixels of a small picture from left to right, at most.
const WIDTH_MAX: usize = 8;

/// Makes the small picture.
///
/// # Errors
///
/// A photo that is not in the library is dead, and waits in the dead-letter queue until somebody has uploaded it
/// and redrives it. One that is no picture is discarded: the caller has the answer. Anything else is tried again.
pub(crate) fn thumbnail(task: Thumbnail, State(gallery): State<Gallery>) -> Result<Small, Failure> {
    let photo = gallery.library.photo(&task.photo)?;
    let photo = photo.ok_or_else(|| Failure::dead(format!("nobody uploaded {}", task.photo)))?;
    let picture = Picture::parse(&photo).map_err(Failure::discard)?;
    let small = picture.smaller(WIDTH_MAX);
    gallery.library.keep_thumbnail(&task.photo, &small.to_string())?;
    Ok(Small { width: small.width(), height: small.height() })
}
