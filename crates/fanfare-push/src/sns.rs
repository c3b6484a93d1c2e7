//! The way through Amazon SNS: one client, made by the first delivery.

use std::fmt;

use aws_sdk_sns::Client;
use aws_sdk_sns::config::{Builder, Region};
use fanfare_aws::{Arn, Aws, EndpointUrl};
use fanfare_core::{Notification, Outcome, Platform, Timestamp};
use tokio::sync::OnceCell;

use crate::classify;
use crate::request::sns::SnsMessage;

/// Calls SNS; all endpoints share one.
pub(crate) struct Sns {
    aws: Aws,
    endpoint_url: Option<EndpointUrl>,
    client: OnceCell<Client>,
}

impl Sns {
    pub(crate) fn new(aws: Aws, endpoint_url: Option<EndpointUrl>) -> Self {
        Self { aws, endpoint_url, client: OnceCell::new() }
    }

    pub(crate) fn aws(&self) -> &Aws {
        &self.aws
    }

    /// Publishes to the endpoint `arn`, whose text is `name`.
    pub(crate) async fn deliver(
        &self,
        (name, arn): (&str, &Arn),
        platform: Platform,
        notification: &Notification,
        now: Timestamp,
    ) -> Outcome {
        let message = SnsMessage::of(notification, platform, now)?;
        let call = message.on(self.client(arn.region()).await.publish().target_arn(name));
        let in_region = Builder::new().region(Region::new(arn.region().to_owned()));
        classify::sns::published(call.customize().config_override(in_region).send().await)
    }

    async fn client(&self, region: &str) -> &Client {
        let new = async || {
            let mut config = Builder::from(self.aws.sdk_config(region).await);
            if let Some(url) = &self.endpoint_url {
                config = config.endpoint_url(url.as_str());
            }
            Client::from_conf(config.build())
        };
        self.client.get_or_init(new).await
    }
}

impl fmt::Debug for Sns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sns").field(&self.aws).finish()
    }
}
