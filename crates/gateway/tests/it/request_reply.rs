//! A request, its callback URL, and what is there until and after the reply.

use std::time::Duration;

use axum::http::header::HOST;
use axum::http::{HeaderMap, HeaderValue};
use longshore_tasks::envelope::Envelope;
use longshore_tasks::{Reply, SendOptions, TaskId};

use crate::exchange::{Answer, Application, Square};
use crate::outbox::Fate;

const RETENTION: Duration = Duration::from_secs(60);

/// The path of a callback URL, and the id at its end.
fn callback(url: &str) -> (&str, TaskId) {
    let path = &url[url.find("/squares").unwrap()..];
    (path, TaskId::parse(path.rsplit('/').next().unwrap()).unwrap())
}

fn callback_url(answer: &Answer) -> String {
    answer.json().as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_callback_url_begins_with_the_host_that_the_request_named() {
    let application = Application::start(None).await;
    let answer = application.ask("POST", "/squares").await;
    assert_eq!(answer.status, 200);
    assert!(callback_url(&answer).starts_with("http://example.org:8080/squares/status/"));
}

#[tokio::test]
async fn a_configured_public_url_wins() {
    let application = Application::start(Some("https://public.example/base/")).await;
    let answer = application.ask("POST", "/squares").await;
    assert!(callback_url(&answer).starts_with("https://public.example/base/squares/status/"));
}

#[tokio::test]
async fn a_task_is_pending_until_its_reply_is_kept() {
    let application = Application::start(None).await;
    let url = callback_url(&application.ask("POST", "/squares").await);
    let (path, id) = callback(&url);
    let pending = application.ask("GET", path).await;
    assert_eq!((pending.status, pending.body.as_str()), (200, r#"{"status":"PENDING"}"#));
    assert!(pending.has("cache-control: no-store"));

    let records = application.gateway.client().records();
    records.take_in(&id, &Reply::completed("64"), RETENTION).await.unwrap();

    let completed = application.ask("GET", path).await;
    assert_eq!(completed.body, r#"{"status":"COMPLETED","square":64}"#);
}

#[tokio::test]
async fn a_reply_to_the_message_id_answers_the_task() {
    let application = Application::start(None).await;
    let url = callback_url(&application.ask("POST", "/squares").await);
    let message_id = TaskId::parse("message-1").unwrap();
    let records = application.gateway.client().records();
    records.take_in(&message_id, &Reply::failed("no"), RETENTION).await.unwrap();
    let failed = application.ask("GET", callback(&url).0).await;
    assert_eq!(failed.body, r#"{"status":"FAILED","error":"{\"message\":\"no\"}"}"#);
}

#[tokio::test]
async fn an_id_of_no_task_is_404_also_when_it_can_be_none() {
    let application = Application::start(None).await;
    for id in ["01a20808-1aa5-74af-a683-db4ace7f8031", "x%20y", &"x".repeat(100)] {
        let answer = application.ask("GET", &format!("/squares/status/{id}")).await;
        assert_eq!(answer.status, 404, "{id}");
        assert!(answer.has("content-type: application/problem+json"), "{}", answer.head);
    }
}

#[tokio::test]
async fn a_queue_that_cannot_be_reached_is_503_and_nothing_is_done() {
    let application = Application::start(None).await;
    application.outbox.meets(Fate::NotSent);
    let answer = application.ask("POST", "/squares").await;
    assert_eq!(answer.status, 503);
    assert!(answer.has("content-type: application/problem+json"));
    assert!(answer.has("retry-after: 5"));
    assert_eq!(answer.json().get("callbackUrl"), None);
    assert!(application.outbox.sent.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_send_in_doubt_is_503_with_the_callback_url_where_the_task_is_pending() {
    let application = Application::start(None).await;
    application.outbox.meets(Fate::AnswerLost);
    let answer = application.ask("POST", "/squares").await;
    assert_eq!(answer.status, 503);
    let problem = answer.json();
    let url = problem["callbackUrl"].as_str().unwrap();
    let status = application.ask("GET", callback(url).0).await;
    assert_eq!(status.body, r#"{"status":"PENDING"}"#);
}

#[tokio::test]
async fn a_send_is_finished_also_when_the_caller_has_gone() {
    let application = Application::start(None).await;
    application.outbox.meets(Fate::Held);
    let caller = application.begin("POST", "/squares").await;
    application.outbox.begun.notified().await;
    drop(caller);
    application.outbox.released.notify_one();

    application.gateway.sends_ended().await;

    // The alias is what is written last.
    let message_id = TaskId::parse("message-1").unwrap();
    let status = application.gateway.client().status(&message_id).await.unwrap();
    assert!(status.is_some());
}

#[tokio::test]
async fn the_routes_of_a_task_accept_it_as_json_and_tell_how_it_stands() {
    let application = Application::start(None).await;
    let accepted = application.post_json("/plain", "9").await;
    assert_eq!(accepted.status, 202);
    assert_eq!(application.outbox.sent.lock().unwrap()[0].body, "9");
    let (accepted, head) = (accepted.json(), accepted.head);
    let (id, url) = (accepted["id"].as_str().unwrap(), accepted["callbackUrl"].as_str().unwrap());
    assert_eq!(url, format!("http://example.org:8080/plain/status/{id}"));
    assert!(head.contains(&format!("location: {url}")), "{head}");

    let path = format!("/plain/status/{id}");
    assert_eq!(application.ask("GET", &path).await.body, r#"{"status":"PENDING"}"#);
    let (id, reply) = (TaskId::parse(id).unwrap(), Reply::completed("81"));
    application.gateway.client().records().take_in(&id, &reply, RETENTION).await.unwrap();
    let completed = application.ask("GET", &path).await;
    assert_eq!(completed.body, r#"{"status":"COMPLETED","reply":81}"#);
}

#[tokio::test]
async fn what_does_not_fit_a_task_is_a_problem_and_is_not_sent() {
    let application = Application::start(None).await;
    for (json, status) in [(r#""nine""#, 422), ("9,", 400)] {
        let answer = application.post_json("/plain", json).await;
        assert_eq!(answer.status, status, "{json}");
        assert!(answer.has("content-type: application/problem+json"), "{}", answer.head);
        assert_eq!(answer.json()["status"], status);
    }
    assert!(application.outbox.sent.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_task_is_accepted_with_options_of_its_send_and_goes_on_with_the_trace_of_the_request() {
    let application = Application::start(None).await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::from_static("example.org"));
    headers.insert("traceparent", HeaderValue::from_static(trace));
    headers.append("tracestate", HeaderValue::from_static("vendor=1"));
    headers.append("tracestate", HeaderValue::from_static("other=2"));
    let delay = Some(Duration::from_secs(60));
    let options =
        SendOptions { id: TaskId::parse("order-7").ok(), delay, ..SendOptions::default() };

    let accepted = application.gateway.accept_with(Square(8), options, "/squares", &headers);
    let accepted = accepted.await.unwrap();

    assert_eq!(accepted.callback_url, "http://example.org/squares/status/order-7");
    let sent = application.outbox.sent.lock().unwrap();
    assert_eq!(sent[0].delay, delay);
    let continued = Envelope::open(&sent[0].attributes).trace().unwrap();
    assert_eq!(continued.parent.to_string(), trace);
    assert_eq!(continued.state.unwrap().as_str(), "vendor=1,other=2");
}
