//! Text messages: what accounts say about them, who wants none, who is verified, and what they cost.
//!
//! [`Phones`] keeps all of it. [`GuardedSms`] stands before whatever connector delivers: it lets nothing through to a number that
//! opted out, or that is not verified while the account is in the sandbox, or that there is no money left for.

mod attributes;
mod connector;
mod number;
mod one_time_password;
mod opt_outs;
mod origination;
mod receipts;
mod sandbox;
mod spending;
mod status;
mod usd;

use fanfare::sms::PhoneNumber;
use fanfare::{Documents, Owner, SnsError, SnsErrorCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::settings::MobileSettings;

pub(crate) use attributes::{Attributes, check_message};
pub(crate) use connector::GuardedSms;
pub(crate) use number::{number_to_publish_to, read_number};
pub(crate) use one_time_password::Language;
pub use origination::OriginationNumber;
pub use receipts::Receipts;
pub(crate) use sandbox::Refused;
pub(crate) use spending::spent_this_month;
pub(crate) use status::SmsStatusLog;
pub use usd::Usd;

/// What accounts say about text messages, kept as documents of the engine.
#[derive(Debug)]
pub(crate) struct Phones {
    documents: Documents,
    settings: MobileSettings,
}

impl Phones {
    pub(crate) fn new(documents: Documents, settings: MobileSettings) -> Self {
        Self { documents, settings }
    }

    fn record<T: DeserializeOwned>(&self, kind: &str, id: &str) -> Result<Option<T>, SnsError> {
        self.documents.text(kind, id).map(|text| read(&text)).transpose()
    }
}

/// The id of the one document of `owner`.
fn id_of(owner: &Owner) -> String {
    format!("{}/{}", owner.region(), owner.account())
}

/// The id of the document of `owner` about `number`.
fn id_of_number(owner: &Owner, number: &PhoneNumber) -> String {
    format!("{}/{number}", id_of(owner))
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, SnsError> {
    // A document may hold a password, so the error does not quote it.
    serde_json::from_str(text).map_err(|_| SnsError::new(SnsErrorCode::InternalError, "a record cannot be read"))
}

fn written(record: &impl Serialize) -> Result<String, SnsError> {
    serde_json::to_string(record).map_err(|_| SnsError::new(SnsErrorCode::InternalError, "a record cannot be written"))
}
