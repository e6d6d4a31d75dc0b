//! One message: sent, received with all that it bore, hidden, shown again, deleted.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, ensure};
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    Message, MessageAttributeValue, MessageSystemAttributeName, MessageSystemAttributeNameForSends,
    MessageSystemAttributeValue,
};
use md5::{Digest as _, Md5};

use crate::expect::{refused, same, unmodelled};
use crate::wire::{Wire, bodies, system};

const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
const BODY: &str = "žluťoučký 🐎\r\n\t<&>\"' 日本語 \u{10FFFF}";

type MessageAttributes = HashMap<String, MessageAttributeValue>;

/// A String or Number attribute.
pub fn text(kind: &str, value: &str) -> MessageAttributeValue {
    let attribute = MessageAttributeValue::builder().data_type(kind).string_value(value);
    attribute.build().expect("its type is given")
}

fn bytes(kind: &str, value: &[u8]) -> MessageAttributeValue {
    let attribute = MessageAttributeValue::builder().data_type(kind).binary_value(Blob::new(value));
    attribute.build().expect("its type is given")
}

fn every_kind() -> MessageAttributes {
    let all: Vec<u8> = (0..=255).collect();
    let attributes = [
        ("text", text("String", "hodnota 🙂")),
        ("text.custom", text("String.custom", "x")),
        ("number", text("Number", "-3.14000")),
        ("number.long", text("Number.java.lang.Long", "1493147359900")),
        ("bytes", bytes("Binary", &all)),
        ("bytes.png", bytes("Binary.png", &[0, 1, 255])),
    ];
    attributes.map(|(name, value)| (name.to_owned(), value)).into()
}

/// The digest of message attributes as SQS defines it, made apart from the broker.
pub fn md5_of_attributes(attributes: &MessageAttributes) -> String {
    let mut told = Vec::new();
    for (name, value) in attributes.iter().collect::<BTreeMap<_, _>>() {
        part(&mut told, name.as_bytes());
        part(&mut told, value.data_type().as_bytes());
        told.push(if value.data_type().starts_with("Binary") { 2 } else { 1 });
        let text = value.string_value().unwrap_or_default().as_bytes();
        part(&mut told, value.binary_value().map_or(text, AsRef::as_ref));
    }
    md5(&told)
}

fn part(told: &mut Vec<u8>, content: &[u8]) {
    let length = u32::try_from(content.len()).expect("a message is at most 1 MiB");
    told.extend(length.to_be_bytes());
    told.extend(content);
}

pub fn md5(content: &[u8]) -> String {
    hex(&Md5::digest(content))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes all");
        text
    })
}

pub async fn a_message_keeps_its_body_and_every_attribute(wire: &Wire) -> Result<()> {
    let url = wire.queue(&[]).await?;
    let header = MessageSystemAttributeValue::builder().data_type("String").string_value(TRACE);
    let call = wire.sqs.send_message().queue_url(&url).message_body(BODY);
    let sent = call
        .set_message_attributes(Some(every_kind()))
        .message_system_attributes(
            MessageSystemAttributeNameForSends::AwsTraceHeader,
            header.build()?,
        )
        .send()
        .await?;
    let digests = [Some(md5(BODY.as_bytes())), Some(md5_of_attributes(&every_kind()))];
    same(&[sent.md5_of_message_body, sent.md5_of_message_attributes], &digests)?;
    let trace = "5ae4d5d7636402d80f4eb6d213245a88";
    same(sent.md5_of_message_system_attributes.as_deref(), Some(trace))?;
    same(sent.sequence_number, None)?;
    let received = wire.receive(&url).await?;
    same(bodies(&received), [BODY])?;
    let message = &received[0];
    same(&message.message_id, &sent.message_id)?;
    same(message.message_attributes(), Some(&every_kind()))?;
    same(&[message.md5_of_body.clone(), message.md5_of_message_attributes.clone()], &digests)?;
    same(system(message, "AWSTraceHeader"), Some(TRACE))?;
    same(system(message, "ApproximateReceiveCount"), Some("1"))?;
    same(message.attributes().map(HashMap::len), Some(5))?;
    let at = system(message, "SentTimestamp").context("the time is told")?.parse()?;
    let age =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH + Duration::from_millis(at))?;
    ensure!(age < Duration::from_secs(60), "it was sent now, and not {age:?} ago");
    Ok(())
}

pub async fn only_the_attributes_asked_for_come(wire: &Wire) -> Result<()> {
    let url = wire.queue(&[]).await?;
    let call = wire.sqs.send_message().queue_url(&url).message_body("x");
    call.message_attributes("General", text("String", "Kenobi"))
        .message_attributes("Hello", text("String", "There"))
        .message_attributes("Help.Me", text("String", "Me"))
        .send()
        .await?;
    let three = (vec!["General", "Hello", "Help.Me"], Some("4c360f3fdafd970e05fae2f149d997f5"));
    same_view(wire, &url, &["All"], three).await?;
    let two = (vec!["Hello", "Help.Me"], Some("83fee93c1bcd8b9a5a923ffacdc636c7"));
    same_view(wire, &url, &["Hel.*"], two).await?;
    let one = (vec!["Hello"], Some("a311262e065454b75da111d535b8dacd"));
    same_view(wire, &url, &["Hello", "none"], one).await?;
    same_view(wire, &url, &["none"], (vec![], None)).await
}

/// Who asks for these attributes sees these names, and the digest of no others.
async fn same_view(
    wire: &Wire,
    url: &str,
    asked: &[&str],
    wanted: (Vec<&str>, Option<&str>),
) -> Result<()> {
    let names = asked.iter().map(ToString::to_string).collect();
    let call = wire.sqs.receive_message().queue_url(url).visibility_timeout(0);
    let sender = MessageSystemAttributeName::SenderId;
    let call = call.set_message_attribute_names(Some(names)).message_system_attribute_names(sender);
    let messages = call.send().await?.messages.unwrap_or_default();
    let message = messages.first().context("a message is there")?;
    same(message.attributes().map(HashMap::len), Some(1))?;
    let seen = message.message_attributes().map(|all| all.keys().map(String::as_str));
    let mut seen: Vec<_> = seen.into_iter().flatten().collect();
    seen.sort_unstable();
    same((seen, message.md5_of_message_attributes()), wanted)
}

pub async fn a_mebibyte_fits_and_one_byte_more_does_not(wire: &Wire) -> Result<()> {
    let url = wire.queue(&[]).await?;
    let large = "é".repeat(512 * 1024);
    wire.send(&url, &large).await?;
    ensure!(bodies(&wire.receive(&url).await?) == [large.as_str()], "the body is another");
    let call = wire.sqs.send_message().queue_url(&url).message_body(large + "x");
    refused(call.send().await, unmodelled, "InvalidParameterValue", 400)
}

pub async fn visibility_ends_and_is_changed(wire: &Wire) -> Result<()> {
    let url = wire.queue(&[]).await?;
    wire.send(&url, "x").await?;
    let short = wire.asking(&url).visibility_timeout(1).send().await?.messages;
    let first = the_only(short.unwrap_or_default())?;
    same(wire.receive(&url).await?.len(), 0)?;
    let second = the_only(wire.receive_patiently(&url).await?)?;
    ensure!(first.receipt_handle != second.receipt_handle, "each receive has a handle of its own");
    let hide = |seconds| {
        let call = wire.sqs.change_message_visibility().queue_url(&url);
        call.set_receipt_handle(second.receipt_handle.clone()).visibility_timeout(seconds).send()
    };
    hide(40).await?;
    same(wire.counts(&url).await?, [0, 1, 0])?;
    hide(0).await?;
    let third = the_only(wire.receive(&url).await?)?;
    same(&third.message_id, &first.message_id)?;
    same(system(&third, "ApproximateReceiveCount"), Some("3"))?;
    for _ in 0..2 {
        let call = wire.sqs.delete_message().queue_url(&url);
        call.set_receipt_handle(third.receipt_handle.clone()).send().await?;
    }
    same(wire.counts(&url).await?, [0, 0, 0])
}

fn the_only(mut messages: Vec<Message>) -> Result<Message> {
    same(messages.len(), 1)?;
    Ok(messages.remove(0))
}

pub async fn a_delayed_message_comes_when_its_delay_ends(wire: &Wire) -> Result<()> {
    let url = wire.queue(&[]).await?;
    let begun = Instant::now();
    let call = wire.sqs.send_message().queue_url(&url).message_body("x").delay_seconds(1);
    call.send().await?;
    same(wire.counts(&url).await?, [0, 0, 1])?;
    same(wire.receive(&url).await?.len(), 0)?;
    same(bodies(&wire.receive_patiently(&url).await?), ["x"])?;
    took(begun, 1000, 5000)
}

pub async fn a_long_poll_is_woken_by_a_send(wire: &Wire) -> Result<()> {
    let url = wire.queue(&[("ReceiveMessageWaitTimeSeconds", "20")]).await?;
    let begun = Instant::now();
    let late = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        wire.send(&url, "awaited").await
    };
    let (received, sent) = tokio::join!(wire.receive(&url), late);
    sent?;
    same(bodies(&received?), ["awaited"])?;
    took(begun, 300, 5000)
}

pub async fn a_long_poll_without_messages_ends_in_time(wire: &Wire) -> Result<()> {
    let url = wire.queue(&[]).await?;
    let begun = Instant::now();
    same(wire.asking(&url).wait_time_seconds(1).send().await?.messages, None)?;
    took(begun, 950, 4000)
}

/// So many milliseconds have gone by.
fn took(begun: Instant, at_least: u128, at_most: u128) -> Result<()> {
    let took = begun.elapsed().as_millis();
    ensure!((at_least..at_most).contains(&took), "it took {took} ms");
    Ok(())
}

pub async fn a_purge_takes_every_message(wire: &Wire) -> Result<()> {
    let url = wire.queue(&[]).await?;
    for delay in [0, 0, 60] {
        let call = wire.sqs.send_message().queue_url(&url).message_body("x").delay_seconds(delay);
        call.send().await?;
    }
    wire.asking(&url).max_number_of_messages(1).send().await?;
    same(wire.counts(&url).await?, [1, 1, 1])?;
    wire.sqs.purge_queue().queue_url(&url).send().await?;
    same(wire.counts(&url).await?, [0, 0, 0])
}
