//! A gateway that speaks as Kannel.

use std::sync::Arc;

use async_trait::async_trait;
use fanfare_core::Endpoint;
use fanfare_sms::{KannelConfig, SmsConfig};
use fanfare_testkit::conformance::{Behaviour, Received, Subject};
use fanfare_testkit::{Reply, SmsGateway};

pub(crate) const USER: &str = "fanfare";
pub(crate) const PASSWORD: &str = "s3cret&more";

pub(crate) fn config(gateway: &SmsGateway) -> KannelConfig {
    KannelConfig::new(&gateway.url(), USER, PASSWORD).unwrap()
}

pub(crate) struct Kannel {
    gateway: SmsGateway,
    endpoint: Arc<dyn Endpoint>,
}

#[async_trait]
impl Subject for Kannel {
    async fn start() -> Self {
        let gateway = SmsGateway::start_kannel(USER, PASSWORD).await;
        let endpoint = super::endpoint(super::local(SmsConfig::kannel(config(&gateway))));
        Self { gateway, endpoint }
    }

    fn endpoint(&self) -> Arc<dyn Endpoint> {
        Arc::clone(&self.endpoint)
    }

    fn protocol(&self) -> &str {
        "sms"
    }

    async fn behave(&self, behaviour: Behaviour) {
        let http = self.gateway.http();
        match behaviour {
            Behaviour::Absent => return http.go_away().await,
            Behaviour::Accept => self.gateway.refuse_texts(|_| false),
            Behaviour::RefuseTextsWith(part) => self.gateway.refuse_texts(move |text| text.contains(&part)),
            Behaviour::FailForNow => {
                http.reply_with(Reply::status(503).body("Temporal failure, try again later."));
            }
            Behaviour::Refuse => http.reply_with(Reply::status(400).body("Charset or body misformed, rejected")),
            Behaviour::Throttle => http.reply_with(Reply::status(429)),
            Behaviour::ThrottleFor(delay) => {
                http.reply_with(Reply::status(429).header("Retry-After", delay.as_secs().to_string()));
            }
            Behaviour::Silent => http.reply_with(Reply::hang()),
            Behaviour::BreakOff => http.reply_with(Reply::close()),
        }
        http.come_back().await;
    }

    async fn attempts(&self) -> usize {
        self.gateway.http().requests().len()
    }

    async fn wait_for_attempts(&self, count: usize) {
        self.gateway.http().wait_for(count).await;
    }

    async fn received(&self) -> Vec<Received> {
        self.gateway.messages().into_iter().map(|message| super::received(message.text)).collect()
    }

    fn secrets(&self) -> Vec<String> {
        // As they are, and as they stand in a query.
        vec![PASSWORD.to_owned(), "s3cret%26more".to_owned()]
    }

    fn accepted_status(&self) -> Option<u16> {
        Some(202)
    }
}
