//! A durable broker that speaks SQS.
