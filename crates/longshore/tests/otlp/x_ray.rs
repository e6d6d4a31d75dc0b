//! Messages of services that AWS X-Ray traces: `AWSTraceHeader` goes through the broker to a worker, whose spans and
//! reply are in that trace.

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use crate::collector::Collector;
use crate::program::{Program, ask};

const HEADER: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
const TRACE: &str = "5759e988bd862e3fe1be46a994272793";
const PARENT: &str = "53995c3f42cd8ad8";

/// Asks the broker of a process as another service does.
fn sqs(broker: &Program, action: &str, queue: &str, members: &str) -> String {
    let target = format!("AmazonSQS.{action}");
    let head = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", target.as_str())];
    let address = broker.address("broker");
    let body = format!(r#"{{"QueueUrl":"http://{address}/000000000000/{queue}"{members}}}"#);
    let answer = ask(&address, "POST", "/", &head, &body);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer
}

/// Sends a task that bears the trace in a system attribute, and nothing else of ours.
fn send(broker: &Program) {
    let attribute =
        format!(r#"{{"AWSTraceHeader":{{"DataType":"String","StringValue":"{HEADER}"}}}}"#);
    let members = format!(r#","MessageBody":"\"x\"","MessageSystemAttributes":{attribute}"#);
    sqs(broker, "SendMessage", "Work", &members);
}

fn run_of(collector: &Collector, count: usize) -> String {
    let spans = collector.of_trace(TRACE, count);
    let run = spans.iter().find(|span| span.name() == "process Work").unwrap();
    assert_eq!((run.kind(), &*run.parent()), (SpanKind::Consumer, PARENT));
    run.id()
}

#[test]
fn a_worker_beside_the_broker_continues_the_trace_of_x_ray_and_so_does_its_reply() {
    let collector = Collector::start();
    let program = Program::up(&["--otlp-endpoint", &collector.url()], &[]);
    send(&program);
    let run = run_of(&collector, 3);
    let spans = collector.of_trace(TRACE, 3);
    let reply = spans.iter().find(|span| span.name() == "process Answers").unwrap();
    assert_eq!(reply.parent(), run);
}

#[test]
fn a_worker_on_the_aws_sdk_continues_the_trace_of_x_ray_and_so_does_its_reply() {
    let collector = Collector::start();
    let data = tempfile::tempdir().unwrap();
    let broker = Program::start("broker", &["--broker-listen", "127.0.0.1:0", "--in-memory"], &[]);
    let (endpoint, otlp) = (format!("http://{}", broker.address("broker")), collector.url());
    let directory = data.path().to_str().unwrap();
    let arguments = [
        ["--endpoint-url", &endpoint],
        ["--health-listen", "127.0.0.1:0"],
        ["--data", directory],
        ["--otlp-endpoint", &otlp],
    ];
    let _worker = Program::start("worker", &arguments.concat(), &[]);
    send(&broker);
    let run = run_of(&collector, 2);
    let members = r#","WaitTimeSeconds":20,"MessageAttributeNames":["All"]"#;
    let reply = sqs(&broker, "ReceiveMessage", "Answers", members);
    assert!(reply.contains(&format!("00-{TRACE}-{run}-01")), "{reply}");
}
