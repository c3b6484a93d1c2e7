//! The one SQS client, made by the first delivery.

use std::fmt;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{Builder, Region};
use fanfare_aws::Aws;
use tokio::sync::OnceCell;

use crate::queue::Queue;

/// Calls SQS; all endpoints share one.
pub(crate) struct Sqs {
    aws: Aws,
    client: OnceCell<Client>,
}

impl Sqs {
    pub(crate) fn new(aws: Aws) -> Self {
        Self { aws, client: OnceCell::new() }
    }

    pub(crate) fn aws(&self) -> &Aws {
        &self.aws
    }

    pub(crate) async fn client(&self, queue: &Queue) -> &Client {
        self.client.get_or_init(async || Client::new(self.aws.sdk_config(queue.region()).await)).await
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
