//! What a publisher sends: checked text, subject and attributes.

mod structure;

use std::sync::Arc;

use bytes::Bytes;

use crate::attribute::{AttributeValue, Attributes};
use crate::error::SnsError;
use crate::platform::Platform;
use crate::protocol::Protocol;
use crate::trace::TraceContext;

use structure::{DefaultText, Texts};

/// The most bytes of text and attributes that any topic can take; a topic's own limit is usually lower.
pub const MESSAGE_BYTES_MAX: usize = 1_048_576;

/// The most characters that a subject may have (Amazon SNS: fewer than 100).
const SUBJECT_CHARS_MAX: usize = 99;

/// The most characters of a message group id or a deduplication id.
const FIFO_ID_CHARS_MAX: usize = 128;

/// A message as its publisher wrote it, checked as Amazon SNS checks it. Cloning copies a pointer.
///
/// ```
/// use fanfare_core::Message;
///
/// let message = Message::builder("a parcel left the house")
///     .subject("parcel")
///     .string("store", "example_corp")
///     .number("price", "120.50")
///     .build()?;
/// assert_eq!(message.size(), 23 + ("store".len() + "String".len() + 12) + ("price".len() + "Number".len() + 6));
/// # Ok::<(), fanfare_core::SnsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message(Arc<Parts>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    published: Bytes,
    texts: Texts,
    subject: Option<String>,
    attributes: Attributes,
    group_id: Option<String>,
    deduplication_id: Option<String>,
    trace: TraceContext,
}

/// Which of a message's texts a notification carries; texts that are selected by the same key are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TextIndex(pub(crate) usize);

impl Message {
    /// A message of text alone.
    ///
    /// # Errors
    /// As [`MessageBuilder::build`].
    pub fn text(text: impl Into<String>) -> Result<Self, SnsError> {
        Self::builder(text).build()
    }

    /// Begins a message with its text, or with its JSON object when [`MessageBuilder::json_structure`] is called.
    pub fn builder(text: impl Into<String>) -> MessageBuilder {
        MessageBuilder {
            text: text.into(),
            structure: None,
            subject: None,
            attributes: Attributes::new(),
            group_id: None,
            deduplication_id: None,
            refused: None,
        }
    }

    /// The text as it was published: with `MessageStructure=json`, the whole JSON object.
    pub fn published_text(&self) -> &Bytes {
        &self.0.published
    }

    /// The text for a subscriber of the given `MessageStructure` key: the protocol's name, or a push platform's.
    pub fn text_for(&self, key: &str) -> &Bytes {
        self.text_at(self.select(key))
    }

    /// The text for `address` of `protocol`: for a device, the payload of its platform. It is empty for whom
    /// [`MessageBuilder::json_structure_for_one`] left without one.
    pub fn text_for_address(&self, protocol: &Protocol, address: &str) -> &Bytes {
        self.text_at(self.select_for(protocol, Some(address)))
    }

    /// Whether the publisher gave each protocol a text of its own (`MessageStructure=json`).
    pub fn has_json_structure(&self) -> bool {
        matches!(self.0.texts, Texts::ByKey { .. })
    }

    /// The subject, at most 99 characters.
    pub fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// The attributes.
    pub fn attributes(&self) -> &Attributes {
        &self.0.attributes
    }

    /// The message group that orders this message on a FIFO topic.
    pub fn group_id(&self) -> Option<&str> {
        self.0.group_id.as_deref()
    }

    /// The id by which a FIFO topic recognises a repeated message.
    pub fn deduplication_id(&self) -> Option<&str> {
        self.0.deduplication_id.as_deref()
    }

    /// The trace that publishing it is part of.
    pub fn trace(&self) -> &TraceContext {
        &self.0.trace
    }

    /// The same message as part of `trace`, which is carried beside it: it counts for no size, and no filter sees it.
    #[must_use]
    pub fn traced(self, trace: TraceContext) -> Self {
        if self.0.trace == trace { self } else { self.changed(|parts| parts.trace = trace) }
    }

    /// The size that Amazon SNS counts, in bytes: the published text, and each attribute's name, type and value.
    pub fn size(&self) -> usize {
        self.0.published.len() + self.0.attributes.size()
    }

    /// The same message with the deduplication id that its topic works out.
    pub(crate) fn with_deduplication_id(&self, id: String) -> Self {
        self.changed(|parts| parts.deduplication_id = Some(id))
    }

    /// The same message with another published text and another subject, or none; with `MessageStructure=json` the text is the
    /// whole JSON object again, with a text under `default`. Attributes and ids stay.
    ///
    /// # Errors
    /// As [`MessageBuilder::build`].
    pub fn reworded(&self, text: impl Into<String>, subject: Option<String>) -> Result<Self, SnsError> {
        let one = self.with_one_text(text.into(), subject)?;
        if !self.has_json_structure() {
            return Ok(one);
        }
        let texts = Texts::parse(one.published_text(), DefaultText::Required)?;
        Ok(one.changed(|parts| parts.texts = texts))
    }

    /// The same message with one text for everybody.
    pub(crate) fn with_one_text(&self, text: String, subject: Option<String>) -> Result<Self, SnsError> {
        if text.is_empty() {
            return Err(SnsError::invalid_parameter("Empty message"));
        }
        if let Some(subject) = &subject {
            check_subject(subject)?;
        }
        if text.len() + self.0.attributes.size() > MESSAGE_BYTES_MAX {
            return Err(SnsError::invalid_parameter("Message too long"));
        }
        let published = Bytes::from(text);
        Ok(self.changed(|parts| {
            parts.texts = Texts::One(published.clone());
            (parts.published, parts.subject) = (published, subject);
        }))
    }

    /// The same message marked as replayed.
    pub(crate) fn replayed(&self) -> Self {
        self.changed(|parts| {
            let mark = AttributeValue::Text("true".to_owned());
            // A publisher's own attribute of that name stays as it is.
            let _ = parts.attributes.insert("Replayed", "String", mark);
        })
    }

    /// The same message with attributes for those names that it has none for.
    pub(crate) fn with_default_attributes<'a>(&self, defaults: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.changed(|parts| {
            for (name, value) in defaults {
                // The publisher's own attribute of that name stays as it is.
                let _ = parts.attributes.insert(name, "String", AttributeValue::Text(value.to_owned()));
            }
        })
    }

    fn changed(&self, change: impl FnOnce(&mut Parts)) -> Self {
        let mut parts = (*self.0).clone();
        change(&mut parts);
        Self(Arc::new(parts))
    }

    pub(crate) fn select(&self, key: &str) -> TextIndex {
        self.0.texts.select(key)
    }

    pub(crate) fn select_for(&self, protocol: &Protocol, address: Option<&str>) -> TextIndex {
        self.0.texts.select_for(protocol, address)
    }

    pub(crate) fn select_on(&self, protocol: &Protocol, platform: Option<Platform>) -> TextIndex {
        self.0.texts.select_on(protocol, platform)
    }

    /// Whether a text is that of some protocols or platforms alone.
    pub(crate) fn is_own_text(&self, index: TextIndex) -> bool {
        self.has_json_structure() && index != TextIndex(0)
    }

    pub(crate) fn text_at(&self, index: TextIndex) -> &Bytes {
        self.0.texts.at(index)
    }

    pub(crate) fn text_count(&self) -> usize {
        self.0.texts.count()
    }
}

/// A message in the making.
#[derive(Debug, Clone)]
#[must_use = "nothing is checked before `build`"]
pub struct MessageBuilder {
    text: String,
    /// Set when the text is a JSON object of texts.
    structure: Option<DefaultText>,
    subject: Option<String>,
    attributes: Attributes,
    group_id: Option<String>,
    deduplication_id: Option<String>,
    /// The first attribute that was refused; `build` reports it.
    refused: Option<SnsError>,
}

impl MessageBuilder {
    /// The subject: 1 to 99 characters without line breaks or control characters.
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Reads the text as a JSON object with a text for each protocol and one under `default` (`MessageStructure=json`).
    pub fn json_structure(mut self) -> Self {
        self.structure = Some(DefaultText::Required);
        self
    }

    /// As [`MessageBuilder::json_structure`], for a message that goes to one address alone: there need not be a text under
    /// `default` then.
    pub fn json_structure_for_one(mut self) -> Self {
        self.structure = Some(DefaultText::Optional);
        self
    }

    /// Adds an attribute of type `String`.
    pub fn string(self, name: &str, value: impl Into<String>) -> Self {
        self.attribute(name, "String", AttributeValue::Text(value.into()))
    }

    /// Adds an attribute of type `Number`, written in decimal.
    pub fn number(self, name: &str, value: impl ToString) -> Self {
        self.attribute(name, "Number", AttributeValue::Text(value.to_string()))
    }

    /// Adds an attribute of type `Binary`.
    pub fn binary(self, name: &str, value: impl Into<Bytes>) -> Self {
        self.attribute(name, "Binary", AttributeValue::Binary(value.into()))
    }

    /// Adds an attribute of any type that Amazon SNS knows: see [`DataType`](crate::attribute::DataType).
    pub fn attribute(mut self, name: &str, data_type: &str, value: AttributeValue) -> Self {
        if let Err(error) = self.attributes.insert(name, data_type, value) {
            self.refused.get_or_insert(error);
        }
        self
    }

    /// The message group: 1 to 128 letters, digits and ASCII punctuation characters.
    pub fn group_id(mut self, id: impl Into<String>) -> Self {
        self.group_id = Some(id.into());
        self
    }

    /// The deduplication id: 1 to 128 letters, digits and ASCII punctuation characters; FIFO topics alone take one.
    pub fn deduplication_id(mut self, id: impl Into<String>) -> Self {
        self.deduplication_id = Some(id.into());
        self
    }

    /// Checks everything and makes the message.
    ///
    /// # Errors
    /// `InvalidParameter` or `ParameterValueInvalid` with Amazon SNS's text, for the first thing that is wrong: an empty or
    /// over-long text, a subject, a JSON structure, an attribute, or an id.
    pub fn build(self) -> Result<Message, SnsError> {
        if self.text.is_empty() {
            return Err(SnsError::invalid_parameter("Empty message"));
        }
        if let Some(subject) = &self.subject {
            check_subject(subject)?;
        }
        if let Some(error) = self.refused {
            return Err(error);
        }
        check_fifo_id("MessageGroupId", self.group_id.as_deref())?;
        check_fifo_id("MessageDeduplicationId", self.deduplication_id.as_deref())?;
        let published = Bytes::from(self.text);
        if published.len() + self.attributes.size() > MESSAGE_BYTES_MAX {
            return Err(SnsError::invalid_parameter("Message too long"));
        }
        let texts = match self.structure {
            Some(default) => Texts::parse(&published, default)?,
            None => Texts::One(published.clone()),
        };
        Ok(Message(Arc::new(Parts {
            published,
            texts,
            subject: self.subject,
            attributes: self.attributes,
            group_id: self.group_id,
            deduplication_id: self.deduplication_id,
            trace: TraceContext::new(),
        })))
    }
}

fn check_subject(subject: &str) -> Result<(), SnsError> {
    let chars = subject.chars().count();
    if chars == 0 || chars > SUBJECT_CHARS_MAX || subject.chars().any(char::is_control) {
        return Err(SnsError::invalid_parameter("Subject"));
    }
    Ok(())
}

fn check_fifo_id(parameter: &str, id: Option<&str>) -> Result<(), SnsError> {
    let Some(id) = id else { return Ok(()) };
    let allowed = id.bytes().all(|b| b.is_ascii_graphic());
    if id.is_empty() || id.len() > FIFO_ID_CHARS_MAX || !allowed {
        return Err(SnsError::invalid_parameter(format_args!(
            "{parameter} Reason: must be 1 to {FIFO_ID_CHARS_MAX} letters, digits and punctuation characters"
        )));
    }
    Ok(())
}
