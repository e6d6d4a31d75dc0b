//! Makes records durable and brings them back.
