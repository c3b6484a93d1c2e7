//! Calls of an SNS server, written as a form with places to fill in.

use crate::stamp::stamp;

/// What a number stands in for in a form.
const NUMBER: &str = "{number}";

/// What a word from a list stands in for in a form.
const WORD: &str = "{word}";

/// What a stamp stands in for in a form.
const STAMP: &str = "{stamp}";

/// The form that publishes `bytes` bytes of text on `topic`; with a stamp where `stamped`.
pub(crate) fn publish(topic: &str, bytes: usize, stamped: bool) -> String {
    let text = "x".repeat(bytes.saturating_sub(if stamped { stamp().len() } else { 0 }));
    let stamp = if stamped { STAMP } else { "" };
    format!("Action=Publish&TopicArn={topic}&Message={text}{stamp}&Version=2010-03-31")
}

/// The form with its places filled in.
pub(crate) fn filled(form: &str, number: u64, word: &str) -> String {
    let form = if form.contains(WORD) { form.replace(WORD, word) } else { form.to_owned() };
    let form = if form.contains(NUMBER) { form.replace(NUMBER, &format!("{number:07}")) } else { form };
    if form.contains(STAMP) { form.replace(STAMP, &stamp()) } else { form }
}

/// Whether every call with the form is the same.
pub(crate) fn is_fixed(form: &str) -> bool {
    ![NUMBER, WORD, STAMP].iter().any(|place| form.contains(place))
}

/// `text` as the value of a form's field.
pub(crate) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_gets_its_number() {
        assert_eq!(filled("Name=topic-{number}", 17, ""), "Name=topic-0000017");
        assert!(is_fixed("Name=topic") && !is_fixed("Name=topic-{number}"));
    }

    #[test]
    fn each_call_gets_its_word() {
        assert_eq!(filled("SubscriptionArn={word}", 0, "a:b"), "SubscriptionArn=a:b");
        assert!(!is_fixed("SubscriptionArn={word}"));
    }

    #[test]
    fn a_stamped_text_has_the_length_that_was_asked_for() {
        let form = filled(&publish("t", 100, true), 0, "");
        let text = form.split("Message=").nth(1).unwrap().split('&').next().unwrap();
        assert_eq!(text.len(), 100);
        assert!(crate::stamp::age(form.as_bytes()).is_some());
    }

    #[test]
    fn what_a_form_reserves_is_escaped() {
        assert_eq!(encoded("a b&c=é"), "a%20b%26c%3D%C3%A9");
    }
}
