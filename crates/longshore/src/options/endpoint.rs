//! Where SQS is.

use clap::Args;

/// Amazon SQS, or another endpoint that speaks it.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "SQS endpoint")]
pub struct EndpointOptions {
    /// URL of an SQS endpoint, such as http://127.0.0.1:9324. Without it the AWS SDK's own
    /// settings decide (AWS_ENDPOINT_URL_SQS, AWS_ENDPOINT_URL, profiles), and else it is Amazon SQS
    #[arg(long, env = "LONGSHORE_ENDPOINT_URL", value_name = "URL")]
    pub endpoint_url: Option<String>,

    /// Region of the queues; without it the AWS SDK's own settings decide (AWS_REGION, profiles)
    #[arg(long, env = "LONGSHORE_REGION", value_name = "REGION")]
    pub region: Option<String>,
}
