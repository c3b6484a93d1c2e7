//! What unit tests start from.

use fanfare_core::{Timestamp, TopicArn};

use crate::number::PhoneNumber;
use crate::receipt::Sent;
use crate::request::{TextMessage, Traffic};
use crate::text::Text;

/// A message with this text to +12025550123, which says nothing else.
pub(crate) fn message(text: &str) -> TextMessage {
    let text = Text::new(text);
    let sent = Sent {
        message_id: "7f0d".to_owned(),
        topic: TopicArn::parse("arn:aws:sns:us-east-1:000000000000:orders").unwrap(),
        subscription: None,
        number: PhoneNumber::parse("+12025550123").unwrap(),
        accepted: Timestamp::EPOCH,
        parts: text.parts().len(),
    };
    let (max_price, entity_id, template_id) = (None, None, None);
    TextMessage { text, sender: None, traffic: Traffic::default(), max_price, entity_id, template_id, sent }
}
