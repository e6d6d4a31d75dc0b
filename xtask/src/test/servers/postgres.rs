//! A `PostgreSQL` cluster that is made for the run. It trusts whoever connects: nobody can but this machine.
//!
//! Debian keeps the programs outside the path, in a directory for each major version. Neither will run as root, so root
//! runs them as the user that the package makes.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{START_MAX, Server, debian, path, tied};
use crate::program::{Program, free_address};
use crate::workspace;

const VERSIONS: &str = "/usr/lib/postgresql";
const PROGRAMS: [&str; 3] = ["initdb", "postgres", "pg_isready"];
/// Also the superuser of the cluster.
const USER: &str = "postgres";
/// Ends all connections; TERM would wait for them.
const FAST_SHUTDOWN: &str = "INT";

pub(super) fn start(data: &Path) -> Result<Server> {
    if programs().is_none() {
        debian::install(&["postgresql"])?;
    }
    let programs = programs().context("the package brought no initdb and postgres")?;
    let cluster = data.join("cluster");
    std::fs::create_dir(&cluster)?;
    if tied::is_root()? {
        tied::let_others_pass(data)?;
        tied::give(&cluster, USER)?;
    }
    let mut initdb = command(&programs.join("initdb"), &cluster)?;
    initdb.args(["--username", USER, "--auth", "trust", "--encoding", "UTF8", "--no-locale"]);
    workspace::output_of(initdb.args(["--no-sync", "--pgdata"]).arg(&cluster))?;
    serve(&programs, data, &cluster)
}

fn serve(programs: &Path, data: &Path, cluster: &Path) -> Result<Server> {
    let address = free_address()?;
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    let mut command = command(&programs.join("postgres"), cluster)?;
    // No Unix socket: its path may have 107 bytes only, which a temporary directory may use up.
    command.arg("-D").arg(cluster).args(["-k", "", "-h", &host, "-p", &port]);
    let mut program = Program::start("postgresql", &mut command, data)?.stopped_by(FAST_SHUTDOWN);
    program.wait_until(START_MAX, || {
        let mut ready = workspace::command(programs.join("pg_isready"));
        workspace::output_of(ready.args(["-h", &host, "-p", &port])).is_ok()
    })?;
    Ok(Server { url: format!("postgres://{USER}@{address}/postgres"), program })
}

fn command(program: &Path, directory: &Path) -> Result<Command> {
    if tied::is_root()? {
        return tied::command_as(USER, program, FAST_SHUTDOWN, directory);
    }
    Ok(tied::command(program, FAST_SHUTDOWN, directory))
}

/// The directory that has all the programs: one of the path, else that of the newest version.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir(VERSIONS).into_iter().flatten();
    let versions = versions.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let has_all = |directory: &PathBuf| PROGRAMS.iter().all(|name| directory.join(name).is_file());
    path().into_iter().chain(newest_first(versions)).find(has_all)
}

/// The directories of programs of these versions, whose names are numbers.
fn newest_first(versions: Vec<PathBuf>) -> Vec<PathBuf> {
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let mut numbered: Vec<_> =
        versions.into_iter().filter_map(|path| Some((number(&path)?, path.join("bin")))).collect();
    numbered.sort_by(|one, other| other.cmp(one));
    numbered.into_iter().map(|(_, programs)| programs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_is_that_of_the_greatest_number() {
        let versions = ["/p/9", "/p/15", "/p/common"].map(PathBuf::from).to_vec();
        assert_eq!(newest_first(versions), ["/p/15/bin", "/p/9/bin"].map(PathBuf::from));
    }
}
