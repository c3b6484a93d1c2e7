//! The names of Amazon SNS's operations, those included that this server does not have.

use super::refusal::Refusal;
use crate::query::{Request, VERSION};

/// Every operation of Amazon SNS.
const NAMES: [&str; 42] = [
    "AddPermission",
    "CheckIfPhoneNumberIsOptedOut",
    "ConfirmSubscription",
    "CreatePlatformApplication",
    "CreatePlatformEndpoint",
    "CreateSMSSandboxPhoneNumber",
    "CreateTopic",
    "DeleteEndpoint",
    "DeletePlatformApplication",
    "DeleteSMSSandboxPhoneNumber",
    "DeleteTopic",
    "GetDataProtectionPolicy",
    "GetEndpointAttributes",
    "GetPlatformApplicationAttributes",
    "GetSMSAttributes",
    "GetSMSSandboxAccountStatus",
    "GetSubscriptionAttributes",
    "GetTopicAttributes",
    "ListEndpointsByPlatformApplication",
    "ListOriginationNumbers",
    "ListPhoneNumbersOptedOut",
    "ListPlatformApplications",
    "ListSMSSandboxPhoneNumbers",
    "ListSubscriptions",
    "ListSubscriptionsByTopic",
    "ListTagsForResource",
    "ListTopics",
    "OptInPhoneNumber",
    "Publish",
    "PublishBatch",
    "PutDataProtectionPolicy",
    "RemovePermission",
    "SetEndpointAttributes",
    "SetPlatformApplicationAttributes",
    "SetSMSAttributes",
    "SetSubscriptionAttributes",
    "SetTopicAttributes",
    "Subscribe",
    "TagResource",
    "Unsubscribe",
    "UntagResource",
    "VerifySMSSandboxPhoneNumber",
];

/// The operation of Amazon SNS that is asked for, be it one that this server does not have.
pub(super) fn operation(request: &Request) -> Result<&'static str, Refusal> {
    let Some(action) = request.action() else {
        return Err(Refusal::new("MissingAction", 400, "The request must contain the parameter Action"));
    };
    let version = request.version().unwrap_or(VERSION);
    match NAMES.iter().find(|&&name| name == action) {
        Some(name) if version == VERSION => Ok(name),
        _ => {
            Err(Refusal::new("InvalidAction", 400, format!("Could not find operation {action} for version {version}")))
        }
    }
}

/// The answer for an operation that Amazon SNS has and this server does not.
pub(super) fn not_here(operation: &str) -> Refusal {
    Refusal::new("InvalidAction", 400, format!("This server does not have the operation {operation}"))
}
