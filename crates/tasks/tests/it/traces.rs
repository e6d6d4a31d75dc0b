//! Traces: what a message says of its trace reaches the handler, what it sends, and the reply.

use std::sync::{Arc, Mutex};

use longshore_tasks::envelope::{TRACEPARENT, TRACESTATE};
use longshore_tasks::transport::Action;
use longshore_tasks::{Context, Failure, TraceParent};
use longshore_types::{MessageAttribute, MessageAttributes};

use crate::world::{REPLIES, Square, TASKS, TASKS_DEAD, World, start, until};

const SENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OF_X_RAY: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
const FROM_X_RAY: &str = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";

fn attributes(traceparent: &str) -> MessageAttributes {
    [(TRACEPARENT.to_owned(), MessageAttribute::text(traceparent))].into()
}

/// What the handler of a message is told of its trace.
async fn seen(traceparent: Option<&str>, header: Option<&str>) -> Option<String> {
    let world = World::new();
    let seen: Arc<Mutex<Option<TraceParent>>> = Arc::default();
    let noted = Arc::clone(&seen);
    let handler = move |Square(number): Square, ctx: Context| {
        *noted.lock().unwrap() = ctx.traceparent();
        async move { Ok::<_, Failure>(number) }
    };
    world.simulation.put(TASKS, "8", traceparent.map(attributes).unwrap_or_default());
    if let Some(header) = header {
        world.simulation.set_trace_header(TASKS, header);
    }
    let worker = start(world.worker(handler));
    world.until_empty(TASKS).await;
    worker.stop().await;
    let reply = world.simulation.messages(REPLIES).remove(0);
    let seen = seen.lock().unwrap().map(|place| place.to_string());
    assert_eq!(reply.text(TRACEPARENT), seen.as_deref(), "the reply is in the same trace");
    seen
}

#[tokio::test(start_paused = true)]
async fn a_message_is_in_the_trace_of_its_traceparent_else_of_its_aws_trace_header_else_in_none() {
    let wanted = |text: &str| Some(text.to_owned());
    assert_eq!(seen(Some(SENT), None).await, wanted(SENT));
    assert_eq!(seen(Some(SENT), Some(OF_X_RAY)).await, wanted(SENT));
    assert_eq!(seen(None, Some(OF_X_RAY)).await, wanted(FROM_X_RAY));
    assert_eq!(seen(Some("00-nonsense"), Some(OF_X_RAY)).await, wanted(FROM_X_RAY));
    assert_eq!(seen(Some("00-nonsense"), Some("Root=nonsense")).await, None);
    assert_eq!(seen(None, None).await, None);
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_sends_goes_on_in_its_trace_and_nonsense_is_not_sent() {
    let world = World::new();
    let handler = |Square(number): Square, ctx: Context| async move {
        if number > 0 {
            ctx.send(Square(number - 1)).await?;
        }
        Ok::<_, Failure>(i64::from(
            ctx.traceparent().map(|it| it.to_string()).as_deref() == Some(SENT),
        ))
    };
    let worker = start(world.worker(handler).client(world.client.clone()));
    world.client.send(Square(2)).traceparent(SENT).await.unwrap();
    until(|| world.bodies(REPLIES).len() == 3).await;
    assert_eq!(world.bodies(REPLIES), ["1", "1", "1"]);
    worker.stop().await;
    world.client.send(Square(2)).traceparent("nonsense").await.unwrap();
    assert_eq!(world.simulation.messages(TASKS)[0].text(TRACEPARENT), None);
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_sends_in_one_call_goes_on_in_its_trace_too() {
    let world = World::new();
    let handler = |Square(number): Square, ctx: Context| async move {
        if number == 2 {
            let sent = ctx.send_all([Square(0), Square(1)]).await;
            sent.into_iter().collect::<Result<Vec<_>, _>>()?;
        }
        Ok::<_, Failure>(number)
    };
    let worker = start(world.worker(handler).client(world.client.clone()));
    world.client.send(Square(2)).traceparent(SENT).await.unwrap();
    until(|| world.bodies(REPLIES).len() == 3).await;
    let replies = world.simulation.messages(REPLIES);
    assert!(replies.iter().all(|reply| reply.text(TRACEPARENT) == Some(SENT)), "{replies:?}");
    let calls = world.simulation.calls(Action::SendMessageBatch);
    let sends: Vec<_> = calls.iter().filter(|call| call.queue == TASKS).collect();
    assert_eq!(sends.len(), 2, "the parent, and its children in one");
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_sent_anew_or_dead_keeps_its_trace() {
    let world = World::new();
    let fail = |_: Square, _: Context| async { Err(Failure::retry("again")) };
    world.simulation.put(TASKS, "8", MessageAttributes::new());
    world.simulation.set_trace_header(TASKS, OF_X_RAY);
    let retry = longshore_tasks::RetryPolicy::default().attempts(9);
    let worker = start(world.worker(fail).retry(retry));
    // Five receives are fewer than nine attempts: it was sent anew.
    until(|| !world.simulation.messages(TASKS_DEAD).is_empty()).await;
    let reply = world.simulation.messages(REPLIES).remove(0);
    assert_eq!(reply.text(TRACEPARENT), Some(FROM_X_RAY));
    assert_eq!(world.simulation.messages(TASKS_DEAD)[0].text(TRACEPARENT), Some(FROM_X_RAY));
    worker.stop().await;
}

const NOTED: &str = "vendor=1,other=2";

#[tokio::test(start_paused = true)]
async fn what_was_noted_beside_a_trace_goes_with_it_to_the_handler_its_sends_and_the_reply() {
    let world = World::new();
    let handler = |Square(number): Square, ctx: Context| async move {
        if number > 0 {
            ctx.send(Square(number - 1)).await?;
        }
        Ok::<_, Failure>(i64::from(ctx.tracestate().is_some_and(|it| it.as_str() == NOTED)))
    };
    let worker = start(world.worker(handler).client(world.client.clone()));
    world.client.send(Square(1)).traceparent(SENT).tracestate(" vendor=1 , other=2").await.unwrap();
    until(|| world.bodies(REPLIES).len() == 2).await;
    assert_eq!(world.bodies(REPLIES), ["1", "1"]);
    for reply in world.simulation.messages(REPLIES) {
        assert_eq!(reply.text(TRACESTATE), Some(NOTED));
    }
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_noted_is_not_sent_malformed_too_long_or_beside_no_trace() {
    let world = World::new();
    let (long, max) = (format!("a={0},b={0}", "x".repeat(255)), "a=".to_owned() + &"x".repeat(256));
    let noted = async |traceparent: &str, tracestate: &str| {
        let task = world.client.send(Square(2)).traceparent(traceparent).tracestate(tracestate);
        task.await.unwrap();
        let message = world.simulation.messages(TASKS).pop().unwrap();
        (message.text(TRACEPARENT).is_some(), message.text(TRACESTATE).map(str::len))
    };
    assert_eq!(noted(SENT, &max).await, (true, Some(258)));
    assert_eq!(noted(SENT, &long).await, (true, None));
    assert_eq!(noted(SENT, "Vendor=1").await, (true, None));
    assert_eq!(noted("nonsense", "vendor=1").await, (false, None));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_sent_anew_or_dead_keeps_what_was_noted_and_one_without_room_goes_without() {
    let world = World::new();
    let fail = |_: Square, _: Context| async { Err(Failure::retry("again")) };
    let attributes = |others: usize| {
        let others = (0..others).map(|n| (format!("a{n}"), MessageAttribute::number(n)));
        let trace = [(TRACEPARENT, SENT), (TRACESTATE, NOTED)];
        let trace = trace.map(|(name, text)| (name.to_owned(), MessageAttribute::text(text)));
        others.chain(trace).collect::<MessageAttributes>()
    };
    world.simulation.put(TASKS, "7", attributes(2));
    // Sent anew, it bears its id too, and has no room for it.
    world.simulation.put(TASKS, "8", attributes(8));
    let retry = longshore_tasks::RetryPolicy::default().attempts(9);
    let worker = start(world.worker(fail).retry(retry));
    until(|| world.simulation.messages(TASKS_DEAD).len() == 2).await;
    let letters = world.simulation.messages(TASKS_DEAD);
    let of = |body: &str| letters.iter().find(|letter| letter.body == body).unwrap();
    assert_eq!((of("7").text(TRACEPARENT), of("7").text(TRACESTATE)), (Some(SENT), Some(NOTED)));
    assert_eq!(of("8").text(TRACESTATE), None);
    worker.stop().await;
}
