//! Who takes part, what each needs, and how its worker and its producer are started.
//!
//! Settings that are not an entrant's default are here and in its programs, `benches/peers/`, and nowhere else.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use super::grounds::{Ground, Grounds};
use super::install::{Installed, peers};
use crate::test::servers::tied;

/// Another framework, and what it runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Peer {
    /// sqs-consumer and sqs-producer (Node) on SQS; results by a queue of replies
    SqsConsumer,
    /// Celery on SQS; results in Redis
    CelerySqs,
    /// Celery on Redis, which has its results too
    CeleryRedis,
    /// `BullMQ` (Node) on Redis
    Bullmq,
}

impl Peer {
    pub(super) const ALL: [Self; 4] =
        [Self::SqsConsumer, Self::CelerySqs, Self::CeleryRedis, Self::Bullmq];
}

/// Where Longshore keeps the records of its tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Store {
    /// A file
    Sqlite,
    /// A file, with a broker that syncs once a second as the peers' Redis does
    SqliteEverysec,
    /// A `PostgreSQL`
    Postgres,
    /// A Redis that syncs before it answers, since the store takes no other
    Redis,
}

impl Store {
    pub(super) const ALL: [Self; 4] =
        [Self::Sqlite, Self::SqliteEverysec, Self::Postgres, Self::Redis];

    /// The server that it is on.
    fn server(self) -> Option<Ground> {
        match self {
            Self::Sqlite | Self::SqliteEverysec => None,
            Self::Postgres => Some(Ground::Postgres),
            Self::Redis => Some(Ground::RedisAlways),
        }
    }

    /// The broker beside it.
    fn broker(self) -> Ground {
        if self == Self::SqliteEverysec { Ground::BrokerEverysec } else { Ground::Broker }
    }
}

/// A framework on what it runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entrant {
    Longshore(Store),
    SqsConsumer,
    CelerySqs,
    /// On that Redis.
    CeleryRedis(Ground),
    /// On that Redis.
    Bullmq(Ground),
}

/// The two programs of an entrant.
pub(super) struct Commands {
    pub(super) worker: Command,
    pub(super) producer: Command,
}

impl Entrant {
    /// Longshore first, to which the others are compared. What runs on Redis is there twice, unless it is brief.
    pub(super) fn all(stores: &[Store], peers: &[Peer], is_brief: bool) -> Vec<Self> {
        let redis = if is_brief {
            &[Ground::RedisEverysec][..]
        } else {
            &[Ground::RedisEverysec, Ground::RedisAlways]
        };
        let of_peer = |peer: &Peer| match peer {
            Peer::SqsConsumer => vec![Self::SqsConsumer],
            Peer::CelerySqs => vec![Self::CelerySqs],
            Peer::CeleryRedis => redis.iter().copied().map(Self::CeleryRedis).collect(),
            Peer::Bullmq => redis.iter().copied().map(Self::Bullmq).collect(),
        };
        let own = stores.iter().copied().map(Self::Longshore);
        own.chain(peers.iter().flat_map(of_peer)).collect()
    }

    /// What it is called in tables.
    pub(super) fn name(self) -> String {
        match self {
            Self::Longshore(Store::Sqlite) => "Longshore, SQLite".to_owned(),
            Self::Longshore(Store::SqliteEverysec) => "Longshore, SQLite (everysec)".to_owned(),
            Self::Longshore(Store::Postgres) => "Longshore, PostgreSQL".to_owned(),
            Self::Longshore(Store::Redis) => "Longshore, Redis (always)".to_owned(),
            Self::SqsConsumer => "sqs-consumer".to_owned(),
            Self::CelerySqs => "Celery, SQS".to_owned(),
            Self::CeleryRedis(redis) => format!("Celery, Redis ({})", syncs(redis)),
            Self::Bullmq(redis) => format!("BullMQ, Redis ({})", syncs(redis)),
        }
    }

    /// Whether it is ours.
    pub(super) fn is_longshore(self) -> bool {
        matches!(self, Self::Longshore(_))
    }

    /// What it runs on.
    pub(super) fn grounds(self) -> Vec<Ground> {
        match self {
            Self::Longshore(store) => {
                std::iter::once(store.broker()).chain(store.server()).collect()
            }
            Self::SqsConsumer => vec![Ground::Broker],
            Self::CelerySqs => vec![Ground::Broker, Ground::RedisEverysec],
            Self::CeleryRedis(redis) | Self::Bullmq(redis) => vec![redis],
        }
    }

    /// Has everything there that it needs.
    pub(super) fn prepare(self, grounds: &mut Grounds, installed: &mut Installed) -> Result<()> {
        self.grounds().into_iter().try_for_each(|ground| grounds.need(ground))?;
        match self {
            Self::Longshore(_) => Ok(()),
            Self::SqsConsumer | Self::Bullmq(_) => installed.need_node(),
            Self::CelerySqs | Self::CeleryRedis(_) => installed.need_python(),
        }
    }

    /// Its programs, with their data in `directory`.
    pub(super) fn commands(
        self,
        on: &Grounds,
        with: &Installed,
        directory: &Path,
        concurrency: u64,
    ) -> Result<Commands> {
        let concurrency = concurrency.to_string();
        let commands = match self {
            Self::Longshore(store) => {
                let sqs = on.url(store.broker())?;
                longshore(&location(store, on, directory)?, sqs, with, directory, &concurrency)
            }
            Self::SqsConsumer => {
                let queues = format!(
                    "{} {}",
                    on.queue("sqs-consumer-tasks")?,
                    on.queue("sqs-consumer-replies")?
                );
                node("sqs.mjs", with, directory)?.env("PEER_QUEUES", &queues)
            }
            Self::Bullmq(redis) => {
                node("bullmq.mjs", with, directory)?.env("PEER_REDIS", on.url(redis)?)
            }
            Self::CelerySqs => {
                let broker = format!("sqs://key:secret@{}/", on.broker());
                celery(&broker, on.url(Ground::RedisEverysec)?, with, &concurrency)?
            }
            Self::CeleryRedis(redis) => celery(on.url(redis)?, on.url(redis)?, with, &concurrency)?,
        };
        Ok(commands.env("PEER_CONCURRENCY", &concurrency))
    }
}

impl Commands {
    fn env(mut self, name: &str, value: &str) -> Self {
        self.worker.env(name, value);
        self.producer.env(name, value);
        self
    }
}

fn syncs(redis: Ground) -> &'static str {
    if redis == Ground::RedisAlways { "always" } else { "everysec" }
}

fn location(store: Store, on: &Grounds, directory: &Path) -> Result<String> {
    Ok(match store.server() {
        None => directory.join("tasks.sqlite3").display().to_string(),
        Some(server) => on.url(server)?.to_owned(),
    })
}

fn longshore(
    store: &str,
    sqs: &str,
    with: &Installed,
    directory: &Path,
    concurrency: &str,
) -> Commands {
    let mut worker = command(&with.longshore, directory);
    worker.args(["worker", "--endpoint-url", sqs, "--region", "us-east-1", "--store", store]);
    worker.args(["--concurrency", concurrency, "--health-listen", "127.0.0.1:0"]);
    let mut producer = command(&with.longshore, directory);
    producer.arg("producer").envs([("PEER_SQS", sqs), ("PEER_STORE", store)]);
    Commands { worker, producer }.env("RUST_LOG", "warn")
}

fn node(script: &str, with: &Installed, directory: &Path) -> Result<Commands> {
    let place = with.node.as_deref().context("nothing is installed for Node")?;
    let program = |role| {
        let mut command = command(Path::new("node"), directory);
        command.arg(place.join(script)).arg(role);
        command
    };
    Ok(Commands { worker: program("worker"), producer: program("producer") })
}

/// Of Celery's pools, threads took least processor time for these tasks: less than `prefork` and `gevent`.
fn celery(broker: &str, results: &str, with: &Installed, concurrency: &str) -> Result<Commands> {
    let python = with.python.as_deref().context("nothing is installed for Python")?;
    let folder = peers().join("celery");
    let mut worker = command(python, &folder);
    worker.args(["-m", "celery", "-A", "jobs", "worker", "--loglevel", "WARNING"]);
    worker.args(["--pool", "threads", "--concurrency", concurrency]);
    worker.args(["--without-gossip", "--without-mingle", "--without-heartbeat"]);
    let mut producer = command(python, &folder);
    producer.arg("producer.py");
    let commands = Commands { worker, producer }.env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(commands.env("PEER_BROKER", broker).env("PEER_REDIS", results))
}

/// A program that ends with this one, and in an environment that has credentials for nobody and no proxy.
fn command(program: &Path, directory: &Path) -> Command {
    let mut command = tied::command(program, "TERM", directory);
    command.env_clear();
    for name in ["PATH", "HOME", "LANG"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command.envs([("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret")]);
    command.envs([("AWS_REGION", "us-east-1"), ("AWS_EC2_METADATA_DISABLED", "true")]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longshore_is_first_and_what_runs_on_redis_is_there_twice() {
        let all = Entrant::all(&Store::ALL, &Peer::ALL, false);
        assert!(all[0].is_longshore() && all.len() == 10);
        assert_eq!(Entrant::all(&[Store::Sqlite], &Peer::ALL, true).len(), 5);
    }

    #[test]
    fn every_entrant_has_a_name_of_its_own() {
        let mut names: Vec<_> =
            Entrant::all(&Store::ALL, &Peer::ALL, false).into_iter().map(Entrant::name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 10);
    }
}
