//! The one Lambda client, made by the first delivery.

use std::fmt;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::{Builder, Region};
use fanfare_aws::{Aws, EndpointUrl};
use tokio::sync::OnceCell;

use crate::function::Function;

/// Calls Lambda; all endpoints share one.
pub(crate) struct Lambda {
    aws: Aws,
    endpoint_url: Option<EndpointUrl>,
    client: OnceCell<Client>,
}

impl Lambda {
    pub(crate) fn new(aws: Aws, endpoint_url: Option<EndpointUrl>) -> Self {
        Self { aws, endpoint_url, client: OnceCell::new() }
    }

    pub(crate) fn aws(&self) -> &Aws {
        &self.aws
    }

    pub(crate) async fn client(&self, function: &Function) -> &Client {
        let new = async || {
            let mut config = Builder::from(self.aws.sdk_config(function.region()).await);
            if let Some(url) = &self.endpoint_url {
                config = config.endpoint_url(url.as_str());
            }
            Client::from_conf(config.build())
        };
        self.client.get_or_init(new).await
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
