//! The one SQS client, made by the first delivery.

use std::fmt;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{Builder, Region};
use fanfare_aws::{Aws, EndpointUrl};
use tokio::sync::OnceCell;

use crate::queue::Queue;

/// Calls SQS; all endpoints share one.
pub(crate) struct Sqs {
    aws: Aws,
    endpoint_url: Option<EndpointUrl>,
    client: OnceCell<Client>,
}

impl Sqs {
    pub(crate) fn new(aws: Aws, endpoint_url: Option<EndpointUrl>) -> Self {
        Self { aws, endpoint_url, client: OnceCell::new() }
    }

    pub(crate) fn aws(&self) -> &Aws {
        &self.aws
    }

    pub(crate) async fn client(&self, queue: &Queue) -> &Client {
        let new = async || {
            let mut config = Builder::from(self.aws.sdk_config(queue.region()).await);
            if let Some(url) = &self.endpoint_url {
                config = config.endpoint_url(url.as_str());
            }
            Client::from_conf(config.build())
        };
        self.client.get_or_init(new).await
    }
}

/// What differs between calls of the one client: each queue is in its own region.
pub(crate) fn in_region_of(queue: &Queue) -> Builder {
    Builder::new().region(Region::new(queue.region().to_owned()))
}

impl fmt::Debug for Sqs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sqs").field(&self.aws).finish()
    }
}
