//! From a notification to the headers of its request: a pure function.
//!
//! The names and values are those of Amazon SNS. `Host` and `Content-Length` are added where the request is written.

use fanfare_core::{DeliveryError, DeliveryErrorKind, Format, Notification};
use http::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};

const DEFAULT_CONTENT_TYPE: &str = "text/plain; charset=UTF-8";
const CLOUD_EVENT: &str = "application/cloudevents+json; charset=UTF-8";
const AGENT: &str = "Amazon Simple Notification Service Agent";

/// The headers of the request that delivers `notification`.
///
/// The `Content-Type` of a delivery policy goes out as it was given; confirmations keep Amazon SNS's own.
/// The trace that the publisher's call was part of goes out as it came.
/// `Accept-Encoding` is what Amazon SNS sends; answers are read as they come and never decompressed.
///
/// # Errors
/// `Unsupported`, when an identifier or the content type holds a character that no header can carry.
pub(crate) fn headers(notification: &Notification) -> Result<HeaderMap, DeliveryError> {
    let mut headers = HeaderMap::with_capacity(16);
    let mut set = |name: &'static str, value: &str| match HeaderValue::from_bytes(value.as_bytes()) {
        Ok(value) => {
            headers.append(HeaderName::from_static(name), value);
            Ok(())
        }
        Err(_) => Err(DeliveryError::reject(
            DeliveryErrorKind::Unsupported,
            format!("the value of {name} has a character that no http header can carry"),
        )),
    };

    set("x-amz-sns-message-type", notification.kind().as_str())?;
    set("x-amz-sns-message-id", notification.message_id())?;
    set("x-amz-sns-topic-arn", notification.topic().as_str())?;
    if let Some(subscription) = notification.subscription().filter(|_| names_its_subscription(notification)) {
        set("x-amz-sns-subscription-arn", subscription.as_str())?;
    }
    if notification.format() == Format::Raw {
        set("x-amz-sns-rawdelivery", "true")?;
    }
    let content_type = match notification.format() {
        // What it is says the type: no policy can have it otherwise.
        Format::CloudEvent => CLOUD_EVENT,
        _ => notification.content_type().unwrap_or(DEFAULT_CONTENT_TYPE),
    };
    set(CONTENT_TYPE.as_str(), content_type)?;
    set(USER_AGENT.as_str(), AGENT)?;
    set(CONNECTION.as_str(), "Keep-Alive")?;
    set(ACCEPT_ENCODING.as_str(), "gzip,deflate")?;
    for (name, value) in notification.trace().headers() {
        set(name, value)?;
    }
    Ok(headers)
}

/// A subscription that still waits to be confirmed is not named to whoever is asked to confirm it.
fn names_its_subscription(notification: &Notification) -> bool {
    !matches!(notification.kind(), fanfare_core::NotificationKind::SubscriptionConfirmation { .. })
}

#[cfg(test)]
mod tests {
    use fanfare_core::{Disposition, Message, Publication, SubscriptionArn, Timestamp, TopicArn, TraceContext};

    use super::*;

    const TOPIC: &str = "arn:aws:sns:us-east-1:111111111111:orders";
    const SUBSCRIPTION: &str = "arn:aws:sns:us-east-1:111111111111:orders:5c1f8b52-6f6e-4a05-8cb9-7cf5b0fd0a43";
    const ID: &str = "0f4b9a4e-9d1c-5b5e-8f0f-c0a8b5f7d6e2";

    fn topic() -> TopicArn {
        TopicArn::parse(TOPIC).unwrap()
    }

    fn subscription() -> SubscriptionArn {
        SubscriptionArn::parse(SUBSCRIPTION).unwrap()
    }

    fn notification_with_id(id: &str) -> Notification {
        let message = Message::builder("hello").string("colour", "red").build().unwrap();
        Notification::new(Publication::new(id, topic(), Timestamp::EPOCH, message), "http")
            .for_subscription(subscription())
    }

    /// Every header as `name: value`, in the order of names.
    fn lines(notification: &Notification) -> Vec<String> {
        let mut lines: Vec<String> = headers(notification)
            .unwrap()
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.sort();
        lines
    }

    #[test]
    fn a_notification_in_its_envelope_has_amazon_sns_headers() {
        assert_eq!(
            lines(&notification_with_id(ID)),
            [
                "accept-encoding: gzip,deflate",
                "connection: Keep-Alive",
                "content-type: text/plain; charset=UTF-8",
                "user-agent: Amazon Simple Notification Service Agent",
                "x-amz-sns-message-id: 0f4b9a4e-9d1c-5b5e-8f0f-c0a8b5f7d6e2",
                "x-amz-sns-message-type: Notification",
                "x-amz-sns-subscription-arn: \
                 arn:aws:sns:us-east-1:111111111111:orders:5c1f8b52-6f6e-4a05-8cb9-7cf5b0fd0a43",
                "x-amz-sns-topic-arn: arn:aws:sns:us-east-1:111111111111:orders",
            ]
        );
    }

    #[test]
    fn a_raw_notification_says_that_it_is_raw_and_keeps_its_content_type_as_given() {
        assert_eq!(
            lines(&notification_with_id(ID).raw().with_content_type("text/csv")),
            [
                "accept-encoding: gzip,deflate",
                "connection: Keep-Alive",
                "content-type: text/csv",
                "user-agent: Amazon Simple Notification Service Agent",
                "x-amz-sns-message-id: 0f4b9a4e-9d1c-5b5e-8f0f-c0a8b5f7d6e2",
                "x-amz-sns-message-type: Notification",
                "x-amz-sns-rawdelivery: true",
                "x-amz-sns-subscription-arn: \
                 arn:aws:sns:us-east-1:111111111111:orders:5c1f8b52-6f6e-4a05-8cb9-7cf5b0fd0a43",
                "x-amz-sns-topic-arn: arn:aws:sns:us-east-1:111111111111:orders",
            ]
        );
    }

    #[test]
    fn the_publishers_trace_goes_along() {
        let trace = TraceContext::new()
            .w3c("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Some("congo=t61rcWkgMzE"))
            .xray("Root=1-5759e988-bd862e3fe1be46a994272793");
        let message = Message::text("hello").unwrap().traced(trace);
        let traced = Notification::new(Publication::new(ID, topic(), Timestamp::EPOCH, message), "http");
        let lines = lines(&traced);
        assert!(lines.contains(&"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()));
        assert!(lines.contains(&"tracestate: congo=t61rcWkgMzE".to_owned()));
        assert!(lines.contains(&"x-amzn-trace-id: Root=1-5759e988-bd862e3fe1be46a994272793".to_owned()));
    }

    #[test]
    fn a_subscription_confirmation_names_no_subscription_and_is_never_raw() {
        let confirmation = Notification::subscription_confirmation(ID, topic(), Timestamp::EPOCH, "2336412f37")
            .for_subscription(subscription())
            .raw()
            .with_content_type("application/json");
        assert_eq!(
            lines(&confirmation),
            [
                "accept-encoding: gzip,deflate",
                "connection: Keep-Alive",
                "content-type: text/plain; charset=UTF-8",
                "user-agent: Amazon Simple Notification Service Agent",
                "x-amz-sns-message-id: 0f4b9a4e-9d1c-5b5e-8f0f-c0a8b5f7d6e2",
                "x-amz-sns-message-type: SubscriptionConfirmation",
                "x-amz-sns-topic-arn: arn:aws:sns:us-east-1:111111111111:orders",
            ]
        );
    }

    #[test]
    fn an_unsubscribe_confirmation_names_its_subscription() {
        let confirmation =
            Notification::unsubscribe_confirmation(ID, &subscription(), Timestamp::EPOCH, "2336412f37").raw();
        assert_eq!(
            lines(&confirmation),
            [
                "accept-encoding: gzip,deflate",
                "connection: Keep-Alive",
                "content-type: text/plain; charset=UTF-8",
                "user-agent: Amazon Simple Notification Service Agent",
                "x-amz-sns-message-id: 0f4b9a4e-9d1c-5b5e-8f0f-c0a8b5f7d6e2",
                "x-amz-sns-message-type: UnsubscribeConfirmation",
                "x-amz-sns-subscription-arn: \
                 arn:aws:sns:us-east-1:111111111111:orders:5c1f8b52-6f6e-4a05-8cb9-7cf5b0fd0a43",
                "x-amz-sns-topic-arn: arn:aws:sns:us-east-1:111111111111:orders",
            ]
        );
    }

    #[test]
    fn a_line_break_in_a_value_is_refused_and_not_sent() {
        for notification in [
            notification_with_id("id\r\nx-evil: 1"),
            notification_with_id("id\n"),
            notification_with_id(ID).with_content_type("text/plain\r\nx-evil: 1"),
            notification_with_id(ID).with_content_type("text/plain\0"),
        ] {
            let error = headers(&notification).unwrap_err();
            assert_eq!(error.kind(), DeliveryErrorKind::Unsupported);
            assert_eq!(error.disposition(), Disposition::Reject);
            assert!(!error.to_string().contains("evil"));
        }
    }
}
