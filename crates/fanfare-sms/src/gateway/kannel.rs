//! Kannel's `sendsms`: settings, and from a text message to a request.

use std::fmt;

use url::Url;

use crate::alphabet::Alphabet;
use crate::callback::{Callbacks, Caller};
use crate::config::ConfigError;
use crate::request::{TextMessage, Traffic};

/// The receipts that are asked for (`dlr-mask`): delivered to the phone, not delivered, and refused by the network.
const RECEIPTS: &str = "19";

/// A Kannel, or a gateway that speaks as its `sendsms` does.
///
/// Kannel cuts long texts itself: set `concatenation = true` and `max-messages = 48` in its group `sendsms-user`, for it leaves
/// out what comes after the last part that it may make, ten unless set.
#[derive(Clone)]
pub struct KannelConfig {
    pub(crate) url: Url,
    username: String,
    password: String,
    smsc: Option<String>,
    callbacks: Option<Callbacks>,
}

impl KannelConfig {
    /// The gateway at `url`, such as `http://127.0.0.1:13013/cgi-bin/sendsms`, with a user of its group `sendsms-user`.
    ///
    /// # Errors
    /// When `url` is not an HTTP or HTTPS URL, or has a query or a user.
    pub fn new(url: &str, username: &str, password: &str) -> Result<Self, ConfigError> {
        let (username, password) = (username.to_owned(), password.to_owned());
        Ok(Self { url: super::read(url)?, username, password, smsc: None, callbacks: None })
    }

    /// Sends by the connection of this name (`smsc`) where the gateway has several.
    #[must_use]
    pub fn smsc(mut self, id: impl Into<String>) -> Self {
        self.smsc = Some(id.into());
        self
    }

    /// Has receipts told there.
    #[must_use]
    pub fn callbacks(mut self, callbacks: Callbacks) -> Self {
        self.callbacks = Some(callbacks);
        self
    }

    /// The query of the request that sends `message`.
    pub(crate) fn query(&self, message: &TextMessage) -> Vec<(&'static str, String)> {
        let mut query = vec![
            ("username", self.username.clone()),
            ("password", self.password.clone()),
            ("to", message.sent.number.as_str().to_owned()),
            ("text", message.text.as_str().to_owned()),
            ("charset", "UTF-8".to_owned()),
            ("coding", if message.text.alphabet() == Alphabet::Ucs2 { "2" } else { "0" }.to_owned()),
        ];
        if let Some(sender) = &message.sender {
            query.push(("from", sender.as_str().to_owned()));
        }
        if message.traffic == Traffic::Transactional {
            query.push(("priority", "1".to_owned()));
        }
        if let Some(smsc) = &self.smsc {
            query.push(("smsc", smsc.clone()));
        }
        if let Some(callbacks) = &self.callbacks {
            // Kannel puts its words where the percent signs are.
            let link = format!("{}?state=%d&id=%F&answer=%A", callbacks.link(Caller::Kannel, &message.sent));
            query.extend([("dlr-mask", RECEIPTS.to_owned()), ("dlr-url", link)]);
        }
        query
    }
}

impl fmt::Debug for KannelConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KannelConfig")
            .field("url", &self.url.as_str())
            .field("smsc", &self.smsc)
            .field("callbacks", &self.callbacks)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sender::Sender;
    use crate::testing::message;

    fn kannel() -> KannelConfig {
        KannelConfig::new("http://127.0.0.1:13013/cgi-bin/sendsms", "fanfare", "s3cret").unwrap()
    }

    #[test]
    fn a_text_goes_in_the_alphabet_that_it_needs() {
        assert_eq!(
            kannel().query(&message("Grüße @ €1")),
            [
                ("username", "fanfare"),
                ("password", "s3cret"),
                ("to", "+12025550123"),
                ("text", "Grüße @ €1"),
                ("charset", "UTF-8"),
                ("coding", "0"),
            ]
            .map(|(name, value)| (name, value.to_owned()))
        );
        assert!(kannel().query(&message("東京")).contains(&("coding", "2".to_owned())));
    }

    #[test]
    fn sender_kind_and_connection_go_along() {
        let mut message = message("hello");
        message.sender = Sender::of_name("ACME");
        message.traffic = Traffic::Transactional;
        let query = kannel().smsc("backup").query(&message);
        for (name, value) in [("from", "ACME"), ("priority", "1"), ("smsc", "backup")] {
            assert!(query.contains(&(name, value.to_owned())), "{name}");
        }
    }

    #[test]
    fn receipts_are_asked_for_where_they_can_be_told() {
        let callbacks = Callbacks::new("https://sns.example.com/sms", b"sixteen bytes or more").unwrap();
        let query = kannel().callbacks(callbacks).query(&message("hello"));
        assert!(query.contains(&("dlr-mask", "19".to_owned())));
        let (_, link) = query.iter().find(|(name, _)| *name == "dlr-url").unwrap();
        assert!(link.starts_with("https://sns.example.com/sms/kannel/"), "{link}");
        let (path, words) = link.split_once('?').unwrap();
        assert!(!path.contains('%') && words == "state=%d&id=%F&answer=%A", "{link}");
        assert!(kannel().query(&message("hello")).iter().all(|(name, _)| !name.starts_with("dlr")));
    }

    #[test]
    fn settings_that_cannot_be_used_are_refused_and_secrets_are_not_shown() {
        for url in ["", "127.0.0.1:13013", "ftp://kannel/x", "http://u:p@kannel/x", "http://kannel/x?a=b"] {
            assert!(KannelConfig::new(url, "u", "p").is_err(), "{url}");
        }
        let shown = format!("{:?}", kannel());
        assert!(shown.contains("sendsms") && !shown.contains("s3cret") && !shown.contains("fanfare"), "{shown}");
    }
}
