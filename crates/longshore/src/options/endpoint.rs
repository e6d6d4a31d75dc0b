//! Where SQS is.

use clap::Args;

/// Amazon SQS, or another endpoint that speaks it.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "SQS endpoint")]
pub struct EndpointOptions {
    /// The endpoint's URL; without it the AWS SDK's own settings decide.
    #[arg(
        help = "URL of an SQS endpoint, such as http://127.0.0.1:9324. Without it the AWS SDK's \
                own settings decide (AWS_ENDPOINT_URL_SQS, AWS_ENDPOINT_URL, profiles), else it \
                is Amazon SQS",
        long,
        env = "LONGSHORE_ENDPOINT_URL",
        value_name = "URL"
    )]
    pub endpoint_url: Option<String>,

    /// The region; without it the AWS SDK's own settings decide.
    #[arg(
        help = "Region of the queues. Without it the AWS SDK's own settings decide (AWS_REGION, \
                profiles)",
        long,
        env = "LONGSHORE_REGION",
        value_name = "REGION"
    )]
    pub region: Option<String>,
}
