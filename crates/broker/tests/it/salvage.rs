//! What is whole of a broker's directory, written to a file.

use std::path::Path;

use longshore_broker::{Salvaged, salvage};
use longshore_wire::{DeleteMessage, RawAttribute, SendMessage};
use serde_json::Value;

use crate::support::*;

/// A closed broker with a few messages, of which the second was deleted.
async fn closed(directory: &Path) {
    let broker = on_disk(directory).await;
    create(&broker, "jobs", &[("VisibilityTimeout", "77")]).await;
    for body in ["the first one", "the second one", "the third one"] {
        send(&broker, body).await;
    }
    let received = receive(&broker, 0).await;
    let receipt_handle = received[1].receipt_handle.clone();
    broker.call(DeleteMessage { queue_url: URL.into(), receipt_handle }.into()).await.unwrap();
    create(&broker, "ordered.fifo", &[("FifoQueue", "true")]).await;
    let attribute = RawAttribute {
        data_type: Some("String".into()),
        string_value: Some("x".into()),
        ..RawAttribute::default()
    };
    let send = SendMessage {
        queue_url: "http://localhost/000000000000/ordered.fifo".into(),
        message_body: "in order".into(),
        message_group_id: Some("g".into()),
        message_deduplication_id: Some("d".into()),
        message_attributes: [("k".to_owned(), attribute)].into(),
        ..SendMessage::default()
    };
    broker.call(send.into()).await.unwrap();
    broker.close().await;
}

fn salvaged(directory: &Path) -> (Salvaged, Vec<Value>) {
    let to = tempfile::tempdir().unwrap();
    let file = to.path().join("salvaged.jsonl");
    let found = salvage(directory, &file, &mut |_| ()).unwrap();
    let lines = std::fs::read_to_string(file).unwrap();
    (found, lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn bodies_of(lines: &[Value]) -> Vec<&str> {
    lines.iter().filter_map(|line| line["body"].as_str()).collect()
}

#[tokio::test]
async fn of_a_whole_directory_all_queues_and_messages_are_written() {
    let directory = tempfile::tempdir().unwrap();
    closed(directory.path()).await;
    let (found, lines) = salvaged(directory.path());
    assert!(found.is_all(), "{found}");
    assert_eq!((found.queues, found.messages), (2, 3));
    assert_eq!(lines[0]["queue"], "arn:aws:sqs:us-east-1:000000000000:jobs");
    assert_eq!(lines[0]["attributes"]["VisibilityTimeout"], "77");
    assert_eq!(bodies_of(&lines), ["the first one", "the third one", "in order"]);
    assert_eq!((&lines[1]["receiveCount"], &lines[4]["receiveCount"]), (&1.into(), &0.into()));
    let last = &lines[4];
    assert_eq!((&last["group"], &last["deduplicationId"]), (&"g".into(), &"d".into()));
    assert_eq!(last["attributes"]["k"]["stringValue"], "x");
    assert!(longshore_broker::verify(directory.path()).unwrap().is_whole(), "it is unchanged");
}

#[tokio::test]
async fn what_a_broker_does_not_start_with_is_salvaged_and_what_is_missing_is_said() {
    let directory = tempfile::tempdir().unwrap();
    closed(directory.path()).await;
    flip_a_byte_of(directory.path(), b"the third one");
    let (found, lines) = salvaged(directory.path());
    assert_eq!((found.messages, found.without_content, found.loss_count), (2, 1, 0));
    assert_eq!(bodies_of(&lines), ["the first one", "in order"]);
    assert!(lines[2]["unreadable"].as_str().unwrap().contains("checksum"), "{}", lines[2]);

    // The record that creates the first queue is gone: its messages are kept all the same.
    flip_a_byte_of(directory.path(), b"jobs");
    let refused = longshore_broker::verify(directory.path()).unwrap().to_string();
    assert!(refused.contains("is damaged at byte"), "{refused}");
    let (found, lines) = salvaged(directory.path());
    assert!(found.to_string().contains("cannot be read"), "{found}");
    assert_eq!((found.loss_count, found.queues), (1, 2));
    assert_eq!(bodies_of(&lines), ["the first one", "in order"]);
    let names: Vec<_> = lines.iter().map(|line| line["queue"].as_str().unwrap()).collect();
    assert!(names[0].contains(":salvaged-"), "{names:?}");
}

#[tokio::test]
async fn no_file_is_replaced_and_none_is_made_in_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    closed(directory.path()).await;
    let inside = directory.path().join("salvaged.jsonl");
    let refused = salvage(directory.path(), &inside, &mut |_| ()).unwrap_err();
    assert!(refused.contains("is in the directory that is read"), "{refused}");
    let to = tempfile::NamedTempFile::new().unwrap();
    let refused = salvage(directory.path(), to.path(), &mut |_| ()).unwrap_err();
    assert!(refused.starts_with("cannot make"), "{refused}");
    let none = tempfile::tempdir().unwrap();
    let refused = salvage(none.path(), &to.path().with_extension("new"), &mut |_| ()).unwrap_err();
    assert!(refused.contains("identity is missing"), "{refused}");
    assert!(!to.path().with_extension("new").exists());
}
