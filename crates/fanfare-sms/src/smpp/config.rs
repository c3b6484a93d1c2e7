//! The settings of a session with a network.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use fanfare_egress::{InvalidTarget, Target};

use crate::config::ConfigError;
use crate::receipt::ReceiptObserver;

/// The most requests that may wait for their responses.
const WINDOW_MAX: NonZeroUsize = NonZeroUsize::new(1000).expect("1000 is not zero");

/// How the parts of a long message say that they belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LongMessages {
    /// By a header in each part with a reference of 8 bits, which every phone reads.
    #[default]
    Header8,
    /// By a header in each part with a reference of 16 bits, which leaves a part one place less.
    Header16,
    /// By parameters beside each part (`sar_msg_ref_num` and so on), for networks that write the headers themselves.
    Parameters,
}

/// A network (SMSC) that takes messages over SMPP 3.4, by one session as a transceiver.
#[derive(Clone)]
pub struct SmppConfig {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: bool,
    pub(super) system_id: String,
    pub(super) password: String,
    pub(super) system_type: String,
    pub(super) service_type: String,
    pub(super) long_messages: LongMessages,
    pub(super) window: NonZeroUsize,
    pub(super) enquire_link: Duration,
    pub(super) reconnect: (Duration, Duration),
    pub(super) observer: Option<Arc<dyn ReceiptObserver>>,
}

impl SmppConfig {
    /// The network at `url`, `smpp://HOST:PORT` or with TLS `smpps://HOST:PORT` (ports 2775 and 3550 unless written), which
    /// knows us as `system_id`, at most 15 characters of ASCII, with a password of at most 8.
    ///
    /// # Errors
    /// When one of them cannot be used.
    pub fn new(url: &str, system_id: &str, password: &str) -> Result<Self, ConfigError> {
        let target = Target::parse(url, &["smpp", "smpps"]).map_err(|error| match error {
            InvalidTarget::Scheme => ConfigError::new("the network's url must begin with smpp:// or smpps://"),
            other => ConfigError::because("the network's url cannot be used", other),
        })?;
        let url = target.url();
        if !url.username().is_empty() || !matches!(url.path(), "" | "/") || url.query().is_some() {
            return Err(ConfigError::new("the network's url has nothing but a host and a port"));
        }
        let tls = url.scheme() == "smpps";
        if !fits(system_id, 15) || system_id.is_empty() {
            return Err(ConfigError::new("the system id must have 1 to 15 characters of ASCII"));
        }
        if !fits(password, 8) {
            return Err(ConfigError::new("the password of a network must have at most 8 characters of ASCII"));
        }
        Ok(Self {
            host: target.host().to_string(),
            port: url.port().unwrap_or(if tls { 3550 } else { 2775 }),
            tls,
            system_id: system_id.to_owned(),
            password: password.to_owned(),
            system_type: String::new(),
            service_type: String::new(),
            long_messages: LongMessages::default(),
            window: NonZeroUsize::new(10).expect("10 is not zero"),
            enquire_link: Duration::from_secs(30),
            reconnect: (Duration::from_secs(1), Duration::from_secs(60)),
            observer: None,
        })
    }

    /// Says of what type we are (`system_type`), at most 12 characters of ASCII; nothing unless set.
    ///
    /// # Errors
    /// When it is longer, or has other characters.
    pub fn system_type(mut self, system_type: &str) -> Result<Self, ConfigError> {
        if !fits(system_type, 12) {
            return Err(ConfigError::new("the system type must have at most 12 characters of ASCII"));
        }
        self.system_type = system_type.to_owned();
        Ok(self)
    }

    /// Asks for this service of the network (`service_type`), at most 5 characters of ASCII; its own choice unless set.
    ///
    /// # Errors
    /// When it is longer, or has other characters.
    pub fn service_type(mut self, service_type: &str) -> Result<Self, ConfigError> {
        if !fits(service_type, 5) {
            return Err(ConfigError::new("the service type must have at most 5 characters of ASCII"));
        }
        self.service_type = service_type.to_owned();
        Ok(self)
    }

    /// Has the parts of long messages say in this way that they belong together.
    #[must_use]
    pub fn long_messages(mut self, how: LongMessages) -> Self {
        self.long_messages = how;
        self
    }

    /// Lets at most `requests` wait for their responses at a time, 10 unless set.
    ///
    /// # Errors
    /// When that is more than 1000.
    pub fn window(mut self, requests: NonZeroUsize) -> Result<Self, ConfigError> {
        if requests > WINDOW_MAX {
            return Err(ConfigError::new("at most 1000 requests may wait for their responses"));
        }
        self.window = requests;
        Ok(self)
    }

    /// Asks after `interval` without a request whether the network is still there (`enquire_link`), 30 seconds unless set.
    #[must_use]
    pub fn enquire_link(mut self, interval: Duration) -> Self {
        self.enquire_link = interval;
        self
    }

    /// Waits between `first` and `most` before it connects again, twice as long after each failure: from a second to a minute
    /// unless set.
    ///
    /// # Errors
    /// When `first` is zero or more than `most`.
    pub fn reconnect(mut self, first: Duration, most: Duration) -> Result<Self, ConfigError> {
        if first.is_zero() || first > most {
            return Err(ConfigError::new("the first wait must be more than zero and at most the longest"));
        }
        self.reconnect = (first, most);
        Ok(self)
    }

    /// Asks for receipts, and tells them to `observer`.
    ///
    /// Which message a receipt means is known for the last 100,000 parts that were sent since the program was started.
    #[must_use]
    pub fn receipts(mut self, observer: impl ReceiptObserver) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }
}

/// Whether `text` fits a field of so many characters.
fn fits(text: &str, max: usize) -> bool {
    text.len() <= max && text.bytes().all(|b| b.is_ascii() && b != 0)
}

impl fmt::Debug for SmppConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmppConfig")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .field("long_messages", &self.long_messages)
            .field("window", &self.window)
            .field("enquire_link", &self.enquire_link)
            .field("reconnect", &self.reconnect)
            .field("receipts", &self.observer.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_a_host_and_a_port() {
        for (url, host, port, tls) in [
            ("smpp://smsc.example.com", "smsc.example.com", 2775, false),
            ("smpp://smsc.example.com:2776/", "smsc.example.com", 2776, false),
            ("smpps://[2001:db8::1]:3551", "[2001:db8::1]", 3551, true),
            ("smpps://10.0.0.1", "10.0.0.1", 3550, true),
        ] {
            let config = SmppConfig::new(url, "fanfare", "s3cret").unwrap();
            assert_eq!((config.host.as_str(), config.port, config.tls), (host, port, tls), "{url}");
        }
    }

    #[test]
    fn settings_that_cannot_be_used_are_refused_and_secrets_are_not_shown() {
        for url in ["", "smsc:2775", "http://smsc", "smpp://u:p@smsc", "smpp://smsc/x", "smpp://smsc?x=y", "smpp://"] {
            assert!(SmppConfig::new(url, "fanfare", "s3cret").is_err(), "{url}");
        }
        for (system_id, password) in
            [("", "p"), ("sixteen-chars-id", "p"), ("ä", "p"), ("a\0b", "p"), ("a", "nine-char")]
        {
            assert!(SmppConfig::new("smpp://smsc", system_id, password).is_err(), "{system_id}");
        }
        let config = SmppConfig::new("smpp://smsc", "fanfare", "s3cret").unwrap();
        assert!(config.clone().system_type("thirteen-char").is_err() && config.clone().service_type("6chars").is_err());
        assert!(config.clone().window(1001.try_into().unwrap()).is_err());
        assert!(config.clone().reconnect(Duration::ZERO, Duration::ZERO).is_err());
        assert!(config.clone().reconnect(Duration::from_secs(2), Duration::from_secs(1)).is_err());
        let shown = format!("{config:?}");
        assert!(shown.contains("smsc") && !shown.contains("s3cret") && !shown.contains("fanfare"), "{shown}");
    }
}
