//! The attribute `DeliveryPolicy` of a topic.

use serde::Serialize;

use super::healthy_policy::PartialHealthyPolicy;
use super::policy_section::{Section, parse_object};
use super::{DeliveryPolicyError, HealthyRetryPolicy, RawMessageDelivery, RequestPolicy, ThrottlePolicy};

/// What a topic wants for its subscriptions over HTTP and HTTPS, as it was set.
///
/// `defaultSicklyRetryPolicy` is a relic of Amazon SNS: it may be set, does nothing and is not printed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TopicDeliveryPolicy {
    healthy: Option<PartialHealthyPolicy>,
    overrides_disabled: bool,
    throttle: Option<ThrottlePolicy>,
    request: Option<RequestPolicy>,
}

impl TopicDeliveryPolicy {
    /// Reads the JSON text of the attribute.
    ///
    /// Null members count as absent, and so do members of `defaultHealthyRetryPolicy` that are left out: defaults take
    /// their place. What [`TopicDeliveryPolicy::to_json`] prints can be read again. The empty text, which removes the
    /// attribute, is the caller's to see to.
    ///
    /// # Errors
    /// What breaks Amazon SNS's rules, by name: unknown members, wrong types, numbers that are not integers or out of
    /// bounds, retries that take longer than an hour, a content type other than `application/json` and `text/plain`.
    pub fn parse(text: &str) -> Result<Self, DeliveryPolicyError> {
        let members = parse_object(text)?;
        let known = [
            "defaultHealthyRetryPolicy",
            "defaultSicklyRetryPolicy",
            "disableSubscriptionOverrides",
            "defaultThrottlePolicy",
            "defaultRequestPolicy",
        ];
        let Some(http) = Section::root(&members, &["http"])?.section("http", &known)? else {
            return Ok(Self::default());
        };
        http.any_object("defaultSicklyRetryPolicy")?;
        let healthy = http.section("defaultHealthyRetryPolicy", &HealthyRetryPolicy::MEMBERS)?;
        let throttle = http.section("defaultThrottlePolicy", &ThrottlePolicy::MEMBERS)?;
        let request = http.section("defaultRequestPolicy", &RequestPolicy::MEMBERS)?;
        Ok(Self {
            healthy: healthy.as_ref().map(PartialHealthyPolicy::read).transpose()?,
            overrides_disabled: http.boolean("disableSubscriptionOverrides")?.unwrap_or(false),
            throttle: throttle.as_ref().map(ThrottlePolicy::read).transpose()?.flatten(),
            // Subscriptions with the envelope share the topic's content type, so it must be one that an envelope can have.
            request: request
                .map(|section| RequestPolicy::read(&section, RawMessageDelivery::Off))
                .transpose()?
                .flatten(),
        })
    }

    /// The retries, completed with the defaults, if the topic has its own.
    pub fn default_healthy_retry_policy(&self) -> Option<HealthyRetryPolicy> {
        self.healthy.as_ref().map(PartialHealthyPolicy::complete)
    }

    /// Whether the topic's settings win over those of its subscriptions.
    pub fn disable_subscription_overrides(&self) -> bool {
        self.overrides_disabled
    }

    /// The rate for each subscription, if the topic has one.
    pub fn default_throttle_policy(&self) -> Option<ThrottlePolicy> {
        self.throttle
    }

    /// The content type, if the topic has one.
    pub fn default_request_policy(&self) -> Option<RequestPolicy> {
        self.request
    }

    /// The attribute as Amazon SNS returns it: compact JSON of what was set, and whether overrides are disabled.
    pub fn to_json(&self) -> String {
        TopicForm::new(self.healthy, self.overrides_disabled, self.throttle, self.request).to_json()
    }
}

/// The printed form of a topic's policy, its members in Amazon SNS's order.
#[derive(Serialize)]
pub(super) struct TopicForm<H> {
    http: HttpForm<H>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HttpForm<H> {
    #[serde(skip_serializing_if = "Option::is_none")]
    default_healthy_retry_policy: Option<H>,
    disable_subscription_overrides: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_throttle_policy: Option<ThrottlePolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_request_policy: Option<RequestPolicy>,
}

impl<H: Serialize> TopicForm<H> {
    pub(super) fn new(
        default_healthy_retry_policy: Option<H>,
        disable_subscription_overrides: bool,
        default_throttle_policy: Option<ThrottlePolicy>,
        default_request_policy: Option<RequestPolicy>,
    ) -> Self {
        let http = HttpForm {
            default_healthy_retry_policy,
            disable_subscription_overrides,
            default_throttle_policy,
            default_request_policy,
        };
        Self { http }
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers, texts and fixed names are always JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        TopicDeliveryPolicy::parse(text).expect_err(text).to_string()
    }

    #[test]
    fn what_was_set_is_printed_in_the_order_of_amazon_sns() {
        let text = r#"{"http":{"defaultRequestPolicy":{"headerContentType":"text/plain"},"defaultThrottlePolicy":{"maxReceivesPerSecond":5},"disableSubscriptionOverrides":true,"defaultSicklyRetryPolicy":{"numRetries":1},"defaultHealthyRetryPolicy":{"backoffFunction":"exponential","numRetries":4,"maxDelayTarget":60}}}"#;
        let policy = TopicDeliveryPolicy::parse(text).expect("a valid policy");
        let printed = policy.to_json();
        assert_eq!(
            printed,
            r#"{"http":{"defaultHealthyRetryPolicy":{"maxDelayTarget":60,"numRetries":4,"backoffFunction":"exponential"},"disableSubscriptionOverrides":true,"defaultThrottlePolicy":{"maxReceivesPerSecond":5},"defaultRequestPolicy":{"headerContentType":"text/plain"}}}"#
        );
        assert_eq!(TopicDeliveryPolicy::parse(&printed), Ok(policy));
    }

    #[test]
    fn a_policy_that_sets_nothing_is_allowed() {
        for text in [
            r#"{}"#,
            r#"{"http":null}"#,
            r#"{"http":{}}"#,
            r#"{"http":{"defaultThrottlePolicy":{"maxReceivesPerSecond":null},"defaultRequestPolicy":{}}}"#,
        ] {
            let policy = TopicDeliveryPolicy::parse(text).expect(text);
            assert_eq!(policy.to_json(), r#"{"http":{"disableSubscriptionOverrides":false}}"#, "{text}");
        }
    }

    #[test]
    fn refusals_name_the_whole_path() {
        for (text, expected) in [
            (
                r#"{"http":{"defaultHealthyRetryPolicy":{"numRetries":101}}}"#,
                "http.defaultHealthyRetryPolicy.numRetries must be less than or equal to 100",
            ),
            (
                r#"{"http":{"defaultThrottlePolicy":{"maxReceivesPerSecond":0}}}"#,
                "http.defaultThrottlePolicy.maxReceivesPerSecond must be >= 1",
            ),
            (
                r#"{"http":{"disableSubscriptionOverrides":"true"}}"#,
                "http.disableSubscriptionOverrides must be true or false",
            ),
            (r#"{"http":{"healthyRetryPolicy":{}}}"#, "invalid JSON. Attribute http.healthyRetryPolicy is unknown."),
            (r#"{"healthyRetryPolicy":{}}"#, "invalid JSON. Attribute healthyRetryPolicy is unknown."),
            (r#"{"http":1}"#, "http must be an object"),
            (
                r#"{"http":{"defaultRequestPolicy":{"headerContentType":"text/csv"}}}"#,
                "http.defaultRequestPolicy.headerContentType: Invalid value [text/csv]. Please use one of \
                 application/json, text/plain without raw message delivery",
            ),
        ] {
            assert_eq!(refusal(text), format!("DeliveryPolicy: {expected}"));
        }
    }

    #[test]
    fn defaults_count_when_a_partial_policy_is_checked() {
        assert_eq!(
            refusal(r#"{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":21}}}"#),
            "DeliveryPolicy: http.defaultHealthyRetryPolicy.maxDelayTarget must be greater than or equal to \
             minDelayTarget"
        );
        assert_eq!(
            refusal(r#"{"http":{"defaultHealthyRetryPolicy":{"numMinDelayRetries":4}}}"#),
            "DeliveryPolicy: http.defaultHealthyRetryPolicy.numRetries must be greater than or equal to total of \
             numMinDelayRetries, numNoDelayRetries and numMaxDelayRetries"
        );
    }
}
