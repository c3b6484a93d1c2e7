//! The log, on standard error: standard output belongs to the commands.

use std::io::{IsTerminal as _, Write as _, stderr};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::LogFormat;

/// Logs what `filter` lets through.
pub(crate) fn start(filter: Targets, format: LogFormat) {
    let lines = tracing_subscriber::fmt::layer().with_writer(stderr);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(filter)).init();
}

/// Tells whoever starts a server what they have to know of it: in words, or as a line of the log where that is
/// JSON and read by programs.
pub(crate) fn warn(format: LogFormat, what: &str) {
    match format {
        // Nobody is left to tell when the terminal is gone.
        LogFormat::Text => drop(writeln!(stderr().lock(), "fanfare: WARNING: {what}")),
        LogFormat::Json => tracing::warn!(target: "fanfare", "{what}"),
    }
}

/// Logs what an operator of a command has to know.
pub(crate) fn start_for_commands() {
    start(Targets::new().with_default(LevelFilter::WARN), LogFormat::Text);
}
