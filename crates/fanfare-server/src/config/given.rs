//! What was given on the command line, and what all sources say together.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use super::check::Config;
use super::file;
use super::layers::{Entry, Layer, Layers, Origin};
use super::nearest::nearest;
use super::problem::Problem;
use super::setting::{PREFIX, Setting, declared};

/// The variable that names the file of settings.
const CONFIG_VARIABLE: &str = "FANFARE_CONFIG";

/// The flags of settings, and the file.
#[derive(Clone)]
pub(crate) struct Given {
    file: Option<PathBuf>,
    flags: Vec<(String, Vec<OsString>)>,
}

impl Given {
    /// The settings of all sources, checked; or everything that is wrong with them.
    pub(crate) fn config(&self) -> Result<Config, Vec<Problem>> {
        self.layers().and_then(|layers| Config::check(&layers))
    }

    /// The same, and the switch `name` is given by flag.
    pub(crate) fn with_switch(mut self, name: &str) -> Self {
        if self.flags.iter().all(|(known, _)| known != name) {
            self.flags.push((name.to_owned(), vec!["true".into()]));
        }
        self
    }

    /// What the sources say together.
    pub(super) fn layers(&self) -> Result<Layers, Vec<Problem>> {
        let environment = own_variables();
        let settings = declared();
        let mut problems = Vec::new();
        let file = self.file.clone().or_else(|| Some(environment.get(CONFIG_VARIABLE)?.into()));
        let in_file = match file.filter(|path| !path.as_os_str().is_empty()) {
            Some(path) => file::read(&path, &settings, &mut problems),
            None => Layer::new(),
        };
        let variables = variables(&settings, &environment);
        let layers = Layers::merge(settings, [self.flags(), variables, in_file], &mut problems);
        if problems.is_empty() { Ok(layers) } else { Err(problems) }
    }

    /// Variables that look like settings and are none. They are no mistake for sure: other programs, such as an orchestrator
    /// that tells of its services, may name theirs so.
    pub(super) fn strange_variables(&self) -> Vec<Problem> {
        let mut known: Vec<String> = declared().iter().map(Setting::variable).collect();
        // The last one is what commands go by that ask a server.
        known.extend([CONFIG_VARIABLE, "FANFARE_URL"].map(str::to_owned));
        // What they all begin with makes no two of them alike.
        let bare = |name: &str| name.strip_prefix(PREFIX).unwrap_or(name).to_owned();
        let known: Vec<String> = known.iter().map(|name| bare(name)).collect();
        let strange = own_variables().into_keys().map(|name| bare(&name)).filter(|name| !known.contains(name));
        let warning = |name: String| match nearest(&name, known.iter().map(String::as_str)) {
            Some(meant) => format!("warning: {PREFIX}{name} is no setting: did you mean {PREFIX}{meant}?"),
            None => format!("warning: {PREFIX}{name} is no setting"),
        };
        strange.map(|name| Problem::new(warning(name))).collect()
    }

    fn flags(&self) -> Layer {
        let entry = |name: &String, values: &Vec<OsString>| {
            Entry::from(values.iter().map(|value| (value.clone(), Origin::Flag(name.clone()))))
        };
        self.flags.iter().map(|(name, values)| (name.clone(), entry(name, values))).collect()
    }
}

/// The variables of the environment that are ours by name.
fn own_variables() -> BTreeMap<String, OsString> {
    let variables = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    variables.filter(|(name, _)| name.starts_with(PREFIX)).collect()
}

/// What the environment says. A variable that is empty says nothing.
fn variables(settings: &[Setting], environment: &BTreeMap<String, OsString>) -> Layer {
    let mut layer = Layer::new();
    for setting in settings {
        let variable = setting.variable();
        let Some(value) = environment.get(&variable).filter(|value| !value.is_empty()) else { continue };
        let values = match value.to_str().filter(|_| setting.is_list()) {
            Some(list) => list.split(',').map(str::trim).filter(|part| !part.is_empty()).map(OsString::from).collect(),
            None => vec![value.clone()],
        };
        let origin = Origin::Variable(variable);
        layer.insert(setting.name().to_owned(), values.into_iter().map(|value| (value, origin.clone())).into());
    }
    layer
}

impl Args for Given {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help("Read settings from this TOML file; flags and variables of the environment overrule it");
        let command = declared().into_iter().fold(command.arg(file), |command, setting| command.arg(setting.arg()));
        command.after_help(
            "Each setting can also be given in the environment (--public-url as FANFARE_PUBLIC_URL, lists with commas) or in \
             the file of --config (public_url = \"...\").",
        )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Given {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Vec::new();
        for setting in declared() {
            let id = setting.arg().get_id().as_str();
            if matches.value_source(id) == Some(ValueSource::CommandLine)
                && let Some(values) = matches.get_raw(id)
            {
                let mut values: Vec<OsString> = values.map(ToOwned::to_owned).collect();
                // Of a switch, the flag alone.
                if values.is_empty() {
                    values.push("true".into());
                }
                flags.push((setting.name().to_owned(), values));
            }
        }
        Ok(Self { file: matches.get_one::<PathBuf>("config").cloned(), flags })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Without the values: some are secret.
impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given").field("file", &self.file).finish_non_exhaustive()
    }
}
