//! The first application with a route of its own: who is greeted stands in the path.

use longshore::axum::extract::{Path, State};
use longshore::axum::http::HeaderMap;
use longshore::axum::{Router, routing::post};
use longshore::gateway::Accepted;
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

async fn ask(gateway: State<Gateway>, name: Path<String>, headers: HeaderMap) -> Answer {
    gateway.accept(Greet { name: name.0 }, "/greetings", &headers).await
}

fn routes(gateway: Gateway) -> Router {
    let status = gateway.status_route("/greetings");
    Router::new().route("/greet/{name}", post(ask)).with_state(gateway).merge(status)
}

fn app() -> App {
    App::new("first").queue("greetings", |queue| queue.handle(greet)).routes(routes)
}

fn main() -> std::process::ExitCode {
    app().run()
}

#[cfg(test)]
#[tokio::test(start_paused = true)]
async fn who_stands_in_the_path_is_greeted() {
    let world = longshore_testkit::start(app()).await;
    let asked = world.post_json("/greet/Ada", &()).await.json();
    world.run_until_idle().await;
    let found = world.get(asked["callbackUrl"].as_str().unwrap()).await.json();
    assert_eq!(found["reply"], "Hello, Ada!");
}
