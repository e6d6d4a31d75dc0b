//! The servers of the stores' tests, and of the benchmark of tasks: started on free ports of the loopback interface, with data of their own in a
//! temporary directory, and ended when the tests have ended, however they ended.
//!
//! ```text
//! postgres, redis, dynamodb   how each is had, started, and known to be ready
//! debian                      installs packages, where root may
//! tied                        processes that end with this one, and run as no root if they refuse it
//! ```
//!
//! # Invariants
//!
//! - A server that cannot be had is named, with the reason, and the other tests run.
//! - A variable that is set already names the server to use, and none is started.
//! - Only processes that were started here are stopped, each by its id.

pub(crate) mod debian;
mod dynamodb;
mod postgres;
mod redis;
pub(crate) mod tied;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::program::Program;

/// The longest that a server may take until it answers; Java on a busy machine is slow.
const START_MAX: Duration = Duration::from_secs(60);
/// The longest that a server that has accepted a connection may take to answer; then it is asked anew.
const ANSWER_MAX: Duration = Duration::from_secs(1);

/// A server that runs, and the URL by which tests reach it.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) program: Program,
}

/// A store that is on a server.
struct Kind {
    store: &'static str,
    /// Tells the tests where the server is.
    variable: &'static str,
    /// Starts one, whose data is in that directory.
    start: fn(&Path) -> Result<Server>,
}

const DYNAMODB: Kind =
    Kind { store: "DynamoDB", variable: "LONGSHORE_TEST_DYNAMODB", start: dynamodb::start };

const KINDS: [Kind; 3] = [
    Kind { store: "PostgreSQL", variable: "LONGSHORE_TEST_POSTGRES", start: postgres::start },
    Kind { store: "Redis", variable: "LONGSHORE_TEST_REDIS", start: redis::start },
    DYNAMODB,
];

/// The servers that run; dropped, they end, and then their data goes.
pub(super) struct Servers {
    // Before the directory: fields are dropped in this order.
    programs: Vec<Program>,
    variables: Vec<(&'static str, String)>,
    not_tried: Vec<String>,
    data: TempDir,
}

/// A server whose data is in a directory that this makes.
///
/// # Errors
///
/// It cannot be had, or does not start.
pub(crate) fn postgres(data: &Path) -> Result<Server> {
    made(data)?;
    tied::let_others_pass(data)?;
    postgres::start(data)
}

/// A Redis whose `appendfsync` is `syncs`, with its data in a directory that this makes.
///
/// # Errors
///
/// It cannot be had, or does not start.
pub(crate) fn redis(data: &Path, syncs: &str) -> Result<Server> {
    made(data)?;
    redis::start_syncing(data, syncs)
}

fn made(data: &Path) -> Result<()> {
    std::fs::create_dir(data).with_context(|| format!("cannot make {}", data.display()))
}

/// Whether somebody names a server already.
fn is_given(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|url| !url.is_empty())
}

impl Servers {
    /// Starts what can be had.
    ///
    /// # Errors
    ///
    /// There is no place for the data.
    pub(super) fn start() -> Result<Self> {
        Self::start_all(&KINDS, is_given)
    }

    /// Starts those that the black-box tests do not start, and kill, themselves.
    ///
    /// # Errors
    ///
    /// There is no place for the data.
    pub(super) fn start_for_black_box() -> Result<Self> {
        Self::start_all(&[DYNAMODB], is_given)
    }

    fn start_all(kinds: &[Kind], given: impl Fn(&str) -> bool) -> Result<Self> {
        let data = tempfile::Builder::new().prefix("longshore-stores-").tempdir();
        let data = data.context("cannot make a directory for the stores' data")?;
        tied::let_others_pass(data.path())?;
        let mut servers =
            Self { programs: Vec::new(), variables: Vec::new(), not_tried: Vec::new(), data };
        for kind in kinds.iter().filter(|kind| !given(kind.variable)) {
            servers.add(kind)?;
        }
        Ok(servers)
    }

    fn add(&mut self, kind: &Kind) -> Result<()> {
        let data = self.data.path().join(kind.store.to_lowercase());
        made(&data)?;
        match (kind.start)(&data) {
            Ok(Server { url, program }) => {
                println!("{} runs as process {}: {url}", kind.store, program.id());
                self.programs.push(program);
                self.variables.push((kind.variable, url));
            }
            Err(failure) => {
                println!("{} is not tried: {failure:#}", kind.store);
                self.not_tried.push(format!("{} ({})", kind.store, in_a_line(&failure)));
            }
        }
        Ok(())
    }

    /// Tells a command where they are.
    pub(super) fn tell<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.envs(self.variables.iter().map(|(name, url)| (name, url)))
    }

    /// Which stores have no server, and why; `None` if all have one.
    pub(super) fn remark(&self) -> Option<String> {
        let not_tried = &self.not_tried;
        (!not_tried.is_empty()).then(|| format!("stores not tried: {}", not_tried.join(", ")))
    }
}

/// A failure without the log that it may bring along, which is shown where it happens.
pub(crate) fn in_a_line(failure: &anyhow::Error) -> String {
    format!("{failure:#}").lines().next().unwrap_or_default().to_owned()
}

/// Whether something at that address answers these words.
fn answers(address: SocketAddr, words: &[u8]) -> bool {
    let ask = || -> std::io::Result<usize> {
        let mut stream = TcpStream::connect_timeout(&address, ANSWER_MAX)?;
        stream.set_read_timeout(Some(ANSWER_MAX))?;
        stream.write_all(words)?;
        stream.read(&mut [0; 64])
    };
    ask().is_ok_and(|read| read > 0)
}

/// The program of that name, where the shell would find it.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    path().into_iter().map(|directory| directory.join(name)).find(|program| program.is_file())
}

/// The directories in which programs are looked for.
fn path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map_or_else(Vec::new, |path| std::env::split_paths(&path).collect())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use anyhow::bail;

    use super::*;

    const RUNNING: Kind = Kind {
        store: "A",
        variable: "A_URL",
        start: |data| {
            let program = Program::start("a", Command::new("sleep").arg("60"), data)?;
            Ok(Server { url: "a://here".to_owned(), program })
        },
    };
    const MISSING: Kind = Kind {
        store: "B",
        variable: "B_URL",
        start: |_| bail!("it ended; it said:\nno such\ndisk"),
    };

    #[test]
    fn a_store_that_cannot_be_had_is_named_in_a_line_and_the_others_run() {
        let servers = Servers::start_all(&[MISSING, RUNNING], |_| false).unwrap();
        let remark = servers.remark().unwrap();
        assert_eq!(remark, "stores not tried: B (it ended; it said:)");
        let mut command = Command::new("tests");
        let told: Vec<_> = servers.tell(&mut command).get_envs().collect();
        assert_eq!(told, [("A_URL".as_ref(), Some("a://here".as_ref()))]);
    }

    #[test]
    fn a_server_that_somebody_names_is_used_and_none_is_started() {
        let servers = Servers::start_all(&[MISSING], |variable| variable == "B_URL").unwrap();
        assert!(servers.remark().is_none() && servers.variables.is_empty());
    }

    #[test]
    fn servers_that_are_dropped_have_ended_and_their_data_is_gone() {
        let servers = Servers::start_all(&[RUNNING], |_| false).unwrap();
        let process = PathBuf::from(format!("/proc/{}", servers.programs[0].id()));
        let data = servers.data.path().to_owned();
        assert!(process.exists() && data.exists());
        drop(servers);
        assert!(!process.exists() && !data.exists());
    }

    #[test]
    fn a_port_that_takes_connections_and_says_nothing_does_not_answer() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(!answers(silent.local_addr().unwrap(), b"PING\r\n"));
    }

    #[test]
    fn a_program_on_the_path_is_found() {
        assert!(on_path("sh").is_some() && on_path("no-such-program-at-all").is_none());
    }
}
