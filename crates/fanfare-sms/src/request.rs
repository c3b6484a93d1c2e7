//! From a notification to a text message: pure functions.

use fanfare_core::{DeliveryError, DeliveryErrorKind, Notification, NotificationKind};

use crate::classify;
use crate::number::PhoneNumber;
use crate::reason::Reason;
use crate::receipt::Sent;
use crate::sender::Sender;
use crate::text::Text;

/// The characters of a topic's `DisplayName` that a text message shows.
const NAME_CHARS: usize = 10;

/// A text message on its way to one phone.
#[derive(Debug, Clone)]
pub(crate) struct TextMessage {
    pub(crate) text: Text,
    pub(crate) sender: Option<Sender>,
    pub(crate) traffic: Traffic,
    /// The most that it may cost, in US dollars, as the publisher wrote it.
    pub(crate) max_price: Option<String>,
    /// What Indian networks want to know: who writes, and by which registered template.
    pub(crate) entity_id: Option<String>,
    pub(crate) template_id: Option<String>,
    /// What a receipt is told for.
    pub(crate) sent: Sent,
}

/// What kind of message it is (`AWS.SNS.SMS.SMSType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Traffic {
    /// Advertising and the like, and whatever says nothing of itself.
    #[default]
    Promotional,
    /// One that somebody waits for.
    Transactional,
}

impl Traffic {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Promotional => "Promotional",
            Self::Transactional => "Transactional",
        }
    }
}

/// The text that a phone shows for `notification`: its own, behind the first ten characters of the topic's `DisplayName` where
/// it has one (`ACME> the text`). A message to the phone alone has no topic, and its text stands alone.
pub fn body(notification: &Notification) -> Text {
    let is_of_topic =
        notification.recipient().is_none() && matches!(notification.kind(), NotificationKind::Notification);
    match notification.display_name().filter(|_| is_of_topic) {
        Some(name) => {
            let name: String = name.chars().take(NAME_CHARS).collect();
            Text::new(format!("{}> {}", name.trim_end(), notification.text()))
        }
        None => Text::new(notification.text()),
    }
}

/// The text message that `notification` is to `number`, from `default_sender` unless it says something else.
///
/// # Errors
/// A text that is too long, or attributes that say what cannot be. Neither passes.
pub(crate) fn text_message(
    notification: &Notification,
    number: &PhoneNumber,
    default_sender: Option<&Sender>,
) -> Result<TextMessage, DeliveryError> {
    let text = body(notification);
    if text.is_too_long() {
        return Err(unsupported("the text has more than 1600 characters"));
    }
    let attribute = |name: &str| {
        let attribute = notification.published_attributes().get(name)?;
        Some(attribute.to_text().into_owned()).filter(|value| !value.is_empty())
    };
    let sender = match (attribute("AWS.MM.SMS.OriginationNumber"), attribute("AWS.SNS.SMS.SenderID")) {
        (Some(number), _) => Some(
            Sender::of_number(&number).ok_or_else(|| unsupported("AWS.MM.SMS.OriginationNumber is not a number"))?,
        ),
        (None, Some(name)) => {
            Some(Sender::of_name(&name).ok_or_else(|| unsupported("AWS.SNS.SMS.SenderID is not a sender id"))?)
        }
        (None, None) => default_sender.cloned(),
    };
    let traffic = match attribute("AWS.SNS.SMS.SMSType").as_deref() {
        Some("Transactional") => Traffic::Transactional,
        Some("Promotional") | None => Traffic::Promotional,
        Some(_) => return Err(unsupported("AWS.SNS.SMS.SMSType is neither Promotional nor Transactional")),
    };
    let max_price = attribute("AWS.SNS.SMS.MaxPrice");
    if max_price.as_deref().is_some_and(|price| !is_amount(price)) {
        return Err(unsupported("AWS.SNS.SMS.MaxPrice is not an amount"));
    }
    let sent = Sent {
        message_id: notification.message_id().to_owned(),
        topic: notification.topic().clone(),
        subscription: notification.subscription().cloned().filter(|_| notification.recipient().is_none()),
        number: number.clone(),
        accepted: notification.timestamp(),
        parts: text.parts().len(),
    };
    let (entity_id, template_id) = (attribute("AWS.MM.SMS.EntityId"), attribute("AWS.MM.SMS.TemplateId"));
    Ok(TextMessage { text, sender, traffic, max_price, entity_id, template_id, sent })
}

fn is_amount(text: &str) -> bool {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    [whole, decimals].iter().all(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

fn unsupported(context: &str) -> DeliveryError {
    classify::refused(DeliveryErrorKind::Unsupported, context, Some(Reason::InvalidBody))
}

#[cfg(test)]
mod tests {
    use fanfare_core::{Disposition, Message, MessageBuilder, Publication, Timestamp, TopicArn};

    use super::*;

    fn notification(message: MessageBuilder) -> Notification {
        let topic = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:orders").unwrap();
        Notification::new(Publication::new("1", topic, Timestamp::EPOCH, message.build().unwrap()), "sms")
    }

    fn read(message: MessageBuilder) -> Result<TextMessage, DeliveryError> {
        let number = PhoneNumber::parse("+12025550123").unwrap();
        text_message(&notification(message), &number, Sender::parse("DEFAULT").as_ref())
    }

    #[test]
    fn a_topics_name_stands_before_the_text_in_its_first_ten_characters() {
        for (name, text) in [
            ("", "hello"),
            ("ACME", "ACME> hello"),
            ("Acme Deliveries", "Acme Deliv> hello"),
            ("Acme Post of", "Acme Post> hello"),
            ("Zürich 😀 東京!", "Zürich 😀 東> hello"),
        ] {
            let notification = notification(Message::builder("hello")).with_display_name(name);
            assert_eq!(body(&notification).as_str(), text);
        }
    }

    #[test]
    fn a_message_to_a_phone_alone_has_no_name_before_it() {
        let topic = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:DirectPublishToPhoneNumber").unwrap();
        let publication = Publication::new("1", topic, Timestamp::EPOCH, Message::text("hello").unwrap());
        let direct = Notification::new(publication.addressed_to("+12025550123"), "sms").with_display_name("ACME");
        assert_eq!(body(&direct).as_str(), "hello");
    }

    #[test]
    fn attributes_say_who_sends_and_how() {
        let plain = read(Message::builder("hello")).unwrap();
        assert_eq!((plain.sender, plain.traffic), (Sender::parse("DEFAULT"), Traffic::Promotional));
        let message = Message::builder("hello")
            .string("AWS.SNS.SMS.SenderID", "ACME")
            .string("AWS.SNS.SMS.SMSType", "Transactional")
            .number("AWS.SNS.SMS.MaxPrice", "0.50")
            .string("AWS.MM.SMS.EntityId", "E1")
            .string("AWS.MM.SMS.TemplateId", "T1");
        let message = read(message).unwrap();
        assert_eq!((message.sender, message.traffic), (Sender::of_name("ACME"), Traffic::Transactional));
        assert_eq!(message.max_price.as_deref(), Some("0.50"));
        assert_eq!((message.entity_id.as_deref(), message.template_id.as_deref()), (Some("E1"), Some("T1")));
        // Of both, the number counts.
        let both = Message::builder("hello")
            .string("AWS.SNS.SMS.SenderID", "ACME")
            .string("AWS.MM.SMS.OriginationNumber", "+12025550100");
        assert_eq!(read(both).unwrap().sender, Sender::of_number("+12025550100"));
    }

    #[test]
    fn what_cannot_be_said_is_refused_for_good() {
        let with = |name: &str, value: &str| Message::builder("hello").string(name, value);
        for (message, context) in [
            (Message::builder("x".repeat(1601)), "the text has more than 1600 characters"),
            (with("AWS.SNS.SMS.SenderID", "12345"), "AWS.SNS.SMS.SenderID is not a sender id"),
            (with("AWS.SNS.SMS.SenderID", "ACME\r\n"), "AWS.SNS.SMS.SenderID is not a sender id"),
            (with("AWS.MM.SMS.OriginationNumber", "ACME"), "AWS.MM.SMS.OriginationNumber is not a number"),
            (with("AWS.SNS.SMS.SMSType", "Urgent"), "AWS.SNS.SMS.SMSType is neither Promotional nor Transactional"),
            (with("AWS.SNS.SMS.MaxPrice", "-1"), "AWS.SNS.SMS.MaxPrice is not an amount"),
        ] {
            let error = read(message).unwrap_err();
            assert_eq!(error.to_string(), format!("message body is invalid: {context}"));
            assert_eq!((error.kind(), error.disposition()), (DeliveryErrorKind::Unsupported, Disposition::Reject));
            assert_eq!(error.response(), Some("Message body is invalid"));
        }
    }
}
