//! A whole run: the parts one after another, round by round until their time is over, and a table at the end.

use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{IsTerminal as _, Write as _, stderr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use crate::draw::Draw;
use crate::options::{Options, Part};
use crate::site::Site;
use crate::stopwatch::Stopwatch;
use crate::tally::{Ending, Line, Tally, table};
use crate::{clock, disk, kills, power, syscalls};

/// A round that is to be played.
#[derive(Debug)]
pub(crate) struct Round<'a> {
    pub(crate) binary: &'a Path,
    /// Everything that the round leaves is in here.
    pub(crate) directory: PathBuf,
    pub(crate) draw: Draw,
    pub(crate) tally: Tally,
    watch: Stopwatch,
    limit: Duration,
}

impl Round<'_> {
    /// Whether there is time for a further fault. There always is until the first audit.
    pub(crate) fn has_time(&self) -> bool {
        self.tally.audits == 0 || self.watch.elapsed() < self.limit
    }

    /// Keeps the books of a site.
    pub(crate) fn close(&mut self, site: &Site) -> Result<()> {
        self.tally.add(&Tally { counts: site.counts(), ..Tally::default() });
        fs::write(self.directory.join("history.txt"), site.book.text())?;
        Ok(())
    }
}

/// How a part is played.
struct Play {
    /// Why it cannot be played here.
    obstacle: fn() -> Option<String>,
    /// Shows that the part would notice; an error says that it did not.
    self_test: fn(&mut Round<'_>) -> Result<()>,
    round: fn(&mut Round<'_>) -> Result<()>,
}

const fn play(part: Part) -> Play {
    let none = |_: &mut Round<'_>| Ok(());
    match part {
        Part::Kills => Play { obstacle: || None, self_test: kills::forgetful, round: kills::round },
        Part::Syscalls => {
            Play { obstacle: syscalls::obstacle, self_test: none, round: syscalls::round }
        }
        Part::Power => {
            Play { obstacle: power::obstacle, self_test: power::lying, round: power::round }
        }
        Part::Disk => Play { obstacle: disk::obstacle, self_test: none, round: disk::round },
        Part::Clock => Play { obstacle: clock::obstacle, self_test: none, round: clock::round },
    }
}

/// Plays what is asked for, and says which parts could not be played, and why.
///
/// # Errors
///
/// A promise was broken, or a part could not be played to its end: what was seen is printed, with its seed.
pub fn run(options: &Options) -> Result<Vec<String>> {
    let binary = options.binary.as_deref().context("no program to try is named")?;
    let binary =
        fs::canonicalize(binary).with_context(|| format!("there is no {}", binary.display()))?;
    let seed = options.seed.unwrap_or_else(|| RandomState::new().hash_one("seed") >> 32);
    eprintln!("the crash kit tries {}, seed {seed}", binary.display());
    let chosen = |part: &Part| options.only.is_none_or(|only| only == *part);
    let parts: Vec<_> = Part::ALL.into_iter().filter(chosen).collect();
    let total = Stopwatch::start();
    let mut lines = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let left = Duration::from_secs(options.seconds).saturating_sub(total.elapsed());
        let share = left / u32::try_from(parts.len() - at).unwrap_or(1);
        lines.push(play_part(*part, &binary, seed, share)?);
    }
    println!("{}", table(&lines));
    let findings = lines.iter().filter(|line| matches!(line.ending, Ending::Findings(_))).count();
    ensure!(findings == 0, "{findings} parts found a broken promise, see above (seed {seed})");
    Ok(lines.iter().filter_map(Line::skipped).collect())
}

fn play_part(part: Part, binary: &Path, seed: u64, share: Duration) -> Result<Line> {
    let (name, watch) = (part.name(), Stopwatch::start());
    let play = play(part);
    let mut tally = Tally::default();
    if let Some(why) = (play.obstacle)() {
        let ending = Ending::Skipped(why);
        return Ok(Line { name, tally, elapsed: watch.elapsed(), ending });
    }
    let mut findings = 0;
    let limit = |watch: Stopwatch| share.saturating_sub(watch.elapsed());
    let (_, has_failed) = play_round(name, play.self_test, binary, seed, limit(watch))?;
    findings += u64::from(has_failed);
    for number in 0.. {
        if number > 0 && watch.elapsed() >= share {
            break;
        }
        let seed = seed.wrapping_add(number);
        let (played, has_failed) = play_round(name, play.round, binary, seed, limit(watch))?;
        tally.add(&played);
        findings += u64::from(has_failed);
        progress(name, &tally, findings);
    }
    done(name, &tally, findings);
    let ending = if findings == 0 { Ending::Kept } else { Ending::Findings(findings) };
    Ok(Line { name, tally, elapsed: watch.elapsed(), ending })
}

/// Plays a round in a directory of its own, and says whether it failed: then that is printed, and the directory kept.
fn play_round(
    name: &str,
    round: fn(&mut Round<'_>) -> Result<()>,
    binary: &Path,
    seed: u64,
    limit: Duration,
) -> Result<(Tally, bool)> {
    let directory = tempfile::Builder::new().prefix("longshore-crash-").tempdir()?;
    let (draw, watch) = (Draw::new(seed).fork(name, 0), Stopwatch::start());
    let path = directory.path().to_owned();
    let tally = Tally { rounds: 1, ..Tally::default() };
    let mut playing = Round { binary, directory: path, draw, tally, watch, limit };
    let result = round(&mut playing);
    let has_failed = result.is_err();
    if let Err(failure) = result {
        report(name, seed, &playing, &failure, directory);
    }
    Ok((playing.tally, has_failed))
}

fn report(name: &str, seed: u64, playing: &Round<'_>, failure: &anyhow::Error, kept: TempDir) {
    eprintln!(
        "\nFINDING in {name}, seed {seed}, after {} faults:\n{failure:#}",
        playing.tally.faults
    );
    eprintln!("  all that is left of it: {}", kept.keep().display());
    eprintln!("  to try it again: cargo xtask crash --only {name} --seed {seed}\n");
}

/// On a terminal, says how far a part is, over what it said before.
fn progress(name: &str, tally: &Tally, findings: u64) {
    if stderr().is_terminal() {
        eprint!("\r{}   ", so_far(name, tally, findings));
        drop(stderr().flush());
    }
}

/// Says how far a part has come once its time is over.
fn done(name: &str, tally: &Tally, findings: u64) {
    let start = if stderr().is_terminal() { "\r" } else { "" };
    eprintln!("{start}{}   ", so_far(name, tally, findings));
}

fn so_far(name: &str, tally: &Tally, findings: u64) -> String {
    let Tally { rounds, faults, counts, .. } = tally;
    let accepted = counts.accepted;
    format!("{name}: {rounds} rounds, {faults} faults, {accepted} accepted, {findings} findings")
}
