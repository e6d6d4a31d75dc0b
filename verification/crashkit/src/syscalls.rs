//! One exact call of the store: the broker is killed at it, or it fails. Which calls there are, a traced run shows; so new
//! ones are found by themselves, those of recovery too.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::draw::Draw;
use crate::judge::{Invariant, Rules};
use crate::kills::end;
use crate::run::Round;
use crate::site::{Site, broken};
use crate::tracing::{Calls, calls, has_failed, injecting, watching};

pub(crate) use crate::tracing::obstacle;

/// For how long the clients work: before the calls are known, and until the one that was drawn is met.
const WORK: Duration = Duration::from_millis(400);
/// Calls that are tried before it is looked anew which there are.
const TRIED: u64 = 8;
/// Calls after whose failure nobody knows what is on the disk.
const WRITES: [&str; 3] = ["pwrite64", "fdatasync", "fsync"];

/// Some calls of a broker that has been there for a while, or of its first start ever; each is followed by a start and
/// an audit.
pub(crate) fn round(round: &mut Round<'_>) -> Result<()> {
    let is_first_start = round.draw.chance(30);
    let mut site = site(round)?;
    let result =
        if is_first_start { first_starts(round, &mut site) } else { restarts(round, &mut site) };
    round.close(&site)?;
    result
}

fn site(round: &Round<'_>) -> Result<Site> {
    Site::new(
        round.binary,
        &round.directory,
        &round.directory.join("data"),
        &round.draw,
        Rules::ALL,
    )
}

fn restarts(round: &mut Round<'_>, site: &mut Site) -> Result<()> {
    site.boot(&[])?;
    site.work_for(WORK)?;
    for _ in 0..round.draw.between(1, 3) {
        let calls = watch(site)?;
        for _ in 0..TRIED {
            if round.has_time() {
                try_one(round, site, &calls)?;
            }
        }
    }
    end(round, site)
}

/// Nothing is on the disk before such a call, so each is tried by a site with a book of its own.
fn first_starts(round: &mut Round<'_>, site: &mut Site) -> Result<()> {
    let calls = watch(site)?;
    for _ in 0..TRIED {
        if !round.has_time() {
            break;
        }
        round.close(site)?;
        fs::remove_dir_all(&site.launch.data)?;
        *site = self::site(round)?;
        try_one(round, site, &calls)?;
    }
    end(round, site)
}

/// The calls that this broker makes on its files, from its start until it is killed at work.
fn watch(site: &mut Site) -> Result<Vec<Calls>> {
    let trace = site.launch.data.with_file_name("trace.txt");
    site.boot(&watching(&trace))?;
    site.work_for(WORK)?;
    let written = fs::read_to_string(&trace).context("strace wrote nothing")?;
    let calls = calls(&written, &site.launch.data.to_string_lossy());
    ensure!(!calls.is_empty(), "the trace shows no call on a file of the store");
    Ok(calls)
}

/// A start after what was drawn, and sometimes first a start that runs into something again.
fn try_one(round: &mut Round<'_>, site: &mut Site, calls: &[Calls]) -> Result<()> {
    loop {
        let calls = round.draw.one_of(calls).clone();
        let number = round.draw.between(1, calls.count);
        let what = fault(&mut round.draw, number);
        site.note(&format!("{} on {}: {what}", calls.name, calls.path))?;
        round.tally.faults += u64::from(hurt(site, &calls, &what)?);
        if !round.draw.chance(25) {
            break;
        }
    }
    site.boot(&[])?;
    site.audit()?;
    round.tally.audits += 1;
    site.kill()
}

/// Lets a broker run into what was drawn, and says whether it did: one whose work took another course is killed in the end.
fn hurt(site: &mut Site, calls: &Calls, what: &str) -> Result<bool> {
    let trace = site.launch.data.with_file_name("fault.txt");
    let has_failed = || fs::read_to_string(&trace).is_ok_and(|written| has_failed(&written));
    let is_fatal = what.starts_with("error=EIO") && WRITES.contains(&calls.name.as_str());
    if !site.try_boot(&injecting(&trace, &calls.name, Some(&calls.path), what))? {
        return Ok(true);
    }
    // Its queues may be the very thing that it cannot write.
    drop(site.client().create_queues());
    let has_ended = site.work_until_it_ends(WORK, || is_fatal && has_failed())?;
    if is_fatal && !has_ended && has_failed() {
        let seen = format!("{} on {} failed, and the broker went on", calls.name, calls.path);
        return Err(broken(Invariant::FailedWrites, seen));
    }
    Ok(has_ended || has_failed())
}

/// What happens at the call: mostly a kill; a disk that fails once; one that is full from then on.
fn fault(draw: &mut Draw, number: u64) -> String {
    match draw.below(10) {
        0..6 => format!("signal=SIGKILL:when={number}"),
        6..8 => format!("error=EIO:when={number}"),
        _ => format!("error=ENOSPC:when={number}+"),
    }
}
