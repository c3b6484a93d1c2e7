//! Twilio's API of messages: settings, and from a text message to a request.

use std::fmt;

use url::Url;

use crate::callback::{Callbacks, Caller};
use crate::config::ConfigError;
use crate::request::TextMessage;

/// Where Twilio is.
const TWILIO: &str = "https://api.twilio.com";

/// Twilio, or a gateway that speaks as it does: `POST /2010-04-01/Accounts/{account}/Messages.json`.
#[derive(Clone)]
pub struct TwilioConfig {
    base: Url,
    account: String,
    user: String,
    secret: String,
    messaging_service: Option<String>,
    callbacks: Option<Callbacks>,
}

impl TwilioConfig {
    /// The account `account` (`AC...`) at Twilio, with its token.
    ///
    /// # Errors
    /// When `account` has other characters than ASCII letters and digits.
    pub fn new(account: &str, token: &str) -> Result<Self, ConfigError> {
        if account.is_empty() || !account.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(ConfigError::new("the account is not one of twilio's: AC and 32 letters and digits"));
        }
        Ok(Self {
            base: super::read(TWILIO)?,
            account: account.to_owned(),
            user: account.to_owned(),
            secret: token.to_owned(),
            messaging_service: None,
            callbacks: None,
        })
    }

    /// Shows an API key (`SK...`) and its secret instead of the account's own token.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<String>, secret: impl Into<String>) -> Self {
        (self.user, self.secret) = (key.into(), secret.into());
        self
    }

    /// Calls the gateway at `url`, what comes before `/2010-04-01/`.
    ///
    /// # Errors
    /// When `url` is not an HTTP or HTTPS URL, or has a query or a user.
    pub fn base_url(mut self, url: &str) -> Result<Self, ConfigError> {
        self.base = super::read(url)?;
        Ok(self)
    }

    /// Lets this service (`MG...`) choose the sender where neither the message nor the settings name one.
    #[must_use]
    pub fn messaging_service(mut self, id: impl Into<String>) -> Self {
        self.messaging_service = Some(id.into());
        self
    }

    /// Has receipts told there.
    #[must_use]
    pub fn callbacks(mut self, callbacks: Callbacks) -> Self {
        self.callbacks = Some(callbacks);
        self
    }

    /// Where messages are posted.
    pub(crate) fn url(&self) -> String {
        format!("{}/2010-04-01/Accounts/{}/Messages.json", self.base.as_str().trim_end_matches('/'), self.account)
    }

    pub(crate) fn port(&self) -> Option<u16> {
        self.base.port_or_known_default()
    }

    /// User and password of every request.
    pub(crate) fn credentials(&self) -> (&str, &str) {
        (&self.user, &self.secret)
    }

    /// The form of the request that sends `message`.
    pub(crate) fn form(&self, message: &TextMessage) -> Vec<(&'static str, String)> {
        let mut form =
            vec![("To", message.sent.number.as_str().to_owned()), ("Body", message.text.as_str().to_owned())];
        match (&message.sender, &self.messaging_service) {
            (Some(sender), _) => form.push(("From", sender.as_str().to_owned())),
            (None, Some(service)) => form.push(("MessagingServiceSid", service.clone())),
            (None, None) => {}
        }
        if let Some(price) = &message.max_price {
            form.push(("MaxPrice", price.clone()));
        }
        if let Some(callbacks) = &self.callbacks {
            form.push(("StatusCallback", callbacks.link(Caller::Twilio, &message.sent)));
        }
        form
    }
}

impl fmt::Debug for TwilioConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwilioConfig")
            .field("base_url", &self.base.as_str())
            .field("messaging_service", &self.messaging_service)
            .field("callbacks", &self.callbacks)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sender::Sender;
    use crate::testing::message;

    fn twilio() -> TwilioConfig {
        TwilioConfig::new("AC0123456789abcdef0123456789abcdef", "s3cret").unwrap()
    }

    fn form(config: &TwilioConfig, message: &TextMessage) -> Vec<(&'static str, String)> {
        config.form(message)
    }

    #[test]
    fn a_message_is_a_form_of_three_fields() {
        let mut hello = message("Grüße");
        hello.sender = Sender::parse("+12025550100");
        let expected = [("To", "+12025550123"), ("Body", "Grüße"), ("From", "+12025550100")];
        assert_eq!(form(&twilio(), &hello), expected.map(|(name, value)| (name, value.to_owned())));
        assert_eq!(
            twilio().url(),
            "https://api.twilio.com/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json"
        );
        let inside = twilio().base_url("http://127.0.0.1:8080/sms/").unwrap();
        assert!(inside.url().starts_with("http://127.0.0.1:8080/sms/2010-04-01/Accounts/AC"), "{}", inside.url());
    }

    #[test]
    fn a_service_chooses_the_sender_where_nobody_else_does() {
        let config = twilio().messaging_service("MG1");
        assert!(form(&config, &message("hello")).contains(&("MessagingServiceSid", "MG1".to_owned())));
        let mut named = message("hello");
        named.sender = Sender::of_name("ACME");
        assert_eq!(form(&config, &named).last().unwrap(), &("From", "ACME".to_owned()));
    }

    #[test]
    fn the_price_and_the_place_for_receipts_go_along() {
        let callbacks = Callbacks::new("https://sns.example.com/sms", b"sixteen bytes or more").unwrap();
        let mut priced = message("hello");
        priced.max_price = Some("0.05".to_owned());
        let form = form(&twilio().callbacks(callbacks), &priced);
        assert!(form.contains(&("MaxPrice", "0.05".to_owned())));
        let (_, link) = form.iter().find(|(name, _)| *name == "StatusCallback").unwrap();
        assert!(link.starts_with("https://sns.example.com/sms/twilio/"), "{link}");
    }

    #[test]
    fn settings_that_cannot_be_used_are_refused_and_secrets_are_not_shown() {
        for account in ["", "AC/..", "AC 1", "AC?x"] {
            assert!(TwilioConfig::new(account, "t").is_err(), "{account}");
        }
        assert!(twilio().base_url("ftp://gateway").is_err());
        let with_key = twilio().api_key("SK1", "k3y");
        assert_eq!(with_key.credentials(), ("SK1", "k3y"));
        for config in [twilio(), with_key] {
            let shown = format!("{config:?}");
            assert!(!shown.contains("s3cret") && !shown.contains("k3y") && !shown.contains("AC01"), "{shown}");
        }
    }
}
