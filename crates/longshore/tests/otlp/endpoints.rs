//! Where spans are exported to, and what becomes of a program whose endpoint does not take them.

use std::net::TcpListener;
use std::process::Command;

use tokio::time::{Duration, Instant};

use crate::collector::Collector;
use crate::program::Program;

/// More than a drain without tasks takes, with the bound of the last spans.
const DRAINED_WITHIN: Duration = Duration::from_secs(12);

#[test]
fn the_endpoint_s_own_path_and_headers_come_from_the_variables_and_the_drain_flushes() {
    let collector = Collector::start();
    let endpoint = format!("{}/own/path/", collector.url());
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=pa%20ss"),
        ("OTEL_SERVICE_NAME", "shouter"),
        // Nothing is due before the program ends.
        ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
    ];
    let mut program = Program::up(&[], &variables);
    program.send("/shout", "x", &[]);
    program.until_logged("computed x");
    assert_eq!(collector.taken().0, Vec::<String>::new());

    let (ended_well, log) = program.drain();
    assert!(ended_well && !log.contains("pa ss") && !log.contains("pa%20ss"), "{log}");
    // The reply may be taken in by a later start.
    let spans = collector.until(4, |span| span.service == "shouter");
    let request = spans.iter().find(|span| span.name() == "POST /shout").unwrap();
    assert_eq!(request.parent(), "", "nobody began a trace before");
    assert!(spans.iter().all(|span| span.trace() == request.trace()), "{spans:#?}");
    let (paths, headers, _) = collector.taken();
    assert!(paths.iter().all(|path| path == "/own/path/v1/traces"), "{paths:?}");
    assert_eq!(headers[0]["x-key"], "pa ss");
    assert_eq!(headers[0]["content-type"], "application/x-protobuf");
}

#[test]
fn an_endpoint_that_refuses_is_told_of_once_and_the_program_goes_on_and_drains() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut program = Program::up(&["--otlp-endpoint", &format!("http://{closed}")], &[]);
    program.send("/shout", "one", &[]);
    program.until_logged("spans are not exported");
    program.send("/shout", "two", &[]);
    program.until_logged("computed two");
    let begun_at = Instant::now();
    let (ended_well, log) = program.drain();
    assert!(ended_well && begun_at.elapsed() < DRAINED_WITHIN, "{:?} {log}", begun_at.elapsed());
    assert_eq!(log.matches("spans are not exported").count(), 1, "{log}");
}

#[test]
fn an_endpoint_that_never_answers_holds_up_neither_tasks_nor_the_drain() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let mut program = Program::up(&["--otlp-endpoint", &endpoint], &[]);
    program.send("/shout", "one", &[]);
    let _asked = silent.accept().unwrap();
    program.send("/shout", "two", &[]);
    program.until_logged("computed two");
    let begun_at = Instant::now();
    let (ended_well, log) = program.drain();
    assert!(ended_well && begun_at.elapsed() < DRAINED_WITHIN, "{:?} {log}", begun_at.elapsed());
    assert!(log.contains("the last spans were not exported"), "{log}");
}

#[test]
fn a_variable_that_makes_no_sense_is_warned_of_without_telling_it_and_the_program_goes_on() {
    let variable = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:secret@c");
    let mut program = Program::up(&[], &[variable]);
    program.send("/shout", "one", &[]);
    program.until_logged("computed one");
    let (ended_well, log) = program.drain();
    assert!(ended_well && log.contains("OTEL_EXPORTER_OTLP_ENDPOINT is no endpoint"), "{log}");
    assert!(!log.contains("secret"), "{log}");
}

#[test]
fn a_flag_or_a_bound_of_it_that_makes_no_sense_keeps_the_program_from_starting() {
    let refused = |arguments: &[&str], name: &str, value: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_program-with-spans"));
        let answer = command.args(arguments).env(name, value).output().unwrap();
        assert_eq!(answer.status.code(), Some(2), "{name}");
        String::from_utf8(answer.stderr).unwrap()
    };
    let flag = refused(&["up", "--otlp-endpoint", "collector:4317"], "NONE", "");
    assert!(flag.contains("write http://host:port"), "{flag}");
    let to = ["app", "--otlp-endpoint", "http://127.0.0.1:4318"];
    let bound = refused(&to, "OTEL_EXPORTER_OTLP_TIMEOUT", "soon");
    assert!(bound.contains("OTEL_EXPORTER_OTLP_TIMEOUT is `soon`"), "{bound}");
}
