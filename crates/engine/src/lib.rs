//! What one SQS queue does, with no clock, no disk and no network.
