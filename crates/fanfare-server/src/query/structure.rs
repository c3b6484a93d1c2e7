//! A part of a request that has members of its own: one tag, one entry of a batch, or the request as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Bound;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fanfare::SnsError;

/// One structure within a [`Request`](super::Request), such as `Tags.member.1`: its members are read by their own names (`Key`).
///
/// In lists and maps N is a decimal number of 32 bits without sign or leading zeros. A parameter with anything else in that
/// place is no member and is ignored, as are parameters that nobody asks for.
#[derive(Clone)]
pub struct Structure<'a> {
    parameters: &'a BTreeMap<String, String>,
    /// Empty, or the full name of the structure and a dot.
    prefix: String,
}

impl<'a> Structure<'a> {
    pub(super) fn new(parameters: &'a BTreeMap<String, String>, prefix: String) -> Self {
        Self { parameters, prefix }
    }

    /// Whether the member is there in any form: as a text, as a list or map with members, or as an empty list (`name=`).
    pub fn has(&self, name: &str) -> bool {
        self.text(name).is_some() || self.below(&format!("{}{name}.", self.prefix)).next().is_some()
    }

    /// The text of a member; empty when it is there without a value.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        let value = if self.prefix.is_empty() {
            self.parameters.get(name)
        } else {
            self.parameters.get(&format!("{}{name}", self.prefix))
        };
        value.map(String::as_str)
    }

    /// A member that is `true` or `false`.
    ///
    /// # Errors
    /// `InvalidParameter` when it is there and neither.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, SnsError> {
        match self.text(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(SnsError::invalid_parameter(format!("{name} Reason: must be true or false"))),
        }
    }

    /// A decimal number, of 32 bits as all of Amazon SNS's are.
    ///
    /// # Errors
    /// `InvalidParameter` when the member is there and is no such number.
    pub fn integer(&self, name: &str) -> Result<Option<i32>, SnsError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse()
            .map(Some)
            .map_err(|_| SnsError::invalid_parameter(format!("{name} Reason: must be an integer of 32 bits")))
    }

    /// The texts `name.member.N`, in the order of N, which may have gaps.
    ///
    /// Empty when there are none; [`has`](Self::has) tells an empty list (`name=`) from an absent one.
    pub fn list(&self, name: &str) -> Vec<&'a str> {
        let list = format!("{}{name}.member.", self.prefix);
        let members: BTreeMap<u32, &str> =
            self.below(&list).filter_map(|(rest, value)| Some((number(rest)?, value))).collect();
        members.into_values().collect()
    }

    /// The pairs `name.entry.N.key` and `name.entry.N.value`, in the order of N, which may have gaps.
    ///
    /// Nothing when no parameter of the map is there, which is how clients send an empty one. An entry without a value has the
    /// empty one, an entry without a key is left out, and repeated keys are all given.
    pub fn map(&self, name: &str) -> Option<Vec<(String, String)>> {
        if !self.has(name) {
            return None;
        }
        let pair = |entry: Structure<'_>| {
            Some((entry.text("key")?.to_owned(), entry.text("value").unwrap_or_default().to_owned()))
        };
        Some(self.numbered(name, "entry").into_iter().filter_map(pair).collect())
    }

    /// The structures `name.member.N.*`, in the order of N, which may have gaps.
    pub fn structures(&self, name: &str) -> Vec<Structure<'a>> {
        self.numbered(name, "member")
    }

    /// The message attributes `name.entry.N.Name` and `name.entry.N.Value.*`, in the order of N, which may have gaps.
    ///
    /// Repeated names are all given, and whether each is complete and valid is for the caller to judge.
    pub fn message_attributes(&self, name: &str) -> Vec<MessageAttribute<'a>> {
        let attribute = |entry: Structure<'a>| MessageAttribute {
            name: entry.text("Name").unwrap_or_default(),
            data_type: entry.text("Value.DataType"),
            string_value: entry.text("Value.StringValue"),
            binary_value: entry.text("Value.BinaryValue"),
        };
        self.numbered(name, "entry").into_iter().map(attribute).collect()
    }

    fn numbered(&self, name: &str, kind: &str) -> Vec<Structure<'a>> {
        let list = format!("{}{name}.{kind}.", self.prefix);
        let numbers: BTreeSet<u32> =
            self.below(&list).filter_map(|(rest, _)| number(rest.split_once('.')?.0)).collect();
        numbers.into_iter().map(|number| Structure::new(self.parameters, format!("{list}{number}."))).collect()
    }

    /// The parameters whose names begin like this, each with the rest of its name and its value.
    fn below<'p>(&self, beginning: &'p str) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a, 'p> {
        self.parameters
            .range::<str, _>((Bound::Included(beginning), Bound::Unbounded))
            .map_while(move |(name, value)| Some((name.strip_prefix(beginning)?, value.as_str())))
    }
}

impl fmt::Debug for Structure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.below(&self.prefix).map(|(name, _)| name).collect();
        f.debug_struct("Structure").field("prefix", &self.prefix).field("parameters", &names).finish_non_exhaustive()
    }
}

/// A message attribute as it was sent, not yet judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageAttribute<'a> {
    /// The name; empty when none was sent.
    pub name: &'a str,
    /// The data type, such as `String` or `Number.int`.
    pub data_type: Option<&'a str>,
    /// The value of a type other than `Binary`.
    pub string_value: Option<&'a str>,
    /// The value of the type `Binary`, in base64; [`binary`](Self::binary) decodes it.
    pub binary_value: Option<&'a str>,
}

impl MessageAttribute<'_> {
    /// The binary value, decoded from base64 (standard alphabet, padded).
    ///
    /// # Errors
    /// `InvalidParameter` when it is there and is not base64.
    pub fn binary(&self) -> Result<Option<Vec<u8>>, SnsError> {
        let Some(text) = self.binary_value else { return Ok(None) };
        STANDARD.decode(text).map(Some).map_err(|_| SnsError::invalid_parameter("BinaryValue Reason: not base64"))
    }
}

/// A number in the place of N. Written in one way only, so that one number is one member.
fn number(text: &str) -> Option<u32> {
    let canonical = text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
    if canonical { text.parse().ok() } else { None }
}
