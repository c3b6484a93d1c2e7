//! The attributes of topics: how they are read, kept and shown.

use std::fmt;

use fanfare::json;
use fanfare::retry::{EffectiveTopicPolicy, TopicDeliveryPolicy};
use fanfare::topic::DeduplicationScope;
use fanfare::{SignatureVersion, SubscriptionCounts, Topic, TopicArn, TopicSettings};
use serde_json::{Value, json};

use super::permissions::with_policy;
use super::refusal::Refusal;
use crate::access::default_policy;
use crate::data_protection;

/// The most characters of a display name.
const DISPLAY_NAME_CHARS_MAX: usize = 100;

/// What Amazon SNS keeps beside these: how successes and failures of each kind of endpoint are logged.
const FEEDBACK_KINDS: [&str; 5] = ["HTTP", "Firehose", "Lambda", "Application", "SQS"];

/// How an attribute was given, which decides how a refusal of it is worded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    /// In a map, when something is made.
    InMap,
    /// By its name, when something is changed.
    Alone,
}

impl Given {
    /// The refusal of an attribute's value.
    pub(super) fn refusal(self, detail: impl fmt::Display) -> Refusal {
        match self {
            Self::InMap => Refusal::invalid_parameter(format_args!("Attributes Reason: {detail}")),
            Self::Alone => Refusal::invalid_parameter(detail),
        }
    }
}

/// `settings` of `topic` with one attribute put in; an empty value removes what can be removed.
pub(super) fn with_attribute(
    settings: TopicSettings,
    name: &str,
    value: &str,
    topic: &TopicArn,
    given: Given,
) -> Result<TopicSettings, Refusal> {
    let flag = || match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(given.refusal(format_args!("{name}: Invalid value [{value}]. Must be true or false."))),
    };
    Ok(match name {
        "DisplayName" if value.chars().count() > DISPLAY_NAME_CHARS_MAX || value.chars().any(char::is_control) => {
            return Err(given.refusal("DisplayName"));
        }
        "DisplayName" => settings.display_name(value),
        "DeliveryPolicy" if value.is_empty() => settings.without_delivery_policy(),
        "DeliveryPolicy" => {
            settings.delivery_policy(TopicDeliveryPolicy::parse(value).map_err(|error| given.refusal(error))?)
        }
        "SignatureVersion" => settings.signature_version(match value {
            "1" => SignatureVersion::V1,
            "2" => SignatureVersion::V2,
            _ => return Err(given.refusal("SignatureVersion")),
        }),
        "MaximumMessageSize" => {
            settings.maximum_message_size(value.parse().map_err(|_| given.refusal("MaximumMessageSize"))?)?
        }
        "ContentBasedDeduplication" if topic.is_fifo() => match flag()? {
            true => settings.content_based_deduplication(),
            false => settings.without_content_based_deduplication(),
        },
        // As `FifoTopic` is: saying that a standard topic is none of the other kind is true, and changes nothing.
        "ContentBasedDeduplication" if value == "false" => settings,
        "FifoThroughputScope" if topic.is_fifo() => {
            let scope = scope(value, settings.deduplication_scope_set(), given)?;
            settings.deduplication_scope(scope)
        }
        "ArchivePolicy" if topic.is_fifo() => match archive_days(value, given)? {
            Some(days) => settings.archive(days)?,
            None => settings.without_archive(),
        },
        "ContentBasedDeduplication" | "FifoThroughputScope" | "ArchivePolicy" => {
            return Err(given.refusal(format_args!("{name}: only FIFO topics have it")));
        }
        "Policy" => with_policy(settings, value, topic)?,
        // Kept and shown for the tools that set it. What it stands for in AWS, encryption at rest, is the disk's here.
        "KmsMasterKeyId" if value.is_empty() => settings.without_attribute(name),
        "KmsMasterKeyId" => settings.attribute(name, value),
        "TracingConfig" if topic.is_fifo() && !value.is_empty() => {
            return Err(given.refusal("TracingConfig: only standard topics have it"));
        }
        "TracingConfig" if value.is_empty() => settings.without_attribute(name),
        "TracingConfig" if value == "PassThrough" => settings.attribute(name, value),
        // Segments would have to go to AWS X-Ray.
        "TracingConfig" if value == "Active" => {
            return Err(given.refusal("TracingConfig: Active is not supported by this server, PassThrough is"));
        }
        "TracingConfig" => return Err(given.refusal("TracingConfig")),
        _ if is_feedback(name) && value.is_empty() => settings.without_attribute(name),
        _ if is_feedback(name) => match is_feedback_value(name, value) {
            true => settings.attribute(name, value),
            false => return Err(given.refusal(name)),
        },
        _ => {
            return Err(match given {
                Given::InMap => given.refusal(format_args!("Unknown attribute {name}")),
                Given::Alone => given.refusal("AttributeName"),
            });
        }
    })
}

/// A topic that has gone over to message groups stays there.
fn scope(value: &str, known: Option<DeduplicationScope>, given: Given) -> Result<DeduplicationScope, Refusal> {
    match value {
        "MessageGroup" => Ok(DeduplicationScope::MessageGroup),
        "Topic" if known != Some(DeduplicationScope::MessageGroup) => Ok(DeduplicationScope::Topic),
        _ => Err(given.refusal("FifoThroughputScope")),
    }
}

/// What `GetTopicAttributes` answers for a topic with that many subscriptions.
pub(super) fn shown(topic: &Topic, subscriptions: SubscriptionCounts) -> Vec<(&str, String)> {
    let (arn, settings) = (topic.arn(), topic.settings());
    let mut attributes = vec![
        ("TopicArn", arn.to_string()),
        ("Owner", arn.account().to_owned()),
        ("DisplayName", topic.display_name().to_owned()),
        ("EffectiveDeliveryPolicy", EffectiveTopicPolicy::of(topic.delivery_policy()).to_json()),
        ("SubscriptionsConfirmed", subscriptions.confirmed.to_string()),
        ("SubscriptionsPending", subscriptions.pending.to_string()),
        ("SubscriptionsDeleted", subscriptions.deleted.to_string()),
    ];
    if !settings.attributes().contains_key("Policy") {
        attributes.push(("Policy", default_policy(arn)));
    }
    if let Some(policy) = topic.delivery_policy() {
        attributes.push(("DeliveryPolicy", policy.to_json()));
    }
    if let Some(version) = settings.signature_version_set() {
        attributes.push(("SignatureVersion", version.as_str().to_owned()));
    }
    if let Some(bytes) = settings.maximum_message_size_set() {
        attributes.push(("MaximumMessageSize", bytes.to_string()));
    }
    if arn.is_fifo() {
        attributes.push(("FifoTopic", "true".to_owned()));
        attributes.push(("ContentBasedDeduplication", topic.deduplicates_by_content().to_string()));
    }
    if let Some(scope) = settings.deduplication_scope_set() {
        let scope = if scope == DeduplicationScope::MessageGroup { "MessageGroup" } else { "Topic" };
        attributes.push(("FifoThroughputScope", scope.to_owned()));
    }
    if let Some(days) = settings.archive_days() {
        attributes.push(("ArchivePolicy", format!(r#"{{"MessageRetentionPeriod":"{days}"}}"#)));
    }
    // That one is not an attribute for callers.
    let kept = settings.attributes().iter().filter(|(name, _)| *name != data_protection::ATTRIBUTE);
    attributes.extend(kept.map(|(name, value)| (name.as_str(), value.clone())));
    attributes
}

/// The days of an `ArchivePolicy` such as `{"MessageRetentionPeriod":"30"}`; none of `{}`, which removes it.
fn archive_days(text: &str, given: Given) -> Result<Option<u16>, Refusal> {
    let policy: Value = serde_json::from_str(text).map_err(|error| {
        let complaint = json::complaint(text).unwrap_or_else(|| error.to_string());
        given.refusal(format_args!("ArchivePolicy: failed to parse JSON. {complaint}"))
    })?;
    if policy == json!({}) {
        return Ok(None);
    }
    let days = match &policy["MessageRetentionPeriod"] {
        Value::String(days) => days.parse().ok(),
        Value::Number(days) => days.as_u64().and_then(|days| u16::try_from(days).ok()),
        _ => None,
    };
    match (days, policy.as_object().map(serde_json::Map::len)) {
        (Some(days), Some(1)) => {
            // The bounds are those of the settings.
            TopicSettings::new().archive(days)?;
            Ok(Some(days))
        }
        _ => Err(given.refusal("ArchivePolicy: must have a MessageRetentionPeriod in days, and nothing else")),
    }
}

fn is_feedback(name: &str) -> bool {
    let rest = FEEDBACK_KINDS.iter().find_map(|kind| name.strip_prefix(kind));
    matches!(rest, Some("SuccessFeedbackRoleArn" | "SuccessFeedbackSampleRate" | "FailureFeedbackRoleArn"))
}

/// Roles are named and not assumed here: that there is one switches a log on.
fn is_feedback_value(name: &str, value: &str) -> bool {
    if name.ends_with("SampleRate") {
        return value.parse::<u8>().is_ok_and(|percent| percent <= 100);
    }
    let parts: Vec<&str> = value.splitn(6, ':').collect();
    matches!(parts[..], ["arn", partition, "iam", "", account, role] if !partition.is_empty()
        && account.len() == 12
        && account.bytes().all(|b| b.is_ascii_digit())
        && role.len() > "role/".len()
        && role.starts_with("role/"))
}

/// Refuses what this server does not have; to remove it is no mistake.
pub(super) fn refuse_unless_empty(name: &str, value: &str) -> Result<(), Refusal> {
    if value.is_empty() { Ok(()) } else { Err(Refusal::unsupported_attribute(name)) }
}
