//! `fanfare config`: look at settings without starting a server.

use std::io::{Write as _, stderr, stdout};
use std::process::ExitCode;

use clap::Subcommand;

use super::check::Config;
use super::given::Given;
use super::layers::{Entry, Layers, Origin};
use super::problem::report;
use super::setting::Setting;
use super::table;

/// What can be done with settings.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what is wrong with the settings, or show each with where it comes from. Takes what `fanfare serve` takes.
    Check(Given),
    /// Print the table of all settings, in Markdown.
    Table,
}

/// The exit status is 0 when a server could start with these settings.
pub(crate) fn run(command: &Command) -> ExitCode {
    match command {
        Command::Check(given) => check(given),
        Command::Table => {
            // Nobody is left to tell when the terminal is gone; here and below.
            let _ = write!(stdout().lock(), "{}", table::markdown());
            ExitCode::SUCCESS
        }
    }
}

fn check(given: &Given) -> ExitCode {
    let layers = match given.layers() {
        Ok(layers) => layers,
        Err(problems) => return report(&problems),
    };
    for warning in given.strange_variables() {
        let _ = writeln!(stderr().lock(), "fanfare: {warning}");
    }
    if let Err(problems) = Config::check(&layers) {
        return report(&problems);
    }
    let _ = write!(stdout().lock(), "{}", listing(&layers));
    ExitCode::SUCCESS
}

/// One line for each setting: its key in the file, its value, where it comes from.
fn listing(layers: &Layers) -> String {
    let lines: Vec<[String; 3]> = layers
        .effective()
        .map(|(setting, entry)| [setting.key(), shown(setting, entry), layers.origin(setting.name()).source()])
        .collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let (keys, values) = (width(0), width(1));
    lines.iter().map(|[key, value, source]| format!("{key:keys$}  {value:values$}  {source}\n")).collect()
}

fn shown(setting: &Setting, entry: Option<&Entry>) -> String {
    let values: Vec<String> = match entry {
        Some(entry) if setting.is_secret() => {
            let count = entry.values().count();
            return if setting.is_list() { format!("({count} hidden)") } else { "(hidden)".to_owned() };
        }
        Some(entry) => entry.values().map(|(value, _)| value.to_string_lossy().into_owned()).collect(),
        None => setting.default().iter().map(|value| value.to_string_lossy().into_owned()).collect(),
    };
    if values.is_empty() { "(not set)".to_owned() } else { values.join(", ") }
}

impl Origin {
    /// As a word for the kind of source, and its place.
    fn source(&self) -> String {
        match self {
            Self::Flag(_) => format!("flag {self}"),
            Self::Variable(_) => format!("env {self}"),
            Self::Line(..) => format!("file {self}"),
            Self::Default => "default".to_owned(),
        }
    }
}
