//! What may not be in messages: data protection policies, and what they do to messages that have it.
//!
//! A topic has one policy (`PutDataProtectionPolicy`, or `DataProtectionPolicy` of `CreateTopic`). Each of its statements names a
//! direction, principals, data identifiers and an operation:
//!
//! | direction | whose | when | `Deny` | `Deidentify` | `Audit` |
//! | --- | --- | --- | --- | --- | --- |
//! | `Inbound` | the publisher | before the message is kept | `Publish` fails with `AuthorizationError` | what is kept and delivered is masked | a line is logged |
//! | `Outbound` | whoever subscribed | before each attempt to deliver | the delivery is rejected, for good | what is delivered is masked | none: refused |
//!
//! - A denial wins. Of several `Deidentify` statements each works on what the one before left.
//! - Texts and subjects are searched, each text of a message with `MessageStructure=json` by itself. Message attributes are not,
//!   as in Amazon SNS. An outbound statement does not change what filter policies and dead-letter rules see.
//! - Inbound statements are about what callers publish, and what is taken in ([`ingest`](crate::ingest)): its publisher is the
//!   account of the topic that it comes from, or of the topic here where an event comes from no topic.
//! - `MaskConfig` writes a character over each character, `*` unless another printable one of ASCII is named; `RedactConfig` takes
//!   the characters out. A message of which nothing is left is refused, or its delivery rejected.
//! - `Audit` looks at one message in so many (`SampleRate`, percent) and logs what it found with the target
//!   `fanfare::data_protection`, by name and count and never by its text, with the log group that the statement names. Logs are
//!   what there is for findings here: buckets and delivery streams are refused.
//!
//! The managed identifiers that can be found are listed by [`managed_identifiers`]; others are refused by name. They are found by
//! their form, and by their checksum where they have one: no model guesses names and addresses. Custom ones are regular
//! expressions without look-around and back-references, whose time is in proportion to the text.

mod custom;
mod document;
mod endpoint;
mod error;
mod managed;
mod operation;
mod policy;
mod screen;
mod statement;
mod treated_once;
mod treatment;

pub use error::DataProtectionError;
pub use policy::{DataProtectionPolicy, Denied, Direction, Finding};
pub use screen::DataProtection;
pub(crate) use screen::{ATTRIBUTE, NotAccepted};

/// The names of the managed data identifiers that this server finds, in order, as they follow
/// `arn:aws:dataprotection::aws:data-identifier/`.
pub fn managed_identifiers() -> impl Iterator<Item = &'static str> {
    managed::Managed::names()
}
