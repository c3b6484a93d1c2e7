//! A platform application: an app, and the credentials with which its push service is asked to notify devices.

use std::collections::BTreeMap;
use std::fmt;

use fanfare::{Platform, SnsError, TopicArn};
use serde::{Deserialize, Serialize};

use super::{ApplicationArn, credentials};
use crate::mobile::settings::Credentials;

/// The most characters of an application's name.
const NAME_MAX: usize = 256;

/// Attributes that are never answered.
const SECRET: [&str; 2] = ["PlatformPrincipal", "PlatformCredential"];

/// Attributes that name the topics for events.
const EVENTS: [&str; 4] =
    ["EventEndpointCreated", "EventEndpointDeleted", "EventEndpointUpdated", "EventDeliveryFailure"];

/// Other attributes that can be set.
const OTHERS: [&str; 6] = [
    "ApplePlatformBundleID",
    "ApplePlatformTeamID",
    "Enabled",
    "FailureFeedbackRoleArn",
    "SuccessFeedbackRoleArn",
    "SuccessFeedbackSampleRate",
];

/// What is kept of a platform application: its attributes by Amazon SNS's names, credentials included.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Application {
    attributes: BTreeMap<String, String>,
}

impl Application {
    /// An application with attributes that nobody checks.
    #[cfg(test)]
    pub(super) fn of(attributes: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { attributes: attributes.into_iter().collect() }
    }

    /// A new application of `platform`, as it is asked for.
    ///
    /// # Errors
    /// `InvalidParameter`, as Amazon SNS words it, for attributes that it does not have and credentials that cannot be right.
    pub(crate) fn new(
        arn: &ApplicationArn,
        attributes: Vec<(String, String)>,
        credentials: Credentials,
    ) -> Result<Self, SnsError> {
        Self::default().changed(arn, attributes, credentials)
    }

    /// The application with other values for some attributes; an empty one takes an attribute away.
    ///
    /// # Errors
    /// As [`Application::new`].
    pub(crate) fn changed(
        mut self,
        arn: &ApplicationArn,
        attributes: Vec<(String, String)>,
        credentials: Credentials,
    ) -> Result<Self, SnsError> {
        let mut touches_credentials = self.attributes.is_empty();
        for (name, value) in attributes {
            check_attribute(arn, &name, &value)?;
            touches_credentials |= SECRET.contains(&name.as_str()) || name.starts_with("Apple");
            match value.is_empty() {
                true => self.attributes.remove(&name),
                false => self.attributes.insert(name, value),
            };
        }
        if touches_credentials {
            self.check_credentials(arn.platform(), credentials)?;
        }
        Ok(self)
    }

    /// An attribute by its name.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    /// Whether its endpoints can be published to.
    pub(crate) fn is_enabled(&self) -> bool {
        self.attribute("Enabled") != Some("false")
    }

    /// What its push service is asked with.
    pub(super) fn for_push(&self, platform: Platform) -> fanfare::push::Application {
        let [principal, credential, team_id, bundle_id] =
            ["PlatformPrincipal", "PlatformCredential", "ApplePlatformTeamID", "ApplePlatformBundleID"]
                .map(|name| self.attribute(name).unwrap_or_default());
        fanfare::push::Application::new(platform, principal, credential).apple(team_id, bundle_id)
    }

    /// The attributes that may be answered: all but the credentials.
    pub(crate) fn shown(&self) -> BTreeMap<&str, &str> {
        let known = self.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut shown: BTreeMap<_, _> = known.filter(|(name, _)| !SECRET.contains(name)).collect();
        shown.entry("Enabled").or_insert("true");
        shown
    }

    fn check_credentials(&self, platform: Platform, credentials: Credentials) -> Result<(), SnsError> {
        let given = |name: &str| self.attribute(name).is_some();
        let half = match (given("PlatformPrincipal"), given("PlatformCredential")) {
            (true, false) => Some(("PlatformPrincipal", "PlatformCredential")),
            // Firebase has no principal.
            (false, true) if platform != Platform::Gcm => Some(("PlatformCredential", "PlatformPrincipal")),
            _ => None,
        };
        if let Some((given, missing)) = half {
            return Err(invalid(format_args!("{given} attribute provided without {missing}")));
        }
        match credentials {
            Credentials::Checked => credentials::check(platform, self),
            Credentials::Unchecked => Ok(()),
        }
    }
}

impl fmt::Debug for Application {
    /// Attributes hold credentials, so their names alone are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Application").field(&self.attributes.keys()).finish()
    }
}

/// Refuses a name that Amazon SNS does not allow.
///
/// # Errors
/// `InvalidParameter` with Amazon SNS's text.
pub(crate) fn check_name(name: &str) -> Result<(), SnsError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let reason = match name {
        "" => "cannot be empty",
        _ if name.chars().count() > NAME_MAX => "must be at most 256 characters long",
        _ if !name.chars().all(allowed) => "must contain only characters 'a'-'z', 'A'-'Z', '0'-'9', '_', '-', and '.'",
        _ => return Ok(()),
    };
    Err(SnsError::invalid_parameter(format_args!("{name} Reason: {reason}")))
}

fn check_attribute(arn: &ApplicationArn, name: &str, value: &str) -> Result<(), SnsError> {
    if !(SECRET.contains(&name) || EVENTS.contains(&name) || OTHERS.contains(&name)) {
        return Err(invalid(format_args!("Invalid attribute name: {name}")));
    }
    if value.is_empty() {
        return Ok(());
    }
    let must = match name {
        "Enabled" if !matches!(value, "true" | "false") => "must be true or false",
        "SuccessFeedbackSampleRate" if value.parse::<u8>().map_or(true, |rate| rate > 100) => {
            "must be a whole number from 0 to 100"
        }
        _ if EVENTS.contains(&name) && !is_own_topic(arn, value) => {
            "must be the ARN of a topic of the same account and region"
        }
        _ => return Ok(()),
    };
    Err(invalid(format_args!("Invalid value for attribute: {name}: {must}")))
}

fn is_own_topic(arn: &ApplicationArn, text: &str) -> bool {
    TopicArn::parse(text).is_ok_and(|topic| topic.region() == arn.region() && topic.account() == arn.account())
}

fn invalid(reason: fmt::Arguments<'_>) -> SnsError {
    SnsError::invalid_parameter(format_args!("Attributes Reason: {reason}"))
}
