//! The bounds of a broker: how much its clients may take of it.

use clap::Args;
use clap::builder::RangedU64ValueParser;
use longshore_broker::{BrokerOptions, ServerOptions};

/// The bounds of a broker.
#[expect(clippy::struct_field_names, reason = "a field has the name of its flag")]
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Broker bounds")]
pub(crate) struct BoundOptions {
    /// Connections that the broker has at once. Beyond, the one that has kept it waiting longest is
    /// closed, or the new one is answered 503
    #[arg(
        long, env = "LONGSHORE_CONNECTIONS_MAX", value_name = "COUNT",
        value_parser = count(1), default_value_t = ServerOptions::default().connections_max
    )]
    pub(crate) connections_max: usize,

    /// Connections of one address at once
    #[arg(
        long, env = "LONGSHORE_PEER_CONNECTIONS_MAX", value_name = "COUNT",
        value_parser = count(1), default_value_t = ServerOptions::default().peer_connections_max
    )]
    pub(crate) peer_connections_max: usize,

    /// Bytes of requests and replies in memory at once. Beyond, requests are answered 503
    #[arg(
        long, env = "LONGSHORE_TRAFFIC_BYTES_MAX", value_name = "BYTES",
        value_parser = RangedU64ValueParser::<u64>::new().range(TRAFFIC_BYTES_LEAST..),
        default_value_t = ServerOptions::default().traffic_bytes_max
    )]
    pub(crate) traffic_bytes_max: u64,

    /// Queues that the broker has. Beyond, none is created
    #[arg(
        long, env = "LONGSHORE_QUEUES_MAX", value_name = "COUNT",
        value_parser = count(1), default_value_t = BrokerOptions::default().queues_max
    )]
    pub(crate) queues_max: usize,

    /// Bytes of all queues' tags and attributes. Beyond, none is set
    #[arg(
        long, env = "LONGSHORE_CATALOG_BYTES_MAX", value_name = "BYTES",
        default_value_t = BrokerOptions::default().catalog_bytes_max
    )]
    pub(crate) catalog_bytes_max: u64,

    /// Receives that wait for one queue at once. Beyond, they are refused
    #[arg(
        long, env = "LONGSHORE_WAITING_RECEIVES_MAX", value_name = "COUNT",
        value_parser = count(0), default_value_t = BrokerOptions::default().waiting_receives_max
    )]
    pub(crate) waiting_receives_max: usize,

    /// Bytes of message bodies in memory, with what each costs beside. Beyond, they are read from the disk
    #[arg(
        long, env = "LONGSHORE_CACHED_BYTES_MAX", value_name = "BYTES",
        default_value_t = BrokerOptions::default().store.cache_bytes
    )]
    pub(crate) cached_bytes_max: usize,
}

/// The largest receive must find room beside what is kept for small requests.
const TRAFFIC_BYTES_LEAST: u64 = 32 << 20;

fn count(least: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(least..)
}

impl Default for BoundOptions {
    fn default() -> Self {
        let (server, broker) = (ServerOptions::default(), BrokerOptions::default());
        Self {
            connections_max: server.connections_max,
            peer_connections_max: server.peer_connections_max,
            traffic_bytes_max: server.traffic_bytes_max,
            queues_max: broker.queues_max,
            catalog_bytes_max: broker.catalog_bytes_max,
            waiting_receives_max: broker.waiting_receives_max,
            cached_bytes_max: broker.store.cache_bytes,
        }
    }
}
