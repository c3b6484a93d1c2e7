//! Publishing up to ten messages in one call.

use std::collections::HashSet;

use fanfare::{Message, Topic};

use super::Api;
use super::call::Call;
use super::publish::Sent;
use super::refusal::Refusal;
use crate::query::{Answer, Members, Structure};

/// How many entries a batch may have.
const ENTRIES_MAX: usize = 10;

/// How many characters an entry's id may have.
const ID_CHARS_MAX: usize = 80;

impl Api {
    /// What is wrong with any entry fails the whole call, before anything is published; what fails later, such as a full store,
    /// is answered for each entry.
    pub(super) async fn publish_batch(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let arn = call.topic_arn()?;
        let topic = self.fanfare.topic(&arn)?;
        let entries = call.request.structures("PublishBatchRequestEntries");
        let ids = ids_of(&entries)?;
        let messages = messages_of(&entries)?;
        check_together(&messages, &topic)?;

        let protected = messages.into_iter().map(|message| self.protected(call, &topic, message));
        let protected: Vec<_> =
            protected.map(|accepted| accepted.map(|message| message.traced(call.trace.clone()))).collect();
        let accepted = protected.iter().flatten().cloned().collect();
        let mut outcomes = self.fanfare.publish_all(&arn, accepted).await?.into_iter();
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for (id, protected) in ids.into_iter().zip(protected) {
            let entry = Members::new().text("Id", id);
            let outcome = match protected {
                Ok(_) => outcomes.next().expect("each message has one outcome").map_err(Refusal::from),
                Err(refusal) => Err(refusal),
            };
            match outcome {
                Ok(published) => successful.push(
                    entry
                        .text("MessageId", published.message_id())
                        .optional("SequenceNumber", published.sequence_number()),
                ),
                Err(refusal) => {
                    failed.push(
                        entry
                            .text("Code", refusal.code())
                            .text("Message", refusal.message())
                            .boolean("SenderFault", refusal.is_the_senders_fault()),
                    );
                }
            }
        }
        let result = Members::new().structures("Successful", successful).structures("Failed", failed);
        Ok(Answer::with_result(call.operation, result))
    }
}

/// The ids of the entries, of which there must be 1 to 10 different ones.
fn ids_of<'a>(entries: &[Structure<'a>]) -> Result<Vec<&'a str>, Refusal> {
    if entries.is_empty() {
        return Err(Refusal::new("EmptyBatchRequest", 400, "The batch request doesn't contain any entries."));
    }
    if entries.len() > ENTRIES_MAX {
        let message = "The batch request contains more entries than permissible.";
        return Err(Refusal::new("TooManyEntriesInBatchRequest", 400, message));
    }
    let ids: Vec<&str> = entries.iter().map(|entry| entry.text("Id").unwrap_or_default()).collect();
    if ids.iter().collect::<HashSet<_>>().len() != ids.len() {
        let message = "Two or more batch entries in the request have the same Id.";
        return Err(Refusal::new("BatchEntryIdsNotDistinct", 400, message));
    }
    for id in &ids {
        let allowed = id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        let wrong = match id.chars().count() {
            0 => "The Id of a batch entry in the batch request is empty".to_owned(),
            length if length > ID_CHARS_MAX => {
                format!("The Id of a batch entry in the batch request is too long: {id}")
            }
            _ if !allowed => {
                format!("The Id of a batch entry in the batch request contains an impermissible character: {id}")
            }
            _ => continue,
        };
        return Err(Refusal::new("InvalidBatchEntryId", 400, wrong));
    }
    Ok(ids)
}

fn messages_of(entries: &[Structure<'_>]) -> Result<Vec<Message>, Refusal> {
    let sent: Vec<Sent<'_>> = entries
        .iter()
        .map(|entry| Sent {
            message: entry.text("Message"),
            subject: entry.text("Subject"),
            structure: entry.text("MessageStructure"),
            attributes: entry.message_attributes("MessageAttributes"),
            group_id: entry.text("MessageGroupId"),
            deduplication_id: entry.text("MessageDeduplicationId"),
        })
        .collect();
    for (number, entry) in (1..).zip(&sent) {
        entry.check_types(&format!("publishBatchRequestEntries.{number}.member.messageAttributes"))?;
    }
    sent.into_iter().map(Sent::into_message).collect()
}

/// What has to hold for all entries before the first one is published: the ids that the topic asks for, in the engine's own
/// words, and the size.
fn check_together(messages: &[Message], topic: &Topic) -> Result<(), Refusal> {
    if messages.iter().map(Message::size).sum::<usize>() > topic.maximum_message_size() {
        let message = "The length of all the messages put together is more than the limit.";
        return Err(Refusal::new("BatchRequestTooLong", 400, message));
    }
    if topic.arn().is_fifo() {
        if messages.iter().any(|message| message.group_id().is_none()) {
            return Err(Refusal::invalid_parameter("The MessageGroupId parameter is required for FIFO topics"));
        }
        if !topic.deduplicates_by_content() && messages.iter().any(|message| message.deduplication_id().is_none()) {
            return Err(Refusal::invalid_parameter(
                "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided \
                 explicitly",
            ));
        }
    }
    if !topic.deduplicates() && messages.iter().any(|message| message.deduplication_id().is_some()) {
        return Err(Refusal::invalid_parameter(
            "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for \
             this topic type",
        ));
    }
    Ok(())
}
