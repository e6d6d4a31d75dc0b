//! The few SQS requests of the load generator, as bytes, and what their replies hold.
//!
//! Requests are AWS JSON 1.0, unsigned. A body is a number, the time of its send, and filling:
//!
//! ```text
//! 0         20           40                                  100
//! ├─ number ─┼─ sent (µs) ┼─ filling ─────────────────────────┤   decimal digits with leading zeros
//! ```

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::http::Connection;
use crate::stopwatch::Stopwatch;

/// Most entries of a batch.
pub(super) const BATCH_MAX: usize = 10;

/// Length of a body in bytes.
pub(super) const BODY_BYTES: usize = 100;

/// A queue of a server, made for one measurement.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    address: SocketAddr,
    url: String,
    /// Bodies tell when they were sent, counted from here.
    epoch: Stopwatch,
    body_bytes: usize,
}

/// A message as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Received {
    /// Which message it is.
    pub(super) number: u64,
    /// When its send began, counted from the queue's epoch.
    pub(super) sent: Duration,
    /// As it stood in the reply, escapes and all.
    pub(super) receipt_handle: String,
}

impl Queue {
    /// Creates a queue whose messages stay in flight for as long as SQS allows: none comes back by itself.
    pub(super) fn create(address: SocketAddr, name: &str) -> Result<Self> {
        let fields =
            format!(r#"{{"QueueName":"{name}","Attributes":{{"VisibilityTimeout":"43200"}}}}"#);
        let request = request(address, "CreateQueue", &fields);
        let mut connection = Connection::open(address)?;
        let reply = connection.ask(&request)?;
        let url =
            strings(reply, "QueueUrl").next().context("CreateQueue answered without a QueueUrl")?;
        let (url, epoch) = (url.to_owned(), Stopwatch::start());
        Ok(Self { address, url, epoch, body_bytes: BODY_BYTES })
    }

    /// The same queue, for messages with bodies of so many bytes.
    pub(super) fn with_bodies_of(self, body_bytes: usize) -> Self {
        Self { body_bytes, ..self }
    }

    /// The queue's URL.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// A connection to the queue's server.
    pub(super) fn connect(&self) -> Result<Connection> {
        Connection::open(self.address)
    }

    /// The time since the queue's epoch.
    pub(super) fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// Sends the messages of these numbers: one by `SendMessage`, more by `SendMessageBatch`.
    pub(super) fn send(&self, connection: &mut Connection, numbers: Range<u64>) -> Result<()> {
        let sent = self.now();
        if numbers.end - numbers.start == 1 {
            let body = body(numbers.start, sent, self.body_bytes);
            return self
                .ask(connection, "SendMessage", &format!(r#""MessageBody":"{body}""#))
                .map(drop);
        }
        let entry = |number| {
            format!(
                r#"{{"Id":"{number}","MessageBody":"{}"}}"#,
                body(number, sent, self.body_bytes)
            )
        };
        self.ask_batch(connection, "SendMessageBatch", numbers.map(entry))
    }

    /// Receives at most `max` messages; waits at most `wait_seconds` for the first.
    pub(super) fn receive(
        &self,
        connection: &mut Connection,
        max: usize,
        wait_seconds: u8,
    ) -> Result<Vec<Received>> {
        let fields = format!(r#""MaxNumberOfMessages":{max},"WaitTimeSeconds":{wait_seconds}"#);
        received(self.ask(connection, "ReceiveMessage", &fields)?)
    }

    /// Deletes: one by `DeleteMessage`, more by `DeleteMessageBatch`.
    pub(super) fn delete(&self, connection: &mut Connection, messages: &[Received]) -> Result<()> {
        if let [message] = messages {
            let fields = format!(r#""ReceiptHandle":"{}""#, message.receipt_handle);
            return self.ask(connection, "DeleteMessage", &fields).map(drop);
        }
        let entry = |(index, message): (usize, &Received)| {
            format!(r#"{{"Id":"{index}","ReceiptHandle":"{}"}}"#, message.receipt_handle)
        };
        self.ask_batch(connection, "DeleteMessageBatch", messages.iter().enumerate().map(entry))
    }

    fn ask<'a>(
        &self,
        connection: &'a mut Connection,
        action: &str,
        fields: &str,
    ) -> Result<&'a str> {
        let fields = format!(r#"{{"QueueUrl":"{}",{fields}}}"#, self.url);
        connection.ask(&request(self.address, action, &fields))
    }

    fn ask_batch(
        &self,
        connection: &mut Connection,
        action: &str,
        entries: impl Iterator<Item = String>,
    ) -> Result<()> {
        let entries: Vec<_> = entries.collect();
        let reply =
            self.ask(connection, action, &format!(r#""Entries":[{}]"#, entries.join(",")))?;
        // SQS leaves the member out when nothing failed; the text of no body, id or receipt handle holds this.
        ensure!(!reply.contains(r#""Code""#), "entries of a {action} failed: {reply}");
        Ok(())
    }
}

/// A request of an SQS action.
pub(super) fn request(address: SocketAddr, action: &str, fields: &str) -> Vec<u8> {
    let mut request = String::with_capacity(256 + fields.len());
    let _ = write!(
        request,
        "POST / HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-amz-json-1.0\r\n\
         X-Amz-Target: AmazonSQS.{action}\r\nContent-Length: {}\r\n\r\n{fields}",
        fields.len()
    );
    request.into_bytes()
}

fn body(number: u64, sent: Duration, bytes: usize) -> String {
    format!("{number:020}{:020}{:0width$}", sent.as_micros(), 0, width = bytes - 40)
}

fn received(reply: &str) -> Result<Vec<Received>> {
    let parse = |(body, receipt_handle): (&str, &str)| {
        let digits = |range: Range<usize>| body.get(range)?.parse().ok();
        let number = digits(0..20).context("a body is not one that was sent")?;
        let sent = digits(20..40).context("a body is not one that was sent")?;
        Ok(Received {
            number,
            sent: Duration::from_micros(sent),
            receipt_handle: receipt_handle.to_owned(),
        })
    };
    strings(reply, "Body").zip(strings(reply, "ReceiptHandle")).map(parse).collect()
}

/// The values of all string members of this name, as they stand; blanks around the colon are allowed.
pub(super) fn strings<'a>(json: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let member = format!(r#""{name}""#);
    let mut rest = json;
    std::iter::from_fn(move || {
        let after = &rest[rest.find(&member)? + member.len()..];
        let value = after.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
        let end = value.find('"')?;
        rest = &value[end..];
        Some(&value[..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_its_length_and_tells_its_number_and_the_time_of_its_send() {
        let body = body(7, Duration::from_micros(12), BODY_BYTES);
        assert_eq!(body.len(), BODY_BYTES);
        let reply = format!(
            r#"{{"Messages":[{{"ReceiptHandle":"r/1","MD5OfBody":"x","Body":"{body}"}}]}}"#
        );
        let expected = Received {
            number: 7,
            sent: Duration::from_micros(12),
            receipt_handle: "r/1".to_owned(),
        };
        assert_eq!(received(&reply).unwrap(), [expected]);
    }

    #[test]
    fn a_reply_without_messages_holds_none_and_one_with_a_foreign_body_is_an_error() {
        assert_eq!(received("{}").unwrap(), []);
        assert!(received(r#"{"Messages":[{"Body":"hello","ReceiptHandle":"r"}]}"#).is_err());
    }

    #[test]
    fn a_request_says_how_long_its_body_is() {
        let request = request("127.0.0.1:9".parse().unwrap(), "ListQueues", "{}");
        let text = String::from_utf8(request).unwrap();
        assert!(
            text.contains("X-Amz-Target: AmazonSQS.ListQueues\r\nContent-Length: 2\r\n\r\n{}"),
            "{text}"
        );
    }
}
