//! Where a role's queues are: a broker in this process, or an endpoint that speaks SQS.

use std::sync::Arc;

use longshore_broker::Broker;
use longshore_tasks::{AwsOptions, AwsTransport, Transport};

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
    pub async fn connect(options: &EndpointOptions) -> Result<Self, Fault> {
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
