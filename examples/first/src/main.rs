//! Greets whoever asks, by a task.

use axum::{Router, extract::State, http::HeaderMap, routing::post};
use longshore::gateway::{Accepted, JsonBody};
use longshore::{App, Failure, Gateway, Problem, Task};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, Task)]
#[task(reply = String)]
struct Greet {
    name: String,
}

async fn greet(task: Greet) -> Result<String, Failure> {
    Ok(format!("Hello, {}!", task.name))
}

type Answer = Result<Accepted, Problem>;

async fn ask(gateway: State<Gateway>, headers: HeaderMap, task: JsonBody<Greet>) -> Answer {
    gateway.accept(task.0, "/greetings", &headers).await
}

fn routes(gateway: Gateway) -> Router {
    let status = gateway.status_route("/greetings");
    Router::new().route("/greetings", post(ask)).with_state(gateway).merge(status)
}

fn app() -> App {
    let app = App::new("first").queues("[queues.greetings]");
    app.queue("greetings", |queue| queue.handle(greet)).routes(routes)
}

fn main() -> std::process::ExitCode {
    app().run()
}

#[cfg(test)]
#[tokio::test(start_paused = true)]
async fn whoever_asks_is_greeted() {
    let world = longshore_testkit::start(app()).await;
    let asked = world.post_json("/greetings", &Greet { name: "Ada".into() }).await.json();
    world.run_until_idle().await;
    let found = world.get(asked["callbackUrl"].as_str().unwrap()).await.json();
    assert_eq!(found["reply"], "Hello, Ada!");
}
