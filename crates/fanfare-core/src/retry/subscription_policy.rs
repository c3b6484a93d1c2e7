//! The attribute `DeliveryPolicy` of a subscription.

use serde::Serialize;

use super::policy_section::{Section, parse_object};
use super::request_policy::unsuitable;
use super::{DeliveryPolicyError, HealthyRetryPolicy, RawMessageDelivery, RequestPolicy, ThrottlePolicy};

/// What one subscription over HTTP or HTTPS wants for itself; what it leaves open comes from the topic or the defaults.
///
/// `sicklyRetryPolicy` and `guaranteed` are relics of Amazon SNS: they may be set, do nothing, and are printed as null
/// and false.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubscriptionDeliveryPolicy {
    healthy: Option<HealthyRetryPolicy>,
    throttle: Option<ThrottlePolicy>,
    request: Option<RequestPolicy>,
}

impl SubscriptionDeliveryPolicy {
    /// Reads the JSON text of the attribute, for a subscription that has raw message delivery or not.
    ///
    /// Null members count as absent. What [`SubscriptionDeliveryPolicy::to_json`] prints can be read again. The empty
    /// text, which removes the attribute, is the caller's to see to.
    ///
    /// # Errors
    /// What breaks Amazon SNS's rules, by name: unknown members, wrong types, numbers that are not integers or out of
    /// bounds, a `healthyRetryPolicy` without `minDelayTarget`, `maxDelayTarget` or `numRetries` or that takes longer
    /// than an hour, a content type that does not go with `raw`.
    pub fn parse(text: &str, raw: RawMessageDelivery) -> Result<Self, DeliveryPolicyError> {
        let members = parse_object(text)?;
        let known = ["healthyRetryPolicy", "sicklyRetryPolicy", "throttlePolicy", "requestPolicy", "guaranteed"];
        let root = Section::root(&members, &known)?;
        root.any_object("sicklyRetryPolicy")?;
        root.boolean("guaranteed")?;
        let healthy = root.section("healthyRetryPolicy", &HealthyRetryPolicy::MEMBERS)?;
        let throttle = root.section("throttlePolicy", &ThrottlePolicy::MEMBERS)?;
        let request = root.section("requestPolicy", &RequestPolicy::MEMBERS)?;
        Ok(Self {
            healthy: healthy.as_ref().map(HealthyRetryPolicy::read_whole).transpose()?,
            throttle: throttle.as_ref().map(ThrottlePolicy::read).transpose()?.flatten(),
            request: request.map(|section| RequestPolicy::read(&section, raw)).transpose()?.flatten(),
        })
    }

    /// Checks the policy against another `RawMessageDelivery` than the one it was read for: the attribute may be set
    /// after the policy was.
    ///
    /// # Errors
    /// The content type goes with raw message delivery only.
    pub fn check_raw(&self, raw: RawMessageDelivery) -> Result<(), DeliveryPolicyError> {
        match self.request {
            Some(request) if !request.fits(raw) => {
                Err(unsuitable("requestPolicy.headerContentType", request.header_content_type(), raw))
            }
            _ => Ok(()),
        }
    }

    /// The retries, if the subscription has its own.
    pub fn healthy_retry_policy(&self) -> Option<HealthyRetryPolicy> {
        self.healthy
    }

    /// The rate, if the subscription has its own.
    pub fn throttle_policy(&self) -> Option<ThrottlePolicy> {
        self.throttle
    }

    /// The content type, if the subscription has its own.
    pub fn request_policy(&self) -> Option<RequestPolicy> {
        self.request
    }

    /// The attribute as Amazon SNS returns it: compact JSON with every member, null where nothing was set.
    pub fn to_json(&self) -> String {
        SubscriptionForm::new(self.healthy, self.throttle, self.request).to_json()
    }
}

/// The printed form of a subscription's policy, its members in Amazon SNS's order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SubscriptionForm {
    healthy_retry_policy: Option<HealthyRetryPolicy>,
    /// Always null.
    sickly_retry_policy: (),
    throttle_policy: Option<ThrottlePolicy>,
    request_policy: Option<RequestPolicy>,
    /// Always false.
    guaranteed: bool,
}

impl SubscriptionForm {
    pub(super) fn new(
        healthy_retry_policy: Option<HealthyRetryPolicy>,
        throttle_policy: Option<ThrottlePolicy>,
        request_policy: Option<RequestPolicy>,
    ) -> Self {
        Self { healthy_retry_policy, sickly_retry_policy: (), throttle_policy, request_policy, guaranteed: false }
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers, texts and fixed names are always JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::super::DeliveryPolicyErrorKind::{self, *};
    use super::*;

    fn refusal(text: &str) -> (DeliveryPolicyErrorKind, String) {
        let error = SubscriptionDeliveryPolicy::parse(text, RawMessageDelivery::Off).expect_err(text);
        (error.kind(), error.to_string())
    }

    /// Refuses `{"healthyRetryPolicy": {...}}` with a text about that member.
    fn assert_healthy_refused(members: &str, kind: DeliveryPolicyErrorKind, expected: &str) {
        let (found, text) = refusal(&format!(r#"{{"healthyRetryPolicy":{{{members}}}}}"#));
        assert_eq!((found, text.as_str()), (kind, expected), "{members}");
    }

    #[test]
    fn delays_and_counts_out_of_bounds_are_refused() {
        let below = "minDelayTarget must be greater than or equal to 1";
        for (members, expected) in [
            (r#""minDelayTarget":0,"maxDelayTarget":1,"numRetries":1"#, below),
            (r#""minDelayTarget":-5,"maxDelayTarget":1,"numRetries":1"#, below),
            (
                r#""minDelayTarget":1,"maxDelayTarget":3601,"numRetries":1"#,
                "maxDelayTarget must be less than or equal to 3600",
            ),
            (
                r#""minDelayTarget":3,"maxDelayTarget":2,"numRetries":1"#,
                "maxDelayTarget must be greater than or equal to minDelayTarget",
            ),
            (
                r#""minDelayTarget":1,"maxDelayTarget":1,"numRetries":-1"#,
                "numRetries must be greater than or equal to 0",
            ),
            (
                r#""minDelayTarget":1,"maxDelayTarget":1,"numRetries":101"#,
                "numRetries must be less than or equal to 100",
            ),
            (
                r#""minDelayTarget":1,"maxDelayTarget":1,"numRetries":18446744073709551615"#,
                "numRetries must be less than or equal to 100",
            ),
            (
                r#""minDelayTarget":1,"maxDelayTarget":1,"numRetries":3,"numNoDelayRetries":-1"#,
                "numNoDelayRetries must be greater than or equal to 0",
            ),
            (
                r#""minDelayTarget":1,"maxDelayTarget":1,"numRetries":3,"numMinDelayRetries":-1"#,
                "numMinDelayRetries must be greater than or equal to 0",
            ),
            (
                r#""minDelayTarget":1,"maxDelayTarget":1,"numRetries":3,"numMaxDelayRetries":-1"#,
                "numMaxDelayRetries must be greater than or equal to 0",
            ),
        ] {
            assert_healthy_refused(members, InvalidValue, &format!("DeliveryPolicy: healthyRetryPolicy.{expected}"));
        }
    }

    #[test]
    fn phases_with_more_retries_than_the_policy_are_refused() {
        let expected = "DeliveryPolicy: healthyRetryPolicy.numRetries must be greater than or equal to total of \
                        numMinDelayRetries, numNoDelayRetries and numMaxDelayRetries";
        let base = r#""minDelayTarget":1,"maxDelayTarget":1,"numRetries":5"#;
        let one_over = r#""numNoDelayRetries":2,"numMinDelayRetries":2,"numMaxDelayRetries":2"#;
        let huge = r#""numNoDelayRetries":4294967295,"numMinDelayRetries":4294967295"#;
        for counts in [one_over, huge] {
            assert_healthy_refused(&format!("{base},{counts}"), InvalidValue, expected);
        }
    }

    #[test]
    fn retries_that_take_longer_than_an_hour_are_refused() {
        assert_healthy_refused(
            r#""minDelayTarget":37,"maxDelayTarget":37,"numRetries":100"#,
            WindowTooLong,
            "DeliveryPolicy: healthyRetryPolicy must not take more than 3600 seconds for all retries together, not 3700",
        );
        let hour = r#"{"healthyRetryPolicy":{"minDelayTarget":36,"maxDelayTarget":36,"numRetries":100}}"#;
        let policy = SubscriptionDeliveryPolicy::parse(hour, RawMessageDelivery::Off).expect("exactly an hour");
        let schedule = policy.healthy_retry_policy().expect("it was set").schedule();
        assert_eq!(schedule.total_delay(), std::time::Duration::from_secs(3600));
    }

    #[test]
    fn bounds_and_number_of_retries_must_be_there() {
        for (members, missing) in [
            (r#""maxDelayTarget":1,"numRetries":1"#, "minDelayTarget"),
            (r#""minDelayTarget":1,"numRetries":1"#, "maxDelayTarget"),
            (r#""minDelayTarget":1,"maxDelayTarget":1"#, "numRetries"),
            (r#""minDelayTarget":1,"maxDelayTarget":1,"numRetries":null"#, "numRetries"),
            ("", "minDelayTarget"),
        ] {
            let expected = format!("DeliveryPolicy: healthyRetryPolicy.{missing} must be specified");
            assert_healthy_refused(members, MissingMember, &expected);
        }
    }

    #[test]
    fn numbers_must_be_integers() {
        for number in ["1.5", "3.0", "\"3\"", "true", "1e2", "{}", "18446744073709551616"] {
            let members = format!(r#""minDelayTarget":1,"maxDelayTarget":1,"numRetries":{number}"#);
            let expected = "DeliveryPolicy: healthyRetryPolicy.numRetries must be an integer";
            assert_healthy_refused(&members, WrongType, expected);
        }
    }

    #[test]
    fn members_of_the_wrong_type_are_refused() {
        for (text, expected) in [
            (r#"[]"#, "invalid JSON. The policy must be an object."),
            (r#"{"healthyRetryPolicy":3}"#, "healthyRetryPolicy must be an object"),
            (r#"{"sicklyRetryPolicy":"no"}"#, "sicklyRetryPolicy must be an object"),
            (r#"{"throttlePolicy":10}"#, "throttlePolicy must be an object"),
            (r#"{"requestPolicy":"text/plain"}"#, "requestPolicy must be an object"),
            (r#"{"requestPolicy":{"headerContentType":1}}"#, "requestPolicy.headerContentType must be a string"),
            (r#"{"guaranteed":"false"}"#, "guaranteed must be true or false"),
        ] {
            assert_eq!(refusal(text), (WrongType, format!("DeliveryPolicy: {expected}")), "{text}");
        }
    }

    #[test]
    fn unknown_members_are_refused_by_name() {
        for (text, name) in [
            (r#"{"http":{}}"#, "http"),
            (r#"{"healthyRetryPolicy":{"numRetry":1}}"#, "healthyRetryPolicy.numRetry"),
            (r#"{"throttlePolicy":{"rate":1}}"#, "throttlePolicy.rate"),
            (r#"{"requestPolicy":{"contentType":null}}"#, "requestPolicy.contentType"),
        ] {
            let expected = format!("DeliveryPolicy: invalid JSON. Attribute {name} is unknown.");
            assert_eq!(refusal(text), (UnknownMember, expected), "{text}");
        }
    }

    #[test]
    fn text_that_is_not_json_is_refused_with_the_parsers_words() {
        let expected = "DeliveryPolicy: failed to parse JSON. Unexpected end-of-input: expected close marker for Object (start marker at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 1])\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 2]";
        assert_eq!(refusal("{"), (Malformed, expected.to_owned()));
    }

    #[test]
    fn an_unknown_backoff_function_is_refused() {
        assert_healthy_refused(
            r#""minDelayTarget":1,"maxDelayTarget":1,"numRetries":1,"backoffFunction":"Linear""#,
            InvalidValue,
            "DeliveryPolicy: healthyRetryPolicy.backoffFunction: the value [Linear] is not a valid backoff function",
        );
    }

    #[test]
    fn a_rate_below_one_is_refused() {
        for rate in ["0", "-1"] {
            let expected = "DeliveryPolicy: throttlePolicy.maxReceivesPerSecond must be >= 1";
            let text = format!(r#"{{"throttlePolicy":{{"maxReceivesPerSecond":{rate}}}}}"#);
            assert_eq!(refusal(&text), (InvalidValue, expected.to_owned()), "{rate}");
        }
        let (kind, _) = refusal(r#"{"throttlePolicy":{"maxReceivesPerSecond":0.5}}"#);
        assert_eq!(kind, WrongType);
    }

    #[test]
    fn content_types_depend_on_raw_message_delivery() {
        let with = |value: &str| format!(r#"{{"requestPolicy":{{"headerContentType":"{value}"}}}}"#);
        let accepted = |value: &str, raw| SubscriptionDeliveryPolicy::parse(&with(value), raw).is_ok();
        for value in ["application/json", "text/plain"] {
            assert!(accepted(value, RawMessageDelivery::Off), "{value}");
            assert!(accepted(value, RawMessageDelivery::On), "{value}");
        }
        for value in [
            "text/css",
            "text/csv",
            "text/html",
            "text/xml",
            "application/atom+xml",
            "application/octet-stream",
            "application/soap+xml",
            "application/x-www-form-urlencoded",
            "application/xhtml+xml",
            "application/xml",
        ] {
            assert!(!accepted(value, RawMessageDelivery::Off), "{value}");
            assert!(accepted(value, RawMessageDelivery::On), "{value}");
        }
        for value in ["", "image/png", "TEXT/PLAIN", "text/csv; header=present", "text/csv\\r\\nX-Evil: 1"] {
            assert!(!accepted(value, RawMessageDelivery::On), "{value}");
        }
        assert_eq!(
            refusal(&with("text/csv")),
            (
                InvalidValue,
                "DeliveryPolicy: requestPolicy.headerContentType: Invalid value [text/csv]. Please use one of \
                 application/json, text/plain without raw message delivery"
                    .to_owned()
            )
        );
    }

    #[test]
    fn a_raw_content_type_does_not_survive_raw_message_delivery() {
        let raw_only = r#"{"requestPolicy":{"headerContentType":"text/csv"}}"#;
        let policy = SubscriptionDeliveryPolicy::parse(raw_only, RawMessageDelivery::On).expect("allowed for raw");
        assert_eq!(policy.check_raw(RawMessageDelivery::On), Ok(()));
        let error = policy.check_raw(RawMessageDelivery::Off).expect_err("not for an envelope");
        assert_eq!(error.kind(), InvalidValue);
    }

    #[test]
    fn relics_are_accepted_and_do_nothing() {
        let text = r#"{"sicklyRetryPolicy":{"numRetries":7},"guaranteed":true}"#;
        let policy = SubscriptionDeliveryPolicy::parse(text, RawMessageDelivery::Off).expect("relics are allowed");
        assert_eq!(policy, SubscriptionDeliveryPolicy::default());
        assert_eq!(
            policy.to_json(),
            r#"{"healthyRetryPolicy":null,"sicklyRetryPolicy":null,"throttlePolicy":null,"requestPolicy":null,"guaranteed":false}"#
        );
    }

    #[test]
    fn what_is_printed_can_be_read_again() {
        let text = r#"{"healthyRetryPolicy":{"numRetries":9,"minDelayTarget":2,"maxDelayTarget":30,"numNoDelayRetries":3,"backoffFunction":"geometric"},"throttlePolicy":{"maxReceivesPerSecond":4294967295},"requestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}"#;
        let policy = SubscriptionDeliveryPolicy::parse(text, RawMessageDelivery::Off).expect("a valid policy");
        let printed = policy.to_json();
        assert_eq!(
            printed,
            r#"{"healthyRetryPolicy":{"minDelayTarget":2,"maxDelayTarget":30,"numRetries":9,"numMaxDelayRetries":0,"numNoDelayRetries":3,"numMinDelayRetries":0,"backoffFunction":"geometric"},"sicklyRetryPolicy":null,"throttlePolicy":{"maxReceivesPerSecond":4294967295},"requestPolicy":{"headerContentType":"text/plain; charset=UTF-8"},"guaranteed":false}"#
        );
        assert_eq!(SubscriptionDeliveryPolicy::parse(&printed, RawMessageDelivery::Off), Ok(policy));
    }

    #[test]
    fn errors_carry_the_prefix_of_the_operation() {
        let text = r#"{"healthyRetryPolicy":{"minDelayTarget":0,"maxDelayTarget":0,"numRetries":0}}"#;
        let error = SubscriptionDeliveryPolicy::parse(text, RawMessageDelivery::Off).expect_err("below the bound");
        assert_eq!(
            error.for_subscribe().message(),
            "Invalid parameter: Attributes Reason: DeliveryPolicy: healthyRetryPolicy.minDelayTarget must be greater \
             than or equal to 1"
        );
        assert_eq!(
            error.for_set_attributes().message(),
            "Invalid parameter: DeliveryPolicy: healthyRetryPolicy.minDelayTarget must be greater than or equal to 1"
        );
        assert_eq!(error.for_subscribe().code().as_str(), "InvalidParameter");
    }
}
