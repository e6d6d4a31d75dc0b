//! More clients, and more bytes, than a broker over HTTP has room for.

use longshore_broker::ServerOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::http::{LIST_JSON, Server};
use crate::support::*;

#[tokio::test]
async fn c10_the_oldest_silent_connection_gives_way_to_a_new_one() {
    let options = ServerOptions { connections_max: 2, ..ServerOptions::default() };
    let server = Server::serve(in_memory().await, options).await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let _other = TcpStream::connect(server.address).await.unwrap();
    let response = server.exchange("GET /health HTTP/1.1", "").await;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0, "it is closed");
    let page = server.broker.metrics();
    assert!(page.contains("longshore_connections_gave_way_total 1\n"), "{page}");
}

#[tokio::test]
async fn c10_a_connection_for_which_there_is_no_place_is_told_when_to_try_again() {
    let options = ServerOptions { connections_max: 1, ..ServerOptions::default() };
    let server = Server::serve(in_memory().await, options).await;
    create(&server.broker, "jobs", &[]).await;
    let body = format!(r#"{{"QueueUrl":"{URL}","WaitTimeSeconds":20}}"#);
    let waiting = server.action("ReceiveMessage", &body);
    let meanwhile = async {
        while server.broker.waiting_count() == 0 {
            tokio::task::yield_now().await;
        }
        let refused = server.exchange("GET /health HTTP/1.1", "").await;
        send(&server.broker, "x").await;
        refused
    };
    let (received, refused) = tokio::join!(waiting, meanwhile);
    assert!(received.starts_with("HTTP/1.1 200 "), "{received}");
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert!(refused.contains("\r\nx-amz-retry-after: 1000\r\n"), "{refused}");
    assert!(server.broker.metrics().contains("longshore_connections_refused_total 1\n"));
}

#[tokio::test(start_paused = true)]
async fn c10_whoever_sends_nothing_is_hung_up_on() {
    let server = Server::start().await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn c9_a_body_for_which_there_is_no_room_is_refused_until_there_is() {
    let options = ServerOptions { traffic_bytes_max: 1000, ..ServerOptions::default() };
    let server = Server::serve(in_memory().await, options).await;
    let head = format!("{LIST_JSON}\r\nhost: localhost\r\ncontent-length: 1900");
    let mut parked = TcpStream::connect(server.address).await.unwrap();
    parked.write_all(format!("{head}\r\n\r\n{}", " ".repeat(900)).as_bytes()).await.unwrap();
    while !server.broker.metrics().contains("longshore_traffic_bytes 900\n") {
        tokio::task::yield_now().await;
    }
    // It stands still, and gives way to whoever needs the room that it has.
    let response = server.action("ListQueues", &format!("{{{}}}", " ".repeat(500))).await;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    let too_large = format!("{{{}}}", " ".repeat(1500));
    let response = server.action("ListQueues", &too_large).await;
    assert!(response.starts_with("HTTP/1.1 503 "), "{response}");
    assert!(response.contains("\r\nx-amz-retry-after: 1000\r\n"), "q3: {response}");
    assert!(response.contains("#ServiceUnavailable"), "{response}");
    let page = server.broker.metrics();
    assert!(page.contains("longshore_traffic_bytes 0\n"), "{page}");
    assert!(page.contains("longshore_traffic_refused_total 1\n"), "{page}");
}

#[tokio::test]
async fn c8_messages_for_which_there_is_no_room_on_their_way_out_are_there_for_the_next() {
    let options = ServerOptions { traffic_bytes_max: 1000, ..ServerOptions::default() };
    let server = Server::serve(in_memory().await, options).await;
    create(&server.broker, "jobs", &[]).await;
    send(&server.broker, &"x".repeat(900)).await;
    let refused = server.action("ReceiveMessage", &format!(r#"{{"QueueUrl":"{URL}"}}"#)).await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert_eq!(receive(&server.broker, 0).await.len(), 1);
}

#[tokio::test]
async fn q3_a_head_for_which_there_is_no_room_is_told_when_to_try_again() {
    let options = ServerOptions { traffic_bytes_max: 1000, ..ServerOptions::default() };
    let server = Server::serve(in_memory().await, options).await;
    let long = format!("x-long: {}", "x".repeat(20_000));
    let refused = server.exchange(&format!("{LIST_JSON}\r\n{long}"), "{}").await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert!(refused.contains("\r\nx-amz-retry-after: 1000\r\n"), "{refused}");
    let page = server.broker.metrics();
    assert!(page.contains("longshore_traffic_refused_total 1\n"), "{page}");
    assert!(page.contains("longshore_traffic_bytes 0\n"), "{page}");
    let response = server.action("ListQueues", "{}").await;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
}
