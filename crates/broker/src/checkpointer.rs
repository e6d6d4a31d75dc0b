//! Has checkpoints written, whenever one pays: replaying begins there, and the log gives back what lies
//! before. And has the bodies moved on that keep almost empty segments from being given back.
//!
//! ```text
//! lock: begin ─► (lock: a piece ─► write it) … ─► all of before is durable ─► write where bodies are
//! ─► lock: note the time ─► the note is durable ─► publish
//! ```
//!
//! A piece takes the lock for a fraction of a millisecond, and the disk is written outside it: nobody
//! waits for a checkpoint.
//!
//! One that comes to nothing is said in the log and in `/health`, a panic on the way too, and is tried again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use longshore_engine::MessageKey;
use longshore_storage::{BodyKey, Checkpoint, CheckpointError, Lsn, Published};
use tokio::task::JoinError;

use crate::driver::Driver;
use crate::log::Body;

/// How often it looks whether a checkpoint pays.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// When it looks again after a checkpoint that came to nothing.
const RETRY_AFTER: Duration = Duration::from_secs(10);
/// In how many looks a checkpoint waits for whoever copies the directory before that is worth a word: ten minutes.
const HELD_LOOKS_MAX: u32 = 600;
/// How often the end of a checkpoint is tried that the log has no room for, and how long after the last try.
const END_TRIES: u32 = 200;
const END_AGAIN_AFTER: Duration = Duration::from_millis(10);
/// How many segments it empties in one look.
const SEGMENTS_MAX: usize = 8;
/// How many bytes of bodies it appends at once, or one body.
const MOVED_BYTES: usize = 256 << 10;

/// Looks until the driver is closed.
pub(crate) async fn run(driver: Arc<Driver>) {
    let (mut pause, mut held) = (LOOK_EVERY, 0);
    while driver.is_open_after(pause).await {
        if !driver.store().activity().full {
            move_bodies(&driver).await;
        }
        pause = LOOK_EVERY;
        if !driver.store().is_checkpoint_due() {
            continue;
        }
        held = if driver.store().is_held() { held + 1 } else { 0 };
        if held == 0 && !has_written(&driver).await {
            pause = RETRY_AFTER;
        }
        if held == HELD_LOOKS_MAX {
            tracing::warn!(
                "no checkpoint can be made since ten minutes, because the directory is being copied: the log grows"
            );
            driver.set_lacks_checkpoint(true);
        }
    }
}

async fn has_written(driver: &Arc<Driver>) -> bool {
    match write(driver).await {
        Ok(Some(Published { bytes, segments })) => {
            tracing::debug!(bytes, segments, "wrote a checkpoint");
            driver.set_lacks_checkpoint(false);
            return true;
        }
        Ok(None) => {}
        // That is somebody's wish, and passes.
        Err(Failure::Store(failure @ CheckpointError::Held)) => tracing::info!("{failure}"),
        Err(failure) => {
            failure.tell("there is no new checkpoint");
            driver.set_lacks_checkpoint(true);
        }
    }
    false
}

/// Why something came to nothing.
#[derive(Debug)]
enum Failure {
    /// The store says so.
    Store(CheckpointError),
    /// A step of it panicked.
    Panic(JoinError),
}

impl Failure {
    fn tell(&self, what: &'static str) {
        match self {
            Self::Store(failure) => tracing::warn!(%failure, "{what}"),
            Self::Panic(failure) => {
                tracing::error!(%failure, "{what}: a step of it panicked, which is a bug; please report it");
            }
        }
    }
}

impl From<CheckpointError> for Failure {
    fn from(failure: CheckpointError) -> Self {
        Self::Store(failure)
    }
}

/// Writes a checkpoint. `None` if the driver was closed, or has failed, on the way.
async fn write(driver: &Arc<Driver>) -> Result<Option<Published>, Failure> {
    let done = write_in_steps(driver).await;
    driver.end_checkpoint();
    done
}

async fn write_in_steps(driver: &Arc<Driver>) -> Result<Option<Published>, Failure> {
    let telling = Arc::clone(driver);
    let Some(checkpoint) = block(driver, move || tell(&telling)).await?? else { return Ok(None) };
    if !driver.is_durable(checkpoint.lsn()).await {
        return Ok(None);
    }
    let checkpoint = block(driver, move || tell_bodies(checkpoint)).await??;
    match end(driver, checkpoint).await {
        Some((checkpoint, lsn)) if driver.is_durable(lsn).await => {
            if !is_synced(driver, &checkpoint).await {
                return Ok(None);
            }
            Ok(Some(block(driver, move || checkpoint.publish()).await??))
        }
        _ => Ok(None),
    }
}

/// Moves the bodies of the emptiest segments on, as long as the log is too large for what lives in it.
async fn move_bodies(driver: &Arc<Driver>) {
    for _ in 0..SEGMENTS_MAX {
        let store = Arc::clone(driver.store());
        let mut bodies = match block(driver, move || store.bodies_to_move()).await {
            Ok(bodies) => bodies,
            Err(failure) => return failure.tell("no bodies are moved on"),
        };
        if bodies.is_empty() || driver.is_closed() {
            return;
        }
        while !bodies.is_empty() {
            let moved = driver.move_on(first_of(&mut bodies)).await;
            if let Err(failure) = moved {
                return tracing::debug!(%failure, "no bodies are moved on for now");
            }
        }
    }
}

/// Takes as many bodies as one record should have.
fn first_of(bodies: &mut Vec<(BodyKey, Bytes)>) -> Vec<Body> {
    let mut len = 0;
    let fits = |(_, body): &&(BodyKey, Bytes)| {
        len += body.len();
        len <= MOVED_BYTES
    };
    let count = bodies.iter().take_while(fits).count().max(1);
    bodies.drain(..count).map(|(key, body)| (MessageKey::new(key.0), body)).collect()
}

async fn block<T: Send + 'static>(
    driver: &Driver,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    driver.try_block(work).await.map_err(Failure::Panic)
}

/// Awaits in relaxed mode that the log is synced; false if the driver is closed before.
async fn is_synced(driver: &Driver, checkpoint: &Checkpoint) -> bool {
    while !checkpoint.is_synced() {
        if !driver.is_open_after(END_AGAIN_AFTER).await {
            return false;
        }
    }
    true
}

/// Writes all of the state.
fn tell(driver: &Driver) -> Result<Option<Checkpoint>, CheckpointError> {
    let Some(mut checkpoint) = driver.begin_checkpoint() else { return Ok(None) };
    while let Some(piece) = driver.next_piece() {
        checkpoint.write(&piece)?;
        if driver.is_closed() {
            return Ok(None);
        }
    }
    Ok(Some(checkpoint))
}

/// Writes where bodies are.
fn tell_bodies(mut checkpoint: Checkpoint) -> Result<Checkpoint, CheckpointError> {
    checkpoint.write_bodies()?;
    Ok(checkpoint)
}

/// Says which record must be durable before the checkpoint counts. A log that has more to write than it takes
/// is asked again: under load all of the checkpoint would be in vain otherwise, time after time.
async fn end(driver: &Driver, mut checkpoint: Checkpoint) -> Option<(Checkpoint, Lsn)> {
    for _ in 0..END_TRIES {
        if let Some(lsn) = driver.note_checkpoint(&mut checkpoint) {
            return Some((checkpoint, lsn));
        }
        if !driver.is_open_after(END_AGAIN_AFTER).await {
            return None;
        }
    }
    tracing::warn!("there is no new checkpoint: the log did not take its end");
    driver.set_lacks_checkpoint(true);
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocking::Blocking;

    #[tokio::test]
    async fn a_panic_in_a_step_is_a_failure_that_is_told_and_ends_nothing() {
        let step = || -> Result<(), CheckpointError> { panic!("as the test wants it") };
        let failed = Blocking::Threads.try_run(step).await.map_err(Failure::Panic);
        assert!(matches!(failed, Err(Failure::Panic(_))));
        assert!(matches!(Blocking::Threads.try_run(|| 7).await, Ok(7)));
    }
}
