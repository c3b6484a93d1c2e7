//! From a notification to the e-mail that delivers it: a pure function.
//!
//! Every e-mail is plain text in UTF-8, encoded so that it goes through relays that know 7 bits alone and shorten long lines.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use fanfare_core::{DeliveryError, DeliveryErrorKind, Notification, NotificationKind};
use fanfare_wire::Links;
use lettre::address::Envelope;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::message::{Body, Mailbox};
use lettre::{Address, Message};

use crate::address::MailAddress;
use crate::dkim::Dkim;
use crate::wording;

/// The longest link that a header line takes; RFC 5322 ends lines at 998 characters.
const HEADER_LINK_BYTES_MAX: usize = 900;

/// The latest time that a `Date` can tell, in seconds: the end of the year 9999.
const DATE_SECONDS_MAX: u64 = 253_402_300_799;

/// An e-mail, and whom it goes from and to.
pub(crate) struct Letter {
    sender: Address,
    recipient: Address,
    bytes: Vec<u8>,
    is_ascii: bool,
}

impl Letter {
    pub(crate) fn sender(&self) -> &Address {
        &self.sender
    }

    pub(crate) fn recipient(&self) -> &Address {
        &self.recipient
    }

    /// Header and body, with CR LF between the lines.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the addresses, and so the whole e-mail, are in ASCII.
    pub(crate) fn is_ascii(&self) -> bool {
        self.is_ascii
    }
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Letter({} bytes to {})", self.bytes.len(), self.recipient)
    }
}

/// What all e-mails have in common.
#[derive(Debug)]
pub(crate) struct Stationery {
    pub(crate) sender: MailAddress,
    /// The service's name.
    pub(crate) name: String,
    pub(crate) links: Links,
    pub(crate) dkim: Option<Dkim>,
}

impl Stationery {
    /// The e-mail that brings `notification` to `recipient`: the text and a footer, or in place of the text the envelope.
    ///
    /// Requests to confirm and farewells are for people, and so come without an envelope: their links lead to pages with
    /// buttons, for the links in envelopes act at once, whoever follows them, a scanner of e-mails included.
    ///
    /// # Errors
    /// `Unsupported`, when it cannot be expressed as an e-mail.
    pub(crate) fn letter(
        &self,
        notification: &Notification,
        recipient: &MailAddress,
        envelope: Option<&str>,
    ) -> Result<Letter, DeliveryError> {
        let (topic, to) = (notification.topic(), recipient.to_string());
        let again = |token: &str| self.links.confirmation_page_url(topic, token, &to);
        let (subject, text, unsubscribe) = match notification.kind() {
            NotificationKind::SubscriptionConfirmation { token } => {
                (wording::subject_of_request(topic), wording::request(topic, &again(token)), None)
            }
            NotificationKind::UnsubscribeConfirmation { token } => {
                (wording::subject_of_farewell(topic), wording::farewell(topic, &again(token)), None)
            }
            _ => {
                let page = notification.subscription().map(|arn| self.links.unsubscribe_page_url(arn, &to));
                let text = envelope.unwrap_or(notification.text());
                let subject = notification.subject().map(on_one_line);
                let subject = subject.unwrap_or_else(|| wording::subject_of_message(topic));
                (subject, format!("{text}\n\n{}", wording::footer(page.as_deref())), page)
            }
        };

        let from = Mailbox::new(Some(self.name_for(notification)), self.sender.wire().clone());
        let mut message = Message::builder()
            .from(from)
            .to(Mailbox::new(None, recipient.wire().clone()))
            .raw_header(subject_header(&subject))
            .date(date(notification))
            .message_id(Some(self.message_id(notification)))
            .raw_header(header("Auto-Submitted", "auto-generated"));
        if let Some(page) = unsubscribe.filter(|page| page.len() <= HEADER_LINK_BYTES_MAX) {
            message = message.raw_header(header("List-Unsubscribe", &format!("<{page}>")));
            // One click is for HTTPS alone (RFC 8058, section 3.1).
            if page.starts_with("https://") {
                message = message.raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"));
            }
        }
        let (sender, recipient_address) = (self.sender.wire().clone(), recipient.wire().clone());
        let route = Envelope::new(Some(sender.clone()), vec![recipient_address.clone()]).map_err(inexpressible)?;
        // Headers of a part would not be signed.
        let message = message.envelope(route).header(MIME_VERSION_1_0).header(ContentType::TEXT_PLAIN);
        let mut message = message.body(body(text)).map_err(inexpressible)?;
        if let Some(dkim) = &self.dkim {
            dkim.sign(&mut message);
        }
        let is_ascii = recipient.is_ascii() && self.sender.is_ascii();
        let mut bytes = message.formatted();
        // What ends the e-mail on the wire brings the end of its last line along.
        while bytes.ends_with(b"\r\n") {
            bytes.truncate(bytes.len() - 2);
        }
        Ok(Letter { sender, recipient: recipient_address, bytes, is_ascii })
    }

    /// The topic's name, if it has one for senders; the service's own where it asks for something.
    fn name_for(&self, notification: &Notification) -> String {
        let of_topic = match notification.kind() {
            NotificationKind::Notification => notification.display_name().and_then(wording::sender_name),
            _ => None,
        };
        of_topic.or_else(|| wording::sender_name(&self.name)).unwrap_or_else(|| "Fanfare".to_owned())
    }

    /// The same on every attempt, so that receivers can tell a repetition; another one for each subscription, since they may
    /// lead to one mailbox.
    fn message_id(&self, notification: &Notification) -> String {
        let plain = |text: &str| text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect::<String>();
        let id = plain(notification.message_id());
        let subscription = notification.subscription().and_then(|arn| arn.as_str().rsplit(':').next());
        let domain = self.sender.wire().domain();
        match subscription {
            Some(subscription) => format!("<{id}.{}@{domain}>", plain(subscription)),
            None => format!("<{id}@{domain}>"),
        }
    }
}

/// When the message was accepted, which is the same on every attempt.
fn date(notification: &Notification) -> std::time::SystemTime {
    let seconds = u64::try_from(notification.timestamp().unix_ms() / 1000).unwrap_or(0);
    UNIX_EPOCH + Duration::from_secs(seconds.min(DATE_SECONDS_MAX))
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// A subject as it was published, also when it looks like something encoded.
fn subject_header(subject: &str) -> HeaderValue {
    /// How many bytes fit into an encoded word of 75 characters (RFC 2047).
    const WORD_BYTES_MAX: usize = 45;

    let name = HeaderName::new_from_ascii_str("Subject");
    if !subject.contains("=?") {
        return HeaderValue::new(name, subject.to_owned());
    }
    let (mut words, mut rest) = (Vec::new(), subject);
    while !rest.is_empty() {
        let (word, later) = rest.split_at(rest.floor_char_boundary(WORD_BYTES_MAX));
        words.push(format!("=?utf-8?B?{}?=", BASE64.encode(word)));
        rest = later;
    }
    HeaderValue::dangerous_new_pre_encoded(name, subject.to_owned(), words.join("\r\n "))
}

/// A subject without characters that end a header.
fn on_one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// `text` in the plainest encoding that brings it over unchanged, whatever relays do to spaces at ends of lines, to lines that
/// begin with `From `, and to control characters.
fn body(text: String) -> Body {
    let is_safe = |line: &str| {
        line.len() <= 76
            && !line.ends_with([' ', '\t'])
            && !line.starts_with("From ")
            && line.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'))
    };
    let escaped = text.bytes().filter(|byte| !matches!(byte, b'\t' | b'\n' | b' '..=b'~')).count();
    let encoding = if text.split('\n').all(is_safe) {
        ContentTransferEncoding::SevenBit
    } else if escaped <= text.len() / 6 {
        ContentTransferEncoding::QuotedPrintable
    } else {
        ContentTransferEncoding::Base64
    };
    Body::new_with_encoding(text, encoding).expect("7 bits were checked, and the others take anything")
}

fn inexpressible(error: lettre::error::Error) -> DeliveryError {
    DeliveryError::reject(DeliveryErrorKind::Unsupported, "no e-mail can be made of it").with_source(error)
}

#[cfg(test)]
mod tests {
    use fanfare_core::{Message as Sent, Publication, SubscriptionArn, Timestamp, TopicArn};

    use super::*;

    const TOPIC: &str = "arn:aws:sns:us-east-1:111111111111:orders";
    const SUBSCRIPTION: &str = "arn:aws:sns:us-east-1:111111111111:orders:5c1f8b52-6f6e-4a05-8cb9-7cf5b0fd0a43";
    const ID: &str = "0f4b9a4e-9d1c-5b5e-8f0f-c0a8b5f7d6e2";

    fn topic() -> TopicArn {
        TopicArn::parse(TOPIC).unwrap()
    }

    fn subscription() -> SubscriptionArn {
        SubscriptionArn::parse(SUBSCRIPTION).unwrap()
    }

    fn stationery() -> Stationery {
        Stationery {
            sender: MailAddress::parse("alerts@example.com").unwrap(),
            name: "Fanfare".to_owned(),
            links: Links::new("https://sns.example.com").unwrap(),
            dkim: None,
        }
    }

    fn at() -> Timestamp {
        Timestamp::from_unix_ms(1_767_323_045_678)
    }

    fn publication(message: Sent) -> Publication {
        Publication::new(ID, topic(), at(), message)
    }

    fn notification(message: Sent) -> Notification {
        Notification::new(publication(message), "email").for_subscription(subscription())
    }

    fn written(notification: &Notification, to: &str, envelope: Option<&str>) -> String {
        let letter = stationery().letter(notification, &MailAddress::parse(to).unwrap(), envelope).unwrap();
        String::from_utf8(letter.bytes).unwrap().replace("\r\n", "\n")
    }

    /// The lines of one header.
    fn header_of(mail: &str, name: &str) -> Option<String> {
        let head = mail.split("\n\n").next().unwrap();
        let unfolded = head.replace("\n ", " ");
        unfolded.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned))
    }

    #[test]
    fn a_message_comes_with_its_subject_and_a_footer_that_leads_to_the_page() {
        let message = Sent::builder("a parcel left the house").subject("Parcel 7").string("colour", "red");
        let notification = notification(message.build().unwrap()).with_display_name("Orders");
        assert_eq!(
            written(&notification, "ann@example.com", None),
            "From: Orders <alerts@example.com>
To: ann@example.com
Subject: Parcel 7
Date: Fri, 02 Jan 2026 03:04:05 +0000
Message-ID: <0f4b9a4e-9d1c-5b5e-8f0f-c0a8b5f7d6e2.5c1f8b52-6f6e-4a05-8cb9-7cf5b0fd0a43@example.com>
Auto-Submitted: auto-generated
List-Unsubscribe: <https://sns.example.com/unsubscribe.html?SubscriptionArn=arn:aws:sns:us-east-1:111111111111:orders:\
             5c1f8b52-6f6e-4a05-8cb9-7cf5b0fd0a43&Endpoint=ann%40example.com>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

a parcel left the house

--
If you no longer want these messages, open this page and press its button:
https://sns.example.com/unsubscribe.html?SubscriptionArn=3Darn:aws:sns:us-e=
ast-1:111111111111:orders:5c1f8b52-6f6e-4a05-8cb9-7cf5b0fd0a43&Endpoint=3Da=
nn%40example.com

Answers to this e-mail are not read."
        );
    }

    #[test]
    fn one_click_is_offered_where_the_link_is_https_and_a_link_alone_where_it_is_not() {
        let notification = notification(Sent::text("hello").unwrap());
        for (base, one_click) in
            [("https://sns.example.com", Some("List-Unsubscribe=One-Click")), ("http://sns.example.com", None)]
        {
            let stationery = Stationery { links: Links::new(base).unwrap(), ..stationery() };
            let ann = MailAddress::parse("ann@example.com").unwrap();
            let mail = String::from_utf8(stationery.letter(&notification, &ann, None).unwrap().bytes).unwrap();
            let mail = mail.replace("\r\n", "\n");
            let link = format!("<{base}/unsubscribe.html?");
            assert!(header_of(&mail, "List-Unsubscribe").unwrap().starts_with(&link), "{mail}");
            assert_eq!(header_of(&mail, "List-Unsubscribe-Post").as_deref(), one_click, "{base}");
        }
    }

    #[test]
    fn an_envelope_takes_the_place_of_the_text() {
        let notification = notification(Sent::text("hidden").unwrap());
        let mail = written(&notification, "ann@example.com", Some("{\n  \"Type\" : \"Notification\"\n}"));
        let body = mail.split_once("\n\n").unwrap().1;
        assert!(body.starts_with("{\n  \"Type\" : \"Notification\"\n}\n\n--\nIf you no longer want"), "{body}");
        assert_eq!(header_of(&mail, "Subject").as_deref(), Some("A message from orders"));
    }

    #[test]
    fn a_request_to_confirm_is_from_the_service_and_leads_to_the_page_with_the_button() {
        let request = Notification::subscription_confirmation(ID, topic(), at(), "2336412f37")
            .for_subscription(subscription())
            .with_display_name("Orders");
        let mail = written(&request, "ann@example.com", None);
        assert_eq!(header_of(&mail, "From").as_deref(), Some("Fanfare <alerts@example.com>"));
        assert_eq!(header_of(&mail, "Subject").as_deref(), Some("Do you want messages from orders?"));
        assert_eq!(header_of(&mail, "List-Unsubscribe"), None);
        let body = mail.split_once("\n\n").unwrap().1.replace("=\n", "").replace("=3D", "=");
        assert_eq!(
            body,
            "Somebody asked for the messages of the topic

    arn:aws:sns:us-east-1:111111111111:orders

to be sent to this address. If you want them, open this page and press its button:

https://sns.example.com/confirmation.html?TopicArn=arn:aws:sns:us-east-1:111111111111:orders&Token=2336412f37\
             &Endpoint=ann%40example.com

If you know nothing about it, there is nothing to do: without your yes, no message is sent.

--
Answers to this e-mail are not read."
        );
    }

    #[test]
    fn a_farewell_says_how_to_restore_the_subscription() {
        let farewell = Notification::unsubscribe_confirmation(ID, &subscription(), at(), "2336412f37");
        let mail = written(&farewell, "ann@example.com", None);
        assert_eq!(header_of(&mail, "Subject").as_deref(), Some("No more messages from orders"));
        assert!(
            mail.replace("=\n", "").contains("confirmation.html?TopicArn=3Darn:aws:sns:us-east-1:111111111111:orders")
        );
        assert_eq!(header_of(&mail, "List-Unsubscribe"), None);
    }

    #[test]
    fn what_could_break_out_of_a_header_does_not() {
        let publication = Publication::new("id\r\nBcc: bob@example.com>", topic(), at(), Sent::text("hi").unwrap());
        let notification =
            Notification::new(publication, "email").with_display_name("Orders\"\r\nBcc: bob@example.net\r\n\r\nspam");
        let mail = written(&notification, "\"a\\\"b>\"@example.com", None);
        let head = mail.split("\n\n").next().unwrap();
        let names: Vec<_> =
            head.lines().filter(|line| !line.starts_with(' ')).map(|line| line.split(':').next().unwrap()).collect();
        let expected = [
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "Auto-Submitted",
            "MIME-Version",
            "Content-Type",
            "Content-Transfer-Encoding",
        ];
        assert_eq!(names, expected, "{mail}");
        assert_eq!(header_of(&mail, "Message-ID").as_deref(), Some("<idBccbobexamplecom@example.com>"));
        assert_eq!(header_of(&mail, "To").as_deref(), Some("\"a\\\"b>\"@example.com"));
    }

    #[test]
    fn a_link_that_no_header_line_takes_stands_in_the_footer_alone() {
        let local = "é".repeat(30);
        let address = format!("{local}@{}.example", ["d".repeat(60), "d".repeat(60), "d".repeat(55)].join("."));
        let long = SubscriptionArn::parse(&format!(
            "arn:aws:sns:us-east-1:111111111111:{}:5c1f8b52-6f6e-4a05-8cb9-7cf5b0fd0a43",
            "t".repeat(256)
        ))
        .unwrap();
        let notification = notification(Sent::text("hi").unwrap()).for_subscription(long);
        let short = written(&notification, "ann@example.com", None);
        assert!(header_of(&short, "List-Unsubscribe").is_some());
        let stationery = Stationery {
            links: Links::new(&format!("https://x.example/{}", "p".repeat(300))).unwrap(),
            ..stationery()
        };
        let letter = stationery.letter(&notification, &MailAddress::parse(&address).unwrap(), None).unwrap();
        let mail = String::from_utf8(letter.bytes).unwrap().replace("\r\n", "\n");
        assert_eq!(header_of(&mail, "List-Unsubscribe"), None);
        assert!(mail.contains("unsubscribe.html"));
        assert!(mail.lines().all(|line| line.len() <= 998));
    }

    #[test]
    fn times_that_no_date_can_tell_become_the_nearest_that_it_can() {
        for (ms, expected) in [
            (0, "Thu, 01 Jan 1970 00:00:00 +0000"),
            (-1, "Thu, 01 Jan 1970 00:00:00 +0000"),
            (i64::MAX, "Fri, 31 Dec 9999 23:59:59 +0000"),
        ] {
            let sent = Sent::text("hi").unwrap();
            let publication = Publication::new(ID, topic(), Timestamp::from_unix_ms(ms), sent);
            let mail = written(&Notification::new(publication, "email"), "ann@example.com", None);
            assert_eq!(header_of(&mail, "Date").as_deref(), Some(expected), "{ms}");
        }
    }

    #[test]
    fn the_encoding_is_the_plainest_that_brings_the_text_over() {
        for (text, encoding) in [
            ("hello\nworld", "7bit"),
            ("tab\there", "7bit"),
            ("ends in a space \nhello", "quoted-printable"),
            ("From the start", "quoted-printable"),
            ("bell \u{7}", "quoted-printable"),
            ("carriage\rreturn", "quoted-printable"),
            (&"x".repeat(77), "quoted-printable"),
            ("almost all in ASCII, but for an é at the end", "quoted-printable"),
            ("東京", "base64"),
        ] {
            assert_eq!(body(text.to_owned()).encoding().to_string(), encoding, "{text:?}");
        }
    }
}
