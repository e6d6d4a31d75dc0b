//! Greets whoever asks, by a task.

use longshore::{App, Failure, Task};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, Task)]
#[task(reply = String)]
struct Greet {
    name: String,
}

async fn greet(task: Greet) -> Result<String, Failure> {
    Ok(format!("Hello, {}!", task.name))
}

fn app() -> App {
    App::new("first")
        .queue("greetings", |queue| queue.handle(greet))
        .routes(|gateway| gateway.routes::<Greet>("/greetings"))
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
