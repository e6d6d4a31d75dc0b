//! Kills at any moment: of a broker at work, and of one that recovers from the kill before.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::judge::Rules;
use crate::run::Round;
use crate::site::{Broken, Site};

/// Between two kills, in milliseconds.
const WORK: (u64, u64) = (10, 500);
/// From a start to the kill of its recovery, in milliseconds.
const RECOVERY: (u64, u64) = (1, 120);

/// Kills, an audit after each, and everything drained at the end.
pub(crate) fn round(round: &mut Round<'_>) -> Result<()> {
    let data = round.directory.join("data");
    let mut site = Site::new(round.binary, &round.directory, &data, &round.draw, Rules::ALL)?;
    let result = kills(round, &mut site);
    round.close(&site)?;
    result
}

fn kills(round: &mut Round<'_>, site: &mut Site) -> Result<()> {
    for _ in 0..round.draw.between(5, 40) {
        if !round.has_time() {
            break;
        }
        while round.draw.chance(25) {
            let after = millis(round, RECOVERY);
            site.boot_and_kill(after)?;
            round.tally.faults += 1;
        }
        if round.draw.chance(30) && site.launch.data.exists() {
            verify(site)?;
        }
        site.boot(&[])?;
        site.audit()?;
        round.tally.audits += 1;
        let after = millis(round, WORK);
        match round.draw.below(8) {
            0 => site.work_and_stop(after)?,
            _ => site.work_for(after)?,
        }
        round.tally.faults += 1;
    }
    end(round, site)
}

/// What a killed start has not made yet cannot be verified.
fn verify(site: &Site) -> Result<()> {
    if site.launch.data.join("broker/identity").exists() { site.verify() } else { Ok(()) }
}

/// Once all faults are over: everything is there, and comes.
pub(crate) fn end(round: &mut Round<'_>, site: &mut Site) -> Result<()> {
    site.boot(&[])?;
    site.audit()?;
    site.drain()?;
    round.tally.audits += 2;
    site.kill()?;
    verify(site)
}

/// A drawn time.
pub(crate) fn millis(round: &mut Round<'_>, (least, most): (u64, u64)) -> Duration {
    Duration::from_millis(round.draw.between(least, most))
}

/// A broker that keeps nothing must be found out by one kill.
pub(crate) fn forgetful(round: &mut Round<'_>) -> Result<()> {
    let data = round.directory.join("data");
    let mut site = Site::new(round.binary, &round.directory, &data, &round.draw, Rules::ALL)?;
    site.launch.in_memory = true;
    site.boot(&[])?;
    site.work_for(Duration::from_millis(WORK.1))?;
    site.boot(&[])?;
    let found = site.audit().is_err_and(|failure| failure.is::<Broken>());
    ensure!(found, "a broker that forgets everything was not found out: no other result counts");
    Ok(())
}
