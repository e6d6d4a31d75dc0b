//! The flags of the app's HTTP, and of its pages for operators.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use longshore_gateway::BaseUrl;

use super::{duration, parse_address};

/// The app's HTTP.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "App")]
pub(crate) struct HttpOptions {
    /// Where the app listens for HTTP
    #[arg(
        long, env = "LONGSHORE_LISTEN", value_name = "ADDRESS",
        value_parser = parse_address, default_value = "127.0.0.1:5000"
    )]
    pub(crate) listen: SocketAddr,

    /// What callback URLs begin with, if not the `Host` that the request named.
    #[arg(
        help = "What callback URLs begin with, such as https://example.org; without it, the Host \
                that the request named",
        long, env = "LONGSHORE_PUBLIC_URL", value_name = "URL", value_parser = BaseUrl::parse)]
    pub(crate) public_url: Option<BaseUrl>,

    /// How long a result is kept after its task ended; then its status is 404
    #[arg(
        long, env = "LONGSHORE_RESULT_RETENTION", value_name = "DURATION",
        value_parser = duration, default_value = "4d"
    )]
    pub(crate) result_retention: Duration,
}

/// The app's pages for operators.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "App")]
pub(crate) struct PageOptions {
    /// Where the app's metrics are, for Prometheus, at /metrics, and its health page once more; without
    /// it nowhere. They bear the names of queues and tasks and nothing of messages
    #[arg(
        long, env = "LONGSHORE_APP_HEALTH_LISTEN", value_name = "ADDRESS",
        value_parser = parse_address
    )]
    pub(crate) app_health_listen: Option<SocketAddr>,
}
