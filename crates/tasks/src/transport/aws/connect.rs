//! The endpoint of SQS, and what reaches it: a channel for messages, and the SDK's client for
//! administering queues.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
use aws_types::service_config::ServiceConfigKey;

use super::channel::{Address, Channel, NoAddress};
use super::credentials::CredentialsCache;
use crate::aws::http::ConnectError;
use crate::aws::{config, endpoint};

/// The variable that names the endpoint of SQS alone.
const ENDPOINT: &str = "AWS_ENDPOINT_URL_SQS";
/// How long an answer may take.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a long poll's answer may take: the longest wait of 20 s, and time for the answer.
pub(super) const POLL_TIMEOUT: Duration = Duration::from_secs(30);

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

/// What reaches an endpoint, and what is known of it.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) channel: Channel,
    pub(super) client: Client,
    pub(super) region: Option<String>,
    pub(super) is_amazon: bool,
}

pub(super) async fn connect(options: AwsOptions) -> Result<Connected, ConnectError> {
    let endpoint = options.endpoint_url.or_else(|| endpoint::from_environment(ENDPOINT));
    let config = config::load(endpoint, options.region).await?;
    let address = address(&config).await;
    let timeouts = config::timeouts(ANSWER_TIMEOUT);
    let administering = aws_sdk_sqs::config::Builder::from(&config).timeout_config(timeouts);
    Ok(Connected {
        is_amazon: address.as_ref().is_ok_and(|found| endpoint::is_amazon(&found.url)),
        channel: Channel::new(address, CredentialsCache::new(config.credentials_provider())),
        client: Client::from_conf(administering.build()),
        region: config.region().map(ToString::to_string),
    })
}

/// Where requests go, by the SDK's own rules: the partition of the region, dual-stack and FIPS
/// endpoints included.
async fn address(config: &SdkConfig) -> Result<Address, NoAddress> {
    let region = config.region().ok_or_else(|| {
        NoAddress("no region is set: name one with --region or AWS_REGION".to_owned())
    })?;
    let parameters = Params::builder()
        .region(region.as_ref())
        .set_endpoint(configured(config))
        .set_use_fips(config.use_fips())
        .set_use_dual_stack(config.use_dual_stack())
        .build()
        .map_err(|refusal| NoAddress(refusal.to_string()))?;
    let endpoint = DefaultResolver::new().resolve_endpoint(&parameters).await;
    let endpoint = endpoint.map_err(|refusal| NoAddress(refusal.to_string()))?;
    Address::of(endpoint.url(), region.to_string())
}

/// The endpoint that was named: in code; else for SQS alone, by a section of the profile; else for all services.
fn configured(config: &SdkConfig) -> Option<String> {
    let for_all = config.endpoint_url().map(str::to_owned);
    if config.get_origin("endpoint_url").is_client_config() {
        return for_all;
    }
    let key = ServiceConfigKey::builder().service_id("SQS").env("AWS_ENDPOINT_URL");
    let key = key.profile("endpoint_url").build().expect("all three are given");
    config.service_config().and_then(|services| services.load_config(key)).or(for_all)
}
