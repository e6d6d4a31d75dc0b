//! The processor time of a process and of all that it started.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use anyhow::Result;

use crate::bench::server::cpu_time;

/// Time of all processors that a process and its descendants, those that run, have used.
pub(super) fn time_of(process: u32) -> Result<Duration> {
    let children = children()?;
    let mut total = cpu_time(&process.to_string())?;
    let mut waiting: Vec<u32> = vec![process];
    while let Some(parent) = waiting.pop() {
        for &child in children.get(&parent).into_iter().flatten() {
            // One that ended just now used little since it was counted last.
            total += cpu_time(&child.to_string()).unwrap_or_default();
            waiting.push(child);
        }
    }
    Ok(total)
}

/// The processes of each parent.
fn children() -> Result<HashMap<u32, Vec<u32>>> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(process) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        if let Some(parent) = parent(&stat) {
            children.entry(parent).or_default().push(process);
        }
    }
    Ok(children)
}

/// The parent in a line of the kernel, whose second field is a name in parentheses that may hold anything.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Program;

    #[test]
    fn the_parent_of_a_process_with_an_odd_name_is_found() {
        assert_eq!(parent("7 (a) b) c) S 3 7 7 0"), Some(3));
    }

    #[test]
    fn what_a_child_uses_counts_for_its_parent() {
        let directory = tempfile::tempdir().unwrap();
        let mut shell = std::process::Command::new("sh");
        // The shell waits; its child works for longer than the kernel's unit of 10 ms.
        shell.args([
            "-c",
            "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; sleep 60' & wait",
        ]);
        let mut program =
            Program::start("family", &mut shell, directory.path()).unwrap().stopped_by("KILL");
        let id = program.id();
        let worked = || time_of(id).is_ok_and(|time| time >= Duration::from_millis(30));
        program.wait_until(Duration::from_secs(30), worked).unwrap();
        let child = children().unwrap()[&id][0];
        let mut kill = std::process::Command::new("kill");
        assert!(kill.arg(child.to_string()).status().unwrap().success());
    }
}
