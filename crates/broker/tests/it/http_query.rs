//! The Query protocol over HTTP: how it is told from JSON, and addresses that are queues.

use longshore_wire::{SendMessage, SystemAttributeName};

use crate::http::Server;
use crate::support::*;

const JOBS: &str = "/000000000000/jobs";

impl Server {
    /// POSTs a form.
    async fn post(&self, path: &str, form: &str) -> String {
        let head = format!(
            "POST {path} HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded; charset=utf-8"
        );
        self.exchange(&head, form).await
    }

    async fn get(&self, path_and_query: &str) -> String {
        self.exchange(&format!("GET {path_and_query} HTTP/1.1"), "").await
    }
}

/// Asserts the status and a part of a response in XML.
#[track_caller]
fn assert_xml(response: &str, status: u16, part: &str) {
    assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
    assert!(response.contains("content-type: text/xml\r\n"), "{response}");
    assert!(response.contains("x-amzn-requestid: "), "{response}");
    assert!(response.contains(part), "{response}");
}

#[tokio::test]
async fn a_form_is_answered_in_xml() {
    let server = Server::start().await;
    let created = server.post("/", "Action=CreateQueue&QueueName=jobs").await;
    let url = format!("<QueueUrl>http://{}{JOBS}</QueueUrl>", server.address);
    assert_xml(&created, 200, &url);
    let sent = server.post(JOBS, "Action=SendMessage&MessageBody=a%0D%0A%3Cb%3E").await;
    assert_xml(&sent, 200, "<MD5OfMessageBody>");
    let received = server.post(JOBS, "Action=ReceiveMessage&AttributeName=").await;
    assert_xml(&received, 200, "<Body>a&#xD;\n&lt;b&gt;</Body>");
    let empty = server.post(JOBS, "Action=ReceiveMessage").await;
    assert_xml(&empty, 200, "<ReceiveMessageResult/><ResponseMetadata>");
}

#[tokio::test]
async fn actions_on_a_queue_work_by_get() {
    let server = Server::start().await;
    create(&server.broker, "jobs", &[]).await;
    create(&server.broker, "other", &[]).await;
    let sent = server.get(&format!("{JOBS}?Action=SendMessage&MessageBody=x")).await;
    assert_xml(&sent, 200, "<MessageId>");
    assert_eq!(attribute(&server.broker, "ApproximateNumberOfMessages").await, "1");
    let found = server.get(&format!("{JOBS}?Action=GetQueueUrl&QueueName=other")).await;
    assert_xml(&found, 200, "/000000000000/other</QueueUrl>");
    let deleted = server.get(&format!("{JOBS}?Action=DeleteQueue")).await;
    assert_xml(&deleted, 200, "<DeleteQueueResponse");
    let gone = server.get(&format!("{JOBS}?Action=PurgeQueue")).await;
    assert_xml(&gone, 400, "The specified queue does not exist for this wsdl version.");
}

#[tokio::test]
async fn the_queue_that_is_named_wins_over_the_address() {
    let server = Server::start().await;
    create(&server.broker, "jobs", &[]).await;
    let form = format!("Action=SendMessage&MessageBody=x&QueueUrl={URL}");
    assert_xml(&server.post("/000000000000/none", &form).await, 200, "<MessageId>");
}

#[tokio::test]
async fn an_address_without_an_action_is_an_unknown_operation() {
    let server = Server::start().await;
    create(&server.broker, "jobs", &[]).await;
    for path in [JOBS, "/"] {
        let head = format!("GET {path} HTTP/1.1\r\naccept: application/json");
        for response in
            [server.get(path).await, server.post(path, "").await, server.exchange(&head, "").await]
        {
            assert_xml(&response, 404, "\r\n\r\n<UnknownOperationException/>");
        }
    }
}

#[tokio::test]
async fn an_error_is_spelled_in_xml() {
    let server = Server::start().await;
    create(&server.broker, "jobs", &[]).await;
    let cases = [
        ("DeleteMessage&ReceiptHandle=garbage", 404, "<Code>ReceiptHandleIsInvalid</Code>"),
        ("CreateQueue&QueueName=x", 400, "<Code>InvalidAction</Code>"),
        ("SendMessage", 400, "The request must contain the parameter MessageBody."),
        ("GetQueueAttributes&AttributeName.1=Foobar", 400, "Unknown Attribute Foobar."),
    ];
    for (form, status, part) in cases {
        let response = server.post(JOBS, &format!("Action={form}")).await;
        assert_xml(&response, status, part);
        assert!(!response.contains("x-amzn-query-error"), "{response}");
    }
}

#[tokio::test]
async fn who_accepts_json_gets_it() {
    let server = Server::start().await;
    create(&server.broker, "jobs", &[]).await;
    let head = format!("GET {JOBS}?Action=ListQueueTags HTTP/1.1\r\naccept: application/json");
    let response = server.exchange(&head, "").await;
    assert!(response.contains("content-type: application/json\r\n"), "{response}");
    assert!(response.contains(r#"{"ListQueueTagsResponse":{"ListQueueTagsResult":{},"#));
    let head = "GET /none?Action=PurgeQueue HTTP/1.1\r\naccept: application/json";
    let response = server.exchange(head, "").await;
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
    assert!(response.contains(r#"{"Error":{"Code":"AWS.SimpleQueueService.NonExistentQueue","#));
}

#[tokio::test]
async fn other_methods_are_refused() {
    let server = Server::start().await;
    let response = server.exchange("DELETE /000000000000/jobs HTTP/1.1", "").await;
    assert!(response.starts_with("HTTP/1.1 405 "), "{response}");
    let head = "GET / HTTP/1.1\r\ncontent-type: application/x-amz-json-1.0";
    let response = server.exchange(head, "").await;
    assert!(response.starts_with("HTTP/1.1 405 "), "{response}");
}

#[tokio::test]
async fn a_presigned_request_is_of_the_region_in_its_url() {
    let server = Server::start().await;
    create(&server.broker, "jobs", &[]).await;
    let credential =
        |region| format!("X-Amz-Credential=a%2F20261123%2F{region}%2Fsqs%2Faws4_request");
    let here = server.get(&format!("{JOBS}?Action=PurgeQueue&{}", credential("us-east-1"))).await;
    assert_xml(&here, 200, "<PurgeQueueResponse");
    let there = server.get(&format!("{JOBS}?Action=PurgeQueue&{}", credential("eu-west-1"))).await;
    assert_xml(&there, 400, "<Code>AWS.SimpleQueueService.NonExistentQueue</Code>");
}

#[tokio::test]
async fn q7_messages_are_looked_at_and_stay_as_they_are() {
    let server = Server::start().await;
    create(&server.broker, "jobs", &[]).await;
    for body in ["in-flight", "seen", "delayed"] {
        let delay_seconds = (body == "delayed").then(|| 900.into());
        let (queue_url, message_body) = (URL.to_owned(), body.to_owned());
        let send = SendMessage { queue_url, message_body, delay_seconds, ..SendMessage::default() };
        server.broker.call(send.into()).await.unwrap();
        if body == "in-flight" {
            assert_eq!(receive(&server.broker, 0).await.len(), 1);
        }
    }
    let shown = [
        ("", &["seen"][..]),
        ("&ShowInvisible=true", &["in-flight", "seen"]),
        ("&ShowDelayed=true", &["seen", "delayed"]),
        ("&ShowInvisible=true&ShowDelayed=True", &["in-flight", "seen", "delayed"]),
    ];
    for (options, bodies) in shown {
        let by_url = format!("/_aws/sqs/messages?QueueUrl={URL}{options}");
        let by_path = format!("/_aws/sqs/messages/us-east-1/000000000000/jobs?{options}");
        for path in [by_url, by_path] {
            let response = server.exchange(&format!("GET {path} HTTP/1.1"), "").await;
            assert!(response.contains("<ReceiveMessageResult>"), "{response}");
            for body in ["in-flight", "seen", "delayed"] {
                let is_shown = response.contains(&format!("<Body>{body}</Body>"));
                assert_eq!(is_shown, bodies.contains(&body), "{path} {body}: {response}");
            }
        }
    }
    let head =
        format!("GET /_aws/sqs/messages?QueueUrl={URL} HTTP/1.1\r\naccept: application/json");
    let response = server.exchange(&head, "").await;
    assert!(response.contains("content-type: application/json"), "{response}");
    assert!(response.contains(r#""Body":"seen""#), "{response}");
    assert!(response.contains(r#"{"Name":"ApproximateReceiveCount","Value":"0"}"#), "{response}");
    let received = receive(&server.broker, 0).await;
    assert_eq!(bodies(&received), ["seen"]);
    let count = &received[0].attributes[&SystemAttributeName::ApproximateReceiveCount];
    assert_eq!(count, "1", "looking counts nothing");
}

#[tokio::test]
async fn who_looks_at_messages_is_counted_and_so_is_an_answer_that_does_not_show_all() {
    let server = Server::start().await;
    create(&server.broker, "jobs", &[]).await;
    let head = format!("GET /_aws/sqs/messages?QueueUrl={URL} HTTP/1.1");
    for sent in [1000, 1] {
        for _ in 0..sent {
            send(&server.broker, "x").await;
        }
        let response = server.exchange(&head, "").await;
        assert_eq!(response.matches("<Body>").count(), 1000);
    }
    server.exchange("GET /_aws/sqs/messages?QueueUrl=none HTTP/1.1", "").await;
    let page = server.broker.metrics();
    let requests = r#"longshore_requests_total{action="PeekMessages",protocol="query",code="#;
    for line in [
        format!(r#"{requests}"OK"}} 2"#),
        format!(r#"{requests}"AWS.SimpleQueueService.NonExistentQueue"}} 1"#),
        "longshore_peeks_cut_total 1".to_owned(),
    ] {
        assert!(page.contains(&format!("{line}\n")), "no {line} in\n{page}");
    }
}

#[tokio::test]
async fn q7_who_looks_where_there_is_nothing_or_by_a_post_is_told_so() {
    let server = Server::start().await;
    create(&server.broker, "jobs", &[]).await;
    send(&server.broker, "body").await;
    for (head, status) in [
        ("GET /_aws/sqs/messages HTTP/1.1", 400),
        ("GET /_aws/sqs/messages?QueueUrl=none HTTP/1.1", 400),
        ("GET /_aws/sqs/messages/eu-west-1/000000000000/jobs HTTP/1.1", 400),
        ("POST /_aws/sqs/messages?Action=ReceiveMessage&QueueUrl=jobs HTTP/1.1", 405),
        ("GET /_aws/sqs/messages?QueueUrl=jobs HTTP/1.1\r\nsec-fetch-site: cross-site", 403),
    ] {
        let response = server.exchange(head, "").await;
        assert!(response.starts_with(&format!("HTTP/1.1 {status}")), "{head}: {response}");
    }
    assert_eq!(receive(&server.broker, 0).await.len(), 1);
}
