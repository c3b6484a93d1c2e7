//! What data protection policies of topics say of messages that are taken in.

use axum::http::StatusCode;
use fanfare::{Message, Topic};

use super::refused::Refused;
use crate::data_protection::{DataProtection, NotAccepted};

/// `message` as `topic` may accept it from `account`, which takes the place of the caller of Publish.
pub(super) fn accepted(
    protection: &DataProtection,
    topic: &Topic,
    account: &str,
    message: Message,
) -> Result<Message, Refused> {
    let user = format!("arn:aws:iam::{account}:root");
    protection.accept(topic, account, &user, message).map_err(|not_accepted| match not_accepted {
        // What is kept of the policy cannot be read here, which its owner can mend.
        NotAccepted::Refused(error) => Refused::for_now(error.to_string()),
        NotAccepted::Denied(denied) => Refused::finally(StatusCode::FORBIDDEN, denied.to_string()),
    })
}
