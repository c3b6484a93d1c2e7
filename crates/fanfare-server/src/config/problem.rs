//! What is wrong with a setting, and where it stands.

use std::fmt;
use std::io::{Write as _, stderr};
use std::process::ExitCode;

use super::layers::Origin;

/// Something that keeps the server from starting, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    origin: Option<Origin>,
    text: String,
}

impl Problem {
    /// Something that is wrong at one place.
    pub(super) fn at(origin: &Origin, text: impl Into<String>) -> Self {
        Self { origin: Some(origin.clone()), text: text.into() }
    }

    /// Something that is wrong with the settings as a whole.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { origin: None, text: text.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Some(origin) => write!(f, "{origin}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// Says on standard error what is wrong.
pub(crate) fn report(problems: &[Problem]) -> ExitCode {
    for problem in problems {
        // Nobody is left to tell when the terminal is gone.
        let _ = writeln!(stderr().lock(), "fanfare: {problem}");
    }
    ExitCode::FAILURE
}
