//! What holds in the end: policies laid over one another and over the defaults.

use std::num::NonZeroU32;

use super::subscription_policy::SubscriptionForm;
use super::topic_policy::TopicForm;
use super::{
    HealthyRetryPolicy, RequestPolicy, RetrySchedule, SubscriptionDeliveryPolicy, ThrottlePolicy, TopicDeliveryPolicy,
};

/// What holds for one subscription over HTTP or HTTPS: the attribute `EffectiveDeliveryPolicy` of a subscription.
///
/// Each of retries, rate and content type is the subscription's, or else the topic's, or else the default (3 retries
/// 20 seconds apart, no limit, `text/plain; charset=UTF-8`). A topic with `disableSubscriptionOverrides` silences the
/// subscription's policy altogether.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EffectiveDeliveryPolicy {
    healthy: HealthyRetryPolicy,
    throttle: Option<ThrottlePolicy>,
    request: RequestPolicy,
}

impl EffectiveDeliveryPolicy {
    /// The subscription's policy over the topic's over the defaults.
    pub fn of(topic: Option<&TopicDeliveryPolicy>, subscription: Option<&SubscriptionDeliveryPolicy>) -> Self {
        let base = EffectiveTopicPolicy::of(topic);
        let own = subscription.filter(|_| !base.overrides_disabled);
        Self {
            healthy: own.and_then(SubscriptionDeliveryPolicy::healthy_retry_policy).unwrap_or(base.healthy),
            throttle: own.and_then(SubscriptionDeliveryPolicy::throttle_policy).or(base.throttle),
            request: own.and_then(SubscriptionDeliveryPolicy::request_policy).unwrap_or(base.request),
        }
    }

    /// The delays before the retries of a delivery.
    pub fn schedule(&self) -> RetrySchedule {
        self.healthy.schedule()
    }

    /// How many notifications the subscription is sent in a second, on average; `None` for no limit.
    pub fn max_receives_per_second(&self) -> Option<NonZeroU32> {
        self.throttle.map(|policy| policy.max_receives_per_second())
    }

    /// The `Content-Type` of notifications; confirmation messages do not follow it.
    pub fn content_type(&self) -> &'static str {
        self.request.header_content_type()
    }

    /// The attribute as Amazon SNS returns it: compact JSON with every member.
    pub fn to_json(&self) -> String {
        SubscriptionForm::new(Some(self.healthy), self.throttle, Some(self.request)).to_json()
    }
}

/// What a topic passes on to its subscriptions: the attribute `EffectiveDeliveryPolicy` of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EffectiveTopicPolicy {
    healthy: HealthyRetryPolicy,
    overrides_disabled: bool,
    throttle: Option<ThrottlePolicy>,
    request: RequestPolicy,
}

impl EffectiveTopicPolicy {
    /// The topic's policy over the defaults.
    pub fn of(topic: Option<&TopicDeliveryPolicy>) -> Self {
        let Some(topic) = topic else { return Self::default() };
        Self {
            healthy: topic.default_healthy_retry_policy().unwrap_or_default(),
            overrides_disabled: topic.disable_subscription_overrides(),
            throttle: topic.default_throttle_policy(),
            request: topic.default_request_policy().unwrap_or_default(),
        }
    }

    /// The attribute as Amazon SNS returns it: compact JSON, without a rate where there is none.
    pub fn to_json(&self) -> String {
        TopicForm::new(Some(self.healthy), self.overrides_disabled, self.throttle, Some(self.request)).to_json()
    }
}

#[cfg(test)]
mod tests {
    use super::super::RawMessageDelivery;
    use super::*;

    fn topic(text: &str) -> TopicDeliveryPolicy {
        TopicDeliveryPolicy::parse(text).expect(text)
    }

    fn subscription(text: &str) -> SubscriptionDeliveryPolicy {
        SubscriptionDeliveryPolicy::parse(text, RawMessageDelivery::Off).expect(text)
    }

    #[test]
    fn a_topic_without_a_policy_shows_the_defaults() {
        assert_eq!(
            EffectiveTopicPolicy::of(None).to_json(),
            r#"{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}"#
        );
    }

    #[test]
    fn a_subscription_without_any_policy_shows_the_defaults() {
        let effective = EffectiveDeliveryPolicy::of(None, None);
        assert_eq!(
            effective.to_json(),
            r#"{"healthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"sicklyRetryPolicy":null,"throttlePolicy":null,"requestPolicy":{"headerContentType":"text/plain; charset=UTF-8"},"guaranteed":false}"#
        );
        assert_eq!(effective.schedule(), RetrySchedule::http_default());
        assert_eq!(effective.max_receives_per_second(), None);
        assert_eq!(effective.content_type(), "text/plain; charset=UTF-8");
    }

    const TOPIC: &str = r#"{"http":{"defaultHealthyRetryPolicy":{"numRetries":7},"defaultThrottlePolicy":{"maxReceivesPerSecond":70},"defaultRequestPolicy":{"headerContentType":"application/json"}}}"#;
    const SUBSCRIPTION: &str = r#"{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":1,"numRetries":9},"throttlePolicy":{"maxReceivesPerSecond":90},"requestPolicy":{"headerContentType":"text/plain"}}"#;

    #[test]
    fn a_subscription_without_a_policy_follows_its_topic() {
        let effective = EffectiveDeliveryPolicy::of(Some(&topic(TOPIC)), None);
        assert_eq!(effective.schedule().retries(), 7);
        assert_eq!(effective.max_receives_per_second(), NonZeroU32::new(70));
        assert_eq!(effective.content_type(), "application/json");
    }

    #[test]
    fn what_a_subscription_sets_wins_over_its_topic() {
        let effective = EffectiveDeliveryPolicy::of(Some(&topic(TOPIC)), Some(&subscription(SUBSCRIPTION)));
        assert_eq!(effective.schedule().retries(), 9);
        assert_eq!(effective.max_receives_per_second(), NonZeroU32::new(90));
        assert_eq!(effective.content_type(), "text/plain");
    }

    #[test]
    fn members_that_a_subscription_leaves_open_come_from_its_topic() {
        let own = subscription(r#"{"throttlePolicy":{"maxReceivesPerSecond":1}}"#);
        let effective = EffectiveDeliveryPolicy::of(Some(&topic(TOPIC)), Some(&own));
        assert_eq!(effective.schedule().retries(), 7);
        assert_eq!(effective.max_receives_per_second(), NonZeroU32::new(1));
        assert_eq!(effective.content_type(), "application/json");
    }

    #[test]
    fn a_topic_that_disables_overrides_silences_its_subscriptions() {
        let stern =
            topic(r#"{"http":{"defaultHealthyRetryPolicy":{"numRetries":7},"disableSubscriptionOverrides":true}}"#);
        let effective = EffectiveDeliveryPolicy::of(Some(&stern), Some(&subscription(SUBSCRIPTION)));
        assert_eq!(effective.schedule().retries(), 7);
        assert_eq!(effective.max_receives_per_second(), None);
        assert_eq!(effective.content_type(), "text/plain; charset=UTF-8");
    }
}
