//! An e-mail as it came in, and what an independent parser reads in it.

use mail_parser::MessageParser;

/// An e-mail as it came in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReceivedMail {
    /// What the client called itself (`EHLO`).
    pub hello: String,
    /// Whom bounces go to (`MAIL FROM`), without the brackets.
    pub from: String,
    /// What stood behind that address, such as `SIZE=812`.
    pub parameters: String,
    /// Whom it is for (`RCPT TO`), without the brackets.
    pub to: Vec<String>,
    /// Header and body, with the doubled dots taken back.
    pub content: Vec<u8>,
    /// Whether it came over TLS.
    pub is_encrypted: bool,
    /// Who had logged in.
    pub user: Option<String>,
    /// The number of its connection, from 0.
    pub connection: usize,
}

impl ReceivedMail {
    /// A header without decoding: everything behind the colon, folded as it came.
    pub fn raw_header(&self, name: &str) -> Option<String> {
        let message = MessageParser::new().parse(&self.content)?;
        let raw = message.header_raw(name.to_owned())?;
        Some(raw.trim().to_owned())
    }

    /// The subject, decoded.
    pub fn subject(&self) -> Option<String> {
        Some(MessageParser::new().parse(&self.content)?.subject()?.to_owned())
    }

    /// The name and the address in `From`, decoded.
    pub fn sender(&self) -> Option<(Option<String>, String)> {
        let message = MessageParser::new().parse(&self.content)?;
        let first = message.from()?.first()?;
        Some((first.name().map(str::to_owned), first.address()?.to_owned()))
    }

    /// The `Message-ID`, without the brackets.
    pub fn message_id(&self) -> Option<String> {
        Some(MessageParser::new().parse(&self.content)?.message_id()?.to_owned())
    }

    /// The text of the body, decoded, with the line breaks of Unix.
    pub fn text(&self) -> Option<String> {
        let message = MessageParser::new().parse(&self.content)?;
        Some(message.body_text(0)?.replace("\r\n", "\n"))
    }
}
