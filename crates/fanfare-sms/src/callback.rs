//! Where HTTP gateways tell their receipts: links that nobody else can make.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use fanfare_core::{SubscriptionArn, Timestamp, TopicArn};
use fanfare_egress::Target;

use crate::classify::{kannel, twilio};
use crate::config::ConfigError;
use crate::number::PhoneNumber;
use crate::receipt::{DeliveryReceipt, Sent};

/// The fewest bytes of a secret.
const SECRET_BYTES_MIN: usize = 16;

/// The gateway that calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    Kannel,
    Twilio,
}

impl Caller {
    fn as_str(self) -> &'static str {
        match self {
            Self::Kannel => "kannel",
            Self::Twilio => "twilio",
        }
    }
}

/// Where HTTP gateways tell their receipts: `<url>/<gateway>/<token>`, whose token says which message is meant, and is signed, so
/// that nothing has to be kept and nobody else can tell something.
///
/// Whoever serves the URL hands what comes in to [`Callbacks::read`].
#[derive(Clone)]
pub struct Callbacks {
    url: String,
    key: hmac::Key,
}

impl Callbacks {
    /// Receipts are told below `url`, in links that are signed with `secret`.
    ///
    /// # Errors
    /// When `url` is not an HTTP or HTTPS URL or has a query, or the secret is shorter than 16 bytes.
    pub fn new(url: &str, secret: &[u8]) -> Result<Self, ConfigError> {
        let target = Target::parse(url, &["http", "https"])
            .map_err(|error| ConfigError::because("the url for receipts cannot be used", error))?;
        if target.url().query().is_some() {
            return Err(ConfigError::new("the url for receipts must not have a query"));
        }
        if secret.len() < SECRET_BYTES_MIN {
            return Err(ConfigError::new("the secret that signs links for receipts must have at least 16 bytes"));
        }
        let url = target.url().as_str().trim_end_matches('/').to_owned();
        Ok(Self { url, key: hmac::Key::new(hmac::HMAC_SHA256, secret) })
    }

    /// The link for `sent`. It has no character that an URL would write in another way, and no `%`.
    pub(crate) fn link(&self, caller: Caller, sent: &Sent) -> String {
        let subscription = sent.subscription.as_ref().map_or("", SubscriptionArn::as_str);
        let said = format!(
            "{}\n{}\n{subscription}\n{}\n{}\n{}",
            sent.message_id,
            sent.topic,
            sent.number,
            sent.accepted.unix_ms(),
            sent.parts
        );
        let said = BASE64.encode(said);
        let tag = BASE64.encode(hmac::sign(&self.key, said.as_bytes()));
        format!("{}/{}/{said}.{tag}", self.url, caller.as_str())
    }

    /// What the gateway `gateway` (`kannel` or `twilio`: the last but one part of the link's path) says of the message of
    /// `token` (the last part). `parameters` are those of the query and, where the body is a form, of the body. Nothing when
    /// nobody was given such a link, or nothing is settled yet.
    pub fn read<'a>(
        &self,
        gateway: &str,
        token: &str,
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Option<DeliveryReceipt> {
        let sent = self.verified(token)?;
        let parameters: Vec<(&str, &str)> = parameters.into_iter().collect();
        let parameter = |name: &str| parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let (state, told, id) = match gateway {
            "kannel" => {
                let (told, id) = (parameter("answer").unwrap_or_default(), parameter("id").unwrap_or_default());
                (kannel::receipt(parameter("state")?)?, told, id)
            }
            "twilio" => {
                let code = parameter("ErrorCode").unwrap_or_default();
                (twilio::receipt(parameter("MessageStatus")?, code)?, code, parameter("MessageSid").unwrap_or_default())
            }
            _ => return None,
        };
        let shown = |text: &str| text.chars().filter(|c| !c.is_control()).take(100).collect::<String>();
        Some(DeliveryReceipt { sent: Some(sent), provider_id: shown(id), state, told: shown(told) })
    }

    fn verified(&self, token: &str) -> Option<Sent> {
        let (said, tag) = token.split_once('.')?;
        hmac::verify(&self.key, said.as_bytes(), &BASE64.decode(tag).ok()?).ok()?;
        let said = String::from_utf8(BASE64.decode(said).ok()?).ok()?;
        let [message_id, topic, subscription, number, accepted, parts] = said.split('\n').collect::<Vec<_>>()[..]
        else {
            return None;
        };
        Some(Sent {
            message_id: message_id.to_owned(),
            topic: TopicArn::parse(topic).ok()?,
            subscription: SubscriptionArn::parse(subscription).ok(),
            number: PhoneNumber::parse_plain(number)?,
            accepted: Timestamp::from_unix_ms(accepted.parse().ok()?),
            parts: parts.parse().ok()?,
        })
    }
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Callbacks").field(&self.url).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::Reason;
    use crate::receipt::ReceiptState;

    const SECRET: &[u8] = b"sixteen bytes or more";

    fn callbacks() -> Callbacks {
        Callbacks::new("https://sns.example.com/_fanfare/sms/", SECRET).unwrap()
    }

    fn sent() -> Sent {
        let topic = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:orders").unwrap();
        Sent {
            message_id: "7f0d".to_owned(),
            subscription: SubscriptionArn::parse(&format!("{topic}:0f4b9a4e-9d1c-4b5e-8f0f-c0a8b5f7d6e2")).ok(),
            topic,
            number: PhoneNumber::parse("+12025550123").unwrap(),
            accepted: Timestamp::from_unix_ms(1_767_323_045_678),
            parts: 2,
        }
    }

    fn token(caller: Caller, sent: &Sent) -> String {
        let link = callbacks().link(caller, sent);
        let token = link.strip_prefix(&format!("https://sns.example.com/_fanfare/sms/{}/", caller.as_str()));
        token.unwrap().to_owned()
    }

    #[test]
    fn a_link_says_which_message_is_meant() {
        let direct = Sent { subscription: None, ..sent() };
        for sent in [sent(), direct] {
            let token = token(Caller::Kannel, &sent);
            assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)), "{token}");
            let receipt =
                callbacks().read("kannel", &token, [("state", "1"), ("answer", "stat:DELIVRD"), ("id", "9")]).unwrap();
            assert_eq!(receipt.sent, Some(sent));
            assert_eq!((receipt.state, receipt.provider_id.as_str()), (ReceiptState::Delivered, "9"));
        }
    }

    #[test]
    fn a_gateway_tells_why_a_phone_has_nothing() {
        let token = token(Caller::Twilio, &sent());
        let parameters = [("MessageStatus", "undelivered"), ("ErrorCode", "30007"), ("MessageSid", "SM1")];
        let receipt = callbacks().read("twilio", &token, parameters).unwrap();
        assert_eq!(receipt.state, ReceiptState::Failed(Reason::BlockedAsSpam));
        assert_eq!((receipt.told.as_str(), receipt.provider_id.as_str()), ("30007", "SM1"));
    }

    #[test]
    fn nobody_else_tells_anything() {
        let token = token(Caller::Kannel, &sent());
        let delivered = [("state", "1")];
        assert!(callbacks().read("kannel", &token, delivered).is_some());
        let other = Callbacks::new("https://sns.example.com", b"another secret than that").unwrap();
        assert_eq!(other.read("kannel", &token, delivered), None);
        let (said, tag) = token.split_once('.').unwrap();
        for forged in ["", ".", said, &format!("{said}."), &format!("{said}A.{tag}"), &format!("A{said}.{tag}")] {
            assert_eq!(callbacks().read("kannel", forged, delivered), None, "{forged}");
        }
        assert_eq!(callbacks().read("other", &token, delivered), None);
        // On its way.
        assert_eq!(callbacks().read("kannel", &token, [("state", "8")]), None);
        assert_eq!(callbacks().read("kannel", &token, []), None);
    }

    #[test]
    fn what_cannot_be_called_or_guarded_is_refused() {
        for url in ["", "sns.example.com", "ftp://sns.example.com", "https://sns.example.com/?a=b"] {
            assert!(Callbacks::new(url, SECRET).is_err(), "{url}");
        }
        assert!(Callbacks::new("https://sns.example.com", b"short").is_err());
        assert!(!format!("{:?}", callbacks()).contains("sixteen"));
    }
}
