//! The member `requestPolicy`: the `Content-Type` under which notifications are posted.

use serde::Serialize;

use super::DeliveryPolicyError;
use super::DeliveryPolicyErrorKind::InvalidValue;
use super::policy_section::Section;

const HEADER_CONTENT_TYPE: &str = "headerContentType";

/// The content type of a request where no policy says otherwise.
const DEFAULT: &str = "text/plain; charset=UTF-8";

/// The content types of an envelope. The default is not among Amazon SNS's documented values, but it is what effective
/// policies show, and tools write back what they read.
const ENVELOPE_TYPES: [&str; 3] = ["application/json", "text/plain", DEFAULT];

/// The content types of a raw body, in addition to those of an envelope.
const RAW_TYPES: [&str; 10] = [
    "text/css",
    "text/csv",
    "text/html",
    "text/xml",
    "application/atom+xml",
    "application/octet-stream",
    "application/soap+xml",
    "application/x-www-form-urlencoded",
    "application/xhtml+xml",
    "application/xml",
];

/// Whether a subscription is sent the bare message or the envelope around it: the attribute `RawMessageDelivery`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
// Exhaustive: the attribute is true or false.
pub enum RawMessageDelivery {
    /// The envelope: a JSON object with the message in it.
    #[default]
    Off,
    /// The message alone.
    On,
}

impl From<bool> for RawMessageDelivery {
    fn from(raw: bool) -> Self {
        if raw { Self::On } else { Self::Off }
    }
}

/// The `Content-Type` of the notifications of one subscription, sent exactly as it was set.
///
/// Confirmation messages keep `text/plain; charset=UTF-8`, which is also the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestPolicy {
    header_content_type: &'static str,
}

impl Default for RequestPolicy {
    fn default() -> Self {
        Self { header_content_type: DEFAULT }
    }
}

impl RequestPolicy {
    /// The members that a policy may have.
    pub(super) const MEMBERS: [&str; 1] = [HEADER_CONTENT_TYPE];

    /// The value of the header.
    pub fn header_content_type(&self) -> &'static str {
        self.header_content_type
    }

    /// Whether the content type may stand on a body of that kind.
    ///
    /// `text/css`, for instance, is allowed for the bare message and not for the envelope.
    pub fn fits(&self, raw: RawMessageDelivery) -> bool {
        raw == RawMessageDelivery::On || ENVELOPE_TYPES.contains(&self.header_content_type)
    }

    /// Reads a policy; one that names no content type changes nothing and is none.
    pub(super) fn read(section: &Section<'_>, raw: RawMessageDelivery) -> Result<Option<Self>, DeliveryPolicyError> {
        let Some(value) = section.text(HEADER_CONTENT_TYPE)? else { return Ok(None) };
        let known = ENVELOPE_TYPES.into_iter().chain(RAW_TYPES).find(|known| *known == value);
        match known.map(|header_content_type| Self { header_content_type }).filter(|policy| policy.fits(raw)) {
            Some(policy) => Ok(Some(policy)),
            None => Err(unsuitable(&section.path_of(HEADER_CONTENT_TYPE), value, raw)),
        }
    }
}

/// The error that names the content types which are allowed.
pub(super) fn unsuitable(path: &str, value: &str, raw: RawMessageDelivery) -> DeliveryPolicyError {
    let mut allowed: Vec<&str> = ENVELOPE_TYPES.into_iter().filter(|known| *known != DEFAULT).collect();
    let condition = match raw {
        RawMessageDelivery::Off => "without raw message delivery",
        RawMessageDelivery::On => {
            allowed.extend(RAW_TYPES);
            "with raw message delivery"
        }
    };
    DeliveryPolicyError::new(
        InvalidValue,
        format!("{path}: Invalid value [{value}]. Please use one of {} {condition}", allowed.join(", ")),
    )
}
