//! The settings of delivery to phones, checked once.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use fanfare_aws::{Aws, EndpointUrl};
use fanfare_egress::EgressPolicy;

use crate::callback::Callbacks;
use crate::gateway::kannel::KannelConfig;
use crate::gateway::twilio::TwilioConfig;
use crate::receipt::ReceiptObserver;
use crate::sender::Sender;
use crate::smpp::SmppConfig;
use crate::tls::Trust;

/// The longest time limit of an attempt.
const ATTEMPT_TIMEOUT_MAX: Duration = Duration::from_secs(10 * 60);

/// How notifications are delivered to phones: by which way, and from whom.
///
/// Each call returns the changed settings. `Debug` shows no secret.
///
/// ```
/// use fanfare_sms::{SmppConfig, SmsConfig};
///
/// let network = SmppConfig::new("smpp://smsc.example.com:2775", "fanfare", "s3cret")?;
/// let config = SmsConfig::smpp(network).sender("ACME")?;
/// # Ok::<(), fanfare_sms::ConfigError>(())
/// ```
#[derive(Debug, Clone)]
pub struct SmsConfig {
    pub(crate) way: Way,
    pub(crate) sender: Option<Sender>,
    pub(crate) attempt_timeout: Duration,
    pub(crate) egress: EgressPolicy,
    pub(crate) trust: Trust,
}

/// Who takes the messages.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    Sns(SnsConfig),
    Smpp(Box<SmppConfig>),
    Kannel(KannelConfig),
    Twilio(TwilioConfig),
}

impl SmsConfig {
    /// Sends through Amazon SNS itself.
    pub fn sns(sns: SnsConfig) -> Self {
        Self::by(Way::Sns(sns))
    }

    /// Sends to a network (SMSC) over SMPP.
    pub fn smpp(smpp: SmppConfig) -> Self {
        Self::by(Way::Smpp(Box::new(smpp)))
    }

    /// Sends by a Kannel, or a gateway that speaks as it does.
    pub fn kannel(kannel: KannelConfig) -> Self {
        Self::by(Way::Kannel(kannel))
    }

    /// Sends by Twilio, or a gateway that speaks as it does.
    pub fn twilio(twilio: TwilioConfig) -> Self {
        Self::by(Way::Twilio(twilio))
    }

    fn by(way: Way) -> Self {
        let (egress, trust) = (EgressPolicy::internet(), Trust::default());
        Self { way, sender: None, attempt_timeout: Duration::from_secs(15), egress, trust }
    }

    /// Sends from `sender` what does not say otherwise (`AWS.SNS.SMS.SenderID`, `AWS.MM.SMS.OriginationNumber`): a name of 1 to
    /// 11 letters and digits, a number, or a short code. Without it, whoever takes the messages chooses.
    ///
    /// # Errors
    /// When `sender` is none of these.
    pub fn sender(mut self, sender: &str) -> Result<Self, ConfigError> {
        let unreadable = ConfigError::new("the sender is neither a name of up to 11 letters and digits nor a number");
        self.sender = Some(Sender::parse(sender).ok_or(unreadable)?);
        Ok(self)
    }

    /// Ends an attempt after `timeout`, the wait for a session included. 15 seconds unless set; more than zero and at most ten
    /// minutes, or else [`SmsConnector::new`](crate::SmsConnector::new) refuses it. Calls to Amazon SNS end when those of their
    /// [`Aws`] do.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// Connects only to what `policy` allows: public addresses unless set. It is not asked about Amazon SNS.
    #[must_use]
    pub fn egress(mut self, policy: EgressPolicy) -> Self {
        self.egress = policy;
        self
    }

    /// Trusts networks and gateways with certificates of the authorities in `pem`, too.
    ///
    /// # Errors
    /// When there is no certificate in `pem`, or something that is not one.
    pub fn ca_certificates(mut self, pem: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        self.trust.add(pem.as_ref())?;
        Ok(self)
    }

    /// Trusts the authorities of [`SmsConfig::ca_certificates`] only, and none of the system's.
    #[must_use]
    pub fn only_ca(mut self) -> Self {
        self.trust.leave_out_the_systems();
        self
    }

    /// Has receipts told: over SMPP to `observer`, by gateways at `callbacks`, whose server tells `observer` itself. Amazon SNS
    /// tells none.
    #[must_use]
    pub fn receipts(mut self, observer: impl ReceiptObserver, callbacks: Callbacks) -> Self {
        self.way = match self.way {
            Way::Sns(sns) => Way::Sns(sns),
            Way::Smpp(smpp) => Way::Smpp(Box::new(smpp.receipts(observer))),
            Way::Kannel(kannel) => Way::Kannel(kannel.callbacks(callbacks)),
            Way::Twilio(twilio) => Way::Twilio(twilio.callbacks(callbacks)),
        };
        self
    }

    /// Whether this way can tell receipts.
    pub fn tells_receipts(&self) -> bool {
        !matches!(self.way, Way::Sns(_))
    }

    /// What only the settings as a whole can show.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.attempt_timeout.is_zero() || self.attempt_timeout > ATTEMPT_TIMEOUT_MAX {
            return Err(ConfigError::new(
                "the time limit of an attempt must be more than zero and at most ten minutes",
            ));
        }
        Ok(())
    }
}

/// Amazon SNS as the way to phones.
///
/// It calls SNS in the region of the topic that a message was published to, unless told otherwise. What an account of Amazon's
/// may send, and where, is its own matter.
#[derive(Debug, Clone)]
pub struct SnsConfig {
    pub(crate) aws: Aws,
    pub(crate) region: Option<String>,
    pub(crate) endpoint_url: Option<EndpointUrl>,
}

impl SnsConfig {
    /// Calls Amazon SNS by `aws`.
    pub fn new(aws: Aws) -> Self {
        Self { aws, region: None, endpoint_url: None }
    }

    /// Calls SNS in `region`, whatever region a message is of.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Calls SNS at `url`, whatever the settings for all of AWS say.
    ///
    /// # Errors
    /// When `url` is not an HTTP or HTTPS URL, or has a user, a query or a fragment.
    pub fn endpoint_url(mut self, url: &str) -> Result<Self, ConfigError> {
        let url = EndpointUrl::parse(url);
        self.endpoint_url =
            Some(url.map_err(|error| ConfigError::because("amazon sns cannot be called there", error))?);
        Ok(self)
    }
}

/// Settings that cannot be used; the message says why, without secrets. Not worth a retry.
#[derive(Debug)]
pub struct ConfigError {
    message: &'static str,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl ConfigError {
    pub(crate) fn new(message: &'static str) -> Self {
        Self { message, source: None }
    }

    pub(crate) fn because(message: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { message, source: Some(source.into()) }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)?;
        self.source.as_ref().map_or(Ok(()), |source| write!(f, ": {source}"))
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().and_then(Error::source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> SmsConfig {
        SmsConfig::kannel(KannelConfig::new("http://kannel.example.com/sendsms", "u", "p").unwrap())
    }

    #[test]
    fn settings_out_of_bounds_are_refused() {
        config().check().unwrap();
        for timeout in [Duration::ZERO, Duration::from_secs(601)] {
            assert!(config().attempt_timeout(timeout).check().is_err());
        }
        for sender in ["", "Acme Inc", "far-too-long", "12"] {
            assert!(config().sender(sender).is_err(), "{sender}");
        }
        assert!(config().ca_certificates("no certificate").is_err());
        assert!(config().egress.check_address(None, std::net::Ipv4Addr::LOCALHOST.into(), 80).is_err());
    }

    #[test]
    fn an_error_says_what_lies_beneath_it() {
        let error = KannelConfig::new("http://a b", "u", "p").unwrap_err();
        assert!(error.to_string().starts_with("the gateway's url cannot be used: the url has white space"), "{error}");
    }
}
