//! Many consumers at one queue.

use std::collections::BTreeSet;
use std::sync::Mutex;

use anyhow::Result;

use crate::batches::entry;
use crate::expect::same;
use crate::wire::{Wire, bodies};

const MESSAGES: usize = 2000;
const CONSUMERS: usize = 20;

/// What the consumers have received in all.
#[derive(Default)]
struct Received {
    count: usize,
    distinct: BTreeSet<String>,
}

pub async fn twenty_consumers_drain_a_queue_exactly_once(wire: &Wire) -> Result<()> {
    let url = wire.queue(&[("VisibilityTimeout", "120")]).await?;
    let received = Mutex::new(Received::default());
    together((0..CONSUMERS).map(|first| fill(wire, &url, first))).await?;
    together((0..CONSUMERS).map(|_| consume(wire, &url, &received))).await?;
    let received = received.into_inner().expect("nothing panics with the lock");
    same((received.count, received.distinct.len()), (MESSAGES, MESSAGES))?;
    same(wire.counts(&url).await?, [0, 0, 0])
}

/// Sends every twentieth batch of ten.
async fn fill(wire: &Wire, url: &str, first: usize) -> Result<()> {
    for batch in (first..MESSAGES / 10).step_by(CONSUMERS) {
        let numbers = batch * 10..batch * 10 + 10;
        let entries = numbers.map(|n| entry(&n.to_string(), &n.to_string())).collect();
        let call = wire.sqs.send_message_batch().queue_url(url).set_entries(Some(entries));
        same(call.send().await?.successful.len(), 10)?;
    }
    Ok(())
}

async fn consume(wire: &Wire, url: &str, received: &Mutex<Received>) -> Result<()> {
    while received.lock().expect("nothing panics with the lock").count < MESSAGES {
        let reply = wire.asking(url).wait_time_seconds(1).send().await?;
        let messages = reply.messages.unwrap_or_default();
        {
            let mut all = received.lock().expect("nothing panics with the lock");
            all.count += messages.len();
            all.distinct.extend(bodies(&messages).into_iter().map(str::to_owned));
        }
        if !messages.is_empty() {
            wire.remove(url, &messages).await?;
        }
    }
    Ok(())
}

/// Runs all at once to their ends.
async fn together(all: impl Iterator<Item = impl Future<Output = Result<()>>>) -> Result<()> {
    futures_util::future::try_join_all(all).await.map(drop)
}
