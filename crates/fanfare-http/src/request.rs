//! From a notification to the headers of its request: a pure function.
//!
//! The names and values are those of Amazon SNS. `Host` and `Content-Length` are added where the request is written.

use fanfare_core::{DeliveryError, DeliveryErrorKind, Format, Notification};
use http::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};

const DEFAULT_CONTENT_TYPE: HeaderValue = HeaderValue::from_static("text/plain; charset=UTF-8");
const CLOUD_EVENT: HeaderValue = HeaderValue::from_static("application/cloudevents+json; charset=UTF-8");
const AGENT: HeaderValue = HeaderValue::from_static("Amazon Simple Notification Service Agent");

const MESSAGE_TYPE: HeaderName = HeaderName::from_static("x-amz-sns-message-type");
const MESSAGE_ID: HeaderName = HeaderName::from_static("x-amz-sns-message-id");
const TOPIC_ARN: HeaderName = HeaderName::from_static("x-amz-sns-topic-arn");
const SUBSCRIPTION_ARN: HeaderName = HeaderName::from_static("x-amz-sns-subscription-arn");
const RAW_DELIVERY: HeaderName = HeaderName::from_static("x-amz-sns-rawdelivery");

/// The headers of the request that delivers `notification`.
///
/// The `Content-Type` of a delivery policy goes out as it was given; confirmations keep Amazon SNS's own.
/// The trace that the publisher's call was part of goes out as it came.
/// `Accept-Encoding` is what Amazon SNS sends; answers are read as they come and never decompressed.
///
/// # Errors
/// `Unsupported`, when an identifier or the content type holds a character that no header can carry.
pub(crate) fn headers(notification: &Notification) -> Result<HeaderMap, DeliveryError> {
    // With what is added where the request is written, and as little as there is room for that.
    let mut headers = HeaderMap::with_capacity(12);
    headers.insert(MESSAGE_TYPE, HeaderValue::from_static(notification.kind().as_str()));
    headers.insert(MESSAGE_ID, value(&MESSAGE_ID, notification.message_id())?);
    headers.insert(TOPIC_ARN, value(&TOPIC_ARN, notification.topic().as_str())?);
    if let Some(subscription) = notification.subscription().filter(|_| names_its_subscription(notification)) {
        headers.insert(SUBSCRIPTION_ARN, value(&SUBSCRIPTION_ARN, subscription.as_str())?);
    }
    if notification.format() == Format::Raw {
        headers.insert(RAW_DELIVERY, HeaderValue::from_static("true"));
    }
    let content_type = match (notification.format(), notification.content_type()) {
        // What it is says the type: no policy can have it otherwise.
        (Format::CloudEvent, _) => CLOUD_EVENT,
        (_, Some(wanted)) => value(&CONTENT_TYPE, wanted)?,
        (_, None) => DEFAULT_CONTENT_TYPE,
    };
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(USER_AGENT, AGENT);
    headers.insert(CONNECTION, HeaderValue::from_static("Keep-Alive"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip,deflate"));
    for (name, text) in notification.trace().headers() {
        let name = HeaderName::from_static(name);
        let text = value(&name, text)?;
        headers.append(name, text);
    }
    Ok(headers)
}

fn value(name: &HeaderName, text: &str) -> Result<HeaderValue, DeliveryError> {
    HeaderValue::from_bytes(text.as_bytes()).map_err(|_| {
        let context = format!("the value of {name} has a character that no http header can carry");
        DeliveryError::reject(DeliveryErrorKind::Unsupported, context)
    })
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
