//! The scenario of the reference system: ask for a result, then ask for its status until it is there.
//!
//! Each client is in a closed loop, so the tasks under way are as many as the clients. Between two questions about one
//! task a client pauses, as a browser would, though for a shorter time; a latency is exact to that pause.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::fleet::{self, Client, Load, Record, Turn};
use super::http::Connection;
use super::ledger::Account;
use super::report::Row;
use super::server::{self, Server};
use super::sqs;
use crate::stopwatch::Stopwatch;

const PAUSE: Duration = Duration::from_millis(1);
/// A task that has no result by then is lost.
const RESULT_MAX: Duration = Duration::from_secs(30);
const REQUEST: &str = "/fibonacci?value=8";
/// The 8th number of 0, 1, 1, 2, 3, 5, 8, 13.
const RESULT: &str = r#""value":13"#;

/// Measures accepted tasks, and the time to their results.
pub(super) fn measure(system: &Server, load: &Load) -> Result<(Vec<Row>, Account)> {
    let clients =
        (0..load.connections).map(|_| Requester::connect(system)).collect::<Result<_>>()?;
    let (server_before, own_before) = (system.cpu_time()?, server::own_cpu_time()?);
    let (clients, record) = fleet::drive(clients, load.limit)?;
    let server_time = system.cpu_time()?.saturating_sub(server_before);
    let own_time = server::own_cpu_time()?.saturating_sub(own_before);
    let mut accepted =
        Record { messages: record.messages, elapsed: record.elapsed, samples: Vec::new() };
    accepted.samples.extend(clients.iter().flat_map(|client| &client.accepted));
    accepted.samples.sort_unstable();
    let account = settle(&system.name, &clients);
    let row = |name: &str, record| Row {
        scenario: name.to_owned(),
        server: system.name.clone(),
        paced: false,
        record,
        server_time,
        own_time,
    };
    Ok((vec![row("request to result", record), row("request to callback URL", accepted)], account))
}

/// Two requests that were given the same callback URL would share a task: the ids are the numbers of this account.
fn settle(system: &str, clients: &[Requester]) -> Account {
    let mut urls: Vec<&str> =
        clients.iter().flat_map(|client| &client.urls).map(String::as_str).collect();
    urls.sort_unstable();
    let mut number = 0;
    let mut before = None;
    let received: Vec<u64> = urls
        .into_iter()
        .map(|url| {
            number += u64::from(before.replace(url) != Some(url));
            number
        })
        .collect();
    let sent: Vec<u64> = (1..=number).collect();
    Account::settle(format!("{system}, tasks"), &sent, &received)
}

struct Requester {
    connection: Connection,
    system: std::net::SocketAddr,
    /// Callback URLs whose task was completed.
    urls: Vec<String>,
    /// The time of each request until it was accepted.
    accepted: Vec<Duration>,
}

impl Requester {
    fn connect(system: &Server) -> Result<Self> {
        let connection = Connection::open(system.address)?;
        Ok(Self { connection, system: system.address, urls: Vec::new(), accepted: Vec::new() })
    }

    fn request(&mut self) -> Result<String> {
        let answer = self.connection.ask(&server::get(self.system, REQUEST))?;
        let url = sqs::strings(answer, "callbackUrl").next();
        url.map(str::to_owned)
            .with_context(|| format!("the app answered without a callback URL: {answer}"))
    }

    fn await_result(&mut self, url: &str, watch: Stopwatch) -> Result<()> {
        let path = url.find("/fibonacci/").map(|at| &url[at..]);
        let question =
            server::get(self.system, path.with_context(|| format!("{url} is no callback URL"))?);
        while watch.elapsed() < RESULT_MAX {
            let answer = self.connection.ask(&question)?;
            if !answer.contains("PENDING") {
                ensure!(
                    answer.contains("COMPLETED") && answer.contains(RESULT),
                    "a task ended wrongly: {answer}"
                );
                return Ok(());
            }
            thread::park_timeout(PAUSE);
        }
        bail!("{url} had no result after {} s", RESULT_MAX.as_secs())
    }
}

impl Client for Requester {
    fn turn(&mut self, record: &mut Record) -> Result<Turn> {
        let watch = Stopwatch::start();
        let url = self.request()?;
        self.accepted.push(watch.elapsed());
        self.await_result(&url, watch)?;
        record.exchange(watch, 1);
        self.urls.push(url);
        Ok(Turn::Again)
    }
}
