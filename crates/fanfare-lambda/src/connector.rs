//! From a function's ARN to an endpoint.

use std::fmt;
use std::sync::Arc;

use fanfare_aws::Aws;
use fanfare_core::{Connector, Endpoint, Notification, Protocol, SnsError};
use fanfare_wire::Renderer;

use crate::client::Lambda;
use crate::config::LambdaConfig;
use crate::endpoint::LambdaEndpoint;
use crate::function::Function;

/// Opens endpoints of the protocol `lambda`. All share one client.
///
/// An address is a function's ARN, with or without a version or alias; whether there is such a function is found out by the
/// first delivery. A function URL is not an address of this protocol: behind it stands a web server, and it is subscribed to
/// with the protocol `https`.
pub struct LambdaConnector {
    renderer: Renderer,
    config: LambdaConfig,
    lambda: Arc<Lambda>,
}

impl LambdaConnector {
    /// A connector whose endpoints invoke with the events that `renderer` makes. It reads nothing and calls nobody.
    pub fn new(config: LambdaConfig, aws: Aws, renderer: Renderer) -> Self {
        let lambda = Arc::new(Lambda::new(aws, config.endpoint_url.clone()));
        Self { renderer, config, lambda }
    }
}

impl Connector for LambdaConnector {
    fn protocols(&self) -> Vec<Protocol> {
        vec![Protocol::Lambda]
    }

    fn connect(&self, protocol: &Protocol, address: &str) -> Result<Arc<dyn Endpoint>, SnsError> {
        if *protocol != Protocol::Lambda {
            return Err(SnsError::invalid_parameter(format_args!(
                "Protocol Reason: {protocol} is not a protocol that this connector opens"
            )));
        }
        let function = Function::parse(address).ok_or_else(|| not_a_function(address))?;
        Ok(Arc::new(LambdaEndpoint {
            function,
            names: self.config.names,
            renderer: self.renderer.clone(),
            lambda: Arc::clone(&self.lambda),
        }))
    }

    fn foresee(&self, _: &Protocol, notification: &Notification) {
        self.renderer.foresee_event(notification);
    }
}

/// Amazon SNS's words are not known; these follow those for queues.
fn not_a_function(address: &str) -> SnsError {
    if address.starts_with("https://") || address.starts_with("http://") {
        return SnsError::invalid_parameter(
            "Lambda endpoint ARN Reason: a function url is an endpoint of the protocol https",
        );
    }
    SnsError::invalid_parameter("Lambda endpoint ARN")
}

impl fmt::Debug for LambdaConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LambdaConnector")
            .field("config", &self.config)
            .field("lambda", &self.lambda)
            .finish_non_exhaustive()
    }
}
