//! An endpoint that answers by script: what the store says when `DynamoDB` refuses.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use longshore_tasks::store::DynamoOptions;
use longshore_tasks::{DynamoStore, StoreError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const THROTTLED: &str = "ProvisionedThroughputExceededException";

/// Refuses every request with an exception of that name, and counts them.
async fn refuse(exception: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(connection, exception, Arc::clone(&counted)));
        }
    });
    (address, count)
}

async fn answer(mut connection: TcpStream, exception: &str, count: Arc<AtomicUsize>) {
    let name = format!("com.amazonaws.dynamodb.v20120810#{exception}");
    let body = format!(r#"{{"__type":"{name}","message":"by script"}}"#);
    let head = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.0";
    let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    while read_request(&mut connection).await {
        count.fetch_add(1, Ordering::SeqCst);
        if connection.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Reads one request; `false` at the connection's end.
async fn read_request(connection: &mut TcpStream) -> bool {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.trim().parse().unwrap()) {
                return true;
            }
        }
        let mut bytes = [0; 4096];
        match connection.read(&mut bytes).await {
            Ok(0) | Err(_) => return false,
            Ok(count) => read.extend_from_slice(&bytes[..count]),
        }
    }
}

fn options(address: SocketAddr) -> DynamoOptions {
    let endpoint_url = Some(format!("http://{address}"));
    DynamoOptions { endpoint_url, ..DynamoOptions::new("tasks") }
}

#[tokio::test]
async fn a_throttled_request_is_tried_again_a_few_times_and_then_unavailable() {
    let (address, count) = refuse(THROTTLED).await;
    let error = DynamoStore::connect(options(address)).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains(THROTTLED), "{error}");
    assert_eq!(count.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_refusal_for_good_is_asked_once_and_says_its_own_words() {
    let (address, count) = refuse("AccessDeniedException").await;
    let error = DynamoStore::connect(options(address)).await.unwrap_err().to_string();
    assert!(error.starts_with("dynamodb://tasks?endpoint_url=http://127.0.0.1:"), "{error}");
    assert!(error.ends_with("AccessDeniedException: by script"), "{error}");
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = DynamoStore::connect(options(address)).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
}
