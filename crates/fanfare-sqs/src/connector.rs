//! From a queue's ARN to an endpoint.

use std::fmt;
use std::sync::Arc;

use fanfare_aws::Aws;
use fanfare_core::{Connector, Endpoint, Notification, Protocol, SnsError};
use fanfare_wire::Renderer;

use crate::client::Sqs;
use crate::config::SqsConfig;
use crate::endpoint::SqsEndpoint;
use crate::queue::Queue;

/// Opens endpoints of the protocol `sqs`. All share one client.
///
/// An address is a queue's ARN; whether there is such a queue is found out by the first delivery, as with Amazon SNS.
pub struct SqsConnector {
    renderer: Renderer,
    config: SqsConfig,
    sqs: Arc<Sqs>,
}

impl SqsConnector {
    /// A connector whose endpoints send what `renderer` makes of a notification. It reads nothing and calls nobody.
    pub fn new(config: SqsConfig, aws: Aws, renderer: Renderer) -> Self {
        let sqs = Arc::new(Sqs::new(aws, config.endpoint_url.clone()));
        Self { renderer, config, sqs }
    }
}

impl Connector for SqsConnector {
    fn protocols(&self) -> Vec<Protocol> {
        vec![Protocol::Sqs]
    }

    fn connect(&self, protocol: &Protocol, address: &str) -> Result<Arc<dyn Endpoint>, SnsError> {
        if *protocol != Protocol::Sqs {
            return Err(SnsError::invalid_parameter(format_args!(
                "Protocol Reason: {protocol} is not a protocol that this connector opens"
            )));
        }
        let queue = Queue::parse(address).ok_or_else(|| SnsError::invalid_parameter("SQS endpoint ARN"))?;
        Ok(Arc::new(SqsEndpoint {
            queue,
            config: self.config.clone(),
            renderer: self.renderer.clone(),
            sqs: Arc::clone(&self.sqs),
        }))
    }

    fn foresee(&self, _: &Protocol, notification: &Notification) {
        self.renderer.foresee_body(notification);
    }
}

impl fmt::Debug for SqsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqsConnector").field("config", &self.config).field("sqs", &self.sqs).finish_non_exhaustive()
    }
}
