//! What the e-mails say, in Fanfare's own words and in Amazon SNS's order.

use fanfare_core::TopicArn;

/// The most characters of a sender's name.
const NAME_CHARS_MAX: usize = 100;

/// What stands between what is delivered and what is said about it.
pub(crate) const FOOTER_MARK: &str = "--";

/// The subject of a message that was published without one.
pub(crate) fn subject_of_message(topic: &TopicArn) -> String {
    format!("A message from {}", topic.name())
}

/// The subject of a request to confirm.
pub(crate) fn subject_of_request(topic: &TopicArn) -> String {
    format!("Do you want messages from {}?", topic.name())
}

/// The subject of the news that a subscription has ended.
pub(crate) fn subject_of_farewell(topic: &TopicArn) -> String {
    format!("No more messages from {}", topic.name())
}

/// A request to confirm, by the page at `link`.
pub(crate) fn request(topic: &TopicArn, link: &str) -> String {
    format!(
        "Somebody asked for the messages of the topic\n\n    {topic}\n\nto be sent to this address. If you want them, open \
         this page and press its button:\n\n{link}\n\nIf you know nothing about it, there is nothing to do: without your \
         yes, no message is sent.\n\n{FOOTER_MARK}\n{}\n",
        nobody_reads()
    )
}

/// The news that a subscription has ended, which the page at `link` undoes.
pub(crate) fn farewell(topic: &TopicArn, link: &str) -> String {
    format!(
        "The messages of the topic\n\n    {topic}\n\nare no longer sent to this address, as somebody asked by the link in \
         one of them. If that was not meant, open this page and press its button:\n\n{link}\n\n{FOOTER_MARK}\n{}\n",
        nobody_reads()
    )
}

/// What follows a message, with the page at `link` that ends the subscription.
pub(crate) fn footer(link: Option<&str>) -> String {
    match link {
        Some(link) => format!(
            "{FOOTER_MARK}\nIf you no longer want these messages, open this page and press its button:\n{link}\n\n{}\n",
            nobody_reads()
        ),
        None => format!("{FOOTER_MARK}\n{}\n", nobody_reads()),
    }
}

fn nobody_reads() -> &'static str {
    "Answers to this e-mail are not read."
}

/// A topic's display name as a sender's name: without characters that are not seen or that turn the direction of text, and
/// none at all if it could be taken for an address.
pub(crate) fn sender_name(display_name: &str) -> Option<String> {
    let seen = display_name.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !is_unseen(*c));
    let name: String = seen.take(NAME_CHARS_MAX).collect();
    // Else it could be read as something encoded.
    let name = name.replace("=?", "= ?");
    let name = name.trim();
    (!name.is_empty() && !name.contains(['@', '＠', '﹫'])).then(|| name.to_owned())
}

/// Control characters, and those of Unicode that mark directions, join nothing visible, or take no room.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_name_becomes_a_name_that_looks_as_what_it_is() {
        for (display_name, name) in [
            ("Orders", Some("Orders")),
            ("  Zürich → 東京  ", Some("Zürich → 東京")),
            ("a\r\nBcc: bob", Some("a  Bcc: bob")),
            ("evil\u{202e}txt.exe", Some("eviltxt.exe")),
            ("ze\u{200b}ro", Some("zero")),
            ("=?utf-8?Q?bank?=", Some("= ?utf-8?Q?bank?=")),
            ("security@bank.example", None),
            ("security＠bank.example", None),
            ("\u{200b} \0", None),
            ("", None),
        ] {
            assert_eq!(sender_name(display_name).as_deref(), name, "{display_name:?}");
        }
        assert_eq!(sender_name(&"x".repeat(500)).map(|name| name.len()), Some(100));
    }
}
