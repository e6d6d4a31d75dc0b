//! What went wrong in other frameworks, and shows with the broker itself.

use longshore::{App, Failure, Task};
use longshore_testkit::start;
use serde::{Deserialize, Serialize};

/// An order, which many are equal to.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, Task)]
#[task(reply = u32)]
struct Order {
    number: u32,
}

async fn store(order: Order) -> Result<u32, Failure> {
    if order.number == 0 { Err(Failure::dead("there is no order 0")) } else { Ok(order.number) }
}

fn shop(by_content: bool, scope: &str) -> App {
    let fifo =
        format!("content_based_deduplication = {by_content}\ndeduplication_scope = \"{scope}\"\n");
    let queues = format!(
        "[queues.\"orders.fifo\"]\n{fifo}\
         dead_letter = {{ queue = \"orders-dead.fifo\", max_receive_count = 5 }}\n\
         [queues.\"orders-dead.fifo\"]\n{fifo}\
         [queues.\"replies.fifo\"]\n{fifo}"
    );
    let app = App::new("shop").queues(queues).reply_queue("replies.fifo");
    app.queue("orders.fifo", |queue| queue.handle(store))
}

#[tokio::test(start_paused = true)]
async fn r27_equal_tasks_on_a_fifo_queue_are_all_run_whatever_the_queue_makes_of_their_content() {
    for by_content in [true, false] {
        for scope in ["queue", "messageGroup"] {
            let (world, case) = (start(shop(by_content, scope)).await, (by_content, scope));
            let order = |number| Order { number };
            let mut sent = world.client().send_all([order(7), order(7), order(0), order(0)]).await;
            sent.push(world.client().send(order(7)).await);
            // In one group too, where equal ids would be equal whatever the scope.
            sent.push(world.client().send(order(7)).key("ada").await);
            sent.push(world.client().send(order(7)).key("ada").await);
            let sent: Vec<_> = sent.into_iter().map(Result::unwrap).collect();
            let report = world.run_until_empty().await;
            assert_eq!((report.done, report.dead), (5, 2), "{case:?}");
            assert_eq!(world.dead_letters("orders.fifo").await.len(), 2, "{case:?}");
            for (place, pending) in sent.iter().enumerate() {
                let ended = pending.now().await;
                let dead = place == 2 || place == 3;
                assert_eq!(ended.ok(), (!dead).then_some(Some(7)), "{case:?}, task {place}");
            }
        }
    }
}
