//! A clock that is wrong: at a start, and by jumps while the broker runs. Nothing expires by it, and within one run of the
//! broker no lease or delay ends early.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::draw::Draw;
use crate::judge::Rules;
use crate::kills::{end, millis};
use crate::run::Round;
use crate::site::Site;
use crate::stopwatch::pause;

/// Between two jumps, in milliseconds.
const WORK: (u64, u64) = (50, 400);
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// By how many seconds the clock is wrong: by what a summer time, a wrong date and a dead battery make of it.
const WRONG_BY: [i64; 9] = [0, 5, -5, HOUR, -HOUR, 5 * DAY, -5 * DAY, 3650 * DAY, -3650 * DAY];

/// A start does not know how long the broker was away, and believes an hour: what was leased may be free, and what was a
/// duplicate new.
const RULES: Rules = Rules { time_is_right: false, receives_survive: true };

/// Why no clock can be set wrong here.
pub(crate) fn obstacle() -> Option<String> {
    library()
        .is_none()
        .then(|| "libfaketime is not installed (Debian's package faketime)".to_owned())
}

/// The library is named, because the command `faketime` stays the parent of what it starts.
fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.filter_map(Result::ok);
    let mut named = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    named.find(|library| library.exists())
}

/// Starts with wrong clocks, jumps while clients work, kills; the last start has the right clock.
pub(crate) fn round(round: &mut Round<'_>) -> Result<()> {
    let data = round.directory.join("data");
    let mut site = Site::new(round.binary, &round.directory, &data, &round.draw, RULES)?;
    let result = jumps(round, &mut site);
    round.close(&site)?;
    result
}

fn jumps(round: &mut Round<'_>, site: &mut Site) -> Result<()> {
    let setting = round.directory.join("clock.txt");
    for _ in 0..round.draw.between(3, 12) {
        if !round.has_time() {
            break;
        }
        let count = round.draw.between(1, 4);
        let plan: Vec<_> =
            (0..count).map(|_| (millis(round, WORK), wrong_by(&mut round.draw))).collect();
        set(&setting, wrong_by(&mut round.draw))?;
        site.boot(&with_clock(&setting))?;
        site.audit()?;
        site.work_and_kill(|_| {
            plan.into_iter().try_for_each(|(after, seconds)| {
                pause(after);
                set(&setting, seconds)
            })
        })?;
        round.tally.faults += count + 1;
        round.tally.audits += 1;
    }
    end(round, site)
}

fn wrong_by(draw: &mut Draw) -> i64 {
    *draw.one_of(&WRONG_BY)
}

/// Another file takes the place of the setting, so that it is never read half written.
fn set(setting: &Path, seconds: i64) -> Result<()> {
    let new = setting.with_extension("new");
    fs::write(&new, format!("{seconds:+}\n"))?;
    Ok(fs::rename(new, setting)?)
}

/// The command within which a program's time of day is what the file says; how long something takes is as ever.
fn with_clock(setting: &Path) -> Vec<OsString> {
    let library = library().unwrap_or_default();
    let mut words: Vec<OsString> = vec!["env".into()];
    for (name, value) in [("LD_PRELOAD", library.as_path()), ("FAKETIME_TIMESTAMP_FILE", setting)] {
        let mut word = OsString::from(format!("{name}="));
        word.push(value);
        words.push(word);
    }
    words.extend(["FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"].map(OsString::from));
    words
}
