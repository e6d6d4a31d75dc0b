//! A Redis that keeps what it has answered for, which is what the store asks of one.

use std::path::Path;

use anyhow::{Context, Result};

use super::{START_MAX, Server, answers, debian, on_path, tied};
use crate::program::{Program, free_address};

const PROGRAM: &str = "redis-server";
const KEEPING: [&str; 6] =
    ["--appendonly", "yes", "--maxmemory-policy", "noeviction", "--save", ""];

pub(super) fn start(data: &Path) -> Result<Server> {
    start_syncing(data, "always")
}

/// One that syncs its file as often as `syncs` says, which is a value of `appendfsync`.
pub(super) fn start_syncing(data: &Path, syncs: &str) -> Result<Server> {
    if on_path(PROGRAM).is_none() {
        debian::install(&["redis-server"])?;
    }
    let program = on_path(PROGRAM).context("the package brought no redis-server")?;
    let address = free_address()?;
    let mut command = tied::command(&program, "TERM", data);
    command.args(["--bind", &address.ip().to_string(), "--port", &address.port().to_string()]);
    command.args(KEEPING).args(["--appendfsync", syncs]).arg("--dir").arg(data);
    let mut program = Program::start("redis", &mut command, data)?;
    program.wait_until(START_MAX, || answers(address, b"PING\r\n"))?;
    Ok(Server { url: format!("redis://{address}/"), program })
}
