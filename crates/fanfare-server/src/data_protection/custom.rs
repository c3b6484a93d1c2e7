//! Data identifiers of a policy's own: regular expressions.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

use super::document::CustomDataIdentifier;
use super::error::DataProtectionError;

/// How many a policy may have.
pub(super) const CUSTOM_MAX: usize = 10;

/// The most characters of a name and of an expression.
const NAME_CHARS_MAX: usize = 128;
const REGEX_CHARS_MAX: usize = 200;

/// The most bytes that an expression may take when it is compiled, and while it is used.
const COMPILED_BYTES_MAX: usize = 1024 * 1024;

#[derive(Debug)]
pub(super) struct Custom {
    pub(super) name: String,
    regex: Regex,
}

impl Custom {
    pub(super) fn parse(written: &CustomDataIdentifier) -> Result<Self, DataProtectionError> {
        let name = &written.name;
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.bytes().all(allowed) {
            return Err(DataProtectionError::new(format!(
                "the name of a custom data identifier must be 1 to {NAME_CHARS_MAX} letters, digits, '_' or '-'"
            )));
        }
        if written.regex.is_empty() || written.regex.chars().count() > REGEX_CHARS_MAX {
            return Err(DataProtectionError::new(format!(
                "the Regex of {name} must have 1 to {REGEX_CHARS_MAX} characters"
            )));
        }
        let regex = RegexBuilder::new(&written.regex)
            .size_limit(COMPILED_BYTES_MAX)
            .dfa_size_limit(COMPILED_BYTES_MAX)
            .build()
            .map_err(|error| {
                let reason = match error {
                    regex::Error::CompiledTooBig(_) => "it is too large when compiled",
                    _ => "look-around and back-references are not supported, or it is malformed",
                };
                DataProtectionError::new(format!("the Regex of {name} cannot be used: {reason}"))
            })?;
        if regex.is_match("") {
            return Err(DataProtectionError::new(format!("the Regex of {name} matches where there is nothing")));
        }
        Ok(Self { name: name.clone(), regex })
    }

    /// Where in `text` it stands, in order and without overlap.
    pub(super) fn find(&self, text: &str) -> Vec<Range<usize>> {
        self.regex.find_iter(text).map(|found| found.range()).filter(|range| !range.is_empty()).collect()
    }
}
