//! Power cuts on a real file system: while the clients work, the disk is copied as it is at one moment, and another broker
//! starts on the copy. It must hold all that was acknowledged before.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::book::Book;
use crate::broker::{Launch, free_address};
use crate::judge::{Invariant, Rules};
use crate::kills::{end, millis};
use crate::mounts::{Disk, root_is_missing};
use crate::run::Round;
use crate::site::{Broken, Site, broken, look, verdict};
use crate::sqs::Client;
use crate::stopwatch::pause;
use crate::tracing;

/// Between a start and a cut, in milliseconds.
const WORK: (u64, u64) = (20, 700);

/// From a start to a cut of its recovery.
const RECOVERY: (u64, u64) = (1, 150);

/// What a power cut leaves of the promises: nobody waits for the receive of a standard queue.
const RULES: Rules = Rules { time_is_right: true, receives_survive: false };

/// Why the power cannot be cut here, or no disk be made to lie, without which no result would count.
pub(crate) fn obstacle() -> Option<String> {
    root_is_missing().or_else(tracing::obstacle).or_else(|| {
        let directory = tempfile::tempdir().ok()?;
        Disk::make(directory.path()).and_then(|disk| disk.cut()).err().map(|why| format!("{why:#}"))
    })
}

/// Cuts while clients work, each with an audit of what was on the disk; between them, kills.
pub(crate) fn round(round: &mut Round<'_>) -> Result<()> {
    let disk = Disk::make(&round.directory)?;
    let data = disk.path.join("data");
    let mut site = Site::new(round.binary, &round.directory, &data, &round.draw, RULES)?;
    let result = cuts(round, &mut site, &disk);
    round.close(&site)?;
    drop(site);
    result
}

fn cuts(round: &mut Round<'_>, site: &mut Site, disk: &Disk) -> Result<()> {
    for _ in 0..round.draw.between(3, 10) {
        if !round.has_time() {
            break;
        }
        let launch = site.launch.clone();
        if round.draw.chance(30) {
            let after = millis(round, RECOVERY);
            site.boot_during(|book| cut(&launch, book, disk, after))?;
            round.tally.faults += 1;
        } else {
            site.boot(&[])?;
        }
        site.audit()?;
        let pauses: Vec<_> = (0..round.draw.between(1, 3)).map(|_| millis(round, WORK)).collect();
        let count = u64::try_from(pauses.len())?;
        site.work_and_kill(|book| {
            pauses.into_iter().try_for_each(|after| cut(&launch, book, disk, after))
        })?;
        round.tally.faults += count;
        round.tally.audits += count + 1;
    }
    end(round, site)
}

/// Cuts the power after a while, and compares what was on the disk with what had been acknowledged before.
fn cut(launch: &Launch, book: &Book, disk: &Disk, after: Duration) -> Result<()> {
    pause(after);
    let from = book.now();
    let copy = disk.cut()?;
    let until = book.now();
    let mounted = disk.after(&copy)?;
    let data = mounted.path().join(launch.data.file_name().context("the data has no name")?);
    audit(launch, &data, book, (from, until)).context("after a power cut")
}

fn audit(launch: &Launch, data: &Path, book: &Book, (from, until): (u64, u64)) -> Result<()> {
    let log = launch.log.with_file_name("after.log");
    let launch = Launch { data: data.to_owned(), address: free_address()?, log, ..launch.clone() };
    let mut broker = launch.start(&[])?;
    if broker.wait_until_ready()?.is_some() {
        return Err(broken(
            Invariant::Recovery,
            format!("the broker did not start:\n{}", launch.said()),
        ));
    }
    let mut client = Client::new(launch.address);
    client.create_queues()?;
    let snapshot = look(&mut client, book)?;
    broker.kill()?;
    verdict(&book.history().cut(from, until), &snapshot, RULES)?;
    match launch.verify()? {
        None => Ok(()),
        Some(said) => Err(broken(Invariant::Verify, said)),
    }
}

/// A disk that says that it has synced and has not must be found out by one cut.
pub(crate) fn lying(round: &mut Round<'_>) -> Result<()> {
    let disk = Disk::make(&round.directory)?;
    let data = disk.path.join("data");
    let mut site = Site::new(round.binary, &round.directory, &data, &round.draw, RULES)?;
    site.boot(&[])?;
    site.kill()?;
    let trace = round.directory.join("syncs.txt");
    site.boot(&tracing::injecting(&trace, "fdatasync", None, "retval=0"))?;
    let launch = site.launch.clone();
    let audited =
        site.work_and_kill(|book| cut(&launch, book, &disk, Duration::from_millis(WORK.1)));
    let found = audited.is_err_and(|failure| failure.downcast_ref::<Broken>().is_some());
    ensure!(found, "a disk that never synced was not found out: no other result counts");
    Ok(())
}
