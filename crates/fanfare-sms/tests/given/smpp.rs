//! A network that speaks SMPP.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fanfare_core::Endpoint;
use fanfare_sms::{SmppConfig, SmsConfig};
use fanfare_testkit::conformance::{Behaviour, Received, Subject};
use fanfare_testkit::{SmppBehaviour, SmppReceiver};

pub(crate) const SYSTEM_ID: &str = "fanfare-esme";
pub(crate) const PASSWORD: &str = "s3cret-p";

/// Settings for tests, which do not wait long for a session.
pub(crate) fn config(network: &SmppReceiver) -> SmppConfig {
    let config = SmppConfig::new(&network.url(), SYSTEM_ID, PASSWORD).unwrap();
    config.reconnect(Duration::from_millis(20), Duration::from_millis(100)).unwrap()
}

pub(crate) struct Smpp {
    network: SmppReceiver,
    endpoint: Arc<dyn Endpoint>,
}

#[async_trait]
impl Subject for Smpp {
    async fn start() -> Self {
        let network = SmppReceiver::start().await;
        network.only(SYSTEM_ID, PASSWORD);
        let endpoint = super::endpoint(super::local(SmsConfig::smpp(config(&network))));
        Self { network, endpoint }
    }

    fn endpoint(&self) -> Arc<dyn Endpoint> {
        Arc::clone(&self.endpoint)
    }

    fn protocol(&self) -> &str {
        "sms"
    }

    async fn behave(&self, behaviour: Behaviour) {
        self.network.behave(match behaviour {
            Behaviour::Absent => return self.network.go_away().await,
            Behaviour::Accept => SmppBehaviour::Accept,
            Behaviour::RefuseTextsWith(part) => SmppBehaviour::StatusForTexts(part, 0x66),
            Behaviour::FailForNow => SmppBehaviour::Status(0x08),
            Behaviour::Refuse => SmppBehaviour::Status(0x0b),
            Behaviour::Throttle => SmppBehaviour::Status(0x58),
            Behaviour::ThrottleFor(_) => panic!("smpp has no way to say it"),
            Behaviour::Silent => SmppBehaviour::Silent,
            Behaviour::BreakOff => SmppBehaviour::Close,
        });
        self.network.come_back().await;
    }

    async fn attempts(&self) -> usize {
        self.network.attempts()
    }

    async fn wait_for_attempts(&self, count: usize) {
        self.network.wait_for(count).await;
    }

    async fn received(&self) -> Vec<Received> {
        self.network.messages().into_iter().map(|message| super::received(message.text)).collect()
    }

    fn secrets(&self) -> Vec<String> {
        vec![PASSWORD.to_owned(), SYSTEM_ID.to_owned()]
    }
}
