//! The log, on standard error: standard output belongs to the commands.

use std::io::{IsTerminal as _, stderr};

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

/// Logs what an operator of a command has to know.
pub(crate) fn start_for_commands() {
    start(Targets::new().with_default(LevelFilter::WARN), LogFormat::Text);
}
