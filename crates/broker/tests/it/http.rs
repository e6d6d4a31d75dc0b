//! The broker over HTTP, to the byte where bytes matter.

use std::net::SocketAddr;

use longshore_broker::{Broker, BrokerOptions, ServerOptions, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::support::*;

pub(crate) struct Server {
    pub(crate) broker: Broker,
    pub(crate) address: SocketAddr,
    shutdown: CancellationToken,
    serving: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::open(BrokerOptions::default()).await
    }

    pub(crate) async fn open(options: BrokerOptions) -> Self {
        Self::serve(Broker::open(options).await.unwrap(), ServerOptions::default()).await
    }

    pub(crate) async fn serve(broker: Broker, options: ServerOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let options = ServerOptions { body_bytes_max: 2000, ..options };
        let served = serve(broker.clone(), listener, options, shutdown.clone());
        let serving = tokio::spawn(async move { served.await.unwrap() });
        Self { broker, address, shutdown, serving }
    }

    pub(crate) async fn exchange(&self, head: &str, body: &str) -> String {
        request(self.address, head, body).await
    }

    /// Sends a head to which nothing is added.
    pub(crate) async fn exchange_as_is(&self, head: &str, body: &str) -> String {
        request_as_is(self.address, head, body).await
    }

    pub(crate) async fn action(&self, action: &str, body: &str) -> String {
        let head = format!(
            "POST / HTTP/1.1\r\ncontent-type: application/x-amz-json-1.0\r\nx-amz-target: AmazonSQS.{action}"
        );
        self.exchange(&head, body).await
    }
}

/// One request to `address`, and all of its response.
pub(crate) async fn request(address: SocketAddr, head: &str, body: &str) -> String {
    let length = body.len();
    let added = format!("host: {address}\r\ncontent-length: {length}\r\nconnection: close");
    request_as_is(address, &format!("{head}\r\n{added}"), body).await
}

/// The same, with nothing added to the head.
async fn request_as_is(address: SocketAddr, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

#[tokio::test]
async fn a_queue_url_leads_back_to_the_host_that_was_asked() {
    let server = Server::start().await;
    let response = server.action("CreateQueue", r#"{"QueueName":"jobs"}"#).await;
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    let expect = format!(r#"{{"QueueUrl":"http://{}/000000000000/jobs"}}"#, server.address);
    assert!(response.ends_with(&expect), "{response}");
    assert!(response.contains("x-amzn-requestid: "), "{response}");
}

#[tokio::test]
async fn an_error_is_spelled_for_new_clients_and_for_old_ones() {
    let server = Server::start().await;
    let response = server.action("GetQueueUrl", r#"{"QueueName":"none"}"#).await;
    assert!(response.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{response}");
    let header = "x-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;Sender\r\n";
    assert!(response.contains(header), "{response}");
    let body = r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}"#;
    assert!(response.ends_with(body), "{response}");
}

#[tokio::test]
async fn a_name_in_another_region_or_account_is_another_queue() {
    let server = Server::start().await;
    let signed = |key: &str, region: &str| {
        format!(
            "POST / HTTP/1.1\r\ncontent-type: application/x-amz-json-1.0\r\nauthorization: AWS4-HMAC-SHA256 Credential={key}/20261123/{region}/sqs/aws4_request, SignedHeaders=host, Signature=00\r\nx-amz-target: AmazonSQS."
        )
    };
    let create = signed("local", "eu-west-1") + "CreateQueue";
    let created = server.exchange(&create, r#"{"QueueName":"jobs"}"#).await;
    assert!(created.ends_with("/000000000000/jobs\"}"), "{created}");
    for (key, region, found) in [
        ("local", "eu-west-1", true),
        ("local", "us-east-1", false),
        ("123456789012", "eu-west-1", false),
    ] {
        let get = signed(key, region) + "GetQueueUrl";
        let response = server.exchange(&get, r#"{"QueueName":"jobs"}"#).await;
        assert_eq!(response.starts_with("HTTP/1.1 200"), found, "{key} {region}: {response}");
    }
}

#[tokio::test]
async fn a_queue_url_of_aws_for_another_region_is_no_address_here() {
    let server = Server::start().await;
    create(&server.broker, "jobs", &[]).await;
    let path = "000000000000/jobs";
    for here in ["https://sqs.us-east-1.amazonaws.com", "http://sqs.eu-west-1.example.org"] {
        let body = format!(r#"{{"QueueUrl":"{here}/{path}"}}"#);
        let response = server.action("ReceiveMessage", &body).await;
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    }
    let url = format!("https://sqs.eu-west-1.amazonaws.com/{path}");
    let response = server.action("ReceiveMessage", &format!(r#"{{"QueueUrl":"{url}"}}"#)).await;
    assert!(response.starts_with("HTTP/1.1 404"), "{response}");
    assert!(response.contains("x-amzn-query-error: InvalidAddress;Sender\r\n"), "{response}");
    let text = format!(r#""message":"The address {url} is not valid for this endpoint.""#);
    assert!(response.contains(&text), "{response}");
}

#[tokio::test]
async fn a_web_page_is_refused() {
    let server = Server::start().await;
    let head = "POST / HTTP/1.1\r\norigin: http://evil.example\r\ncontent-type: application/x-amz-json-1.0\r\nx-amz-target: AmazonSQS.ListQueues";
    let response = server.exchange(head, "{}").await;
    assert!(response.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{response}");
}

#[tokio::test]
async fn a_form_or_an_image_of_a_web_page_is_refused() {
    let server = Server::start().await;
    create(&server.broker, "jobs", &[]).await;
    let form = "content-type: application/x-www-form-urlencoded";
    for head in [
        format!("POST /000000000000/jobs HTTP/1.1\r\norigin: null\r\n{form}"),
        "GET /000000000000/jobs?Action=DeleteQueue HTTP/1.1\r\nsec-fetch-site: cross-site"
            .to_owned(),
    ] {
        let response = server.exchange(&head, "Action=DeleteQueue").await;
        assert!(response.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{response}");
    }
    assert_eq!(server.broker.queue_count(), 1);
}

#[tokio::test]
async fn a_body_beyond_the_bound_is_refused() {
    let server = Server::start().await;
    let response = server.action("ListQueues", &" ".repeat(2001)).await;
    assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
}

#[tokio::test]
async fn health_names_the_dead_letter_queues_that_hold_messages() {
    let server = Server::start().await;
    create(&server.broker, "jobs", &[]).await;
    let policy =
        r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:jobs","maxReceiveCount":3}"#;
    create(&server.broker, "source", &[("RedrivePolicy", policy)]).await;
    send(&server.broker, "dead").await;
    let response = server.exchange("GET /health HTTP/1.1", "").await;
    let body = r#"{"deadLetters":{"jobs":1},"queues":2,"role":"broker","status":"ok","waitingReceives":0}"#;
    assert!(response.ends_with(body), "{response}");
}

#[tokio::test]
async fn a_shutdown_answers_who_waits_and_then_ends() {
    let server = Server::start().await;
    create(&server.broker, "jobs", &[]).await;
    let body = format!(r#"{{"QueueUrl":"{URL}","WaitTimeSeconds":20}}"#);
    let waiting = server.action("ReceiveMessage", &body);
    let stop = async {
        while server.broker.waiting_count() == 0 {
            tokio::task::yield_now().await;
        }
        server.shutdown.cancel();
    };
    let (response, ()) = tokio::join!(waiting, stop);
    assert!(response.ends_with("\r\n\r\n{}"), "{response}");
    server.serving.await.unwrap();
}

#[tokio::test]
async fn q4_an_error_in_json_has_its_shape_in_a_header_too() {
    let server = Server::start().await;
    for (action, body, shape) in [
        ("GetQueueUrl", r#"{"QueueName":"none"}"#, "QueueDoesNotExist"),
        ("GetQueueUrl", "{}", "InvalidParameterValueException"),
        ("FooBar", "{}", "UnknownOperationException"),
    ] {
        let response = server.action(action, body).await;
        assert!(response.contains(&format!("x-amzn-errortype: {shape}\r\n")), "{response}");
    }
}

#[tokio::test]
async fn q16_a_string_that_is_to_be_set_to_null_is_refused_and_nothing_is_set() {
    let server = Server::start().await;
    create(&server.broker, "jobs", &[]).await;
    for (action, members) in [
        ("TagQueue", r#""Tags":{"k":null,"r":"v"}"#),
        ("SetQueueAttributes", r#""Attributes":{"DelaySeconds":"5","VisibilityTimeout":null}"#),
        ("CreateQueue", r#""QueueName":"other","Attributes":{"DelaySeconds":null}"#),
        ("CreateQueue", r#""QueueName":"other","tags":{"k":null}"#),
    ] {
        let response = server.action(action, &format!(r#"{{"QueueUrl":"{URL}",{members}}}"#)).await;
        assert!(response.starts_with("HTTP/1.1 400"), "{response}");
        let body = r#"{"__type":"com.amazon.coral.service#InvalidParameterValueException","message":"the parameter 'value' may not be null"}"#;
        assert!(response.ends_with(body), "{response}");
    }
    assert_eq!(server.broker.queue_count(), 1);
    assert_eq!(attribute(&server.broker, "DelaySeconds").await, "0");
    let tags = server.action("ListQueueTags", &format!(r#"{{"QueueUrl":"{URL}"}}"#)).await;
    assert!(tags.ends_with("\r\n\r\n{}"), "{tags}");
}

#[tokio::test]
async fn q15_a_receive_that_asks_for_an_attribute_of_the_future_gets_its_message() {
    let server = Server::start().await;
    create(&server.broker, "jobs", &[("VisibilityTimeout", "0")]).await;
    send(&server.broker, "body").await;
    for list in ["MessageSystemAttributeNames", "AttributeNames"] {
        let body = format!(r#"{{"QueueUrl":"{URL}","{list}":["not-a-real-name"]}}"#);
        let response = server.action("ReceiveMessage", &body).await;
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
        assert!(response.contains(r#""Body":"body""#), "{response}");
        assert!(!response.contains("Attributes"), "{response}");
    }
}

#[tokio::test]
async fn q19_the_range_of_a_timeout_is_looked_at_before_the_handle() {
    let server = Server::start().await;
    create(&server.broker, "jobs", &[]).await;
    let bad = r#""ReceiptHandle":"garbage","VisibilityTimeout":43201"#;
    let one = format!(r#"{{"QueueUrl":"{URL}",{bad}}}"#);
    let response = server.action("ChangeMessageVisibility", &one).await;
    let text = "Value 43201 for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200.";
    assert!(response.contains(text), "{response}");
    let batch = format!(r#"{{"QueueUrl":"{URL}","Entries":[{{"Id":"a",{bad}}}]}}"#);
    let response = server.action("ChangeMessageVisibilityBatch", &batch).await;
    assert!(response.contains(r#""Code":"InvalidParameterValue""#), "{response}");
}

#[tokio::test]
async fn queue_urls_of_other_stand_ins_lead_to_the_queue() {
    let server = Server::start().await;
    create(&server.broker, "jobs", &[]).await;
    for url in [
        "http://sqs.us-east-1.localhost.localstack.cloud:4566/000000000000/jobs",
        "http://us-east-1.queue.localhost.localstack.cloud:4566/000000000000/jobs",
        "http://localhost:4566/queue/us-east-1/000000000000/jobs",
        "http://localhost:9324/queue/jobs",
        "https://sqs.us-east-1.api.aws/000000000000/jobs",
        "https://sqs-fips.us-east-1.amazonaws.com/000000000000/jobs",
    ] {
        let body = format!(r#"{{"QueueUrl":"{url}"}}"#);
        let response = server.action("ReceiveMessage", &body).await;
        assert!(response.starts_with("HTTP/1.1 200"), "{url}: {response}");
    }
    for path in ["/queue/us-east-1/000000000000/jobs", "/queue/jobs"] {
        let head = format!("GET {path}?Action=ReceiveMessage HTTP/1.1");
        let response = server.exchange(&head, "").await;
        assert!(response.starts_with("HTTP/1.1 200"), "{path}: {response}");
    }
}
