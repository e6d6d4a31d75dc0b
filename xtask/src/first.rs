//! The first application of `docs/first-application.md`: built, tested and run as its reader would.
//!
//! `examples/first` is a crate outside the workspace, as a user's is. It is built into the same target directory.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::step::Step;
use crate::workspace;

/// How often the app is asked, and between two times.
const ASKS_MAX: u32 = 150;
const ASK_AGAIN: Duration = Duration::from_millis(200);

/// The steps: its own test, then a run.
pub(crate) fn steps() -> Result<Vec<Step>> {
    const TESTS: &str = "first application: tests";
    Ok(vec![
        Step::command(TESTS, cargo(["test", "--locked"])?),
        Step::call("first application: a run", smoke).needing(TESTS),
    ])
}

fn cargo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Result<Command> {
    let target = workspace::dev_profile()?.with_file_name("");
    let mut command = workspace::cargo(arguments);
    command.current_dir(directory()).env("CARGO_TARGET_DIR", target);
    Ok(command)
}

fn directory() -> PathBuf {
    workspace::root().join("examples/first")
}

/// A program that ends with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself, which is what the asking then reports.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Asks for a greeting, and waits for it.
fn smoke() -> Result<()> {
    workspace::succeed(&mut cargo(["build", "--locked"])?)?;
    let app = free_port()?;
    let mut command = workspace::command(workspace::dev_profile()?.join("first"));
    command.args(["--in-memory", "--listen", &app.to_string()]);
    command.args(["--broker-listen", &free_port()?.to_string()]);
    command.args(["--health-listen", &free_port()?.to_string()]);
    let _program = Program(command.spawn().context("the first application cannot be started")?);
    until("is up", || Ok(ask(app, "GET /health", "")?.starts_with("HTTP/1.1 200")))?;
    let accepted = ask(app, "POST /greetings", r#"{"name":"Ada"}"#)?;
    ensure!(accepted.starts_with("HTTP/1.1 202"), "the first application answered: {accepted}");
    let url = accepted.split('"').find(|text| text.starts_with("http://"));
    let url = url.with_context(|| format!("there is no callback URL in {accepted}"))?;
    let status = url.find("/greetings").map_or("/", |path| &url[path..]);
    until("has greeted", || {
        Ok(ask(app, &format!("GET {status}"), "")?.contains(r#""reply":"Hello, Ada!""#))
    })
}

/// A port that nobody has now.
fn free_port() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// One request, and everything that is answered.
fn ask(address: SocketAddr, what: &str, json: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "{what} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{json}",
        json.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Asks until it is so.
#[expect(clippy::disallowed_methods, reason = "another process: there is nothing here to wait on")]
fn until(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let mut last = Ok(false);
    for _ in 0..ASKS_MAX {
        last = is_so();
        if matches!(last, Ok(true)) {
            return Ok(());
        }
        std::thread::sleep(ASK_AGAIN);
    }
    match last {
        Err(fault) => {
            Err(fault.context(format!("it is not seen that the first application {what}")))
        }
        Ok(_) => bail!("it is not seen that the first application {what}"),
    }
}

#[cfg(test)]
mod tests {
    const PAGE: &str = include_str!("../../docs/first-application.md");
    const MAIN: &str = include_str!("../../examples/first/src/main.rs");
    const OWN_ROUTE: &str = include_str!("../../examples/first/examples/own_route.rs");
    const MANIFEST: &str = include_str!("../../examples/first/Cargo.toml");
    /// Lines of Rust that a first application may have, its test among them.
    const LINES_MAX: usize = 30;

    /// The blocks of that language.
    fn blocks(language: &str) -> Vec<&'static str> {
        let fence = format!("```{language}\n");
        PAGE.split(&fence).skip(1).map(|rest| rest.split_once("```").unwrap().0).collect()
    }

    #[test]
    fn the_program_of_the_page_is_the_example_word_for_word() {
        assert_eq!(blocks("rust")[0], MAIN);
        assert!(MAIN.lines().filter(|line| !line.trim().is_empty()).count() < LINES_MAX);
    }

    #[test]
    fn the_own_route_of_the_page_is_in_an_example() {
        for part in blocks("rust")[1].split("\n\n") {
            assert!(OWN_ROUTE.contains(part), "{part}");
        }
    }

    #[test]
    fn the_manifest_of_the_page_is_the_example_s_but_for_where_the_checkout_is() {
        let of_page = blocks("toml")[0].replace("../longshore/", "../../");
        let (manifest, _) = MANIFEST.split_once("# The route of").unwrap();
        let alone = |line: &&str| !line.starts_with('#') && *line != "[workspace]";
        let lines = |text: &str| -> Vec<String> {
            let lines = text.lines().filter(|line| !line.is_empty()).filter(alone);
            lines.map(str::to_owned).collect()
        };
        assert_eq!(lines(&of_page), lines(manifest));
    }
}
