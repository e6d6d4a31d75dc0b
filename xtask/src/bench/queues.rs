//! The scenarios of one queue: send, receive, delete, drain, and the full cycle under a standing backlog.
//!
//! A scenario ends when its time is up, or when its messages are used up; what is then left in the queue is drained, so
//! that every number can be accounted for.

use std::time::Duration;

use anyhow::{Context, Result};

use super::fleet::{self, Load};
use super::ledger::Account;
use super::participant::{Participant, Role, Shared};
use super::report::Row;
use super::server::{self, Server};
use super::sqs::BATCH_MAX;
pub(super) use super::sqs::BODY_BYTES;

/// Below the 120,000 messages that SQS allows in flight.
const IN_FLIGHT_MAX: u64 = 100_000;
/// For as long as it takes to empty a queue, and no longer.
const DRAIN_MAX: Duration = Duration::from_secs(120);

/// What was measured on one server with one batch size.
#[derive(Debug, Default)]
pub(super) struct Measured {
    /// A row for each scenario.
    pub(super) rows: Vec<Row>,
    /// An account for each queue.
    pub(super) accounts: Vec<Account>,
}

/// Runs all scenarios with messages one by one (`batch` 1) or so many at a time.
pub(super) fn measure(server: &Server, load: &Load, batch: usize) -> Result<Measured> {
    let mut bench = Bench { server, load, batch, measured: Measured::default() };
    bench.step_by_step()?;
    bench.full_cycle()?;
    Ok(bench.measured)
}

struct Bench<'a> {
    server: &'a Server,
    load: &'a Load,
    batch: usize,
    measured: Measured,
}

impl Bench<'_> {
    /// Send, receive, delete: each alone, so that its cost is seen alone.
    fn step_by_step(&mut self) -> Result<()> {
        let shared =
            Shared::create(self.server.address, &format!("steps-{}", self.batch), self.batch)?;
        let clients = Participant::connect(&shared, self.load.connections, Role::Send)?;
        let clients = self.scenario("send", clients, self.load.limit)?;
        // The other half stays for the drain.
        shared.allow(IN_FLIGHT_MAX.min(self.last_messages() / 2));
        let clients = self.scenario("receive", Role::Receive.of(clients), self.load.limit)?;
        // As long as it takes: what stays in flight could not be accounted for.
        let clients = self.scenario("delete", Role::Delete.of(clients), DRAIN_MAX)?;
        let clients = if self.batch == BATCH_MAX {
            self.scenario("drain", Role::Drain.of(clients), DRAIN_MAX)?
        } else {
            // A drain is in batches whatever the scenario's size, so it is measured once.
            self.empty(clients)?
        };
        self.settle("steps", &clients);
        Ok(())
    }

    /// Half of the clients send, half receive and delete.
    fn full_cycle(&mut self) -> Result<()> {
        let shared =
            Shared::create(self.server.address, &format!("cycle-{}", self.batch), self.batch)?;
        let half = self.load.connections / 2;
        let mut clients = Participant::connect(&shared, half, Role::Produce)?;
        clients.extend(Participant::connect(&shared, self.load.connections - half, Role::Consume)?);
        let clients = self.scenario("full cycle", clients, self.load.limit)?;
        let clients = self.empty(clients)?;
        self.settle("full cycle", &clients);
        Ok(())
    }

    /// Drives the clients, reads the processors' clocks around it, and enters a row.
    fn scenario(
        &mut self,
        what: &str,
        clients: Vec<Participant>,
        limit: Duration,
    ) -> Result<Vec<Participant>> {
        let (scenario, server) = (self.title(what), self.server.name.clone());
        eprintln!("measuring {scenario}, {server}");
        let (server_before, own_before) = (self.server.cpu_time()?, server::own_cpu_time()?);
        let (clients, record) =
            fleet::drive(clients, limit).with_context(|| format!("{scenario}, {server}"))?;
        let server_time = self.server.cpu_time()?.saturating_sub(server_before);
        let own_time = server::own_cpu_time()?.saturating_sub(own_before);
        self.measured.rows.push(Row {
            scenario,
            server,
            paced: false,
            record,
            server_time,
            own_time,
        });
        Ok(clients)
    }

    /// Takes what is left, for the account alone.
    fn empty(&self, clients: Vec<Participant>) -> Result<Vec<Participant>> {
        let what = || format!("emptying the queue, {}", self.server.name);
        let (clients, _) = fleet::drive(Role::Drain.of(clients), DRAIN_MAX).with_context(what)?;
        Ok(clients)
    }

    fn settle(&mut self, what: &str, clients: &[Participant]) {
        let name = format!("{}, {}", self.server.name, self.title(what));
        let sent: Vec<u64> = clients.iter().flat_map(Participant::sent).collect();
        let received: Vec<u64> = clients.iter().flat_map(Participant::received).collect();
        self.measured.accounts.push(Account::settle(name, &sent, &received));
    }

    fn last_messages(&self) -> u64 {
        self.measured.rows.last().map_or(0, |row| row.record.messages)
    }

    fn title(&self, what: &str) -> String {
        if self.batch == 1 { what.to_owned() } else { format!("{what}, batches of {}", self.batch) }
    }
}
