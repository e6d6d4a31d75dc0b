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
        Self::serve_at("127.0.0.1:0", broker, options).await
    }

    pub(crate) async fn serve_at(at: &str, broker: Broker, options: ServerOptions) -> Self {
        let listener = TcpListener::bind(at).await.unwrap();
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
    let body = r#"{"clock":{"confirmed":false,"offsetSeconds":0.0,"unconfirmedSeconds":0},"deadLetters":{"jobs":1},"lacksCheckpoint":false,"quarantined":0,"queues":2,"role":"broker","status":"ok","waitingReceives":0}"#;
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

const LIST: &str = "GET /?Action=ListQueues HTTP/1.1";
pub(crate) const LIST_JSON: &str = "POST / HTTP/1.1\r\ncontent-type: application/x-amz-json-1.0\r\nx-amz-target: AmazonSQS.ListQueues";

impl Server {
    /// The status of a request with this head, to which a length and nothing else is added.
    async fn status(&self, head: &str, body: &str) -> u16 {
        let length = body.len();
        let head = format!("{head}\r\ncontent-length: {length}\r\nconnection: close");
        let response = self.exchange_as_is(&head, body).await;
        let status = response.split(' ').nth(1).and_then(|status| status.parse().ok());
        status.unwrap_or_else(|| panic!("no status: {response:?}"))
    }
}

/// A broker that anybody reaches from outside, as in its container.
async fn in_a_container(options: ServerOptions) -> Server {
    Server::serve_at("0.0.0.0:0", in_memory().await, options).await
}

#[tokio::test]
async fn c6_a_name_that_a_web_page_can_have_is_refused_wherever_the_broker_listens() {
    for server in [Server::start().await, in_a_container(ServerOptions::default()).await] {
        create(&server.broker, "jobs", &[]).await;
        let path = "/000000000000/jobs";
        for (method, what) in [
            ("GET", "/?Action=CreateQueue&QueueName=stolen".to_owned()),
            ("GET", "/?Action=ListQueues".to_owned()),
            ("GET", format!("{path}?Action=SendMessage&MessageBody=x")),
            ("GET", format!("{path}?Action=ReceiveMessage")),
            ("GET", "/health".to_owned()),
            ("POST", format!("{path}?Action=DeleteQueue")),
        ] {
            let head = format!("{method} {what} HTTP/1.1\r\nhost: evil.example:9324");
            assert_eq!(server.status(&head, "").await, 403, "{head}");
        }
        assert_eq!(server.status(&format!("{LIST_JSON}\r\nhost: evil.example"), "{}").await, 403);
        assert_eq!(server.broker.queue_count(), 1);
    }
}

#[tokio::test]
async fn c7_what_is_no_web_pages_name_is_served_by_get_and_by_post() {
    let server = Server::start().await;
    for host in [
        "localhost.localstack.cloud:4566",
        "sqs.us-east-1.localhost.localstack.cloud:4566",
        "host.docker.internal:9324",
        "broker:9324",
        "localhost",
    ] {
        assert_eq!(server.status(&format!("{LIST}\r\nhost: {host}"), "").await, 200, "{host}");
        let head = format!("{LIST_JSON}\r\nhost: {host}");
        assert_eq!(server.status(&head, "{}").await, 200, "{host}");
    }
}

#[tokio::test]
async fn c6_the_operator_says_which_other_hosts_are_served() {
    let allowed_hosts = vec!["sqs.example.org".parse().unwrap()];
    let public_url = Some("https://queues.example.com".to_owned());
    let server =
        in_a_container(ServerOptions { allowed_hosts, public_url, ..ServerOptions::default() });
    let server = server.await;
    for (host, status) in
        [("sqs.example.org:1", 200), ("queues.example.com", 200), ("example.org", 403)]
    {
        assert_eq!(server.status(&format!("{LIST}\r\nhost: {host}"), "").await, status, "{host}");
    }
}

#[tokio::test]
async fn q9_a_request_names_one_host_and_a_whole_url_wins() {
    let server = Server::start().await;
    assert_eq!(server.status(LIST, "").await, 400);
    assert_eq!(server.status(&format!("{LIST}\r\nhost: a\r\nhost: b"), "").await, 400);
    assert_eq!(server.status(&format!("{LIST}\r\nhost: a\r\nhost: a"), "").await, 400);
    let whole = "GET http://named:1/?Action=CreateQueue&QueueName=jobs HTTP/1.1\r\nhost: other:2\r\nconnection: close";
    let response = server.exchange_as_is(whole, "").await;
    assert!(response.contains("<QueueUrl>http://named:1/000000000000/jobs<"), "{response}");
    let strange = "GET http://evil.example/?Action=ListQueues HTTP/1.1\r\nhost: localhost\r\nconnection: close";
    let response = server.exchange_as_is(strange, "").await;
    assert!(response.starts_with("HTTP/1.1 403 "), "{response}");
}

/// Sends bytes as they are, and answers the status of what comes back.
async fn raw_status(server: &Server, request: &str) -> u16 {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = [0; 12];
    stream.read_exact(&mut response).await.unwrap();
    std::str::from_utf8(&response[9..]).unwrap().parse().unwrap()
}

#[tokio::test]
async fn c15_a_head_has_whole_line_ends_and_at_most_64_kib() {
    let server = Server::start().await;
    let good = "GET /health HTTP/1.1\r\nhost: localhost\r\n";
    assert_eq!(raw_status(&server, &format!("{good}\r\n")).await, 200);
    for bad in [
        "GET /health HTTP/1.1\nhost: localhost\n\n",
        "GET /health HTTP/1.1\r\nhost: localhost\nx: y\r\n\r\n",
        "GET /health HTTP/1.1\r\nhost: localhost\r\n\n",
    ] {
        assert_eq!(raw_status(&server, bad).await, 400, "{bad:?}");
    }
    let long = |bytes| format!("{good}x: {}\r\n\r\n", "y".repeat(bytes));
    assert_eq!(raw_status(&server, &long(60 << 10)).await, 200);
    assert_eq!(raw_status(&server, &long(100 << 10)).await, 431);
}

#[tokio::test]
async fn c15_the_head_of_a_later_request_is_looked_at_too() {
    let server = Server::start().await;
    let body = "x".repeat(300);
    let first = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let second = "GET /health HTTP/1.1\r\nhost: localhost\nx: y\r\n\r\n";
    stream.write_all(format!("{first}{second}").as_bytes()).await.unwrap();
    let mut responses = String::new();
    stream.read_to_string(&mut responses).await.unwrap();
    let statuses: Vec<&str> = responses.matches("HTTP/1.1 4").collect();
    assert_eq!(statuses.len(), 2, "{responses}");
    assert!(responses.starts_with("HTTP/1.1 404 "), "{responses}");
    assert!(responses.contains("HTTP/1.1 400 "), "{responses}");
}

#[tokio::test]
async fn q8_a_method_that_is_not_used_is_answered_with_those_that_are() {
    let server = Server::start().await;
    let response = server.exchange("PUT / HTTP/1.1", "").await;
    assert!(response.starts_with("HTTP/1.1 405 "), "{response}");
    assert!(response.contains("\r\nallow: GET, POST\r\n"), "{response}");
    let json = "GET / HTTP/1.1\r\ncontent-type: application/x-amz-json-1.0";
    let response = server.exchange(json, "").await;
    assert!(response.contains("\r\nallow: POST\r\n"), "{response}");
    let response = server.exchange("HEAD /health HTTP/1.1", "").await;
    assert!(response.starts_with("HTTP/1.1 200 ") && response.ends_with("\r\n\r\n"), "{response}");
}

#[tokio::test]
async fn q8_a_body_in_chunks_that_are_none_is_a_bad_request() {
    let server = Server::start().await;
    let head = format!("{LIST_JSON}\r\nhost: localhost\r\ntransfer-encoding: chunked");
    let response = server.exchange_as_is(&head, "no chunk\r\n").await;
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
    let response = server.exchange_as_is(&head, "2\r\n{}\r\n0\r\n\r\n").await;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    assert!(response.contains("\r\nconnection: close\r\n"), "{response}");
}

#[tokio::test]
async fn q13_whoever_sends_too_much_can_read_that_it_was_too_much() {
    let server = Server::start().await;
    // More than both sockets hold: a client that does not read meanwhile would be stuck or broken off.
    let response = server.action("ListQueues", &" ".repeat(20 << 20)).await;
    assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
    let head =
        format!("{LIST_JSON}\r\nhost: localhost\r\nexpect: 100-continue\r\nconnection: close");
    let asks_first = format!("{head}\r\ncontent-length: 3000");
    let response = server.exchange_as_is(&asks_first, "").await;
    assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
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
