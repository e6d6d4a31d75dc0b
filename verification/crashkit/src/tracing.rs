//! strace: which calls a run made on its files, and the command that has one of them fail, lie, or be the last.
//!
//! strace counts the calls of each thread for itself. So a call is named by its file too, on which one thread works at a
//! time, and is met again at the same number as long as the broker does the same.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

/// Calls that change nothing, and may be left out: a kill before one is a kill before the next that changes something.
const HARMLESS: [&str; 20] = [
    "access",
    "close",
    "epoll_ctl",
    "faccessat2",
    "fcntl",
    "flock",
    "fstat",
    "getcwd",
    "getdents64",
    "lseek",
    "lstat",
    "mmap",
    "newfstatat",
    "poll",
    "pread64",
    "read",
    "readlink",
    "stat",
    "statfs",
    "statx",
];

/// The calls of one name on one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Calls {
    pub(crate) name: String,
    pub(crate) path: String,
    /// How often the thread that made most of them did.
    pub(crate) count: u64,
}

/// Why there is no strace here.
pub(crate) fn obstacle() -> Option<String> {
    let tried = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).output();
    match tried {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(format!("strace cannot be started: {error}")),
    }
}

/// The command that writes each call on files into a file. `-D`: the broker stays the child of whoever starts it.
pub(crate) fn watching(output: &Path) -> Vec<OsString> {
    let words = ["strace", "-D", "-f", "-qq", "-y", "-s", "0", "-e", "trace=%file,%desc", "-o"];
    let words = words.into_iter().map(OsString::from);
    words.chain([output.as_os_str().to_owned()]).collect()
}

/// The command that does something to the calls of one name, on one file or on all, and writes them into a file.
pub(crate) fn injecting(
    output: &Path,
    name: &str,
    path: Option<&str>,
    what: &str,
) -> Vec<OsString> {
    let words = ["strace", "-D", "-f", "-qq", "-s", "0", "-o"].map(OsString::from);
    let does = [format!("-etrace={name}"), format!("-einject={name}:{what}")];
    let on = path.map(|path| format!("-P{path}"));
    let chosen = does.into_iter().chain(on).map(OsString::from);
    words.into_iter().chain([output.as_os_str().to_owned()]).chain(chosen).collect()
}

/// Whether a call failed as it was told to, as strace has written.
pub(crate) fn has_failed(written: &str) -> bool {
    written.contains("(INJECTED)")
}

/// The calls on files below `directory` that a trace shows, which change something.
pub(crate) fn calls(trace: &str, directory: &str) -> Vec<Calls> {
    let mut counts: BTreeMap<(String, String), BTreeMap<&str, u64>> = BTreeMap::new();
    for line in trace.lines() {
        let Some((thread, name, path)) = read(line, directory) else { continue };
        let key = (name.to_owned(), path.to_owned());
        *counts.entry(key).or_default().entry(thread).or_default() += 1;
    }
    let most = |threads: BTreeMap<&str, u64>| threads.into_values().max().unwrap_or(0);
    let calls = counts.into_iter().map(|((name, path), threads)| Calls {
        name,
        path,
        count: most(threads),
    });
    calls.collect()
}

/// Thread, call and file of a line such as `12 pwrite64(7</data/segment-1.log>, ""..., 64, 0) = 64`. The first file is
/// the one by which strace finds the call: of one that is made, the directory.
fn read<'a>(line: &'a str, directory: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let (thread, call) = line.split_once(char::is_whitespace)?;
    let (name, arguments) = call.trim_start().split_once('(')?;
    let is_call = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let path = &arguments[arguments.find(directory)?..];
    let path = path.split(['>', '"']).next()?;
    (is_call && !HARMLESS.contains(&name)).then_some((thread, name, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_was_made_to_fail_is_told_from_one_that_never_came() {
        assert!(has_failed("12 fdatasync(7) = -1 EIO (Input/output error) (INJECTED)\n"));
        assert!(!has_failed("12 fdatasync(7) = 0\n12 +++ killed by SIGKILL +++\n"));
    }

    #[test]
    fn the_calls_that_change_a_file_are_counted_by_thread() {
        let trace = "\
12 pwrite64(7</data/segment-1.log>, \"\"..., 64, 0) = 64
12  pwrite64(7</data/segment-1.log>, \"\"..., 64, 64) = 64
13 pwrite64(9</data/segment-1.log>, \"\"..., 64, 128) = 64
12 pread64(7</data/segment-1.log>, \"\"..., 64, 0) = 64
12 fsync(5</data>) = 0
12 openat(5</data>, \"lock\", O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 6</data/lock>
12 pwrite64(8</elsewhere>, \"\"..., 64, 0) = 64
12 <... fsync resumed>) = 0
12 renameat(5</data>, \"identity.new\", 5</data>, \"identity\") = 0
";
        let calls = calls(trace, "/data");
        let shown: Vec<_> = calls
            .iter()
            .map(|calls| format!("{} {} {}", calls.name, calls.path, calls.count))
            .collect();
        let expected = [
            "fsync /data 1",
            "openat /data 1",
            "pwrite64 /data/segment-1.log 2",
            "renameat /data 1",
        ];
        assert_eq!(shown, expected);
    }
}
