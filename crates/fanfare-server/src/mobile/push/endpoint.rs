//! A platform endpoint: one installation of an app on one device, which a push service knows by a token.

use std::collections::BTreeMap;

use fanfare::{Platform, SnsError};
use serde::{Deserialize, Serialize};

use crate::mobile::settings::Credentials;

/// The most bytes of `CustomUserData`.
const USER_DATA_BYTES_MAX: usize = 2048;

/// The most digits of an Apple device's token.
const APPLE_DIGITS_MAX: usize = 400;

/// What is kept of a platform endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Device {
    pub(crate) token: String,
    pub(crate) enabled: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) user_data: String,
}

/// What a request says about an endpoint; what it leaves out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DeviceChange {
    pub(crate) token: Option<String>,
    pub(crate) enabled: Option<bool>,
    pub(crate) user_data: Option<String>,
}

impl Device {
    /// The attributes as Amazon SNS answers them.
    pub(crate) fn shown(&self) -> BTreeMap<&'static str, &str> {
        let mut shown =
            BTreeMap::from([("Enabled", if self.enabled { "true" } else { "false" }), ("Token", self.token.as_str())]);
        if !self.user_data.is_empty() {
            shown.insert("CustomUserData", &self.user_data);
        }
        shown
    }

    /// Makes a change.
    pub(crate) fn set(&mut self, change: DeviceChange) {
        let DeviceChange { token, enabled, user_data } = change;
        self.token = token.unwrap_or_else(|| std::mem::take(&mut self.token));
        self.enabled = enabled.unwrap_or(self.enabled);
        self.user_data = user_data.unwrap_or_else(|| std::mem::take(&mut self.user_data));
    }
}

impl DeviceChange {
    /// Reads attributes as they are sent for an endpoint of `platform`.
    ///
    /// # Errors
    /// `InvalidParameter`, as Amazon SNS words it, for attributes that it does not have and values that it does not take.
    pub(crate) fn read(
        platform: Platform,
        attributes: Vec<(String, String)>,
        credentials: Credentials,
    ) -> Result<Self, SnsError> {
        let mut change = Self::default();
        for (name, value) in attributes {
            match name.as_str() {
                "CustomUserData" => change.set_user_data(value)?,
                "Enabled" => change.enabled = Some(parse_enabled(&value)?),
                "Token" => change.set_token(platform, &value, credentials)?,
                _ => {
                    let reason = format_args!("Attributes Reason: Invalid attribute name: {name}");
                    return Err(SnsError::invalid_parameter(reason));
                }
            }
        }
        Ok(change)
    }

    /// Asks for this token. Those of Apple's devices are kept in lower case.
    ///
    /// # Errors
    /// `InvalidParameter` for one that cannot be right.
    pub(crate) fn set_token(
        &mut self,
        platform: Platform,
        token: &str,
        credentials: Credentials,
    ) -> Result<(), SnsError> {
        if token.is_empty() {
            return Err(SnsError::invalid_parameter("Token Reason: cannot be empty"));
        }
        if !platform.is_apple() {
            if credentials == Credentials::Checked {
                fanfare::push::check_token(platform, token)?;
            }
            self.token = Some(token.to_owned());
            return Ok(());
        }
        let hexadecimal = token.len() <= APPLE_DIGITS_MAX && token.bytes().all(|b| b.is_ascii_hexdigit());
        if credentials == Credentials::Checked && !hexadecimal {
            return Err(SnsError::invalid_parameter(
                "Token Reason: iOS device tokens must be no more than 400 hexadecimal characters",
            ));
        }
        self.token = Some(token.to_ascii_lowercase());
        Ok(())
    }

    /// Asks for this `CustomUserData`.
    ///
    /// # Errors
    /// `InvalidParameter` when it is too long.
    pub(crate) fn set_user_data(&mut self, value: String) -> Result<(), SnsError> {
        if value.len() > USER_DATA_BYTES_MAX {
            return Err(SnsError::invalid_parameter(
                "Attributes Reason: Invalid value for attribute: CustomUserData: must be at most 2048 bytes long in UTF-8 \
                 encoding",
            ));
        }
        self.user_data = Some(value);
        Ok(())
    }

    /// Asks for what `other` asks for; what that leaves out stays.
    pub(crate) fn override_with(&mut self, other: Self) {
        let Self { token, enabled, user_data } = other;
        self.token = token.or_else(|| self.token.take());
        self.enabled = enabled.or(self.enabled);
        self.user_data = user_data.or_else(|| self.user_data.take());
    }

    /// Whether `known` already is what this asks for.
    pub(crate) fn is_met_by(&self, known: &Device) -> bool {
        self.token.as_ref().is_none_or(|token| *token == known.token)
            && self.enabled.is_none_or(|enabled| enabled == known.enabled)
            && self.user_data.as_ref().is_none_or(|data| *data == known.user_data)
    }
}

fn parse_enabled(value: &str) -> Result<bool, SnsError> {
    match value {
        _ if value.eq_ignore_ascii_case("true") => Ok(true),
        _ if value.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(SnsError::invalid_parameter(
            "Attributes Reason: Invalid value for attribute: Enabled: must be true or false",
        )),
    }
}
