//! Queues: their life, attributes, tags, permissions, and lists of them.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::expect::{refused, same, unmodelled};
use crate::wire::{Wire, arn, named, new_name, redrive};

pub async fn queues_are_made_found_and_deleted(wire: &Wire) -> Result<()> {
    let url = wire.queue(&[("VisibilityTimeout", "45")]).await?;
    let create = || wire.sqs.create_queue().queue_name(named(&url));
    same(create().send().await?.queue_url(), Some(url.as_str()))?;
    let timeout = |value| create().attributes("VisibilityTimeout".into(), value).send();
    same(timeout("45").await?.queue_url(), Some(url.as_str()))?;
    refused(timeout("46").await, |e| e.is_queue_name_exists(), "QueueAlreadyExists", 400)?;
    let find = || wire.sqs.get_queue_url().queue_name(named(&url)).send();
    same(find().await?.queue_url(), Some(url.as_str()))?;
    wire.sqs.delete_queue().queue_url(&url).send().await?;
    let gone = "AWS.SimpleQueueService.NonExistentQueue";
    refused(find().await, |e| e.is_queue_does_not_exist(), gone, 400)?;
    refused(wire.asking(&url).send().await, |e| e.is_queue_does_not_exist(), gone, 400)
}

pub async fn queue_attributes_are_kept(wire: &Wire) -> Result<()> {
    let url = wire.queue(&[("DelaySeconds", "3"), ("MessageRetentionPeriod", "120")]).await?;
    let made = wire.attributes(&url, &["All"]).await?;
    same(made.len(), 12)?;
    let names = ["QueueArn", "DelaySeconds", "MessageRetentionPeriod", "VisibilityTimeout"];
    same(names.map(|name| made[name].as_str()), [&arn(named(&url)), "3", "120", "30"])?;
    let changes =
        [("DelaySeconds", "0"), ("MaximumMessageSize", "2048"), ("VisibilityTimeout", "7")];
    wire.set(&url, &changes).send().await?;
    let read = wire.attributes(&url, &changes.map(|(name, _)| name)).await?;
    let read: Vec<_> = read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    same(read, changes)?;
    let unknown = wire.set(&url, &[("Colour", "red")]).send().await;
    refused(unknown, |e| e.is_invalid_attribute_name(), "InvalidAttributeName", 400)?;
    let impossible = wire.set(&url, &[("DelaySeconds", "901")]).send().await;
    refused(impossible, |e| e.is_invalid_attribute_value(), "InvalidAttributeValue", 400)?;
    same(wire.attribute(&url, "DelaySeconds").await?.as_deref(), Some("0"))
}

pub async fn tags_are_kept(wire: &Wire) -> Result<()> {
    let url = wire.queue(&[]).await?;
    let tags = || wire.sqs.list_queue_tags().queue_url(&url).send();
    let tag = |key: &str, value: &str| wire.sqs.tag_queue().queue_url(&url).tags(key, value);
    same(tags().await?.tags, None)?;
    tag("team", "a").tags("Team", "").tags("ключ", "значение").send().await?;
    tag("team", "b").send().await?;
    let wanted = [("team", "b"), ("Team", ""), ("ключ", "значение")];
    same(tags().await?.tags, Some(owned(&wanted)))?;
    let untag = wire.sqs.untag_queue().queue_url(&url).tag_keys("team").tag_keys("ключ");
    untag.tag_keys("none").send().await?;
    same(tags().await?.tags, Some(owned(&[("Team", "")])))
}

fn owned(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

pub async fn queues_are_listed_page_by_page(wire: &Wire) -> Result<()> {
    let prefix = new_name("page");
    let mut made = Vec::new();
    for n in 0..5 {
        made.push(wire.queue_named(&format!("{prefix}-{n}"), &[]).await?);
    }
    let list = || wire.sqs.list_queues().queue_name_prefix(&prefix);
    let mut sizes = Vec::new();
    let mut listed = Vec::new();
    let mut pages = list().into_paginator().page_size(2).send();
    while let Some(page) = pages.next().await {
        let urls = page?.queue_urls.unwrap_or_default();
        sizes.push(urls.len());
        listed.extend(urls);
    }
    same(&listed, &made)?;
    same(sizes, [2, 2, 1])?;
    let whole = list().send().await?;
    same(whole.queue_urls(), made.as_slice())?;
    same(whole.next_token, None)
}

pub async fn sources_of_dead_letters_are_listed(wire: &Wire) -> Result<()> {
    let dead = wire.queue(&[]).await?;
    let policy = redrive(&dead, 3);
    let stem = new_name("source");
    let mut sources = Vec::new();
    for n in 0..3 {
        let name = format!("{stem}-{n}");
        sources.push(wire.queue_named(&name, &[("RedrivePolicy", &policy)]).await?);
    }
    same(wire.attribute(&sources[0], "RedrivePolicy").await?, Some(policy))?;
    let list = || wire.sqs.list_dead_letter_source_queues().queue_url(&dead);
    let items = list().into_paginator().page_size(2).items().send();
    same(items.collect::<Result<Vec<_>, _>>().await?, sources.clone())?;
    wire.set(&sources[0], &[("RedrivePolicy", "")]).send().await?;
    same(list().send().await?.queue_urls(), &sources[1..])
}

pub async fn permissions_become_the_policy(wire: &Wire) -> Result<()> {
    let url = wire.queue(&[]).await?;
    let allow = |label: &str, actions: &[&str]| {
        let call = wire.sqs.add_permission().queue_url(&url).label(label);
        let actions = actions.iter().map(ToString::to_string).collect();
        call.aws_account_ids("111122223333").set_actions(Some(actions)).send()
    };
    allow("readers", &["ReceiveMessage"]).await?;
    allow("both", &["SendMessage", "ReceiveMessage"]).await?;
    let again = allow("both", &["SendMessage"]).await;
    refused(again, unmodelled, "InvalidParameterValue", 400)?;
    let policy = wire.attribute(&url, "Policy").await?.context("there is a policy")?;
    let statements = serde_json::from_str::<Value>(&policy)?["Statement"].take();
    same(&statements[0]["Action"], &json!("SQS:ReceiveMessage"))?;
    same(&statements[1]["Action"], &json!(["SQS:SendMessage", "SQS:ReceiveMessage"]))?;
    for label in ["readers", "both"] {
        wire.sqs.remove_permission().queue_url(&url).label(label).send().await?;
    }
    same(wire.attribute(&url, "Policy").await?, None)
}
