//! From an answer or an error to an outcome: the one place where it is decided what is tried again, and which device is gone.
//!
//! One table for each service, in a file of its own.

pub(crate) mod apns;
pub(crate) mod fcm;
pub(crate) mod sns;
pub(crate) mod transport;
pub(crate) mod web_push;

use std::time::Duration;

use fanfare_core::delivery::RESPONSE_BYTES_MAX;
use fanfare_core::{DeliveryError, DeliveryErrorKind as Kind, Disposition, Receipt, Timing};
use http::HeaderMap;

use crate::config::ConfigError;
use crate::credentials::InvalidCredentials;
use crate::jwt::Unsigned;

/// What a push service answered.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// What its `Retry-After` asks for.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) headers: HeaderMap,
    /// As far as it was read.
    pub(crate) body: Vec<u8>,
    pub(crate) timing: Timing,
}

impl Answer {
    /// The start of the body, for people.
    fn excerpt(&self) -> Option<String> {
        let start = &self.body[..self.body.len().min(RESPONSE_BYTES_MAX)];
        (!start.is_empty()).then(|| String::from_utf8_lossy(start).into_owned())
    }

    fn receipt(&self) -> Receipt {
        Receipt::new().with_status(self.status).with_timing(self.timing)
    }

    /// The error that a row stands for; `code` is what the service calls it.
    fn error(&self, row: Row, code: &str) -> DeliveryError {
        let Row { kind, fate, context } = row;
        let disposition = match fate {
            Fate::Again => Disposition::Retry { after: self.retry_after },
            Fate::Final => Disposition::Reject,
            Fate::Gone => Disposition::Disable,
        };
        let status = self.status;
        let text = match code {
            "" => format!("{context}: status {status}"),
            code => format!("{context}: {}", plain(code)),
        };
        let error = DeliveryError::new(kind, disposition, text).with_status(status).with_timing(self.timing);
        match self.excerpt() {
            Some(excerpt) => error.with_response(excerpt),
            None => error,
        }
    }
}

/// A row of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    kind: Kind,
    fate: Fate,
    context: &'static str,
}

/// What becomes of a notification that was refused, and of its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It passes: the notification is tried again.
    Again,
    /// It lasts, for this notification.
    Final,
    /// It lasts, for the device.
    Gone,
}

const fn again(kind: Kind, context: &'static str) -> Row {
    Row { kind, fate: Fate::Again, context }
}

const fn refused(kind: Kind, context: &'static str) -> Row {
    Row { kind, fate: Fate::Final, context }
}

const fn gone(context: &'static str) -> Row {
    Row { kind: Kind::NotFound, fate: Fate::Gone, context }
}

/// What holds for every service whose own words are not known.
fn by_status(status: u16) -> Row {
    match status {
        401 | 403 => refused(Kind::Unauthorized, "the push service does not take our credentials"),
        404 => refused(Kind::NotFound, "the push service has nothing at that address"),
        413 => refused(Kind::Unsupported, "the push service takes no payload so large"),
        429 => again(Kind::Throttled, "the push service asks for fewer notifications"),
        500..=599 => again(Kind::Unavailable, "the push service has a problem of its own"),
        100..=199 => again(Kind::Protocol, "the push service answered with an interim status"),
        300..=399 => refused(Kind::Rejected, "the push service redirects, which is not followed"),
        _ => refused(Kind::Rejected, "the push service refused the notification"),
    }
}

/// A code as it may stand in a line for people.
fn plain(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_graphic()).take(100).collect()
}

/// Credentials that no push service takes: there is nothing to ask with until somebody sets others.
pub(crate) fn unusable(invalid: InvalidCredentials) -> DeliveryError {
    match invalid {
        InvalidCredentials::Wrong => DeliveryError::reject(Kind::Unauthorized, invalid.to_string()),
        InvalidCredentials::OnlyThroughSns(_) => DeliveryError::reject(Kind::Misconfigured, invalid.to_string()),
    }
}

/// A token that could not be signed.
pub(crate) fn unsigned(error: Unsigned) -> DeliveryError {
    DeliveryError::retry(Kind::Misconfigured, "no token could be made").with_source(error)
}

/// A client that could not be made: the system has no CA certificates, or the application's own cannot be used.
pub(crate) fn no_client(error: ConfigError) -> DeliveryError {
    DeliveryError::retry(Kind::Misconfigured, "no connection can be made").with_source(error)
}

/// A device that nobody here knows.
pub(crate) fn unknown_device() -> DeliveryError {
    DeliveryError::reject(Kind::NotFound, "the endpoint does not exist")
}

/// A notification whose time is over.
pub(crate) fn too_late() -> DeliveryError {
    DeliveryError::reject(Kind::Rejected, "the time to live of the message has passed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_row() {
        for (status, kind, fate) in [
            (100, Kind::Protocol, Fate::Again),
            (301, Kind::Rejected, Fate::Final),
            (307, Kind::Rejected, Fate::Final),
            (400, Kind::Rejected, Fate::Final),
            (401, Kind::Unauthorized, Fate::Final),
            (403, Kind::Unauthorized, Fate::Final),
            (404, Kind::NotFound, Fate::Final),
            (413, Kind::Unsupported, Fate::Final),
            (429, Kind::Throttled, Fate::Again),
            (500, Kind::Unavailable, Fate::Again),
            (503, Kind::Unavailable, Fate::Again),
            (999, Kind::Rejected, Fate::Final),
        ] {
            let row = by_status(status);
            assert_eq!((row.kind, row.fate), (kind, fate), "{status}");
        }
    }

    #[test]
    fn a_code_of_the_services_own_making_cannot_break_the_line() {
        assert_eq!(plain("Bad\r\nDevice Token\u{1b}"), "BadDeviceToken");
    }
}
