//! What a broker on a disk costs: what passed through it, nothing.

use std::{fs, path::Path, time::Duration};

use longshore_broker::{Broker, BrokerOptions};
use longshore_wire::SendMessage;

use crate::support::*;

const MIB: u64 = 1 << 20;
const KEPT: &str = "http://localhost/000000000000/kept";

/// A broker with small segments, so that there are many.
async fn on_small_segments(directory: &Path) -> Broker {
    let mut options =
        BrokerOptions { data: Some(directory.to_owned()), ..BrokerOptions::default() };
    options.store.segment_bytes = MIB;
    options.store.cache_bytes = 0;
    Broker::open(options).await.unwrap()
}

fn segments(directory: &Path) -> usize {
    let names = fs::read_dir(directory).unwrap().map(|file| file.unwrap().file_name());
    names.filter(|name| name.to_str().unwrap().starts_with("segment-")).count()
}

/// Waits until the directory has no more segments than that.
async fn shrinks_to(directory: &Path, most: usize) {
    for _ in 0..300 {
        if segments(directory) <= most {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("there are {} segments, and should be {most}", segments(directory));
}

fn large(number: usize) -> String {
    format!("{number}-").repeat(64 << 10).chars().take(60 << 10).collect()
}

#[tokio::test]
async fn a_few_messages_that_stay_do_not_keep_the_segments_of_all_others() {
    let directory = tempfile::tempdir().unwrap();
    let broker = on_small_segments(directory.path()).await;
    create(&broker, "jobs", &[]).await;
    create(&broker, "kept", &[]).await;
    let mut kept = Vec::new();
    for number in 0..400 {
        send(&broker, &large(number)).await;
        if number % 20 == 7 {
            kept.push(format!("kept {number}"));
            send_to_kept(&broker, &kept[kept.len() - 1]).await;
        }
    }
    drain(&broker).await;
    shrinks_to(directory.path(), 14).await;
    broker.close().await;
    assert!(longshore_broker::verify(directory.path()).unwrap().is_whole());

    let broker = on_small_segments(directory.path()).await;
    let mut found = Vec::new();
    while found.len() < kept.len() {
        let received = receive_from(&broker, KEPT, 0).await;
        found.extend(received.into_iter().map(|message| message.body));
    }
    assert_eq!(found, kept);
    broker.close().await;
}

async fn send_to_kept(broker: &Broker, body: &str) {
    let send =
        SendMessage { queue_url: KEPT.into(), message_body: body.into(), ..SendMessage::default() };
    broker.call(send.into()).await.unwrap();
}

/// Receives and deletes until nothing is left.
async fn drain(broker: &Broker) {
    loop {
        let received = receive(broker, 0).await;
        if received.is_empty() {
            return;
        }
        for message in received {
            delete(broker, message.receipt_handle).await.unwrap();
        }
    }
}

#[tokio::test]
async fn c11_after_a_burst_is_drained_the_disk_is_back_at_the_floor_and_a_restart_knows_all() {
    let directory = tempfile::tempdir().unwrap();
    let broker = on_small_segments(directory.path()).await;
    create(&broker, "jobs", &[]).await;
    create(&broker, "kept", &[]).await;
    let floor = segments(directory.path());
    for number in 0..300 {
        send(&broker, &large(number)).await;
    }
    assert!(segments(directory.path()) > floor + 10);
    drain(&broker).await;
    send(&broker, "the last one").await;
    shrinks_to(directory.path(), floor + 3).await;
    broker.close().await;
    assert!(longshore_broker::verify(directory.path()).unwrap().is_whole());

    let broker = on_small_segments(directory.path()).await;
    assert_eq!(bodies(&receive(&broker, 0).await), ["the last one"]);
    broker.close().await;
}
