//! The protocols that a subscription can speak, spelled as Amazon SNS spells them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::SnsError;
use crate::retry::RetrySchedule;

/// The most characters that a custom protocol's name may have.
const CUSTOM_NAME_MAX: usize = 32;

/// How notifications reach an endpoint.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Protocol {
    /// `http`: a POST to a plain URL.
    Http,
    /// `https`: a POST to a URL under TLS.
    Https,
    /// `email`: the text, by SMTP.
    Email,
    /// `email-json`: the envelope, by SMTP.
    EmailJson,
    /// `sqs`: a message on an Amazon SQS queue.
    Sqs,
    /// `lambda`: an asynchronous invocation of an AWS Lambda function.
    Lambda,
    /// `application`: a mobile push notification.
    Application,
    /// `sms`: a text message.
    Sms,
    /// A protocol of the embedding program's own, made by [`Protocol::custom`].
    Custom(CustomProtocol),
}

/// The name of a protocol that Amazon SNS does not have.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CustomProtocol(Arc<str>);

impl Protocol {
    /// A protocol of the program's own: 1 to 32 characters of `a-z`, `0-9` and `-`, none of Amazon SNS's names.
    ///
    /// # Errors
    /// `InvalidParameter` that names the characters allowed.
    pub fn custom(name: &str) -> Result<Self, SnsError> {
        let shaped = (1..=CUSTOM_NAME_MAX).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !shaped || Self::named(name).is_some() {
            return Err(SnsError::invalid_parameter(format_args!(
                "Protocol Reason: {name:?} cannot name a custom protocol, use 1 to {CUSTOM_NAME_MAX} characters of a-z, \
                 0-9 and '-' that are not a protocol of Amazon SNS"
            )));
        }
        Ok(Self::Custom(CustomProtocol(name.into())))
    }

    /// The name, as Amazon SNS writes it in `Protocol`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Email => "email",
            Self::EmailJson => "email-json",
            Self::Sqs => "sqs",
            Self::Lambda => "lambda",
            Self::Application => "application",
            Self::Sms => "sms",
            Self::Custom(CustomProtocol(name)) => name,
        }
    }

    /// Whether every subscription by address waits until somebody at the endpoint confirms it (Amazon SNS: for HTTP, HTTPS and
    /// both kinds of e-mail). Others wait when the endpoint is of another account, see [`Subscribe::to`](crate::Subscribe::to).
    pub fn needs_confirmation(&self) -> bool {
        matches!(self, Self::Http | Self::Https | Self::Email | Self::EmailJson)
    }

    /// Whether `RawMessageDelivery` is allowed.
    pub fn allows_raw_delivery(&self) -> bool {
        matches!(self, Self::Http | Self::Https | Self::Sqs | Self::Custom(_))
    }

    /// Whether notifications can be CloudEvents.
    pub fn allows_cloud_events(&self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }

    /// Whether a `DeliveryPolicy` is allowed (Amazon SNS: HTTP and HTTPS alone).
    pub fn allows_delivery_policy(&self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }

    /// The schedule of retries that holds where no policy says otherwise.
    pub fn default_schedule(&self) -> RetrySchedule {
        match self {
            Self::Sqs | Self::Lambda => RetrySchedule::aws_managed(),
            Self::Email | Self::EmailJson | Self::Sms | Self::Application => RetrySchedule::customer_managed(),
            Self::Http | Self::Https | Self::Custom(_) => RetrySchedule::http_default(),
        }
    }

    /// Reads a name, be it one of Amazon SNS's or of the program's own.
    pub(crate) fn read(name: &str) -> Result<Self, SnsError> {
        Self::named(name).map_or_else(|| Self::custom(name), Ok)
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "http" => Self::Http,
            "https" => Self::Https,
            "email" => Self::Email,
            "email-json" => Self::EmailJson,
            "sqs" => Self::Sqs,
            "lambda" => Self::Lambda,
            "application" => Self::Application,
            "sms" => Self::Sms,
            _ => return None,
        })
    }
}

impl FromStr for Protocol {
    type Err = SnsError;

    /// Reads one of Amazon SNS's protocol names; case counts.
    fn from_str(name: &str) -> Result<Self, SnsError> {
        Self::named(name).ok_or_else(|| {
            SnsError::invalid_parameter(format_args!("Amazon SNS does not support this protocol string: {name}"))
        })
    }
}

impl Serialize for Protocol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Protocol {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        Self::read(&name).map_err(D::Error::custom)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
