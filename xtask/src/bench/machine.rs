//! What the numbers depend on: the machine, its disk, its other work, and the commit.

use std::fs;
use std::path::Path;
use std::thread;

use anyhow::{Context, Result};

use super::disk;
use super::report::milliseconds;
use crate::workspace;

/// A few lines about this machine, the disk below `data`, and the program.
pub(super) fn describe(data: &Path, binary: &Path) -> Result<String> {
    let sync = disk::measure(data)?;
    Ok(format!(
        "machine   {}, {} cores, {}, Linux {}\n\
         load      {} (before the run)\n\
         disk      {}, fdatasync of 4 KiB: p50 {} ms, p99 {} ms\n\
         commit    {}\n\
         program   {}",
        field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned()),
        thread::available_parallelism().map_or(1, std::num::NonZero::get),
        memory(),
        line("/proc/sys/kernel/osrelease"),
        line("/proc/loadavg"),
        file_system(data)?,
        milliseconds(sync.percentile(50)),
        milliseconds(sync.percentile(99)),
        commit(),
        program(binary),
    ))
}

/// The first line of a file of the kernel.
fn line(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}

/// The first value of that name in a file of `name: value` lines.
pub(super) fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let value =
        text.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.trim() == name)?.1;
    Some(value.trim().to_owned())
}

fn memory() -> String {
    let kib = field("/proc/meminfo", "MemTotal")
        .and_then(|value| value.split(' ').next()?.parse::<u64>().ok());
    kib.map_or("unknown memory".to_owned(), |kib| format!("{} GiB", kib.div_ceil(1024 * 1024)))
}

/// The type and device of the file system that holds a directory.
fn file_system(directory: &Path) -> Result<String> {
    let mounts = fs::read_to_string("/proc/self/mounts").context("cannot read the mounts")?;
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let (device, point, kind) = (words.next()?, words.next()?, words.next()?);
        directory.starts_with(point).then(|| (point.len(), format!("{kind} on {device}")))
    });
    // Of equally long mount points the last one hides the others.
    let innermost = mounts.max_by_key(|(length, _)| *length);
    Ok(innermost.map_or_else(|| "unknown file system".to_owned(), |(_, shown)| shown))
}

fn commit() -> String {
    let git = |arguments: &[&str]| workspace::output_of(workspace::command("git").args(arguments));
    let commit = git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|_| "unknown".to_owned());
    let changed = git(&["status", "--porcelain"]).is_ok_and(|changes| !changes.is_empty());
    if changed { format!("{commit}, with changes") } else { commit }
}

/// Inside the target directory the profile's name says it all.
fn program(binary: &Path) -> String {
    let profile = binary.parent().and_then(Path::file_name).unwrap_or_default();
    let name = binary.file_name().unwrap_or_default();
    Path::new(profile).join(name).display().to_string()
}
