//! Amazon SNS as the way to phones: one call of `Publish` for each message.

use std::collections::HashMap;
use std::fmt;

use aws_sdk_sns::Client;
use aws_sdk_sns::config::{Builder, Region};
use aws_sdk_sns::types::MessageAttributeValue;
use fanfare_core::Outcome;
use tokio::sync::OnceCell;

use crate::classify;
use crate::config::SnsConfig;
use crate::request::TextMessage;
use crate::sender::Sender;

/// Calls Amazon SNS; all endpoints share one client, made by the first delivery.
pub(crate) struct Sns {
    config: SnsConfig,
    client: OnceCell<Client>,
}

impl Sns {
    pub(crate) fn new(config: SnsConfig) -> Self {
        Self { config, client: OnceCell::new() }
    }

    pub(crate) async fn send(&self, message: &TextMessage) -> Outcome {
        let region = self.config.region.as_deref().unwrap_or(message.sent.topic.region());
        let call = self.client(region).await.publish();
        let call = call
            .phone_number(message.sent.number.as_str())
            .message(message.text.as_str())
            .set_message_attributes(Some(attributes(message)));
        let here = Builder::new().region(Region::new(region.to_owned()));
        classify::sns::published(call.customize().config_override(here).send().await)
    }

    async fn client(&self, region: &str) -> &Client {
        let new = async || {
            let mut config = Builder::from(self.config.aws.sdk_config(region).await);
            if let Some(url) = &self.config.endpoint_url {
                config = config.endpoint_url(url.as_str());
            }
            Client::from_conf(config.build())
        };
        self.client.get_or_init(new).await
    }
}

/// The attributes by which Amazon SNS is told how to send `message`.
fn attributes(message: &TextMessage) -> HashMap<String, MessageAttributeValue> {
    let sender = message.sender.as_ref().map(|sender| match sender {
        Sender::Name(name) => ("AWS.SNS.SMS.SenderID", "String", name.as_str()),
        Sender::Number(number) | Sender::ShortCode(number) => {
            ("AWS.MM.SMS.OriginationNumber", "String", number.as_str())
        }
    });
    let given = [
        sender,
        Some(("AWS.SNS.SMS.SMSType", "String", message.traffic.as_str())),
        message.max_price.as_deref().map(|price| ("AWS.SNS.SMS.MaxPrice", "Number", price)),
        message.entity_id.as_deref().map(|id| ("AWS.MM.SMS.EntityId", "String", id)),
        message.template_id.as_deref().map(|id| ("AWS.MM.SMS.TemplateId", "String", id)),
    ];
    let attribute = |(name, data_type, value): (&str, &str, &str)| {
        let attribute = MessageAttributeValue::builder().data_type(data_type).string_value(value).build();
        Some((name.to_owned(), attribute.ok()?))
    };
    given.into_iter().flatten().filter_map(attribute).collect()
}

impl fmt::Debug for Sns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.config.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Traffic;
    use crate::testing::message;

    #[test]
    fn what_a_message_says_of_its_sending_goes_along() {
        let mut full = message("hello");
        full.sender = Sender::parse("ACME");
        full.traffic = Traffic::Transactional;
        full.max_price = Some("0.05".to_owned());
        full.entity_id = Some("E1".to_owned());
        full.template_id = Some("T1".to_owned());
        let attributes = attributes(&full);
        for (name, data_type, value) in [
            ("AWS.SNS.SMS.SenderID", "String", "ACME"),
            ("AWS.SNS.SMS.SMSType", "String", "Transactional"),
            ("AWS.SNS.SMS.MaxPrice", "Number", "0.05"),
            ("AWS.MM.SMS.EntityId", "String", "E1"),
            ("AWS.MM.SMS.TemplateId", "String", "T1"),
        ] {
            let attribute = &attributes[name];
            assert_eq!((attribute.data_type(), attribute.string_value()), (data_type, Some(value)), "{name}");
        }
        assert_eq!(attributes.len(), 5);
    }

    #[test]
    fn a_number_is_an_origination_number_and_no_sender_id() {
        let mut from_number = message("hello");
        from_number.sender = Sender::parse("+12025550100");
        let attributes = attributes(&from_number);
        assert_eq!(attributes["AWS.MM.SMS.OriginationNumber"].string_value(), Some("+12025550100"));
        assert!(!attributes.contains_key("AWS.SNS.SMS.SenderID"));
    }
}
