//! Who takes the messages of a connector.

use std::fmt;
use std::time::Duration;

use fanfare_core::Outcome;
use reqwest::header::CONTENT_TYPE;
use url::form_urlencoded::Serializer;

use crate::classify;
use crate::config::{ConfigError, SmsConfig, Way};
use crate::exchange::Exchanger;
use crate::gateway::kannel::KannelConfig;
use crate::gateway::twilio::TwilioConfig;
use crate::request::TextMessage;
use crate::sender::Sender;
use crate::smpp::Link;
use crate::sns::Sns;

/// Takes messages, as the settings of a connector say; all of its endpoints share it.
#[derive(Debug)]
pub(crate) struct Carrier {
    sender: Option<Sender>,
    attempt_timeout: Duration,
    by: By,
}

enum By {
    Sns(Box<Sns>),
    Smpp(Link),
    Kannel(KannelConfig, Exchanger),
    Twilio(TwilioConfig, Exchanger),
}

impl Carrier {
    pub(crate) fn new(config: SmsConfig) -> Result<Self, ConfigError> {
        let port = |port: Option<u16>| port.unwrap_or_default();
        let mut attempt_timeout = config.attempt_timeout;
        let by = match &config.way {
            Way::Sns(sns) => {
                attempt_timeout = sns.aws.attempt_timeout();
                By::Sns(Box::new(Sns::new(sns.clone())))
            }
            Way::Smpp(smpp) => By::Smpp(Link::new(smpp, &config)?),
            Way::Kannel(kannel) => {
                let exchanger = Exchanger::new(&config, port(kannel.url.port_or_known_default()))?;
                By::Kannel(kannel.clone(), exchanger)
            }
            Way::Twilio(twilio) => By::Twilio(twilio.clone(), Exchanger::new(&config, port(twilio.port()))?),
        };
        Ok(Self { sender: config.sender, attempt_timeout, by })
    }

    /// Whom messages come from that do not say it.
    pub(crate) fn sender(&self) -> Option<&Sender> {
        self.sender.as_ref()
    }

    /// How long an attempt may take.
    pub(crate) fn attempt_timeout(&self) -> Duration {
        self.attempt_timeout
    }

    /// Tries once to send `message`.
    pub(crate) async fn send(&self, message: &TextMessage) -> Outcome {
        match &self.by {
            By::Sns(sns) => sns.send(message).await,
            By::Smpp(link) => link.send(message).await,
            By::Kannel(kannel, exchanger) => {
                let mut url = kannel.url.clone();
                url.query_pairs_mut().extend_pairs(kannel.query(message));
                classify::kannel::answer(&exchanger.ask(exchanger.client().get(url)).await?)
            }
            By::Twilio(twilio, exchanger) => {
                let (user, secret) = twilio.credentials();
                let request = exchanger.client().post(twilio.url()).basic_auth(user, Some(secret));
                let form = Serializer::new(String::new()).extend_pairs(twilio.form(message)).finish();
                let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
                classify::twilio::answer(&exchanger.ask(request).await?)
            }
        }
    }
}

impl fmt::Debug for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sns(sns) => sns.fmt(f),
            Self::Smpp(link) => link.fmt(f),
            Self::Kannel(kannel, _) => kannel.fmt(f),
            Self::Twilio(twilio, _) => twilio.fmt(f),
        }
    }
}
