//! Queue administration of Amazon SQS, or of any endpoint that speaks it.

use std::collections::HashMap;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::QueueAttributeName;
use futures::future::BoxFuture;
use longshore_types::{AttributeName, QueueName};

use super::admin::{Admin, AdminError, Attributes, ExistingQueue, Tags};

/// How a missing queue is spelled, by endpoints that speak JSON and by those that speak Query.
const NO_SUCH_QUEUE: [&str; 2] = ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"];

/// Administers queues through the AWS SDK.
#[derive(Clone, Debug)]
pub(crate) struct AwsAdmin(Client);

impl AwsAdmin {
    /// Administers the queues that `client` reaches.
    pub(crate) fn new(client: Client) -> Self {
        Self(client)
    }

    async fn url(&self, name: &QueueName) -> Result<Option<String>, AdminError> {
        match self.0.get_queue_url().queue_name(name.as_str()).send().await {
            Ok(reply) => Ok(reply.queue_url),
            Err(error) if error.code().is_some_and(|code| NO_SUCH_QUEUE.contains(&code)) => {
                Ok(None)
            }
            Err(error) => Err(admin_error(&error)),
        }
    }

    async fn attributes(&self, url: &str) -> Result<Attributes, AdminError> {
        let request = self.0.get_queue_attributes().queue_url(url);
        let reply = request.attribute_names(QueueAttributeName::All).send().await;
        let attributes = reply.map_err(|error| admin_error(&error))?.attributes.unwrap_or_default();
        // An attribute that came after this was written is none that could be declared.
        let known = |(name, value): (QueueAttributeName, String)| {
            Some((AttributeName::parse(name.as_str())?, value))
        };
        Ok(attributes.into_iter().filter_map(known).collect())
    }

    async fn tags(&self, url: &str) -> Result<Tags, AdminError> {
        let reply = self.0.list_queue_tags().queue_url(url).send().await;
        let reply = reply.map_err(|error| admin_error(&error))?;
        Ok(reply.tags.unwrap_or_default().into_iter().collect())
    }
}

impl Admin for AwsAdmin {
    fn find<'a>(
        &'a self,
        name: &'a QueueName,
    ) -> BoxFuture<'a, Result<Option<ExistingQueue>, AdminError>> {
        Box::pin(async move {
            let Some(url) = self.url(name).await? else { return Ok(None) };
            let attributes = self.attributes(&url).await?;
            let tags = self.tags(&url).await?;
            Ok(Some(ExistingQueue { url, attributes, tags }))
        })
    }

    fn create<'a>(
        &'a self,
        name: &'a QueueName,
        attributes: &'a Attributes,
        tags: &'a Tags,
    ) -> BoxFuture<'a, Result<(), AdminError>> {
        Box::pin(async move {
            let request = self.0.create_queue().queue_name(name.as_str());
            let request = request.set_attributes(named(attributes)).set_tags(some(tags));
            request.send().await.map(drop).map_err(|error| admin_error(&error))
        })
    }

    fn set_attributes<'a>(
        &'a self,
        url: &'a str,
        attributes: &'a Attributes,
    ) -> BoxFuture<'a, Result<(), AdminError>> {
        Box::pin(async move {
            let request = self.0.set_queue_attributes().queue_url(url);
            let request = request.set_attributes(named(attributes));
            request.send().await.map(drop).map_err(|error| admin_error(&error))
        })
    }

    fn tag<'a>(&'a self, url: &'a str, tags: &'a Tags) -> BoxFuture<'a, Result<(), AdminError>> {
        Box::pin(async move {
            let request = self.0.tag_queue().queue_url(url).set_tags(some(tags));
            request.send().await.map(drop).map_err(|error| admin_error(&error))
        })
    }
}

fn named(attributes: &Attributes) -> Option<HashMap<QueueAttributeName, String>> {
    let name = |name: &AttributeName| QueueAttributeName::from(name.as_str());
    let named = attributes.iter().map(|(key, value)| (name(key), value.clone()));
    (!attributes.is_empty()).then(|| named.collect())
}

fn some(tags: &Tags) -> Option<HashMap<String, String>> {
    (!tags.is_empty()).then(|| tags.clone().into_iter().collect())
}

fn admin_error<E, R>(error: &SdkError<E, R>) -> AdminError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    match error.as_service_error() {
        Some(refusal) => AdminError::Refused(format!(
            "{}: {}",
            refusal.code().unwrap_or("error"),
            refusal.message().unwrap_or("the endpoint gave no reason")
        )),
        None => AdminError::Unreachable(causes(error)),
    }
}

/// What an error says, and what each of its causes says.
fn causes(error: &dyn std::error::Error) -> String {
    let first: Option<&dyn std::error::Error> = Some(error);
    let chain = std::iter::successors(first, |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
