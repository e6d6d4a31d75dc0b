//! What a test asks the queues of its world.

use longshore_tasks::transport::QueueHandle;
use longshore_types::AttributeName;
use longshore_wire::GetQueueAttributes;

use super::World;

impl World {
    /// How many messages of a queue can be received now: not those that are delayed or in flight, which
    /// a task between two attempts is.
    ///
    /// # Panics
    ///
    /// There is no such queue.
    pub async fn available(&self, queue: &str) -> usize {
        self.count(queue, &[AttributeName::ApproximateNumberOfMessages]).await
    }

    /// How many messages a queue has: those that can be received, are delayed, or are in flight.
    pub(super) async fn messages(&self, queue: &str) -> usize {
        let all = [
            AttributeName::ApproximateNumberOfMessages,
            AttributeName::ApproximateNumberOfMessagesDelayed,
            AttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        self.count(queue, &all).await
    }

    /// The sum of attributes that are each a number of messages.
    async fn count(&self, queue: &str, names: &[AttributeName]) -> usize {
        let queue = self.queue(queue).await;
        let attribute_names = names.iter().map(ToString::to_string).collect();
        let queue_url = queue.url().to_owned();
        let asked = self.broker.ask(GetQueueAttributes { queue_url, attribute_names }).await;
        let reply = asked.unwrap_or_else(|refused| {
            panic!("the queue {} has no attributes: {refused}", queue.name())
        });
        let count = |name| {
            let count = reply.attributes.get(name).and_then(|count| count.parse::<usize>().ok());
            count.expect("every queue tells how many messages it has")
        };
        names.iter().map(count).sum()
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
