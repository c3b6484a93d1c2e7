//! A gateway that speaks as Twilio.

use std::sync::Arc;

use async_trait::async_trait;
use fanfare_core::Endpoint;
use fanfare_sms::{SmsConfig, TwilioConfig};
use fanfare_testkit::conformance::{Behaviour, Received, Subject};
use fanfare_testkit::sms_gateway::twilio_error;
use fanfare_testkit::{Reply, SmsGateway};

pub(crate) const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
pub(crate) const TOKEN: &str = "s3cret-token";

pub(crate) fn config(gateway: &SmsGateway) -> TwilioConfig {
    TwilioConfig::new(ACCOUNT, TOKEN).unwrap().base_url(&gateway.url()).unwrap()
}

pub(crate) struct Twilio {
    gateway: SmsGateway,
    endpoint: Arc<dyn Endpoint>,
}

#[async_trait]
impl Subject for Twilio {
    async fn start() -> Self {
        let gateway = SmsGateway::start_twilio(ACCOUNT, TOKEN).await;
        let endpoint = super::endpoint(super::local(SmsConfig::twilio(config(&gateway))));
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
            Behaviour::FailForNow => http.reply_with(twilio_error(503, 20503)),
            Behaviour::Refuse => http.reply_with(twilio_error(400, 21211)),
            Behaviour::Throttle => http.reply_with(twilio_error(429, 20429)),
            Behaviour::ThrottleFor(delay) => {
                http.reply_with(twilio_error(429, 20429).header("Retry-After", delay.as_secs().to_string()));
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
        vec![TOKEN.to_owned(), ACCOUNT.to_owned()]
    }

    fn accepted_status(&self) -> Option<u16> {
        Some(201)
    }
}
