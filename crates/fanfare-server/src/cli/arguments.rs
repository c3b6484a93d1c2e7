//! Arguments that several commands take.

use std::str::FromStr;

use clap::{Args, ValueEnum};

/// Which server is asked, and how its answer is shown.
#[derive(Debug, Args)]
pub(super) struct Connection {
    /// The server.
    #[arg(long, value_name = "URL", env = "FANFARE_URL", default_value = "http://127.0.0.1:9911")]
    pub(super) url: String,
    /// The region of the topics that are named without one. Otherwise AWS_REGION, AWS_DEFAULT_REGION or us-east-1.
    #[arg(long, value_name = "REGION")]
    pub(super) region: Option<String>,
    /// How the answer is shown.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

/// How an answer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people.
    Text,
    /// As the server answers it.
    Json,
}

/// How much of a list is shown.
#[derive(Debug, Args)]
pub(super) struct Most {
    /// The most items to show.
    #[arg(long, value_name = "N", default_value = "100")]
    pub(super) limit: std::num::NonZeroUsize,
}

/// A name with a value, `name=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) name: String,
    pub(super) value: String,
}

impl FromStr for Pair {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok(Self { name: name.to_owned(), value: value.to_owned() }),
            _ => Err("it must have the form name=value"),
        }
    }
}

/// A topic, by name or by ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TopicName(String);

impl FromStr for TopicName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_name = |text: &str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        };
        match text.split(':').collect::<Vec<_>>()[..] {
            ["arn", _, "sns", _, _, name] if is_name(name) => Ok(Self(text.to_owned())),
            [name] if is_name(name) => Ok(Self(text.to_owned())),
            _ => Err("it must be a topic's name or its ARN"),
        }
    }
}

impl TopicName {
    /// The topic's path in the API.
    pub(super) fn path(&self) -> String {
        format!("/topics/{}", self.0)
    }

    /// The region, when the topic is named by its ARN.
    pub(super) fn region(&self) -> Option<&str> {
        self.0.split(':').nth(3)
    }
}

/// A subscription, by ARN or as `TOPIC/ID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SubscriptionName {
    pub(super) topic: TopicName,
    id: String,
}

impl FromStr for SubscriptionName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "it must be a subscription's ARN, or its topic and its id as TOPIC/ID";
        let (topic, id) = text.split_once('/').or_else(|| text.rsplit_once(':')).ok_or(FORM)?;
        let is_id = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let topic: TopicName = topic.parse().map_err(|_| FORM)?;
        if is_id { Ok(Self { topic, id: id.to_owned() }) } else { Err(FORM) }
    }
}

impl SubscriptionName {
    /// The subscription's path in the API.
    pub(super) fn path(&self) -> String {
        format!("{}/subscriptions/{}", self.topic.path(), self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_named_by_name_or_arn() {
        let path = |text: &str| text.parse::<TopicName>().map(|topic| topic.path());
        assert_eq!(path("orders.fifo").unwrap(), "/topics/orders.fifo");
        let arn: TopicName = "arn:aws:sns:eu-west-1:123456789012:orders".parse().unwrap();
        assert_eq!(arn.path(), "/topics/arn:aws:sns:eu-west-1:123456789012:orders");
        assert_eq!(arn.region(), Some("eu-west-1"));
        for text in ["", "a/b", "a b", "arn:aws:sqs:us-east-1:1:q", "arn:aws:sns:us-east-1:1:a:b", "../x?y"] {
            assert!(text.parse::<TopicName>().is_err(), "{text}");
        }
    }

    #[test]
    fn subscriptions_are_named_by_arn_or_topic_and_id() {
        let path = |text: &str| text.parse::<SubscriptionName>().map(|subscription| subscription.path());
        assert_eq!(path("orders/8e1c-52").unwrap(), "/topics/orders/subscriptions/8e1c-52");
        assert_eq!(
            path("arn:aws:sns:eu-west-1:123456789012:orders:8e1c-52").unwrap(),
            "/topics/arn:aws:sns:eu-west-1:123456789012:orders/subscriptions/8e1c-52"
        );
        for text in ["", "orders", "orders/", "/x", "orders/a/b", "arn:aws:sns:eu-west-1:123456789012:orders"] {
            assert!(text.parse::<SubscriptionName>().is_err(), "{text}");
        }
    }

    #[test]
    fn values_may_hold_further_equals_signs() {
        let pair: Pair = "a=b=c".parse().unwrap();
        assert_eq!((pair.name.as_str(), pair.value.as_str()), ("a", "b=c"));
        assert!("a".parse::<Pair>().is_err() && "=b".parse::<Pair>().is_err());
    }
}
