//! Why a question was not answered, in words that say what to do.

use std::fmt;
use std::io::{Write as _, stderr};

use fanfare_server::admin::Problem;

/// Why a question was not answered, and what to do about it where something can be done.
#[derive(Debug)]
pub(super) struct Trouble(String);

impl Trouble {
    pub(super) fn new(text: impl fmt::Display) -> Self {
        Self(text.to_string())
    }

    /// Nobody listens there.
    pub(super) fn nobody(url: &str, error: &reqwest::Error) -> Self {
        if error.is_connect() {
            return Self(format!(
                "no server answers at {url}: start one with `fanfare serve --memory --auth off`, or name another with --url or \
                 FANFARE_URL"
            ));
        }
        Self(format!("{url} does not answer: {error}"))
    }

    /// What the server refused.
    pub(super) fn refused(problem: &Problem, signed: bool) -> Self {
        let Problem { code, message, .. } = problem;
        let advice = match code.as_str() {
            "MissingAuthenticationToken" => {
                "\nThis server checks signatures: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a key that it was started \
                 with."
            }
            "InvalidClientTokenId" | "SignatureDoesNotMatch" if signed => {
                "\nSet AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a key that the server was started with."
            }
            _ => "",
        };
        Self(format!("{code}: {message}{advice}"))
    }

    /// The text, without what stands before it on a line of its own.
    #[cfg(feature = "import")]
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    pub(super) fn tell(&self) {
        // Nobody is left to tell when the terminal is gone.
        let _ = writeln!(stderr().lock(), "fanfare: {}", self.0);
    }
}
