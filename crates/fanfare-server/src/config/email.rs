//! What the settings say of e-mails.

use fanfare::email::{Dkim, EmailConfig, Relay};

use super::layers::{Entry, Layers};
use super::problem::Problem;
use super::settings::Settings;

/// How e-mails are sent, if they are.
pub(super) fn email(settings: &Settings, layers: &Layers) -> Result<Option<EmailConfig>, Problem> {
    let Some(from) = settings.email_from.as_deref().filter(|_| !settings.smtp.is_empty()) else {
        return match (settings.email_from.is_some(), settings.smtp.is_empty()) {
            (true, true) => Err(at(layers, "email-from", "no e-mail could be sent: give at least one --smtp URL, too")),
            (false, false) => Err(at(layers, "smtp", "no e-mail could be sent: give --email-from ADDRESS, too")),
            _ => unused(settings, layers).map_or(Ok(None), Err),
        };
    };
    let mut email = EmailConfig::new(from).map_err(|error| at(layers, "email-from", &format!("{from:?}: {error}")))?;
    let origins = layers.entry("smtp").into_iter().flat_map(Entry::values).map(|(_, origin)| origin);
    for (url, origin) in settings.smtp.iter().zip(origins) {
        // Its words show nothing of the URL.
        let relay: Relay = url.expose().parse().map_err(|error| Problem::at(origin, format!("{error}")))?;
        email = email.relay(relay);
    }
    if let Some(name) = &settings.email_name {
        email = email.name(name);
    }
    if let Some(rate) = settings.email_per_second {
        email = email.per_second(rate);
    }
    if let Some(file) = &settings.smtp_ca {
        let pem = read(layers, "smtp-ca", file)?;
        email = email.ca_certificates(pem).map_err(|error| at(layers, "smtp-ca", &error.to_string()))?;
    }
    match dkim(settings, layers)? {
        Some(dkim) => Ok(Some(email.dkim(dkim))),
        None => Ok(Some(email)),
    }
}

fn dkim(settings: &Settings, layers: &Layers) -> Result<Option<Dkim>, Problem> {
    let Settings { dkim_key, dkim_selector, dkim_domain, .. } = settings;
    match (dkim_key, dkim_selector, dkim_domain) {
        (None, None, None) => Ok(None),
        (Some(file), Some(selector), Some(domain)) => {
            let key = read(layers, "dkim-key", file)?;
            let dkim = Dkim::new(domain, selector, &key);
            dkim.map(Some).map_err(|error| at(layers, "dkim-key", &error.to_string()))
        }
        _ => Err(Problem::new(
            "e-mails are signed with all of --dkim-key, --dkim-selector and --dkim-domain, or not at all",
        )),
    }
}

/// A setting that says something of e-mails where none are sent.
fn unused(settings: &Settings, layers: &Layers) -> Option<Problem> {
    let given = [
        ("email-name", settings.email_name.is_some()),
        ("email-per-second", settings.email_per_second.is_some()),
        ("smtp-ca", settings.smtp_ca.is_some()),
        ("dkim-key", settings.dkim_key.is_some()),
        ("dkim-selector", settings.dkim_selector.is_some()),
        ("dkim-domain", settings.dkim_domain.is_some()),
    ];
    let (name, _) = given.into_iter().find(|(_, is_given)| *is_given)?;
    Some(at(layers, name, "it has no use without --smtp and --email-from"))
}

fn read(layers: &Layers, name: &str, file: &std::path::Path) -> Result<String, Problem> {
    std::fs::read_to_string(file).map_err(|error| at(layers, name, &format!("{}: {error}", file.display())))
}

fn at(layers: &Layers, name: &str, text: &str) -> Problem {
    Problem::at(layers.origin(name), text)
}
