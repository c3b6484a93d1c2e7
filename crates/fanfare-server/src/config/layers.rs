//! The sources of settings, laid over each other.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use clap::{Command, FromArgMatches as _};

use super::problem::Problem;
use super::setting::Setting;
use super::settings::{ALTERNATIVES, Settings};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// The flag of this name.
    Flag(String),
    /// This environment variable.
    Variable(String),
    /// A line of the file of settings, or of a file that holds secrets.
    Line(PathBuf, usize),
    /// Nobody gave it.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "--{name}"),
            Self::Variable(name) => f.write_str(name),
            Self::Line(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// The values of one setting, each with where it comes from.
#[derive(Clone)]
pub(super) struct Entry(Vec<(OsString, Origin)>);

impl<I: Iterator<Item = (OsString, Origin)>> From<I> for Entry {
    fn from(values: I) -> Self {
        Self(values.collect())
    }
}

impl Entry {
    pub(super) fn values(&self) -> impl Iterator<Item = (&OsStr, &Origin)> {
        self.0.iter().map(|(value, origin)| (value.as_os_str(), origin))
    }

    /// Where the setting comes from, as a whole.
    pub(super) fn origin(&self) -> &Origin {
        self.0.first().map_or(&Origin::Default, |(_, origin)| origin)
    }

    /// Whether it says more than that a switch is off.
    fn claims(&self) -> bool {
        self.0.iter().any(|(value, _)| value != "false")
    }
}

/// What one source says, by the names of settings.
pub(super) type Layer = BTreeMap<String, Entry>;

/// What all sources say together.
pub(super) struct Layers {
    settings: Vec<Setting>,
    merged: Layer,
}

impl Layers {
    /// Lays `layers` over each other, the strongest first. What is not right is added to `problems`.
    pub(super) fn merge(
        settings: Vec<Setting>,
        layers: impl IntoIterator<Item = Layer>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut merged = Layer::new();
        for mut layer in layers {
            read_secrets(&settings, &mut layer, problems);
            check(&settings, &layer, problems);
            let above: Vec<String> =
                merged.iter().filter(|(_, entry): &(_, &Entry)| entry.claims()).map(|(name, _)| name.clone()).collect();
            for (name, entry) in layer {
                let said_otherwise = ALTERNATIVES.iter().filter(|group| group.contains(&name.as_str())).any(|group| {
                    group.iter().any(|other| *other != name && above.iter().any(|claimed| claimed == other))
                });
                if !said_otherwise {
                    merged.entry(name).or_insert(entry);
                }
            }
        }
        Self { settings, merged }
    }

    /// What was said of a setting, if anything was.
    pub(super) fn entry(&self, name: &str) -> Option<&Entry> {
        self.merged.get(name)
    }

    /// Where a setting comes from.
    pub(super) fn origin(&self, name: &str) -> &Origin {
        self.entry(name).map_or(&Origin::Default, Entry::origin)
    }

    /// Every setting with what was said of it. Files of secrets are left out: they have been read.
    pub(super) fn effective(&self) -> impl Iterator<Item = (&Setting, Option<&Entry>)> {
        let is_file = |setting: &Setting| {
            setting
                .name()
                .strip_suffix("-file")
                .is_some_and(|of| self.settings.iter().any(|s| s.name() == of && s.is_secret()))
        };
        self.settings.iter().filter(move |setting| !is_file(setting)).map(|s| (s, self.entry(s.name())))
    }

    /// The settings as typed values.
    pub(super) fn settings(&self) -> Result<Settings, Problem> {
        let flags = self.effective().flat_map(|(setting, entry)| {
            entry.into_iter().flat_map(Entry::values).map(|(value, _)| setting.as_flag(value))
        });
        let flags = std::iter::once(OsString::from("fanfare")).chain(flags);
        let command = self.settings.iter().fold(Command::new("fanfare"), |command, setting| command.arg(setting.arg()));
        // Each value was checked by itself, so that this shows a mistake in the declarations.
        let of_clap = |error: clap::Error| Problem::new(error.to_string());
        let matches = command.try_get_matches_from(flags).map_err(of_clap)?;
        Settings::from_arg_matches(&matches).map_err(of_clap)
    }
}

/// Puts what the files of secrets hold in the place of their names.
fn read_secrets(settings: &[Setting], layer: &mut Layer, problems: &mut Vec<Problem>) {
    for setting in settings.iter().filter(|setting| setting.is_secret()) {
        let Some(named) = layer.remove(&format!("{}-file", setting.name())) else { continue };
        let beside = layer.remove(setting.name());
        if let Some(beside) = beside.as_ref().filter(|_| !setting.is_list()) {
            let text = format!("{} is given beside {}: one of them is enough", beside.origin(), named.origin());
            problems.push(Problem::at(named.origin(), text));
        }
        let mut values = beside.map(|entry| entry.0).unwrap_or_default();
        for (path, origin) in named.values() {
            match secrets(Path::new(path), setting.is_list()) {
                Ok(read) => values.extend(read),
                Err(text) => problems.push(Problem::at(origin, text)),
            }
        }
        layer.insert(setting.name().to_owned(), Entry(values));
    }
}

/// The secrets of a file: one per line, without empty lines and comments (`#`), or everything but the line's end.
fn secrets(path: &Path, is_list: bool) -> Result<Vec<(OsString, Origin)>, String> {
    let text = secret_text(path)?;
    if !is_list {
        return Ok(vec![(text.into(), Origin::Line(path.to_owned(), 1))]);
    }
    let lines = text.lines().map(str::trim).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(|(index, line)| (line.into(), Origin::Line(path.to_owned(), index + 1))).collect())
}

/// What a file of a secret holds, without the ends of lines after it.
pub(super) fn secret_text(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn check(settings: &[Setting], layer: &Layer, problems: &mut Vec<Problem>) {
    for setting in settings {
        for (value, origin) in layer.get(setting.name()).into_iter().flat_map(Entry::values) {
            if let Err(text) = setting.check(value) {
                let text = if matches!(origin, Origin::Line(..)) { format!("{}: {text}", setting.key()) } else { text };
                problems.push(Problem::at(origin, text));
            }
        }
    }
    for group in ALTERNATIVES {
        let mut claimed = group.iter().filter_map(|name| layer.get(*name).filter(|entry| entry.claims()));
        if let (Some(one), Some(other)) = (claimed.next(), claimed.next()) {
            let text = format!("it cannot be given beside {}", one.origin());
            problems.push(Problem::at(other.origin(), text));
        }
    }
}
