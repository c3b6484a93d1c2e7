//! Message attributes: typed name and value pairs that travel beside a message's text.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;

use crate::error::{SnsError, SnsErrorCode};

/// The most bytes an attribute's name may have (Amazon SNS: "must be less than 256 bytes" is enforced as at most 256).
const NAME_BYTES_MAX: usize = 256;

/// The attribute names below `AWS.` that Amazon SNS documents; every other name with a reserved prefix is refused.
const RESERVED_NAMES: [&str; 3] = ["AWS.SNS.MOBILE.", "AWS.SNS.SMS.", "AWS.MM.SMS."];

/// What kind of value a [`DataType`] holds, whatever its custom label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BaseType {
    /// UTF-8 text.
    String,
    /// A decimal number, kept as the text that the publisher wrote.
    Number,
    /// Bytes.
    Binary,
    /// A JSON array of strings, numbers, `true`, `false` and `null`, kept as text and not checked at publish.
    StringArray,
}

/// The type of an attribute: `String`, `Number`, `Binary`, `String.Array`, or one of the first three with a label
/// of the publisher's own (`Number.float`).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DataType {
    text: String,
    base: BaseType,
}

impl DataType {
    /// The type as the publisher wrote it, label included.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The kind of value, without the label.
    pub fn base(&self) -> BaseType {
        self.base
    }

    /// Reads a type, or says nothing more than that it is none: the caller knows the attribute's name for the message.
    fn parse(text: &str) -> Option<Self> {
        let (head, label) = match text.split_once('.') {
            Some((_, "")) => return None,
            Some((head, label)) => (head, Some(label)),
            None => (text, None),
        };
        let base = match (head, label) {
            ("String", Some("Array")) => BaseType::StringArray,
            ("String", _) => BaseType::String,
            ("Number", _) => BaseType::Number,
            ("Binary", _) => BaseType::Binary,
            _ => return None,
        };
        Some(Self { text: text.to_owned(), base })
    }
}

impl fmt::Debug for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The value of an attribute, as it was published.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AttributeValue {
    /// The value of a `String`, `Number` or `String.Array` attribute.
    Text(String),
    /// The decoded value of a `Binary` attribute.
    Binary(Bytes),
}

/// One checked attribute value with its type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageAttribute {
    data_type: DataType,
    value: AttributeValue,
}

impl MessageAttribute {
    /// The attribute's type.
    pub fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// The attribute's value.
    pub fn value(&self) -> &AttributeValue {
        &self.value
    }

    /// The value as text, the way envelopes carry it: binary values in padded standard base64.
    pub fn to_text(&self) -> std::borrow::Cow<'_, str> {
        match &self.value {
            AttributeValue::Text(text) => text.into(),
            AttributeValue::Binary(bytes) => BASE64.encode(bytes).into(),
        }
    }

    /// What this attribute adds to a message's size: the bytes of its type and of its decoded value.
    fn size(&self) -> usize {
        self.data_type.text.len()
            + match &self.value {
                AttributeValue::Text(text) => text.len(),
                AttributeValue::Binary(bytes) => bytes.len(),
            }
    }
}

/// The attributes of one message, each name once, in the order of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes(BTreeMap<String, MessageAttribute>);

impl Attributes {
    /// No attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an attribute, after Amazon SNS's checks.
    ///
    /// # Errors
    /// `ParameterValueInvalid`, with Amazon SNS's text where it has one: a bad name or one that was given before, an unknown
    /// type, an empty value or a value that does not fit its type.
    pub fn insert(&mut self, name: &str, data_type: &str, value: AttributeValue) -> Result<(), SnsError> {
        check_name(name)?;
        if self.get(name).is_some() {
            return Err(invalid(format!("The message attribute '{name}' is given more than once.")));
        }
        let Some(data_type) = DataType::parse(data_type) else {
            return Err(invalid(format!(
                "The message attribute '{name}' has an invalid message attribute type, the set of supported type \
                 prefixes is Binary, Number, and String."
            )));
        };
        check_value(name, &data_type, &value)?;
        self.0.insert(name.to_owned(), MessageAttribute { data_type, value });
        Ok(())
    }

    /// The attribute of that name.
    pub fn get(&self, name: &str) -> Option<&MessageAttribute> {
        self.0.get(name)
    }

    /// Every attribute with its name, in the order of the names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &MessageAttribute)> {
        self.0.iter().map(|(name, attribute)| (name.as_str(), attribute))
    }

    /// How many attributes there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no attribute.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the attributes add to a message's size, in bytes: names, types and decoded values.
    pub fn size(&self) -> usize {
        self.0.iter().map(|(name, attribute)| name.len() + attribute.size()).sum()
    }
}

/// Refuses a name that Amazon SNS refuses, in the order of its checks.
fn check_name(name: &str) -> Result<(), SnsError> {
    if name.is_empty() {
        return Err(invalid("The message attribute name must not be empty.".to_owned()));
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(invalid(format!("Length of message attribute name must be less than {NAME_BYTES_MAX} bytes.")));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if let Some(bad) = name.chars().find(|&c| !allowed(c)) {
        return Err(invalid(format!(
            "Invalid non-alphanumeric character '#x{:X}' was found in the message attribute name. Can only include \
             alphanumeric characters, hyphens, underscores, or dots.",
            u32::from(bad)
        )));
    }
    if name.starts_with('.') {
        return Err(invalid("Invalid message attribute name starting with character '.' was found.".to_owned()));
    }
    if name.ends_with('.') {
        return Err(invalid("Invalid message attribute name ending with character '.' was found.".to_owned()));
    }
    if name.contains("..") {
        return Err(invalid("Message attribute name can not have successive '.' character.".to_owned()));
    }
    let lower = name.to_ascii_lowercase();
    let reserved = lower.starts_with("aws.") || lower.starts_with("amazon.");
    if reserved && !RESERVED_NAMES.iter().any(|prefix| name.starts_with(prefix)) {
        return Err(invalid(format!(
            "The message attribute name '{name}' starts with a reserved prefix: use a name that does not start with \
             'AWS.' or 'Amazon.'."
        )));
    }
    Ok(())
}

/// Refuses a value that does not fit the attribute's type.
fn check_value(name: &str, data_type: &DataType, value: &AttributeValue) -> Result<(), SnsError> {
    let empty = match value {
        AttributeValue::Text(text) => text.is_empty(),
        AttributeValue::Binary(bytes) => bytes.is_empty(),
    };
    if empty {
        return Err(invalid(format!(
            "The message attribute '{name}' must contain non-empty message attribute value for message attribute type \
             '{}'.",
            data_type.as_str()
        )));
    }
    let field = if data_type.base == BaseType::Binary { "Binary" } else { "String" };
    let fits = matches!(value, AttributeValue::Binary(_)) == (data_type.base == BaseType::Binary);
    if !fits {
        return Err(invalid(format!(
            "The message attribute '{name}' with type '{}' must use field '{field}'.",
            data_type.as_str()
        )));
    }
    if let (BaseType::Number, AttributeValue::Text(text)) = (data_type.base, value)
        && !is_number(text)
    {
        return Err(invalid(format!("Could not cast message attribute '{name}' value to number.")));
    }
    Ok(())
}

/// Whether `text` is a finite decimal number, with optional sign, fraction and exponent.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') && text.parse::<f64>().is_ok_and(f64::is_finite)
}

fn invalid(message: String) -> SnsError {
    SnsError::new(SnsErrorCode::ParameterValueInvalid, message)
}
