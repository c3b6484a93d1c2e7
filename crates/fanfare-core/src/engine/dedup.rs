//! By what a topic recognises a repeated message.

use std::fmt::Write as _;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::error::SnsError;
use crate::host::Timestamp;
use crate::message::Message;
use crate::store::Dedup;
use crate::topic::{DeduplicationScope, Topic};

/// For how long a message is recognised (Amazon SNS: five minutes).
const WINDOW: Duration = Duration::from_secs(5 * 60);

/// Checks what the topic asks of ids, and gives the message the deduplication id that the topic works out.
pub(super) fn identified(message: Message, topic: &Topic) -> Result<Message, SnsError> {
    let fifo = topic.arn().is_fifo();
    if fifo && message.group_id().is_none() {
        return Err(SnsError::invalid_parameter("The MessageGroupId parameter is required for FIFO topics"));
    }
    match message.deduplication_id() {
        Some(_) if !topic.deduplicates() => Err(SnsError::invalid_parameter(
            "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for \
             this topic type",
        )),
        Some(_) => Ok(message),
        None if topic.deduplicates_by_content() => {
            let id = content_id(&message);
            Ok(message.with_deduplication_id(id))
        }
        None if fifo => Err(SnsError::invalid_parameter(
            "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided \
             explicitly",
        )),
        None => Ok(message),
    }
}

/// By what the message is recognised if it comes again.
pub(super) fn dedup(message: &Message, topic: &Topic, now: Timestamp) -> Option<Dedup> {
    let id = message.deduplication_id().filter(|_| topic.deduplicates())?;
    let scope = match topic.deduplication_scope() {
        DeduplicationScope::Topic => "",
        DeduplicationScope::MessageGroup => message.group_id().unwrap_or_default(),
    };
    // No part can hold a line break. A topic that is made again remembers nothing of the one before.
    let key = format!("{}\n{}\n{scope}\n{id}", topic.arn(), topic.made().unix_ms());
    Some(Dedup { key, until: now + WINDOW })
}

/// By what a message is recognised that its publisher hands over under `key`.
pub(super) fn by_key(key: &str, window: Duration, topic: &Topic, now: Timestamp) -> Dedup {
    // One part more than the others have; the last may hold anything.
    let key = format!("{}\n{}\n\n\n{key}", topic.arn(), topic.made().unix_ms());
    Dedup { key, until: now + window }
}

/// The SHA-256 of the published text, attributes left out, in lower-case hexadecimal digits.
fn content_id(message: &Message) -> String {
    let mut id = String::with_capacity(64);
    for byte in Sha256::digest(message.published_text()) {
        write!(id, "{byte:02x}").expect("writing to a String does not fail");
    }
    id
}
