//! Where a role's queues are: a broker in this process, or an endpoint that speaks SQS.

use std::error::Error;
use std::sync::Arc;

use longshore_broker::Broker;
use longshore_tasks::{AwsOptions, AwsTransport, Transport, TransportError};

use super::QUEUE_PATIENCE;
use crate::embedded::EmbeddedTransport;
use crate::exit::Fault;
use crate::options::EndpointOptions;
use crate::queues::Admin;
use crate::queues::aws::AwsAdmin;
use crate::queues::embedded::EmbeddedAdmin;

/// Where a role's queues are.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Carries messages.
    pub transport: Arc<dyn Transport>,
    /// Administers queues.
    pub admin: Arc<dyn Admin>,
    /// What to call it in messages.
    pub name: String,
}

impl Endpoint {
    /// The broker in this process.
    pub fn embedded(broker: &Broker) -> Self {
        Self {
            transport: Arc::new(EmbeddedTransport::new(broker.clone())),
            admin: Arc::new(EmbeddedAdmin::new(broker.clone())),
            name: "the broker in this process".to_owned(),
        }
    }

    /// Amazon SQS, or the endpoint that the flags or the AWS SDK's own settings name. Nothing is
    /// asked of it yet.
    ///
    /// # Errors
    ///
    /// A system without what the endpoint needs cannot start.
    pub(crate) async fn connect(options: &EndpointOptions) -> Result<Self, Fault> {
        let name = options.endpoint_url.clone();
        let options = AwsOptions {
            endpoint_url: options.endpoint_url.clone(),
            region: options.region.clone(),
        };
        let transport = AwsTransport::connect(options)
            .await
            .map_err(|refusal| Fault::cannot_start(refusal.to_string()))?;
        Ok(Self {
            admin: Arc::new(AwsAdmin::new(transport.client())),
            transport: Arc::new(transport),
            name: name.unwrap_or_else(|| "the SQS endpoint of the AWS settings".to_owned()),
        })
    }
}

/// Why a part of a role could not start. Where there is no such queue, it says what makes one.
pub(super) fn cannot_start(error: &(dyn Error + 'static)) -> Fault {
    let refused = error.source().and_then(|cause| cause.downcast_ref::<TransportError>());
    let is_missing = refused.is_some_and(TransportError::is_missing_queue);
    let hint = if is_missing {
        let waited = QUEUE_PATIENCE.as_secs();
        format!(
            "; there has been none for {waited} seconds: create the queues with `queues apply`, with \
             the same --endpoint-url and --region"
        )
    } else {
        String::new()
    };
    Fault::cannot_start(format!("{error}{hint}"))
}

#[cfg(test)]
mod tests {
    use longshore_tasks::RepliesError;
    use longshore_tasks::transport::Action;

    use super::*;

    fn refused(code: &str) -> Fault {
        let (code, target, message) = (code.to_owned(), "Work".to_owned(), "no".to_owned());
        let action = Action::GetQueueUrl;
        let refused = TransportError::Refused { action, target, code, message };
        cannot_start(&RepliesError::Start(refused))
    }

    #[test]
    fn l7_a_queue_that_stays_away_is_a_fault_that_names_the_command() {
        let fault = refused("AWS.SimpleQueueService.NonExistentQueue");
        for word in ["Work", "queues apply"] {
            assert!(fault.to_string().contains(word), "{fault}");
        }
    }

    #[test]
    fn another_refusal_is_told_as_it_is() {
        let fault = refused("AccessDenied");
        assert!(!fault.to_string().contains("queues apply"), "{fault}");
    }
}
