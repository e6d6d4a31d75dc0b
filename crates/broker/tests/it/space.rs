//! What a broker on a disk costs: what passed through it, nothing.

use std::{fs, path::Path, time::Duration};

use longshore_broker::{Broker, BrokerOptions};

use crate::support::*;

const MIB: u64 = 1 << 20;

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
    let mut kept = Vec::new();
    for number in 0..400 {
        send(&broker, &large(number)).await;
        if number % 40 == 7 {
            kept.push(large(number));
        }
    }
    let (mut held, mut seen) = (0, 0);
    while seen < 400 {
        for message in receive(&broker, 0).await {
            seen += 1;
            if kept.contains(&message.body) {
                held += 1;
            } else {
                delete(&broker, message.receipt_handle).await.unwrap();
            }
        }
    }
    assert_eq!(held, kept.len());
    shrinks_to(directory.path(), 16).await;
    broker.close().await;
    assert!(longshore_broker::verify(directory.path()).unwrap().is_whole());

    let broker = on_small_segments(directory.path()).await;
    let url = URL.into();
    let again = longshore_wire::ReceiveMessage { queue_url: url, ..Default::default() };
    let _ = again;
    assert_eq!(attribute(&broker, "ApproximateNumberOfMessagesNotVisible").await, held.to_string());
    broker.close().await;
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
    loop {
        let received = receive(&broker, 0).await;
        if received.is_empty() {
            break;
        }
        for message in received {
            delete(&broker, message.receipt_handle).await.unwrap();
        }
    }
    send(&broker, "the last one").await;
    shrinks_to(directory.path(), floor + 3).await;
    broker.close().await;
    assert!(longshore_broker::verify(directory.path()).unwrap().is_whole());

    let broker = on_small_segments(directory.path()).await;
    assert_eq!(bodies(&receive(&broker, 0).await), ["the last one"]);
    broker.close().await;
}
