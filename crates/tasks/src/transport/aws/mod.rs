//! Amazon SQS, or any endpoint that speaks it, through the AWS SDK.
