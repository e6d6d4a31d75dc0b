//! Where the endpoint is and what requests are signed with.
//!
//! Without an endpoint the SDK's standard chains decide: environment, profile, container or
//! instance role. With one on this host, a laptop's broker, nothing outside the host is asked:
//! missing credentials and region are made up, and instance metadata is not looked for, which
//! would take seconds to not be found.

use std::time::Duration;

use aws_config::environment::{
    EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider,
};
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_credential_types::Credentials;
use aws_sdk_sqs::Client;

use super::endpoint;
use super::http::{ConnectError, http_client};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an answer may take to begin.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a long poll's answer may take: the longest wait of 20 s, and time for the answer.
const POLL_TIMEOUT: Duration = Duration::from_secs(30);

/// Where SQS is.
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
    let endpoint = options.endpoint_url.or_else(endpoint::from_environment);
    let is_amazon = endpoint.as_deref().is_none_or(endpoint::is_amazon);
    let config = loader(endpoint, options.region)?.load().await;
    let with_answer_within = |limit| {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(limit)
            .build();
        let config = aws_sdk_sqs::config::Builder::from(&config).timeout_config(timeouts);
        Client::from_conf(config.build())
    };
    let (client, polling_client) =
        (with_answer_within(ANSWER_TIMEOUT), with_answer_within(POLL_TIMEOUT));
    Ok(Clients { client, polling_client, is_amazon })
}

fn loader(endpoint: Option<String>, region: Option<String>) -> Result<ConfigLoader, ConnectError> {
    let http = http_client(endpoint.as_deref())?;
    // The providers below must be given the HTTP client: without one they panic.
    let providers = ProviderConfig::without_region().with_http_client(http.clone());
    let region = region.map(Region::new);
    let local = endpoint.as_deref().is_some_and(endpoint::is_loopback);
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(endpoint) = endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if local {
        let credentials = local_credentials(&providers);
        let region = local_region(region, &providers);
        return Ok(loader.region(region).credentials_provider(credentials));
    }
    Ok(match region {
        Some(region) => loader.region(region),
        None => loader,
    })
}

fn local_region(region: Option<Region>, providers: &ProviderConfig) -> RegionProviderChain {
    RegionProviderChain::first_try(region)
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::builder().configure(providers).build())
        .or_else(Region::from_static("us-east-1"))
}

fn local_credentials(providers: &ProviderConfig) -> CredentialsProviderChain {
    let made_up = Credentials::new("local", "local", None, None, "longshore");
    CredentialsProviderChain::first_try(
        "environment",
        EnvironmentVariableCredentialsProvider::new(),
    )
    .or_else("profile", ProfileFileCredentialsProvider::builder().configure(providers).build())
    .or_else("made up", made_up)
}
