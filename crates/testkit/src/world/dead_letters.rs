//! What a dead-letter queue holds, as a test reads it.

use std::time::Duration;

use longshore_tasks::dead_letter::REASON;
use longshore_tasks::envelope::{Envelope, task_id_of};
use longshore_tasks::transport::{QueueHandle, ReceiveRequest, ReceivedMessage};
use longshore_tasks::{Codec as _, Task, TaskId};
use longshore_types::MessageAttribute;
use longshore_types::limits::{BATCH_ENTRIES_MAX, RECEIVE_COUNT_MAX};

use super::World;

/// Long enough to receive each message once.
const LOOK: Duration = Duration::from_secs(60);

/// A message of a dead-letter queue.
///
/// ```
/// use longshore::{App, Failure, Task};
///
/// #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize, Task)]
/// struct Mail {
///     to: String,
/// }
///
/// async fn deliver(task: Mail) -> Result<(), Failure> {
///     Err(Failure::dead(format!("{} has moved", task.to)))
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let app = App::new("post").queue("mails", |queue| queue.handle(deliver));
/// let world = longshore_testkit::start(app).await;
/// world.client().send(Mail { to: "ada".to_owned() }).await.unwrap();
/// world.run_until_idle().await;
///
/// let dead = world.dead_letters("mails").await;
/// assert_eq!(dead[0].reason.as_deref(), Some("ada has moved"));
/// assert_eq!(dead[0].argument(), Some(Mail { to: "ada".to_owned() }));
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The task.
    pub id: TaskId,
    /// The task's name; `None` for a message that bears none.
    pub name: Option<String>,
    /// Why it is there: the error with its causes. `None` if the queue moved it by itself, because it was
    /// received too often.
    pub reason: Option<String>,
    /// The message's body: the task's argument.
    pub body: String,
}

impl DeadLetter {
    fn read(message: ReceivedMessage) -> Self {
        let envelope = Envelope::open(&message.attributes);
        let id = task_id_of(&envelope, &message);
        let reason = message.attributes.get(REASON).and_then(MessageAttribute::as_text);
        let reason = reason.map(ToOwned::to_owned);
        Self { id, name: envelope.task_name, reason, body: message.body }
    }

    /// The argument of the task of type `T` that it is; `None` if it is another's.
    ///
    /// # Panics
    ///
    /// The body cannot be read as a `T`.
    pub fn argument<T: Task>(&self) -> Option<T> {
        let is_it = self.name.as_deref() == Some(T::NAME);
        is_it.then(|| {
            let read = T::Codec::decode_argument(&self.body);
            read.unwrap_or_else(|fault| panic!("a dead `{}` is {}: {fault}", T::NAME, self.body))
        })
    }
}

impl World {
    /// What lies in the dead-letter queue of `queue`. It stays there.
    ///
    /// # Panics
    ///
    /// There is no such queue, or it has no dead-letter queue.
    pub async fn dead_letters(&self, queue: &str) -> Vec<DeadLetter> {
        let queue = self.queue(queue).await;
        let dead = self.dead_letter_queue(&queue).await;
        self.look(&dead).await.into_iter().map(DeadLetter::read).collect()
    }

    /// All messages that can be received; they are handed back.
    async fn look(&self, queue: &QueueHandle) -> Vec<ReceivedMessage> {
        let mut seen = Vec::new();
        loop {
            let request = ReceiveRequest {
                count_max: RECEIVE_COUNT_MAX,
                wait: Duration::ZERO,
                visibility_timeout: Some(LOOK),
            };
            let messages = self.own.receive(queue, request).await;
            let messages = messages.expect("the broker of this test answers");
            if messages.is_empty() {
                break;
            }
            seen.extend(messages);
        }
        for some in seen.chunks(BATCH_ENTRIES_MAX) {
            let back = some.iter().map(|message| (message.receipt_handle.clone(), Duration::ZERO));
            let handed = self.own.change_visibility_batch(queue, back.collect()).await;
            handed.expect("the broker of this test answers");
        }
        seen
    }
}
