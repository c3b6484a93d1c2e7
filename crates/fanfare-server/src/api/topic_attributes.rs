//! The attributes of topics: how they are read, kept and shown.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use fanfare::retry::{EffectiveTopicPolicy, TopicDeliveryPolicy};
use fanfare::subscription::SubscriptionState;
use fanfare::topic::{DeduplicationScope, MAXIMUM_MESSAGE_SIZE_DEFAULT};
use fanfare::{SignatureVersion, SnsError, Subscription, Topic, TopicArn, TopicSettings};
use serde_json::{Value, json};

use super::refusal::Refusal;

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

/// A topic's settings while attributes are put into them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct TopicDraft {
    pub(super) tags: BTreeMap<String, String>,
    display_name: String,
    signature_version: SignatureVersion,
    delivery_policy: Option<TopicDeliveryPolicy>,
    maximum_message_size: Option<usize>,
    content_based_deduplication: bool,
    deduplicates: bool,
    deduplication_scope: DeduplicationScope,
    archive_days: Option<u16>,
}

impl TopicDraft {
    /// The settings of `topic`.
    pub(super) fn of(topic: &Topic) -> Self {
        let archive_days = topic.archive_period().map(|period| period.as_secs() / (24 * 60 * 60));
        Self {
            tags: topic.settings().tags_set().clone(),
            display_name: topic.display_name().to_owned(),
            signature_version: topic.signature_version(),
            delivery_policy: topic.delivery_policy().cloned(),
            maximum_message_size: maximum_message_size(topic),
            content_based_deduplication: topic.deduplicates_by_content(),
            deduplicates: topic.deduplicates(),
            deduplication_scope: topic.deduplication_scope(),
            archive_days: archive_days.and_then(|days| u16::try_from(days).ok()),
        }
    }

    /// Puts an attribute in; an empty value removes what can be removed.
    pub(super) fn set(&mut self, name: &str, value: &str, topic: &TopicArn, given: Given) -> Result<(), Refusal> {
        let flag = || match value {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(given.refusal(format_args!("{name}: Invalid value [{value}]. Must be true or false."))),
        };
        match name {
            "DisplayName" => {
                if value.chars().count() > DISPLAY_NAME_CHARS_MAX || value.chars().any(char::is_control) {
                    return Err(given.refusal("DisplayName"));
                }
                self.display_name = value.to_owned();
            }
            "DeliveryPolicy" if value.is_empty() => self.delivery_policy = None,
            "DeliveryPolicy" => {
                let policy = TopicDeliveryPolicy::parse(value).map_err(|error| given.refusal(error))?;
                self.delivery_policy = Some(policy);
            }
            "SignatureVersion" => {
                self.signature_version = match value {
                    "1" => SignatureVersion::V1,
                    "2" => SignatureVersion::V2,
                    _ => return Err(given.refusal("SignatureVersion")),
                }
            }
            "MaximumMessageSize" => {
                let bytes = value.parse().map_err(|_| given.refusal("MaximumMessageSize"))?;
                // The bounds are those of the settings.
                TopicSettings::new().maximum_message_size(bytes)?;
                self.maximum_message_size = Some(bytes);
            }
            "ContentBasedDeduplication" if topic.is_fifo() => self.content_based_deduplication = flag()?,
            // As `FifoTopic` is: saying that a standard topic is none of the other kind is true, and changes nothing.
            "ContentBasedDeduplication" if value == "false" => {}
            "FifoThroughputScope" if topic.is_fifo() => self.set_scope(value, given)?,
            "ArchivePolicy" if topic.is_fifo() => self.archive_days = archive_days(value, given)?,
            "ContentBasedDeduplication" | "FifoThroughputScope" | "ArchivePolicy" => {
                return Err(given.refusal(format_args!("{name}: only FIFO topics have it")));
            }
            "Policy" if is_default_policy(value, topic) => {}
            "Policy" | "KmsMasterKeyId" | "TracingConfig" => refuse_unless_empty(name, value)?,
            _ if is_feedback(name) => refuse_unless_empty(name, value)?,
            _ => {
                return Err(match given {
                    Given::InMap => given.refusal(format_args!("Unknown attribute {name}")),
                    Given::Alone => given.refusal("AttributeName"),
                });
            }
        }
        Ok(())
    }

    /// The settings that the engine keeps.
    pub(super) fn into_settings(self) -> Result<TopicSettings, SnsError> {
        let mut settings = TopicSettings::new()
            .tags(self.tags)
            .display_name(self.display_name)
            .signature_version(self.signature_version)
            .deduplication_scope(self.deduplication_scope);
        if let Some(policy) = self.delivery_policy {
            settings = settings.delivery_policy(policy);
        }
        if let Some(bytes) = self.maximum_message_size {
            settings = settings.maximum_message_size(bytes)?;
        }
        if self.deduplicates {
            settings = settings.deduplication();
        }
        if self.content_based_deduplication {
            settings = settings.content_based_deduplication();
        }
        match self.archive_days {
            Some(days) => settings.archive(days),
            None => Ok(settings),
        }
    }

    /// A topic that has gone over to message groups stays there.
    fn set_scope(&mut self, value: &str, given: Given) -> Result<(), Refusal> {
        self.deduplication_scope = match value {
            "MessageGroup" => DeduplicationScope::MessageGroup,
            "Topic" if self.deduplication_scope == DeduplicationScope::Topic => DeduplicationScope::Topic,
            _ => return Err(given.refusal("FifoThroughputScope")),
        };
        Ok(())
    }
}

/// What `GetTopicAttributes` answers for a topic with these subscriptions.
pub(super) fn shown(topic: &Topic, subscriptions: &[Arc<Subscription>]) -> Vec<(&'static str, String)> {
    let arn = topic.arn();
    let confirmed = subscriptions.iter().filter(|known| known.state() == SubscriptionState::Confirmed).count();
    let mut attributes = vec![
        ("TopicArn", arn.to_string()),
        ("Owner", arn.account().to_owned()),
        ("DisplayName", topic.display_name().to_owned()),
        ("Policy", default_policy(arn)),
        ("EffectiveDeliveryPolicy", EffectiveTopicPolicy::of(topic.delivery_policy()).to_json()),
        ("SubscriptionsConfirmed", confirmed.to_string()),
        ("SubscriptionsPending", (subscriptions.len() - confirmed).to_string()),
        // The engine does not count them.
        ("SubscriptionsDeleted", "0".to_owned()),
    ];
    if let Some(policy) = topic.delivery_policy() {
        attributes.push(("DeliveryPolicy", policy.to_json()));
    }
    if topic.signature_version() != SignatureVersion::default() {
        attributes.push(("SignatureVersion", "2".to_owned()));
    }
    if let Some(bytes) = maximum_message_size(topic) {
        attributes.push(("MaximumMessageSize", bytes.to_string()));
    }
    if arn.is_fifo() {
        attributes.push(("FifoTopic", "true".to_owned()));
        attributes.push(("ContentBasedDeduplication", topic.deduplicates_by_content().to_string()));
        if topic.deduplication_scope() == DeduplicationScope::MessageGroup {
            attributes.push(("FifoThroughputScope", "MessageGroup".to_owned()));
        }
        if let Some(days) = TopicDraft::of(topic).archive_days {
            attributes.push(("ArchivePolicy", format!(r#"{{"MessageRetentionPeriod":"{days}"}}"#)));
        }
    }
    attributes
}

/// The policy of a topic that has none of its own: its owner may do everything.
fn default_policy(topic: &TopicArn) -> String {
    let account = topic.account();
    format!(
        r#"{{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{{"AWS":"*"}},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":"{topic}","Condition":{{"StringEquals":{{"AWS:SourceOwner":"{account}"}}}}}}]}}"#
    )
}

/// Whether a policy says what holds anyway, however it is spaced.
fn is_default_policy(text: &str, topic: &TopicArn) -> bool {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    read(text).is_some_and(|policy| Some(policy) == read(&default_policy(topic)))
}

/// The size that is set: the default, too, can be.
fn maximum_message_size(topic: &Topic) -> Option<usize> {
    let bytes = topic.maximum_message_size();
    let set = bytes != MAXIMUM_MESSAGE_SIZE_DEFAULT
        || topic.settings().clone().maximum_message_size(bytes).is_ok_and(|settings| settings == *topic.settings());
    set.then_some(bytes)
}

/// The days of an `ArchivePolicy` such as `{"MessageRetentionPeriod":"30"}`; none of `{}`, which removes it.
fn archive_days(text: &str, given: Given) -> Result<Option<u16>, Refusal> {
    let policy: Value = serde_json::from_str(text).map_err(|_| given.refusal("ArchivePolicy: failed to parse JSON"))?;
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

/// Refuses what this server does not have; to remove it is no mistake.
pub(super) fn refuse_unless_empty(name: &str, value: &str) -> Result<(), Refusal> {
    if value.is_empty() { Ok(()) } else { Err(Refusal::unsupported_attribute(name)) }
}
