//! What a test asks the queues of its world.

use longshore_tasks::transport::QueueHandle;
use longshore_types::AttributeName;
use longshore_wire::{GetQueueAttributes, Reply};

use super::World;

impl World {
    /// How many messages of a queue can be received now: not those that are delayed or in flight, which
    /// a task between two attempts is.
    ///
    /// # Panics
    ///
    /// There is no such queue.
    pub async fn available(&self, queue: &str) -> usize {
        let queue = self.queue(queue).await;
        let name = AttributeName::ApproximateNumberOfMessages;
        let (queue_url, attribute_names) = (queue.url().to_owned(), vec![name.to_string()]);
        let asked =
            self.broker.call(GetQueueAttributes { queue_url, attribute_names }.into()).await;
        let Ok(Reply::GetQueueAttributes(reply)) = asked else {
            panic!("the queue {} has no attributes: {asked:?}", queue.name())
        };
        let count = reply.attributes.get(&name).and_then(|count| count.parse().ok());
        count.expect("every queue tells how many messages it has")
    }

    /// The queue of that name.
    pub(super) async fn queue(&self, name: &str) -> QueueHandle {
        let found = self.own.resolve(name).await;
        found.unwrap_or_else(|_| {
            let declared = self.names.declared.iter().map(|queue| queue.name.as_str());
            let declared = declared.collect::<Vec<_>>().join(", ");
            panic!("there is no queue {name}: the application declares {declared}")
        })
    }
}
