//! What comes again: dead letters that are redriven, and messages that a queue delivers twice.

use std::time::Duration;

use longshore_tasks::TaskId;
use longshore_tasks::transport::QueueHandle;
use longshore_types::AttributeName;
use longshore_wire::{GetQueueAttributes, StartMessageMoveTask};
use tokio::time::sleep;

use super::World;

/// Between two looks at what is moved.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

impl World {
    /// Redrives what lies in the dead-letter queue of `queue`: a message move task brings it back to `queue`, as
    /// `StartMessageMoveTask` does on Amazon SQS, and [`World::run_until_idle`] then runs it.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicBool, Ordering};
    ///
    /// use longshore::{App, Failure, Task};
    ///
    /// #[derive(serde::Serialize, serde::Deserialize, Task)]
    /// struct Mail(String);
    ///
    /// static MOVED: AtomicBool = AtomicBool::new(true);
    ///
    /// async fn deliver(Mail(to): Mail) -> Result<(), Failure> {
    ///     if MOVED.load(Ordering::Relaxed) { Err(Failure::dead(format!("{to} has moved"))) } else { Ok(()) }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let app = App::new("post").queue("mails", |queue| queue.handle(deliver));
    /// let world = longshore_testkit::start(app).await;
    /// world.client().send(Mail("ada".to_owned())).await.unwrap();
    /// assert_eq!(world.run_until_idle().await.dead, 1);
    ///
    /// MOVED.store(false, Ordering::Relaxed); // somebody found the new address
    /// world.redrive("mails").await;
    /// assert_eq!(world.run_until_idle().await.done, 1);
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// There is no such queue, or it has no dead-letter queue.
    pub async fn redrive(&self, queue: &str) {
        let queue = self.queue(queue).await;
        let dead = self.dead_letter_queue(&queue).await;
        let move_task = StartMessageMoveTask {
            source_arn: self.arn(&dead).await,
            destination_arn: Some(self.arn(&queue).await),
            max_number_of_messages_per_second: None,
        };
        let started = self.broker.ask(move_task).await;
        assert!(started.is_ok(), "dead letters of {} are not moved: {started:?}", queue.name());
        while self.messages(dead.name()).await > 0 {
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Has the queue deliver a task's message once more, as a queue of at-least-once delivery may: after the
    /// task has ended too.
    ///
    /// ```
    /// use longshore::{App, Failure, Task};
    ///
    /// #[derive(serde::Serialize, serde::Deserialize, Task)]
    /// struct Mail(String);
    ///
    /// async fn deliver(_: Mail) -> Result<(), Failure> {
    ///     Ok(())
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let app = App::new("post").queue("mails", |queue| queue.handle(deliver));
    /// let world = longshore_testkit::start(app).await;
    /// let pending = world.client().send(Mail("ada".to_owned())).await.unwrap();
    /// assert_eq!(world.run_until_idle().await.done, 1);
    ///
    /// world.deliver_again(pending.id()).await;
    /// let report = world.run_until_idle().await;
    /// assert_eq!((report.repeated, report.done), (1, 0)); // the handler did not run
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// No task with this id was sent.
    pub async fn deliver_again(&self, id: &TaskId) {
        let (queue, mut message) =
            self.sent.message(id).unwrap_or_else(|| panic!("no task {id} was sent"));
        // A FIFO queue drops what it takes for a second send; this is a second delivery.
        let again = self.now().as_millis();
        message.deduplication_id = message.deduplication_id.map(|one| format!("{one}-{again}"));
        message.delay = None;
        let sent = self.own.send_batch(&queue, vec![message]).await;
        let sent = sent.expect("the broker of this test answers");
        assert!(sent.iter().all(Result::is_ok), "it is not delivered again: {sent:?}");
    }

    /// The dead-letter queue of a queue.
    ///
    /// # Panics
    ///
    /// It has none.
    pub(super) async fn dead_letter_queue(&self, queue: &QueueHandle) -> QueueHandle {
        let facts = self.own.queue_facts(queue).await.expect("the broker of this test answers");
        let dead = facts.dead_letter.unwrap_or_else(|| {
            panic!("the queue {} has no dead-letter queue: declare one", queue.name())
        });
        dead.queue
    }

    async fn arn(&self, queue: &QueueHandle) -> String {
        let queue_url = queue.url().to_owned();
        let attribute_names = vec![AttributeName::QueueArn.to_string()];
        let asked = self.broker.ask(GetQueueAttributes { queue_url, attribute_names }).await;
        let mut reply = asked.unwrap_or_else(|refused| {
            panic!("the queue {} has no attributes: {refused}", queue.name())
        });
        reply.attributes.remove(&AttributeName::QueueArn).expect("every queue has an ARN")
    }
}
