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
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;

use super::endpoint;
use super::http::{ConnectError, http_client};

/// How long a connection may take to be made.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The configuration of a client, which tries nothing again: its caller does. `endpoint` is a URL;
/// `None` is Amazon's.
pub(crate) async fn load(
    endpoint: Option<String>,
    region: Option<String>,
) -> Result<SdkConfig, ConnectError> {
    Ok(loader(endpoint, region)?.load().await)
}

/// The time limits of a client whose answers take up to `answer_within` to begin.
pub(crate) fn timeouts(answer_within: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(answer_within)
        .build()
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
