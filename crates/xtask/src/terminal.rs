//! Colours, where standard output is a terminal and `NO_COLOR` is unset.

use std::env;
use std::io::{IsTerminal, stdout};
use std::sync::LazyLock;

static COLOURED: LazyLock<bool> = LazyLock::new(|| stdout().is_terminal() && env::var_os("NO_COLOR").is_none());

/// `text` as something that went well.
pub(crate) fn green(text: &str) -> String {
    painted("32", text)
}

/// `text` as something that went wrong.
pub(crate) fn red(text: &str) -> String {
    painted("1;31", text)
}

/// `text` as a heading.
pub(crate) fn bold(text: &str) -> String {
    painted("1", text)
}

/// `text` as an aside.
pub(crate) fn dim(text: &str) -> String {
    painted("2", text)
}

fn painted(code: &str, text: &str) -> String {
    if *COLOURED { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}
