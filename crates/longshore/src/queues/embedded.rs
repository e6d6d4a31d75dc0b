//! Queue administration of a broker in the same process.

use futures::future::BoxFuture;
use longshore_broker::Broker;
use longshore_types::QueueName;
use longshore_wire::{
    CreateQueue, Fault, GetQueueAttributes, GetQueueUrl, ListQueueTags, SetQueueAttributes,
    SqsError, TagQueue,
};

use super::admin::{Admin, AdminError, Attributes, ExistingQueue, Tags};

/// Administers the queues of a broker in the same process.
#[derive(Clone)]
pub(crate) struct EmbeddedAdmin(Broker);

impl std::fmt::Debug for EmbeddedAdmin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EmbeddedAdmin")
    }
}

impl EmbeddedAdmin {
    /// Administers the queues of `broker`.
    pub(crate) fn new(broker: Broker) -> Self {
        Self(broker)
    }

    async fn url(&self, name: &QueueName) -> Result<Option<String>, SqsError> {
        let queue_name = name.to_string();
        let request = GetQueueUrl { queue_name, queue_owner_aws_account_id: None };
        match self.0.ask(request).await {
            Ok(reply) => Ok(Some(reply.queue_url)),
            Err(SqsError::QueueDoesNotExist) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn attributes(&self, queue_url: String) -> Result<Attributes, SqsError> {
        let attribute_names = vec!["All".to_owned()];
        let reply = self.0.ask(GetQueueAttributes { queue_url, attribute_names }).await?;
        Ok(reply.attributes)
    }

    async fn tags(&self, queue_url: String) -> Result<Tags, SqsError> {
        let reply = self.0.ask(ListQueueTags { queue_url }).await?;
        Ok(reply.tags)
    }

    async fn existing(&self, name: &QueueName) -> Result<Option<ExistingQueue>, SqsError> {
        let Some(url) = self.url(name).await? else { return Ok(None) };
        let attributes = self.attributes(url.clone()).await?;
        let tags = self.tags(url.clone()).await?;
        Ok(Some(ExistingQueue { url, attributes, tags }))
    }
}

impl Admin for EmbeddedAdmin {
    fn find<'a>(
        &'a self,
        name: &'a QueueName,
    ) -> BoxFuture<'a, Result<Option<ExistingQueue>, AdminError>> {
        Box::pin(async move { self.existing(name).await.map_err(|error| admin_error(&error)) })
    }

    fn create<'a>(
        &'a self,
        name: &'a QueueName,
        attributes: &'a Attributes,
        tags: &'a Tags,
    ) -> BoxFuture<'a, Result<(), AdminError>> {
        Box::pin(async move {
            let queue_name = name.to_string();
            let attributes = spelled(attributes);
            let request = CreateQueue { queue_name, attributes, tags: tags.clone() };
            self.0.ask(request).await.map(drop).map_err(|error| admin_error(&error))
        })
    }

    fn set_attributes<'a>(
        &'a self,
        url: &'a str,
        attributes: &'a Attributes,
    ) -> BoxFuture<'a, Result<(), AdminError>> {
        Box::pin(async move {
            let attributes = spelled(attributes);
            let request = SetQueueAttributes { queue_url: url.to_owned(), attributes };
            self.0.ask(request).await.map(drop).map_err(|error| admin_error(&error))
        })
    }

    fn tag<'a>(&'a self, url: &'a str, tags: &'a Tags) -> BoxFuture<'a, Result<(), AdminError>> {
        Box::pin(async move {
            let request = TagQueue { queue_url: url.to_owned(), tags: tags.clone() };
            self.0.ask(request).await.map(drop).map_err(|error| admin_error(&error))
        })
    }
}

fn spelled(attributes: &Attributes) -> std::collections::BTreeMap<String, String> {
    attributes.iter().map(|(name, value)| (name.to_string(), value.clone())).collect()
}

fn admin_error(error: &SqsError) -> AdminError {
    match error.spelling().fault {
        Fault::Sender => AdminError::Refused(error.to_string()),
        Fault::Receiver => AdminError::Unreachable(error.to_string()),
    }
}
