//! Where SQS is.

use clap::Args;
use longshore_gateway::BaseUrl;

/// Amazon SQS, or another endpoint that speaks it.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "SQS endpoint")]
pub(crate) struct EndpointOptions {
    /// The endpoint's URL.
    #[arg(
        help = "URL of an SQS endpoint, such as http://127.0.0.1:9324. Without it `up` has the \
                broker in its own process, and every other command goes by the AWS SDK's own \
                settings (AWS_ENDPOINT_URL_SQS, AWS_ENDPOINT_URL, profiles), else to Amazon SQS",
        long,
        env = "LONGSHORE_ENDPOINT_URL",
        value_name = "URL",
        value_parser = endpoint_url
    )]
    pub(crate) endpoint_url: Option<String>,

    /// The region.
    #[arg(
        help = "Region of the queues. Without it the AWS SDK's own settings decide (AWS_REGION, \
                profiles), and for a broker in the process AWS_REGION, else us-east-1",
        long,
        env = "LONGSHORE_REGION",
        value_name = "REGION"
    )]
    pub(crate) region: Option<String>,
}

fn endpoint_url(text: &str) -> Result<String, String> {
    let checked = BaseUrl::parse(text);
    checked.map(|url| url.to_string()).map_err(|_| "write http://host:port or https://host".into())
}
