//! The AWS transport against an endpoint that answers by script: what can be concluded from each
//! way that a call can end.

use std::net::SocketAddr;

use longshore_tasks::transport::{
    Action, OutgoingMessage, QueueHandle, RequestMeter, Transport, TransportError,
};
use longshore_tasks::{AwsOptions, AwsTransport};
use longshore_types::{MessageAttribute, MessageAttributes};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the endpoint does with each request that comes.
#[derive(Clone, Copy, Debug)]
enum Script {
    /// Answers with this status and body.
    Answer(u16, &'static str),
    /// Answers with this status and body, and says after how many milliseconds to ask again.
    Later(u16, &'static str, u32),
    /// Reads the request and closes the connection.
    HangUp,
}

async fn endpoint(script: Script) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serve = async move {
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(connection, script));
        }
    };
    (address, tokio::spawn(serve))
}

async fn answer(mut connection: TcpStream, script: Script) {
    while read_request(&mut connection).await {
        let (status, body, later) = match script {
            Script::Answer(status, body) => (status, body, String::new()),
            Script::Later(status, body, millis) => {
                (status, body, format!("x-amz-retry-after: {millis}\r\n"))
            }
            Script::HangUp => return,
        };
        let answer = format!(
            "HTTP/1.1 {status} Scripted\r\ncontent-type: application/x-amz-json-1.0\r\n{later}\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        connection.write_all(answer.as_bytes()).await.unwrap();
    }
}

/// Reads one request; `false` at the end of the connection.
async fn read_request(connection: &mut TcpStream) -> bool {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
            });
            if body.len() >= length.unwrap_or(0) {
                return true;
            }
        }
        if connection.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return false;
        }
    }
}

async fn transport_to(address: SocketAddr) -> (AwsTransport, Arc<RequestMeter>) {
    let options =
        AwsOptions { endpoint_url: Some(format!("http://{address}")), ..AwsOptions::default() };
    let transport = AwsTransport::connect(options).await.unwrap();
    let meter = transport.meter();
    (transport, meter)
}

fn messages() -> Vec<OutgoingMessage> {
    let attributes = [("createdAt".to_owned(), MessageAttribute::number(7))];
    let message =
        |body: &str| OutgoingMessage::new(body, MessageAttributes::from(attributes.clone()));
    vec![message("1"), message("2")]
}

async fn send(script: Script) -> Result<Vec<Result<String, String>>, TransportError> {
    let (address, server) = endpoint(script).await;
    let (transport, _) = transport_to(address).await;
    let queue = QueueHandle::new("q", &format!("http://{address}/000000000000/q"));
    let sent = transport.send_batch(&queue, messages()).await;
    server.abort();
    let entry = |entry: Result<longshore_tasks::transport::SentMessage, _>| {
        entry
            .map(|sent| sent.message_id)
            .map_err(|fault: longshore_tasks::transport::EntryFault| fault.code)
    };
    sent.map(|entries| entries.into_iter().map(entry).collect())
}

#[tokio::test]
async fn each_entry_is_answered_for_in_its_place() {
    let body = r#"{"Successful":[{"Id":"1","MessageId":"m-2","MD5OfMessageBody":"x"}],
                   "Failed":[{"Id":"0","Code":"InternalError","SenderFault":false}]}"#;
    let sent = send(Script::Answer(200, body)).await.unwrap();
    assert_eq!(sent, [Err("InternalError".to_owned()), Ok("m-2".to_owned())]);
}

#[tokio::test]
async fn a_refused_connection_means_that_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (transport, meter) = transport_to(address).await;
    let queue = QueueHandle::new("q", &format!("http://{address}/000000000000/q"));
    let error = transport.send_batch(&queue, messages()).await.unwrap_err();
    assert!(matches!(error, TransportError::NotSent { .. }), "{error:?}");
    assert!(!error.to_string().contains("DispatchFailure("), "words, not a dump: {error}");
    assert_eq!(meter.total(Action::SendMessageBatch), 3);
}

#[tokio::test]
async fn a_connection_that_ends_without_an_answer_means_that_nobody_knows() {
    let error = send(Script::HangUp).await.unwrap_err();
    assert!(matches!(error, TransportError::Unknown { .. }), "{error:?}");
}

#[tokio::test]
async fn an_error_of_the_servers_own_means_that_nobody_knows() {
    let body = r#"{"__type":"com.amazonaws.sqs#InternalFailure","message":"oops"}"#;
    let error = send(Script::Answer(500, body)).await.unwrap_err();
    assert!(matches!(error, TransportError::Unknown { .. }), "{error:?}");
}

#[tokio::test]
async fn l5_a_full_disk_means_that_nothing_was_sent() {
    let body = r#"{"__type":"com.amazonaws.sqs#ServiceUnavailable","message":"no room"}"#;
    let error = send(Script::Answer(503, body)).await.unwrap_err();
    assert!(matches!(error, TransportError::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn l5_a_503_that_does_not_say_why_means_that_nobody_knows() {
    let error = send(Script::Answer(503, "no healthy upstream")).await.unwrap_err();
    assert!(matches!(error, TransportError::Unknown { .. }), "{error:?}");
}

#[tokio::test]
async fn a_refusal_is_final_and_says_what_the_endpoint_said() {
    let body = r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no such queue"}"#;
    let error = send(Script::Answer(400, body)).await.unwrap_err();
    let TransportError::Refused { code, message, .. } = error else { panic!("{error:?}") };
    assert_eq!((code.as_str(), message.as_str()), ("QueueDoesNotExist", "no such queue"));
}

#[tokio::test]
async fn throttling_is_told_from_a_refusal() {
    let body = r#"{"__type":"com.amazonaws.sqs#RequestThrottled","message":"slow down"}"#;
    let error = send(Script::Answer(400, body)).await.unwrap_err();
    assert!(matches!(error, TransportError::Throttled { .. }), "{error:?}");
}

#[tokio::test]
async fn who_says_when_to_ask_again_is_not_asked_before_by_anybody() {
    let body = r#"{"__type":"com.amazonaws.sqs#ServiceUnavailable","message":"draining"}"#;
    for status in [503, 429] {
        let (address, server) = endpoint(Script::Later(status, body, 2500)).await;
        let (transport, meter) = transport_to(address).await;
        let queue = QueueHandle::new("q", &format!("http://{address}/000000000000/q"));
        let message = OutgoingMessage::new("8", MessageAttributes::new());
        let error = transport.send_batch(&queue, vec![message]).await.unwrap_err();
        server.abort();
        let TransportError::Throttled { retry_after, .. } = &error else { panic!("{error:?}") };
        assert_eq!(*retry_after, Some(std::time::Duration::from_millis(2500)));
        assert!(error.is_certain() && error.to_string().contains("ask again in 2.5s"), "{error}");
        assert_eq!(
            meter.total(Action::SendMessageBatch),
            1,
            "neither the SDK nor this tries again"
        );
    }
}

#[tokio::test]
async fn a_receive_brings_bodies_attributes_and_counts() {
    let body = r#"{"Messages":[{"MessageId":"m-1","ReceiptHandle":"r-1","Body":"8",
        "Attributes":{"ApproximateReceiveCount":"3","SentTimestamp":"1700000000123"},
        "MessageAttributes":{"taskName":{"DataType":"String","StringValue":"fibonacci"},
                             "raw":{"DataType":"Binary","BinaryValue":"AQI="}}}]}"#;
    let (address, server) = endpoint(Script::Answer(200, body)).await;
    let (transport, _) = transport_to(address).await;
    let queue = QueueHandle::new("q", &format!("http://{address}/000000000000/q"));
    let request = longshore_tasks::transport::ReceiveRequest {
        count_max: 10,
        wait: std::time::Duration::ZERO,
        visibility_timeout: None,
    };
    let received = transport.receive(&queue, request).await.unwrap();
    server.abort();
    assert_eq!(received.len(), 1);
    let message = &received[0];
    assert_eq!((message.message_id.as_str(), message.receive_count), ("m-1", 3));
    assert_eq!(message.sent_at.unwrap().as_millis(), 1_700_000_000_123);
    assert_eq!(message.attributes["taskName"].as_text(), Some("fibonacci"));
    assert_eq!(message.attributes["raw"].value.as_bytes(), [1, 2]);
}

#[tokio::test]
async fn a_url_is_taken_for_the_queue_that_it_names_and_nothing_is_asked() {
    let (transport, meter) = transport_to(([127, 0, 0, 1], 1).into()).await;
    let queue = transport.resolve("http://host/000000000000/replies").await.unwrap();
    assert_eq!((queue.name(), queue.url()), ("replies", "http://host/000000000000/replies"));
    assert_eq!(meter.snapshot().lines().count(), 0);
}

#[tokio::test]
async fn r3_a_receive_is_waited_for_at_amazon_and_soon_dropped_elsewhere() {
    let patience = async |url: &str| {
        let options =
            AwsOptions { endpoint_url: Some(url.to_owned()), region: Some("eu-west-1".to_owned()) };
        AwsTransport::connect(options).await.unwrap().receive_patience()
    };
    assert_eq!(patience("https://sqs.eu-west-1.amazonaws.com").await, None);
    let a_second = Some(std::time::Duration::from_secs(1));
    assert_eq!(patience("http://127.0.0.1:9324").await, a_second);
}

#[tokio::test]
async fn a_separate_transport_has_connections_of_its_own_and_the_same_meter() {
    let (address, server) = endpoint(Script::Answer(200, r#"{"QueueUrl":"http://h/1/q"}"#)).await;
    let (transport, meter) = transport_to(address).await;
    let transport: Arc<dyn Transport> = Arc::new(transport);
    // Connections are driven by the runtime that made them: this one ends with its thread.
    let separate = Arc::clone(&transport);
    let elsewhere = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { separate.separate().await.unwrap().resolve("q").await.unwrap() })
    });
    let queue = tokio::task::spawn_blocking(move || elsewhere.join().unwrap()).await.unwrap();
    assert_eq!(transport.resolve("q").await.unwrap(), queue);
    server.abort();
    assert_eq!(meter.total(Action::GetQueueUrl), 2);
}

#[tokio::test]
async fn a_queue_that_says_nothing_of_its_retention_keeps_messages_four_days() {
    let cases = [
        (r#"{"Attributes":{"VisibilityTimeout":"7"}}"#, 345_600),
        (r#"{"Attributes":{"VisibilityTimeout":"7","MessageRetentionPeriod":"60"}}"#, 60),
    ];
    for (body, seconds) in cases {
        let (address, server) = endpoint(Script::Answer(200, body)).await;
        let (transport, _) = transport_to(address).await;
        let facts = transport.queue_facts(&QueueHandle::new("q", "http://h/1/q")).await.unwrap();
        server.abort();
        assert_eq!(facts.visibility_timeout.as_secs(), 7);
        assert_eq!(facts.retention.as_secs(), seconds);
    }
}
