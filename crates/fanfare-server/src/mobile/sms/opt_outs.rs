//! Who wants no text messages.

use std::time::Duration;

use fanfare::{Owner, SnsError, Timestamp};
use serde::{Deserialize, Serialize};

use super::{PhoneNumber, Phones, id_of, id_of_number, written};

/// The kinds of documents; ids are `<region>/<account>/<number>`.
const OPTED_OUT: &str = "sms-opted-out";
const OPTED_IN: &str = "sms-opted-in";

/// How long after a number was opted in it can be opted in again.
const BETWEEN_OPT_INS: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// When somebody said that they want none, or that they do again.
#[derive(Serialize, Deserialize)]
struct At {
    at: Timestamp,
}

impl Phones {
    /// Whether whoever has `number` wants no text messages of `owner`.
    pub(crate) fn is_opted_out(&self, owner: &Owner, number: &PhoneNumber) -> bool {
        self.documents.text(OPTED_OUT, &id_of_number(owner, number)).is_some()
    }

    /// The numbers whose owners want no text messages of `owner`, after `after`, in order, at most `max`.
    pub(crate) fn opted_out(&self, owner: &Owner, after: Option<&str>, max: usize) -> Vec<String> {
        let prefix = format!("{}/", id_of(owner));
        let after = format!("{prefix}{}", after.unwrap_or_default());
        let page = self.documents.page(OPTED_OUT, Some(&after), max);
        page.into_iter().map_while(|(id, _)| Some(id.strip_prefix(&prefix)?.to_owned())).collect()
    }

    /// Notes that whoever has `number` wants no text messages of `owner`. Again is no error.
    pub(crate) async fn opt_out(&self, owner: &Owner, number: &PhoneNumber, now: Timestamp) -> Result<(), SnsError> {
        let at = written(&At { at: now })?;
        let note = |known: Option<&str>| Ok::<_, SnsError>(Some(known.map_or(at, str::to_owned)));
        self.documents.update(OPTED_OUT, &id_of_number(owner, number), note).await
    }

    /// Sends text messages to `number` again. One that did not opt out is no error.
    ///
    /// # Errors
    /// `InvalidParameter` when that was done less than 30 days ago, which Amazon SNS does not do again.
    pub(crate) async fn opt_in(&self, owner: &Owner, number: &PhoneNumber, now: Timestamp) -> Result<(), SnsError> {
        if !self.is_opted_out(owner, number) {
            return Ok(());
        }
        let id = id_of_number(owner, number);
        let before: Option<At> = self.record(OPTED_IN, &id)?;
        if before.is_some_and(|before| now.since(before.at) < BETWEEN_OPT_INS) {
            let reason = "PhoneNumber Reason: a phone number can be opted in once in 30 days";
            return Err(SnsError::invalid_parameter(reason));
        }
        self.documents.update(OPTED_OUT, &id, |_| Ok::<_, SnsError>(None)).await?;
        let at = written(&At { at: now })?;
        self.documents.update(OPTED_IN, &id, |_| Ok(Some(at))).await
    }
}
