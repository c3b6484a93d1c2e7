//! Whether the settings fit together.

use std::path::PathBuf;

use fanfare::email::EmailConfig;
use fanfare::push::PushConfig;
use fanfare::sms::SmsConfig;
use fanfare::{Adapters, Owner};
use fanfare_server::auth::{Keys, Mode};
use fanfare_server::ingest::{InvalidSource, TopicToken};

use super::email::email;
use super::layers::{Entry, Layers, Origin};
use super::problem::Problem;
use super::push::push;
use super::secret::Secret;
use super::settings::{Auth, Settings};
use super::sms::sms;

/// The settings of a server that can start.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// As they were given.
    pub(crate) settings: Settings,
    /// Where messages are kept.
    pub(crate) place: Place,
    /// Who may call.
    pub(crate) mode: Mode,
    /// Who may publish events without a signature.
    pub(crate) tokens: Vec<TopicToken>,
    /// How e-mails are sent, if they are.
    pub(crate) email: Option<EmailConfig>,
    /// How text messages are sent, if they are.
    pub(crate) sms: Option<SmsConfig>,
    /// How pushes are delivered.
    pub(crate) push: PushConfig,
}

/// Where messages are kept.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// In this directory.
    Directory(PathBuf),
    /// In memory.
    Memory,
}

impl Config {
    /// The settings of all sources, or everything that is wrong with them together.
    pub(super) fn check(layers: &Layers) -> Result<Self, Vec<Problem>> {
        let settings = layers.settings().map_err(|problem| vec![problem])?;
        let mut problems = Vec::new();
        let place = place(&settings).map_err(|problem| problems.push(problem));
        let mode = mode(&settings, layers).map_err(|problem| problems.push(problem));
        let tokens = tokens(&settings, layers).map_err(|problem| problems.push(problem));
        let email = email(&settings, layers).map_err(|problem| problems.push(problem));
        let sms = sms(&settings, layers).map_err(|problem| problems.push(problem));
        let push = push(&settings, layers).map_err(|problem| problems.push(problem));
        if let Err(problem) = public_url(&settings, layers) {
            problems.push(problem);
        }
        match (place, mode, tokens, email, sms, push) {
            (Ok(place), Ok(mode), Ok(tokens), Ok(email), Ok(sms), Ok(push)) if problems.is_empty() => {
                Ok(Self { settings, place, mode, tokens, email, sms, push })
            }
            _ => Err(problems),
        }
    }
}

/// One source alone cannot give both: that was refused before.
fn place(settings: &Settings) -> Result<Place, Problem> {
    match (&settings.data, settings.memory) {
        (Some(directory), _) => Ok(Place::Directory(directory.clone())),
        (None, true) => Ok(Place::Memory),
        (None, false) if settings.test => Ok(Place::Memory),
        (None, false) => Err(Problem::new("say where messages are kept: --data DIR, or --memory")),
    }
}

fn mode(settings: &Settings, layers: &Layers) -> Result<Mode, Problem> {
    if settings.test && *layers.origin("auth") != Origin::Default && settings.auth == Auth::Sigv4 {
        return Err(Problem::at(layers.origin("auth"), "--test checks no signatures"));
    }
    if settings.auth == Auth::Off || settings.test {
        let word = if settings.test { "--test" } else { "--auth off" };
        return match settings.keys.is_empty() {
            true => Ok(Mode::Off(Owner::default())),
            false => Err(Problem::new(format!("{word} checks no signature, so that --key has no use"))),
        };
    }
    if settings.keys.is_empty() {
        return Err(Problem::new("nobody could call: give at least one --key ACCESS:SECRET:ACCOUNT, or --auth off"));
    }
    let origins = layers.entry("key").into_iter().flat_map(Entry::values).map(|(_, origin)| origin);
    let keys = settings.keys.iter().zip(origins).try_fold(Keys::new(), |keys, (key, origin)| {
        let text = key.expose();
        let parts = text.split_once(':').and_then(|(access, rest)| Some((access, rest.rsplit_once(':')?)));
        let (access, (secret, account)) =
            parts.ok_or_else(|| Problem::at(origin, "a key must have the form ACCESS:SECRET:ACCOUNT"))?;
        keys.with_key(access, secret, account).map_err(|error| Problem::at(origin, error.to_string()))
    })?;
    Ok(Mode::SigV4(keys))
}

fn tokens(settings: &Settings, layers: &Layers) -> Result<Vec<TopicToken>, Problem> {
    let origins = layers.entry("ingest-token").into_iter().flat_map(Entry::values).map(|(_, origin)| origin);
    let tokens = settings.ingest_tokens.iter().zip(origins);
    let token = |(token, origin): (&Secret, &Origin)| {
        token.expose().parse().map_err(|error: InvalidSource| Problem::at(origin, error.to_string()))
    };
    tokens.map(token).collect()
}

fn public_url(settings: &Settings, layers: &Layers) -> Result<(), Problem> {
    let origin = |name| match layers.origin(name) {
        Origin::Default => Origin::Flag(name.to_owned()),
        given => given.clone(),
    };
    match &settings.public_url {
        Some(url) => Adapters::new(url)
            .map(drop)
            .map_err(|error| Problem::at(&origin("public-url"), format!("{url:?}: {error}"))),
        None if settings.listen.ip().is_unspecified() => {
            Err(Problem::new("say with --public-url where subscribers reach this server: it listens on every address"))
        }
        None => Ok(()),
    }
}
