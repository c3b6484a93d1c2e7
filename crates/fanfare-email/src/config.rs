//! The settings of delivery by e-mail, checked once.

use std::error::Error;
use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use crate::address::MailAddress;
use crate::dkim::Dkim;
use crate::relay::Relay;
use crate::tls::Trust;

/// The longest time limit of an attempt, the shortest that RFC 5321 has for the last answer alone.
const ATTEMPT_TIMEOUT_MAX: Duration = Duration::from_secs(10 * 60);

/// Amazon SNS's rate for each subscription.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(10).expect("10 is not zero");

/// How notifications are delivered by e-mail: who sends them, by which relays, and how fast.
///
/// Each call returns the changed settings. `Debug` shows no password and no key.
///
/// ```
/// use fanfare_email::EmailConfig;
///
/// let config = EmailConfig::new("alerts@example.com")?
///     .name("Example Alerts")
///     .relay("smtps://alerts:s3cret@smtp.example.com".parse()?)
///     .relay("smtp://backup.example.com".parse()?);
/// # Ok::<(), fanfare_email::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct EmailConfig {
    pub(crate) sender: MailAddress,
    pub(crate) name: String,
    pub(crate) relays: Vec<Relay>,
    pub(crate) hello: Option<String>,
    pub(crate) connect_timeout: Duration,
    pub(crate) command_timeout: Duration,
    pub(crate) attempt_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) connections_per_relay: NonZeroUsize,
    pub(crate) per_second: Option<NonZeroU32>,
    pub(crate) dkim: Option<Dkim>,
    pub(crate) trust: Trust,
}

impl EmailConfig {
    /// Sends from the address `sender`, where bounces go as well; it needs at least one [`EmailConfig::relay`].
    ///
    /// # Errors
    /// When `sender` is no e-mail address.
    pub fn new(sender: &str) -> Result<Self, ConfigError> {
        let sender = MailAddress::parse(sender).ok_or(ConfigError::new("the sender is no e-mail address"))?;
        Ok(Self {
            sender,
            name: "Fanfare".to_owned(),
            relays: Vec::new(),
            hello: None,
            connect_timeout: Duration::from_secs(10),
            command_timeout: Duration::from_secs(20),
            attempt_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(30),
            connections_per_relay: NonZeroUsize::new(10).expect("10 is not zero"),
            per_second: Some(PER_SECOND),
            dkim: None,
            trust: Trust::default(),
        })
    }

    /// Names the service: the sender of requests to confirm, and of the messages of topics without a `DisplayName`.
    /// `Fanfare` unless set.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Hands e-mails to `relay`. Of several, the first one that works is used, in the order in which they were given.
    #[must_use]
    pub fn relay(mut self, relay: Relay) -> Self {
        self.relays.push(relay);
        self
    }

    /// Introduces itself to relays by this name (`EHLO`), this machine's unless set.
    #[must_use]
    pub fn hello(mut self, name: impl Into<String>) -> Self {
        self.hello = Some(name.into());
        self
    }

    /// Gives a relay this long for a session to begin: the lookup of its name, the connection, TLS, greeting and login. 10
    /// seconds unless set; then the next relay is asked.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Gives a relay this long for each answer before it reads the e-mail: to `MAIL`, `RCPT` and `DATA`. 20 seconds unless set;
    /// then the next relay is asked. For the e-mail itself there is the attempt's limit alone, since by then the relay may have
    /// taken it.
    #[must_use]
    pub fn command_timeout(mut self, timeout: Duration) -> Self {
        self.command_timeout = timeout;
        self
    }

    /// Ends an attempt after `timeout`, whatever was asked of however many relays, the wait for a free connection included.
    /// 60 seconds unless set; more than zero and at most ten minutes, or else
    /// [`EmailConnector::new`](crate::EmailConnector::new) refuses it.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// Uses no connection again that was not used for `timeout`, 30 seconds unless set.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Opens at most `connections` connections to each relay, 10 unless set.
    #[must_use]
    pub fn connections_per_relay(mut self, connections: NonZeroUsize) -> Self {
        self.connections_per_relay = connections;
        self
    }

    /// Sends each subscription at most `rate` e-mails a second, on average; Amazon SNS's 10 unless set. Nothing is no limit.
    /// An engine keeps to it; an endpoint that is used alone does not.
    #[must_use]
    pub fn per_second(mut self, rate: impl Into<Option<NonZeroU32>>) -> Self {
        self.per_second = rate.into();
        self
    }

    /// Signs e-mails.
    #[must_use]
    pub fn dkim(mut self, dkim: Dkim) -> Self {
        self.dkim = Some(dkim);
        self
    }

    /// Trusts relays with certificates of the authorities in `pem`, too.
    ///
    /// # Errors
    /// When there is no certificate in `pem`, or something that is not one.
    pub fn ca_certificates(mut self, pem: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        self.trust.add(pem.as_ref())?;
        Ok(self)
    }

    /// Trusts the authorities of [`EmailConfig::ca_certificates`] only, and none of the system's.
    #[must_use]
    pub fn only_ca(mut self) -> Self {
        self.trust.leave_out_the_systems();
        self
    }

    /// What only the settings as a whole can show.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.relays.is_empty() {
            return Err(ConfigError::new("there is no relay to hand e-mails to"));
        }
        if self.attempt_timeout.is_zero() || self.attempt_timeout > ATTEMPT_TIMEOUT_MAX {
            return Err(ConfigError::new(
                "the time limit of an attempt must be more than zero and at most ten minutes",
            ));
        }
        if self.connect_timeout.is_zero() {
            return Err(ConfigError::new("the time limit of a connection must be more than zero"));
        }
        if self.command_timeout.is_zero() {
            return Err(ConfigError::new("the time limit of a command must be more than zero"));
        }
        let is_name = |name: &String| !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic());
        if !self.hello.as_ref().is_none_or(is_name) {
            return Err(ConfigError::new("the name for EHLO is a host name"));
        }
        Ok(())
    }
}

impl fmt::Debug for EmailConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmailConfig")
            .field("sender", &self.sender.to_string())
            .field("name", &self.name)
            .field("relays", &self.relays)
            .field("hello", &self.hello)
            .field("connect_timeout", &self.connect_timeout)
            .field("command_timeout", &self.command_timeout)
            .field("attempt_timeout", &self.attempt_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("connections_per_relay", &self.connections_per_relay)
            .field("per_second", &self.per_second)
            .field("dkim", &self.dkim)
            .field("trust", &self.trust)
            .finish()
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
        f.write_str(self.message)
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> EmailConfig {
        EmailConfig::new("alerts@example.com").unwrap().relay("smtp://ann:s3cret@smtp.example.com".parse().unwrap())
    }

    #[test]
    fn the_rate_is_amazon_sns_s_unless_set() {
        assert_eq!(config().per_second.map(NonZeroU32::get), Some(10));
        assert_eq!(config().per_second(None).per_second, None);
    }

    #[test]
    fn settings_that_do_not_work_together_are_refused() {
        config().check().unwrap();
        let relayless = EmailConfig::new("alerts@example.com").unwrap();
        assert_eq!(relayless.check().unwrap_err().to_string(), "there is no relay to hand e-mails to");
        for timeout in [Duration::ZERO, Duration::from_secs(601)] {
            assert!(config().attempt_timeout(timeout).check().is_err());
        }
        assert!(config().connect_timeout(Duration::ZERO).check().is_err());
        assert!(config().command_timeout(Duration::ZERO).check().is_err());
        for hello in ["", "a b", "a\r\nMAIL FROM:<>", "bücher.example"] {
            assert!(config().hello(hello).check().is_err(), "{hello:?}");
        }
        assert!(EmailConfig::new("alerts").is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", config());
        assert!(shown.contains("smtp.example.com") && !shown.contains("s3cret") && !shown.contains("ann"), "{shown}");
    }
}
