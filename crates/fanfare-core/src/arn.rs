//! The names of topics and subscriptions, as Amazon SNS forms them.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::SnsError;

/// The most characters that a topic's name may have, the suffix `.fifo` included.
const TOPIC_NAME_MAX: usize = 256;

/// A topic's name: 1 to 256 characters of `A-Z a-z 0-9 _ -`, on FIFO topics followed by `.fifo`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TopicName(String);

impl TopicName {
    /// Checks a name. A name that ends in `.fifo` is that of a FIFO topic.
    ///
    /// # Errors
    /// `InvalidParameter` with Amazon SNS's text `Invalid parameter: Topic Name`.
    pub fn parse(name: &str) -> Result<Self, SnsError> {
        if is_topic_name(name) { Ok(Self(name.to_owned())) } else { Err(SnsError::invalid_parameter("Topic Name")) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name is that of a FIFO topic.
    pub fn is_fifo(&self) -> bool {
        self.0.ends_with(".fifo")
    }
}

/// Whose topics they are: a region and an account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    region: String,
    account: String,
}

impl Owner {
    /// The account `account` in the region `region`.
    ///
    /// # Errors
    /// `InvalidParameter` when `region` is not made of `a-z`, `0-9` and `-`, or `account` is not made of 12 digits.
    pub fn new(region: impl Into<String>, account: impl Into<String>) -> Result<Self, SnsError> {
        let (region, account) = (region.into(), account.into());
        let region_char = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if region.is_empty() || !region.bytes().all(region_char) {
            return Err(SnsError::invalid_parameter(format_args!("Region Reason: {region:?} is not a region's name")));
        }
        if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
            return Err(SnsError::invalid_parameter(format_args!(
                "Account Reason: {account:?} is not made of 12 digits"
            )));
        }
        Ok(Self { region, account })
    }

    /// The region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The account, 12 digits.
    pub fn account(&self) -> &str {
        &self.account
    }
}

impl Default for Owner {
    /// The account `000000000000` in `us-east-1`.
    fn default() -> Self {
        Self { region: "us-east-1".to_owned(), account: "000000000000".to_owned() }
    }
}

/// The name of a topic in the world: `arn:<partition>:sns:<region>:<account>:<topic name>`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicArn(Arc<str>);

impl TopicArn {
    /// The ARN of the owner's topic `name`, in the partition of the region.
    pub fn new(owner: &Owner, name: &TopicName) -> Self {
        Self(format!("{}{}", Self::before_all_of(owner), name.as_str()).into())
    }

    /// What sorts before every topic of `owner`: their ARNs without a name.
    pub(crate) fn before_all_of(owner: &Owner) -> Self {
        Self(format!("{}{}:", Self::before_all_of_region(owner).0, owner.account).into())
    }

    /// What sorts before every topic in the region of `owner`: their ARNs without account and name.
    pub(crate) fn before_all_of_region(owner: &Owner) -> Self {
        let region = owner.region.as_str();
        let partition = match region {
            _ if region.starts_with("cn-") => "aws-cn",
            _ if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        Self(format!("arn:{partition}:sns:{region}:").into())
    }

    /// What sorts before every topic of this one's owner: its ARN without the name.
    pub(crate) fn before_all_of_its_owner(&self) -> Self {
        let (before, _) = self.0.rsplit_once(':').expect("an ARN has six elements");
        Self(format!("{before}:").into())
    }

    /// Reads a topic's ARN.
    ///
    /// # Errors
    /// `InvalidParameter` with Amazon SNS's text, which counts the elements when there are too few.
    pub fn parse(text: &str) -> Result<Self, SnsError> {
        let elements = text.split(':').count();
        if elements < 6 {
            return Err(too_few_elements("TopicArn", elements));
        }
        if is_topic_arn(text) { Ok(Self(text.into())) } else { Err(SnsError::invalid_parameter("TopicArn")) }
    }

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The topic's name.
    pub fn name(&self) -> &str {
        self.element(5)
    }

    /// The topic's region.
    pub fn region(&self) -> &str {
        self.element(3)
    }

    /// The account that owns the topic.
    pub fn account(&self) -> &str {
        self.element(4)
    }

    /// Whether it belongs to `owner`.
    pub fn belongs_to(&self, owner: &Owner) -> bool {
        self.region() == owner.region && self.account() == owner.account
    }

    /// Whether this is a FIFO topic.
    pub fn is_fifo(&self) -> bool {
        self.0.ends_with(".fifo")
    }

    fn element(&self, index: usize) -> &str {
        self.0.split(':').nth(index).expect("an ARN has six elements")
    }
}

impl Borrow<str> for TopicArn {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The name of a subscription: its topic's ARN, a colon, and a UUID.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionArn(Arc<str>);

impl SubscriptionArn {
    /// The ARN of the subscription `id` of `topic`.
    pub fn new(topic: &TopicArn, id: &str) -> Self {
        Self(format!("{topic}:{id}").into())
    }

    /// Reads a subscription's ARN.
    ///
    /// # Errors
    /// `InvalidParameter` with Amazon SNS's text: `SubscriptionArn Reason: ...` when it is no ARN, `SubscriptionId` when
    /// it has no subscription's id.
    pub fn parse(text: &str) -> Result<Self, SnsError> {
        Self::split(text).map(|_| Self(text.into()))
    }

    /// The topic's ARN and what stands behind it, of a text that would be read as a subscription's ARN.
    pub(crate) fn split(text: &str) -> Result<(&str, &str), SnsError> {
        let elements = text.split(':').count();
        if elements < 6 {
            return Err(too_few_elements("SubscriptionArn", elements));
        }
        match text.rsplit_once(':') {
            Some((topic, id)) if elements == 7 && !id.is_empty() && is_topic_arn(topic) => Ok((topic, id)),
            _ => Err(SnsError::invalid_parameter("SubscriptionId")),
        }
    }

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The account that owns the topic.
    pub fn account(&self) -> &str {
        self.0.split(':').nth(4).expect("a subscription's ARN has seven elements")
    }

    /// The ARN of the topic.
    pub fn topic(&self) -> TopicArn {
        TopicArn(self.topic_text().into())
    }

    pub(crate) fn topic_text(&self) -> &str {
        self.parts().0
    }

    /// What stands behind the topic's ARN, a UUID if an engine made it.
    pub(crate) fn name(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&str, &str) {
        self.0.rsplit_once(':').expect("a subscription's ARN has seven elements")
    }
}

fn is_topic_name(name: &str) -> bool {
    let base = name.strip_suffix(".fifo").unwrap_or(name);
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    !base.is_empty() && name.len() <= TOPIC_NAME_MAX && base.bytes().all(allowed)
}

/// Whether the text has the six elements of a topic's ARN.
fn is_topic_arn(text: &str) -> bool {
    let mut elements = text.split(':');
    let mut next = || elements.next().unwrap_or_default();
    let (begins, service, owned) =
        (next() == "arn" && !next().is_empty(), next(), !next().is_empty() && !next().is_empty());
    let name = next();
    begins && service == "sns" && owned && is_topic_name(name) && elements.next().is_none()
}

fn too_few_elements(parameter: &str, count: usize) -> SnsError {
    SnsError::invalid_parameter(format_args!("{parameter} Reason: An ARN must have at least 6 elements, not {count}"))
}

macro_rules! text_forms {
    ($($name:ty),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(D::Error::custom)
            }
        }
    )*};
}

text_forms!(TopicArn, SubscriptionArn);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_arn_is_refused_with_the_count_of_its_elements() {
        let error = TopicArn::parse("test-topic").unwrap_err();
        assert_eq!(error.message(), "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1");
    }

    #[test]
    fn an_unsubscribe_of_a_topic_shaped_arn_names_the_subscription_id() {
        let error = SubscriptionArn::parse("arn:aws:sns:us-east-1:000000000000:orders").unwrap_err();
        assert_eq!(error.message(), "Invalid parameter: SubscriptionId");
    }

    #[test]
    fn a_topic_arn_gives_its_elements() {
        let arn =
            TopicArn::new(&Owner::new("eu-west-1", "123456789012").unwrap(), &TopicName::parse("orders.fifo").unwrap());
        assert_eq!(arn.as_str(), "arn:aws:sns:eu-west-1:123456789012:orders.fifo");
        assert_eq!((arn.region(), arn.account(), arn.name()), ("eu-west-1", "123456789012", "orders.fifo"));
        assert!(arn.is_fifo());
    }
}
