//! One setting as it is declared: its names, and which texts it takes.

use std::any::TypeId;
use std::ffi::{OsStr, OsString};

use clap::builder::BoolishValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Args as _, Command};

use super::secret::Secret;
use super::settings::Settings;

/// What the variables of settings begin with.
pub(super) const PREFIX: &str = "FANFARE_";

/// One setting.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    arg: Arg,
    name: String,
}

/// Every setting, in the order in which they are declared; after a secret comes the file that it may be read from.
pub(super) fn declared() -> Vec<Setting> {
    let command = Settings::augment_args(Command::new("settings"));
    let mut settings = Vec::new();
    for arg in command.get_arguments() {
        let setting = Setting::new(switchable(arg.clone()));
        let file = setting.is_secret().then(|| setting.in_file());
        settings.push(setting);
        settings.extend(file);
    }
    for (place, setting) in settings.iter_mut().enumerate() {
        setting.arg = setting.arg.clone().display_order(place);
    }
    settings
}

/// A flag without a value takes one as well, so that `--memory=false` can overrule the file.
fn switchable(arg: Arg) -> Arg {
    if !matches!(arg.get_action(), ArgAction::SetTrue) {
        return arg;
    }
    arg.action(ArgAction::Set)
        .num_args(0..=1)
        .require_equals(true)
        .value_name("BOOL")
        .value_parser(BoolishValueParser::new())
        .hide_possible_values(true)
        .hide_default_value(true)
        .default_missing_value("true")
        .default_value("false")
}

impl Setting {
    fn new(arg: Arg) -> Self {
        let name = arg.get_long().expect("every setting has a flag").to_owned();
        let arg = match arg.get_action() {
            ArgAction::Append if arg.get_help().is_some() => {
                let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
                arg.help(format!("{help}. May be given several times"))
            }
            _ => arg,
        };
        Self { arg, name }
    }

    /// The setting that names a file with this one in it.
    fn in_file(&self) -> Self {
        let name = format!("{}-file", self.name);
        let what = if self.is_list() { "one per line" } else { "and nothing else" };
        let arg = Arg::new(name.clone())
            .long(name.clone())
            .value_name("FILE")
            .help(format!("A file with what `--{}` takes, {what}, so that no list of processes shows it", self.name));
        Self { arg, name }
    }

    /// As its flag spells it, without the dashes in front.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// As the file spells it.
    pub(super) fn key(&self) -> String {
        self.name.replace('-', "_")
    }

    /// Its environment variable.
    pub(super) fn variable(&self) -> String {
        format!("{PREFIX}{}", self.key().to_uppercase())
    }

    pub(super) fn arg(&self) -> &Arg {
        &self.arg
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self.arg.get_action(), ArgAction::Append)
    }

    pub(super) fn is_secret(&self) -> bool {
        self.arg.get_value_parser().type_id() == TypeId::of::<Secret>()
    }

    /// What holds when nobody gives the setting.
    pub(super) fn default(&self) -> Option<&OsStr> {
        self.arg.get_default_values().first().map(|value| value.as_os_str())
    }

    /// How the flag is written: `--listen ADDRESS`, `--auth sigv4|off`, or `--memory`.
    pub(super) fn usage(&self) -> String {
        let choices: Vec<String> =
            self.arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        let is_switch = self.arg.get_num_args().is_some_and(|range| range.min_values() == 0);
        match (is_switch, choices.is_empty(), self.arg.get_value_names()) {
            (true, _, _) => format!("--{}", self.name),
            (false, true, Some(names)) => format!("--{} {}", self.name, names.join(" ")),
            (false, true, None) => format!("--{} VALUE", self.name),
            (false, false, _) => format!("--{} {}", self.name, choices.join("|")),
        }
    }

    /// Whether the setting takes this text; if not, why.
    pub(super) fn check(&self, text: &OsStr) -> Result<(), String> {
        let arguments = [OsString::from("fanfare"), self.as_flag(text)];
        let Err(error) = Command::new("fanfare").arg(self.arg.clone()).try_get_matches_from(arguments) else {
            return Ok(());
        };
        let shown = text.to_string_lossy();
        if self.is_secret() {
            return Err("it must be text in UTF-8".to_owned());
        }
        if let Some(source) = std::error::Error::source(&error) {
            return Err(format!("{shown:?} is not right: {source}"));
        }
        match (error.kind(), error.get(ContextKind::ValidValue)) {
            (ErrorKind::InvalidValue, Some(ContextValue::Strings(choices))) if !choices.is_empty() => {
                Err(format!("{shown:?} is not right: it must be one of {}", choices.join(", ")))
            }
            _ => Err(format!("{shown:?} is not right")),
        }
    }

    /// `--name=text`
    pub(super) fn as_flag(&self, text: &OsStr) -> OsString {
        let mut flag = OsString::from(format!("--{}=", self.name));
        flag.push(text);
        flag
    }
}
