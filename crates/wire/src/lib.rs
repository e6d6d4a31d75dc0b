//! Bytes to SQS requests and replies to bytes.
