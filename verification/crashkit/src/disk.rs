//! A full disk: sends are refused, what is there can be received and deleted, a kill loses nothing, and there is room again.

use std::time::Duration;

use anyhow::Result;

use crate::history::Answer;
use crate::judge::{Invariant, Rules};
use crate::kills::{end, millis};
use crate::mounts::{Mount, root_is_missing};
use crate::run::Round;
use crate::site::{Site, broken};
use crate::sqs::Client;
use crate::stopwatch::{Stopwatch, pause};

/// Mebibytes of the disk: a store takes 128 before it holds anything.
const SIZE: (u64, u64) = (140, 240);
/// Sizes of the messages that fill it, each with a number that cannot have room.
const FILLING: [(usize, usize); 3] = [(900_000, 400), (1000, 40_000), (1, 40_000)];
/// What the disk has again at the end.
const ROOM: u64 = 400;
/// How long sends may be refused once there is room.
const RESUMED_WITHIN: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);
/// While the disk is full, in milliseconds.
const WORK: (u64, u64) = (100, 700);

/// Why no disk can be filled here.
pub(crate) fn obstacle() -> Option<String> {
    root_is_missing().or_else(|| {
        let directory = tempfile::tempdir().ok()?;
        Mount::memory(&directory.path().join("disk"), 1).err().map(|why| format!("{why:#}"))
    })
}

/// Fills the disk, kills the broker on it some times, and gives it room again.
pub(crate) fn round(round: &mut Round<'_>) -> Result<()> {
    let data = round.directory.join("data");
    let mebibytes = round.draw.between(SIZE.0, SIZE.1);
    let disk = Mount::memory(&data, mebibytes)?;
    let mut site = Site::new(round.binary, &round.directory, &data, &round.draw, Rules::ALL)?;
    let result = fill_and_kill(round, &mut site, &disk);
    round.close(&site)?;
    drop(site);
    if result.is_err() {
        disk.keep(&round.directory.join("kept"))?;
    }
    result
}

fn fill_and_kill(round: &mut Round<'_>, site: &mut Site, disk: &Mount) -> Result<()> {
    site.boot(&[])?;
    site.work_for(Duration::from_millis(WORK.1))?;
    site.boot(&[])?;
    let mut filler = fill(&mut site.client())?;
    for _ in 0..round.draw.between(1, 4) {
        filler.take_one(&mut site.client())?;
        let after = millis(round, WORK);
        site.work_for(after)?;
        round.tally.faults += 1;
        site.boot(&[])?;
        filler.audit(&mut site.client())?;
        site.audit()?;
        round.tally.audits += 1;
        if !round.has_time() {
            break;
        }
    }
    disk.resize(ROOM)?;
    filler.resume(&mut site.client())?;
    filler.audit(&mut site.client())?;
    site.kill()?;
    end(round, site)
}

/// The messages that fill the disk: too many to look at each.
#[derive(Default)]
struct Filler {
    accepted: usize,
}

/// Sends until there is no room any more for even the smallest message.
fn fill(client: &mut Client) -> Result<Filler> {
    client.create_filler()?;
    let mut filler = Filler::default();
    for (bytes, count_max) in FILLING {
        filler.accepted += fill_with(client, bytes, count_max)?;
    }
    Ok(filler)
}

/// Sends messages of one size until one is refused.
fn fill_with(client: &mut Client, bytes: usize, count_max: usize) -> Result<usize> {
    for accepted in 0..count_max {
        match client.send_filler(bytes) {
            Answer::Done(()) => {}
            Answer::Refused => return Ok(accepted),
            Answer::Unknown => {
                return Err(broken(Invariant::FullDisk, "a send had no definite answer"));
            }
        }
    }
    let seen = format!("{count_max} messages of {bytes} bytes were accepted, and there is no room");
    Err(broken(Invariant::FullDisk, seen))
}

impl Filler {
    fn audit(&self, client: &mut Client) -> Result<()> {
        let (accepted, counted) = (self.accepted, client.count_filler()?);
        if counted == accepted {
            return Ok(());
        }
        let seen = format!("{accepted} messages filled the disk, and {counted} are there");
        Err(broken(Invariant::NothingLost, seen))
    }

    /// A full broker gives out what it has, and lets it be deleted.
    fn take_one(&mut self, client: &mut Client) -> Result<()> {
        if client.take_filler() == Answer::Done(true) {
            self.accepted -= 1;
            return Ok(());
        }
        Err(broken(Invariant::FullDisk, "a message could not be received and deleted"))
    }

    /// Sends again, now that there is room.
    fn resume(&mut self, client: &mut Client) -> Result<()> {
        let watch = Stopwatch::start();
        while watch.elapsed() < RESUMED_WITHIN {
            if let Answer::Done(()) = client.send_filler(1) {
                self.accepted += 1;
                return Ok(());
            }
            pause(PAUSE);
        }
        let seen = format!("sends are refused {} s after there is room", RESUMED_WITHIN.as_secs());
        Err(broken(Invariant::FullDisk, seen))
    }
}
