//! The one Lambda client, made by the first delivery.

use std::fmt;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::{Builder, Region};
use fanfare_aws::Aws;
use tokio::sync::OnceCell;

use crate::function::Function;

/// Calls Lambda; all endpoints share one.
pub(crate) struct Lambda {
    aws: Aws,
    client: OnceCell<Client>,
}

impl Lambda {
    pub(crate) fn new(aws: Aws) -> Self {
        Self { aws, client: OnceCell::new() }
    }

    pub(crate) fn aws(&self) -> &Aws {
        &self.aws
    }

    pub(crate) async fn client(&self, function: &Function) -> &Client {
        self.client.get_or_init(async || Client::new(self.aws.sdk_config(function.region()).await)).await
    }
}

/// What differs between calls of the one client: each function is in its own region.
pub(crate) fn in_region_of(function: &Function) -> Builder {
    Builder::new().region(Region::new(function.region().to_owned()))
}

impl fmt::Debug for Lambda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lambda").field(&self.aws).finish()
    }
}
