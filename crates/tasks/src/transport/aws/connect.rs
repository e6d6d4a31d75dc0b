//! The clients of SQS: one for short calls, one for long polls.

use std::time::Duration;

use aws_sdk_sqs::Client;

use crate::aws::http::ConnectError;
use crate::aws::{config, endpoint};

/// The variable that names the endpoint of SQS alone.
const ENDPOINT: &str = "AWS_ENDPOINT_URL_SQS";
/// How long an answer may take to begin.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a long poll's answer may take: the longest wait of 20 s, and time for the answer.
const POLL_TIMEOUT: Duration = Duration::from_secs(30);

/// Where SQS is.
///
/// ```
/// use longshore_tasks::AwsOptions;
///
/// // A broker on this host, which needs neither a region nor credentials.
/// let here = AwsOptions {
///     endpoint_url: Some("http://127.0.0.1:9324".to_owned()),
///     ..AwsOptions::default()
/// };
/// assert_eq!(here.region, None);
/// ```
#[derive(Clone, Debug, Default)]
pub struct AwsOptions {
    /// The endpoint's URL. By default `AWS_ENDPOINT_URL_SQS` or `AWS_ENDPOINT_URL`, else Amazon.
    pub endpoint_url: Option<String>,
    /// The region. By default what environment, profile or instance say; `us-east-1` for an
    /// endpoint on this host.
    pub region: Option<String>,
}

/// A client for short calls and one for long polls, which share their connections; and whether
/// they speak to Amazon.
#[derive(Debug)]
pub(super) struct Clients {
    pub(super) client: Client,
    pub(super) polling_client: Client,
    pub(super) is_amazon: bool,
}

pub(super) async fn clients(options: AwsOptions) -> Result<Clients, ConnectError> {
    let endpoint = options.endpoint_url.or_else(|| endpoint::from_environment(ENDPOINT));
    let is_amazon = endpoint.as_deref().is_none_or(endpoint::is_amazon);
    let config = config::load(endpoint, options.region).await?;
    let with_answer_within = |limit| {
        let config = aws_sdk_sqs::config::Builder::from(&config);
        Client::from_conf(config.timeout_config(config::timeouts(limit)).build())
    };
    let (client, polling_client) =
        (with_answer_within(ANSWER_TIMEOUT), with_answer_within(POLL_TIMEOUT));
    Ok(Clients { client, polling_client, is_amazon })
}
