//! A process of the program, and how it is asked over HTTP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// How long a process may take for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that has said where it listens.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    said: String,
    lines: Receiver<String>,
    log: String,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ended_before = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Program {
    /// Starts the program; it has ports of its own, and keeps nothing.
    pub(crate) fn start(role: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_program-with-spans"));
        command.arg(role).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let others = std::env::vars().filter(|(name, _)| name.starts_with("OTEL_"));
        for (name, _) in others {
            command.env_remove(name);
        }
        command.env("RUST_LOG", "info").env("OTEL_BSP_SCHEDULE_DELAY", "50");
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        command.env("AWS_REGION", "us-east-1").envs(variables.iter().copied());
        let mut child = command.spawn().unwrap();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            let read = BufReader::new(stderr).lines().map_while(Result::ok);
            read.take_while(|line| sender.send(line.clone()).is_ok()).for_each(drop);
        });
        let mut said = String::new();
        let mut lines_said = BufReader::new(stdout).lines().map_while(Result::ok);
        // Every role says where it listens before it says which queues it has.
        while !said.contains("\n  queues ") {
            let Some(line) = lines_said.next() else {
                panic!("it does not start: {said}{:?}", lines.iter().collect::<Vec<_>>())
            };
            said.push_str(&line);
            said.push('\n');
        }
        thread::spawn(move || lines_said.for_each(drop));
        Self { child, said, lines, log: String::new() }
    }

    /// `up` in memory.
    pub(crate) fn up(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let ports = ["--listen", "--health-listen", "--broker-listen"];
        let mut all: Vec<_> = ports.into_iter().flat_map(|port| [port, "127.0.0.1:0"]).collect();
        all.push("--in-memory");
        all.extend(arguments);
        Self::start("up", &all, variables)
    }

    /// The address behind a word of the start-up message.
    pub(crate) fn address(&self, of: &str) -> String {
        let line = self.said.lines().find(|line| line.trim_start().starts_with(of));
        let url = line.and_then(|line| line.split_once("http://localhost:"));
        let port: String = url.map_or_else(
            || panic!("{of}: {}", self.said),
            |(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect(),
        );
        format!("127.0.0.1:{port}")
    }

    /// Asks for a task by its route.
    pub(crate) fn send(&self, route: &str, text: &str, headers: &[(&str, &str)]) {
        let json = format!("\"{text}\"");
        let head: Vec<_> =
            headers.iter().copied().chain([("content-type", "application/json")]).collect();
        let answer = ask(&self.address("app"), "POST", route, &head, &json);
        assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    }

    /// Waits until it has logged a line that has `words`.
    pub(crate) fn until_logged(&mut self, words: &str) {
        while !self.log.contains(words) {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("not logged: {words}: {}", self.log));
            self.log.push_str(&line);
            self.log.push('\n');
        }
    }

    /// Tells it to drain, and answers whether it ended well, and what it logged.
    pub(crate) fn drain(mut self) -> (bool, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let ended = self.child.wait().unwrap();
        let rest: Vec<String> = self.lines.iter().collect();
        (ended.success(), format!("{}{}", self.log, rest.join("\n")))
    }
}

/// Asks over HTTP, and answers head and body as they came.
pub(crate) fn ask(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let headers = headers.concat();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
