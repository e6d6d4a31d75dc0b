//! What is exported of a request and of all that follows from it.

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use crate::collector::{Collector, Span};
use crate::program::Program;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

fn parent(trace: &str) -> String {
    format!("00-{trace}-{CALLER}-01")
}

fn exporting(collector: &Collector) -> Program {
    Program::up(&["--otlp-endpoint", &collector.url()], &[])
}

/// The only span of that name.
fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let found: Vec<_> = spans.iter().filter(|span| span.name() == name).collect();
    assert_eq!(found.len(), 1, "{name}: {spans:#?}");
    found[0]
}

#[test]
fn one_trace_goes_from_the_request_through_the_run_to_the_reply() {
    let collector = Collector::start();
    let program = exporting(&collector);
    let headers = [("traceparent", &*parent(TRACE)), ("tracestate", "vendor=1")];
    program.send("/shout", "what nobody else may read", &headers);
    let spans = collector.of_trace(TRACE, 5);

    let request = named(&spans, "POST /shout");
    assert_eq!((request.kind(), &*request.parent()), (SpanKind::Server, CALLER));
    assert_eq!(request.text("http.route"), "/shout");
    assert_eq!(request.text("http.response.status_code"), "202");
    let send = named(&spans, "send Work");
    assert_eq!((send.kind(), send.parent()), (SpanKind::Producer, request.id()));
    let run = named(&spans, "process Work");
    assert_eq!((run.kind(), run.parent()), (SpanKind::Consumer, send.id()));
    let own = named(&spans, "compute");
    assert_eq!((own.kind(), own.parent()), (SpanKind::Internal, run.id()));
    let reply = named(&spans, "process Answers");
    assert_eq!((reply.kind(), reply.parent()), (SpanKind::Consumer, run.id()));

    for (span, operation) in [(send, "send"), (run, "process"), (reply, "process")] {
        assert_eq!(span.text("messaging.system"), "aws_sqs");
        assert_eq!(span.text("messaging.operation.type"), operation);
        assert_eq!(span.text("longshore.task.id"), send.text("longshore.task.id"));
    }
    assert_eq!(run.text("messaging.destination.name"), "Work");
    assert_eq!(run.text("messaging.message.id"), send.text("messaging.message.id"));
    assert_ne!(run.text("messaging.message.id"), "");
    assert_ne!(run.text("messaging.message.id"), reply.text("messaging.message.id"));
    assert_eq!(run.text("longshore.task.attempt"), "1");
    assert_eq!(run.text("longshore.task.outcome"), "done");
    assert_eq!(reply.text("longshore.reply.status"), "COMPLETED");
    for span in &spans {
        assert_eq!((span.service.as_str(), span.state()), ("program", "vendor=1"));
        assert!(!span.has_failed() && span.log_lines() == 0, "{span:?}");
    }
    let (_, _, bytes) = collector.taken();
    assert!(!bytes.to_lowercase().contains("nobody else"), "a body was exported");

    let (ended_well, log) = program.drain();
    assert!(ended_well && log.contains("computed what"), "{log}");
    assert!(
        log.contains("task{") && !log.contains("process{"),
        "log lines are as they were: {log}"
    );
}

#[test]
fn what_a_blocking_handler_makes_spans_of_belongs_to_its_run() {
    let collector = Collector::start();
    let program = exporting(&collector);
    program.send("/grind", "x", &[("traceparent", &parent(TRACE))]);
    let spans = collector.of_trace(TRACE, 5);
    assert_eq!(named(&spans, "crush").parent(), named(&spans, "process Work").id());
}

#[test]
fn each_attempt_is_a_run_of_its_own_and_one_that_failed_says_so_without_the_reason() {
    let collector = Collector::start();
    let program = exporting(&collector);
    program.send("/falter", "the-reason", &[("traceparent", &parent(TRACE))]);
    let spans = collector.of_trace(TRACE, 5);
    let send = named(&spans, "send Work");
    let mut runs: Vec<_> = spans.iter().filter(|span| span.name() == "process Work").collect();
    runs.sort_by_key(|run| run.text("longshore.task.attempt"));
    let of = |run: &Span| {
        let attempt = run.text("longshore.task.attempt");
        (attempt, run.text("longshore.task.outcome"), run.has_failed(), run.parent())
    };
    let (first, second) = ("1".to_owned(), "2".to_owned());
    assert_eq!(of(runs[0]), (first, "retry".to_owned(), true, send.id()));
    assert_eq!(of(runs[1]), (second, "done".to_owned(), false, send.id()));
    assert_eq!(runs[0].text("error.type"), "retry");
    assert_eq!(named(&spans, "process Answers").parent(), runs[1].id());
    assert!(!collector.taken().2.contains("comes too early"), "a reason was exported");
}

#[test]
fn a_batch_handler_s_call_names_the_runs_of_its_tasks_and_is_in_no_trace_of_theirs() {
    let collector = Collector::start();
    // A batch is of one worker.
    let arguments = ["--workers", "1", "--otlp-endpoint", &collector.url()];
    let program = Program::up(&arguments, &[]);
    let traces = ["a1", "b2", "c3"].map(|end| format!("{end:0>32}"));
    for trace in &traces {
        program.send("/gather", "x", &[("traceparent", &parent(trace))]);
    }
    let call = collector.until(1, |span| !span.links().is_empty()).remove(0);
    assert_eq!((call.name(), call.kind()), ("process Work", SpanKind::Consumer));
    assert_eq!(call.text("messaging.batch.message_count"), "3");
    assert!(call.parent().is_empty() && !traces.contains(&call.trace()));
    let run = |trace| named(&collector.of_trace(trace, 4), "process Work").id();
    let mut runs: Vec<_> = traces.iter().map(|trace| run(trace)).collect();
    let mut links = call.links();
    runs.sort();
    links.sort();
    assert_eq!(links, runs);
}

#[test]
fn what_a_handler_sends_goes_on_from_its_run() {
    let collector = Collector::start();
    let program = exporting(&collector);
    program.send("/relay", "x", &[("traceparent", &parent(TRACE))]);
    let spans = collector.of_trace(TRACE, 8);
    let of = |name: &str, task: &str| {
        let is_it = |span: &&Span| span.name() == name && span.text("longshore.task.name") == task;
        spans.iter().find(is_it).cloned().unwrap_or_else(|| panic!("{name} {task}: {spans:#?}"))
    };
    let relay = of("process Work", "relay");
    assert_eq!(of("send Work", "shout").parent(), relay.id());
    assert_eq!(of("process Work", "shout").parent(), of("send Work", "shout").id());
}

#[test]
fn a_run_that_the_drain_hands_back_is_exported_as_given_up() {
    let collector = Collector::start();
    let arguments = ["--grace", "0s", "--otlp-endpoint", &collector.url()];
    let mut program = Program::up(&arguments, &[]);
    program.send("/ponder", "x", &[("traceparent", &parent(TRACE))]);
    program.until_logged("pondering x");
    let (ended_well, log) = program.drain();
    assert!(ended_well, "{log}");
    let spans = collector.of_trace(TRACE, 3);
    let run = named(&spans, "process Work");
    assert_eq!((run.text("error.type").as_str(), run.has_failed()), ("given_up", true));
    assert_eq!(run.text("longshore.task.outcome"), "");
}
