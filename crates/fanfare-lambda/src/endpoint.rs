//! One function.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use fanfare_core::{Endpoint, Limits, Notification, Outcome, Protocol};
use fanfare_wire::Renderer;

use crate::classify;
use crate::client::{Lambda, in_region_of};
use crate::config::FunctionNames;
use crate::function::Function;
use crate::request::Named;

/// Carries the publisher's X-Ray trace. A trace holds printable ASCII alone, so that it can stand in a header.
const TRACE_HEADER: &str = "x-amzn-trace-id";

/// A function that is invoked once for each notification.
///
/// `Display` is the function's ARN.
pub(crate) struct LambdaEndpoint {
    pub(crate) function: Function,
    pub(crate) names: FunctionNames,
    pub(crate) renderer: Renderer,
    pub(crate) lambda: Arc<Lambda>,
}

#[async_trait]
impl Endpoint for LambdaEndpoint {
    fn protocol(&self) -> Protocol {
        Protocol::Lambda
    }

    fn limits(&self) -> Limits {
        Limits::ONE.within(self.lambda.aws().attempt_timeout())
    }

    async fn deliver(&self, notification: &Notification) -> Outcome {
        let event = self.renderer.event(notification).await.map_err(classify::unrendered)?;
        let Named { function, qualifier } = Named::of(&self.function, self.names);
        let call = self.lambda.client(&self.function).await.invoke();
        let call = call
            .function_name(function)
            .set_qualifier(qualifier.map(str::to_owned))
            .invocation_type(InvocationType::Event)
            .payload(Blob::new(event));
        let mut call = call.customize().config_override(in_region_of(&self.function));
        if let Some(trace) = notification.trace().xray_header().map(str::to_owned) {
            call = call.mutate_request(move |request| {
                request.headers_mut().insert(TRACE_HEADER, trace.clone());
            });
        }
        classify::invoked(call.send().await)
    }
}

impl fmt::Display for LambdaEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.function, f)
    }
}

impl fmt::Debug for LambdaEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LambdaEndpoint({})", self.function)
    }
}
