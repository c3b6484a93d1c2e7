//! What there is at the source, read with Amazon's SDK.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use aws_sdk_sns::Client;
use aws_sdk_sns::config::retry::RetryConfig;
use aws_sdk_sns::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use fanfare_aws::{Aws, AwsConfig};

use super::super::Trouble;

/// What stands in the place of the ARN of a subscription that is not confirmed.
const PENDING: &str = "PendingConfirmation";

/// Where topics are taken over from.
pub(super) struct Source {
    client: Client,
}

/// A topic at the source.
#[derive(Debug, Clone)]
pub(super) struct SourceTopic {
    pub(super) arn: String,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) subscriptions: Vec<SourceSubscription>,
}

/// A subscription at the source.
#[derive(Debug, Clone)]
pub(super) struct SourceSubscription {
    pub(super) protocol: String,
    pub(super) endpoint: String,
    /// Nothing when it is not confirmed: it has none then that anybody could read.
    pub(super) attributes: Option<BTreeMap<String, String>>,
}

impl SourceTopic {
    pub(super) fn name(&self) -> &str {
        self.arn.rsplit_once(':').map_or(self.arn.as_str(), |(_, name)| name)
    }
}

impl Source {
    pub(super) async fn open(region: &str, endpoint: Option<&str>, profile: Option<&str>) -> Result<Self, Trouble> {
        let mut config = AwsConfig::new();
        if let Some(url) = endpoint {
            config =
                config.endpoint_url(url).map_err(|error| Trouble::new(format_args!("--from-endpoint: {error}")))?;
        }
        if let Some(profile) = profile {
            config = config.profile(profile);
        }
        let aws = Aws::new(config);
        let config = aws_sdk_sns::config::Builder::from(aws.sdk_config(region).await)
            .region(aws_sdk_sns::config::Region::new(region.to_owned()))
            // Long lists of a real account are throttled.
            .retry_config(RetryConfig::standard().with_max_attempts(5))
            .build();
        Ok(Self { client: Client::from_conf(config) })
    }

    /// Every topic with its subscriptions, in the order in which the source lists them.
    pub(super) async fn topics(&self) -> Result<Vec<SourceTopic>, Trouble> {
        let mut topics = Vec::new();
        let mut pages = self.client.list_topics().into_paginator().items().send();
        while let Some(topic) = pages.next().await {
            let topic = topic.map_err(|error| unread("topics", error))?;
            if let Some(arn) = topic.topic_arn {
                topics.push(self.topic(arn).await?);
            }
        }
        Ok(topics)
    }

    async fn topic(&self, arn: String) -> Result<SourceTopic, Trouble> {
        let attributes = self.client.get_topic_attributes().topic_arn(&arn).send().await;
        let attributes = attributes.map_err(|error| unread(&arn, error))?.attributes.unwrap_or_default();
        let tags = self.client.list_tags_for_resource().resource_arn(&arn).send().await;
        let tags = tags.map_err(|error| unread(&arn, error))?.tags.unwrap_or_default();
        let mut subscriptions = Vec::new();
        let mut pages = self.client.list_subscriptions_by_topic().topic_arn(&arn).into_paginator().items().send();
        while let Some(known) = pages.next().await {
            let known = known.map_err(|error| unread(&arn, error))?;
            let subscription = known.subscription_arn.unwrap_or_default();
            subscriptions.push(SourceSubscription {
                protocol: known.protocol.unwrap_or_default(),
                endpoint: known.endpoint.unwrap_or_default(),
                attributes: match subscription.as_str() {
                    // One that was deleted in between is still listed for a while.
                    "" | PENDING | "Deleted" => None,
                    arn => self.subscription(arn).await?,
                },
            });
        }
        Ok(SourceTopic {
            arn,
            attributes: attributes.into_iter().collect(),
            tags: tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
            subscriptions,
        })
    }

    /// Nothing when it is pending: emulators give those an ARN too.
    async fn subscription(&self, arn: &str) -> Result<Option<BTreeMap<String, String>>, Trouble> {
        let answer = self.client.get_subscription_attributes().subscription_arn(arn).send().await;
        let attributes = answer.map_err(|error| unread(arn, error))?.attributes.unwrap_or_default();
        let pending = attributes.get("PendingConfirmation").is_some_and(|pending| pending == "true");
        Ok((!pending).then(|| attributes.into_iter().collect()))
    }
}

/// What the source refused, or why it could not be asked.
fn unread<E>(what: &str, error: SdkError<E>) -> Trouble
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    SdkError<E>: fmt::Debug + Error,
{
    match error.as_service_error().and_then(|error| Some((error.code()?, error.message().unwrap_or_default()))) {
        Some((code, message)) => Trouble::new(format_args!("the source does not tell {what}: {code}: {message}")),
        None => Trouble::new(format_args!("the source cannot be asked for {what}: {}", DisplayErrorContext(error))),
    }
}
