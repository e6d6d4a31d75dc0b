//! Carries declared queues out on an endpoint, dead-letter queues first.

use longshore_types::{AttributeName, QueueName};

use super::admin::{Admin, AdminError, ExistingQueue};
use super::plan::{Change, DesiredQueue, changes};

/// Stands in a preview for the ARN of a queue that is only going to be created.
const ARN_TO_COME: &str = "(the ARN of a queue that is created first)";

/// Creates and changes queues until all are as `desired`; answers what was done.
///
/// `desired` has every dead-letter queue before the queues that use it.
///
/// # Errors
///
/// The first call that failed. What was done before it stays done, and applying again goes on
/// from there.
pub async fn apply(
    admin: &dyn Admin,
    desired: &[DesiredQueue],
) -> Result<Vec<Change>, (QueueName, AdminError)> {
    let mut done = Vec::new();
    for queue in desired {
        let named = |fault| (queue.name.clone(), fault);
        for change in pending(admin, queue).await.map_err(named)? {
            carry_out(admin, &change).await.map_err(named)?;
            done.push(change);
        }
    }
    Ok(done)
}

/// What [`apply()`] would do now; changes nothing.
pub async fn preview(
    admin: &dyn Admin,
    desired: &[DesiredQueue],
) -> Result<Vec<Change>, (QueueName, AdminError)> {
    let mut changes = Vec::new();
    for queue in desired {
        let of_queue = pending(admin, queue).await;
        changes.extend(of_queue.map_err(|fault| (queue.name.clone(), fault))?);
    }
    Ok(changes)
}

async fn pending(admin: &dyn Admin, queue: &DesiredQueue) -> Result<Vec<Change>, AdminError> {
    let existing = admin.find(&queue.name).await?;
    let arn = match &queue.dead_letter {
        Some(dead_letter) => Some(arn_of(admin.find(&dead_letter.queue).await?.as_ref())),
        None => None,
    };
    Ok(changes(queue, arn.as_deref(), existing.as_ref()))
}

fn arn_of(queue: Option<&ExistingQueue>) -> String {
    let arn = queue.and_then(ExistingQueue::arn).map(ToOwned::to_owned);
    arn.unwrap_or_else(|| ARN_TO_COME.to_owned())
}

async fn carry_out(admin: &dyn Admin, change: &Change) -> Result<(), AdminError> {
    match change {
        Change::Create { queue, attributes, tags } => {
            if attributes.get(&AttributeName::RedrivePolicy).is_some_and(|it| is_to_come(it)) {
                let why = "the endpoint does not show the dead-letter queue that it just created";
                return Err(AdminError::Unreachable(why.to_owned()));
            }
            admin.create(queue, attributes, tags).await
        }
        Change::SetAttributes { url, attributes, .. } => {
            admin.set_attributes(url, attributes).await
        }
        Change::Tag { url, tags, .. } => admin.tag(url, tags).await,
    }
}

fn is_to_come(policy: &str) -> bool {
    policy.contains(ARN_TO_COME)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use futures::future::BoxFuture;

    use super::super::admin::{Attributes, Tags};
    use super::super::declared::{QueueNames, desired};
    use super::*;

    const QUEUES: &str = "
        [queues.Work]
        visibility_timeout = '30s'
        dead_letter = { queue = 'Dead', max_receive_count = 5 }
        tags = { system = 'test' }
        [queues.Dead]
        message_retention_period = '14d'
    ";

    /// Queues in a map, and how many calls changed one.
    #[derive(Debug, Default)]
    struct Queues {
        queues: Mutex<BTreeMap<QueueName, ExistingQueue>>,
        writes: Mutex<Vec<String>>,
    }

    impl Queues {
        fn wrote(&self, what: impl Into<String>) {
            self.writes.lock().unwrap().push(what.into());
        }
    }

    impl Admin for Queues {
        fn find<'a>(
            &'a self,
            name: &'a QueueName,
        ) -> BoxFuture<'a, Result<Option<ExistingQueue>, AdminError>> {
            Box::pin(async { Ok(self.queues.lock().unwrap().get(name).cloned()) })
        }

        fn create<'a>(
            &'a self,
            name: &'a QueueName,
            attributes: &'a Attributes,
            tags: &'a Tags,
        ) -> BoxFuture<'a, Result<(), AdminError>> {
            self.wrote(format!("create {name}"));
            let mut attributes = attributes.clone();
            attributes.insert(AttributeName::QueueArn, format!("arn:aws:sqs:r:1:{name}"));
            let queue = ExistingQueue { url: name.to_string(), attributes, tags: tags.clone() };
            self.queues.lock().unwrap().insert(name.clone(), queue);
            Box::pin(async { Ok(()) })
        }

        fn set_attributes<'a>(
            &'a self,
            url: &'a str,
            attributes: &'a Attributes,
        ) -> BoxFuture<'a, Result<(), AdminError>> {
            self.wrote(format!("set {url}"));
            let mut queues = self.queues.lock().unwrap();
            let queue = queues.get_mut(&QueueName::parse(url).unwrap()).unwrap();
            queue.attributes.extend(attributes.clone());
            Box::pin(async { Ok(()) })
        }

        fn tag<'a>(
            &'a self,
            url: &'a str,
            tags: &'a Tags,
        ) -> BoxFuture<'a, Result<(), AdminError>> {
            self.wrote(format!("tag {url}"));
            let mut queues = self.queues.lock().unwrap();
            queues.get_mut(&QueueName::parse(url).unwrap()).unwrap().tags.extend(tags.clone());
            Box::pin(async { Ok(()) })
        }
    }

    fn declared() -> Vec<DesiredQueue> {
        desired(QUEUES, &QueueNames::default()).unwrap()
    }

    #[tokio::test]
    async fn dead_letter_queues_are_created_first_and_named_by_their_arn() {
        let admin = Queues::default();
        apply(&admin, &declared()).await.unwrap();
        assert_eq!(*admin.writes.lock().unwrap(), ["create Dead", "create Work"]);
        let queues = admin.queues.lock().unwrap();
        let policy =
            &queues[&QueueName::parse("Work").unwrap()].attributes[&AttributeName::RedrivePolicy];
        assert!(policy.contains("arn:aws:sqs:r:1:Dead"), "{policy}");
    }

    #[tokio::test]
    async fn applying_twice_does_nothing_the_second_time() {
        let admin = Queues::default();
        apply(&admin, &declared()).await.unwrap();
        assert_eq!(apply(&admin, &declared()).await.unwrap(), []);
        assert_eq!(admin.writes.lock().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn a_preview_says_what_would_be_done_and_does_nothing() {
        let admin = Queues::default();
        let changes = preview(&admin, &declared()).await.unwrap();
        assert_eq!(changes.len(), 2);
        assert!(admin.writes.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_setting_that_was_changed_since_is_set_back() {
        let admin = Queues::default();
        apply(&admin, &declared()).await.unwrap();
        let work = QueueName::parse("Work").unwrap();
        let drift = [(AttributeName::VisibilityTimeout, "7".to_owned())];
        admin.queues.lock().unwrap().get_mut(&work).unwrap().attributes.extend(drift);

        let done = apply(&admin, &declared()).await.unwrap();

        assert_eq!(done.len(), 1);
        assert_eq!(admin.writes.lock().unwrap().last().unwrap(), "set Work");
    }
}
