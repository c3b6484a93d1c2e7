//! A message as filter policies see it.

use std::sync::OnceLock;

use super::flatten::Flattened;
use super::scope::FilterPolicyScope;
use super::verdict::FilterReason;
use crate::attribute::Attributes;

/// A message as filter policies see it: its attributes and one of its texts.
///
/// Each of the two is taken apart when the first policy asks for it, and then once for all policies; so keep one event
/// for all subscriptions of a message, or one for each text if protocols get different ones. Takes time and memory in
/// proportion to the message.
#[derive(Debug)]
pub struct Event<'a> {
    attributes: &'a Attributes,
    body: &'a str,
    flat_attributes: OnceLock<Result<Flattened<'a>, FilterReason>>,
    flat_body: OnceLock<Result<Flattened<'a>, FilterReason>>,
}

impl<'a> Event<'a> {
    /// The event of a message with these attributes and this text.
    pub fn new(attributes: &'a Attributes, body: &'a str) -> Self {
        Self { attributes, body, flat_attributes: OnceLock::new(), flat_body: OnceLock::new() }
    }

    /// What a policy of that scope sees, or why no policy of that scope can match.
    pub(super) fn flattened(&self, scope: FilterPolicyScope) -> Result<&Flattened<'a>, FilterReason> {
        let flattened = match scope {
            FilterPolicyScope::MessageAttributes => {
                self.flat_attributes.get_or_init(|| Flattened::attributes(self.attributes))
            }
            FilterPolicyScope::MessageBody => self.flat_body.get_or_init(|| Flattened::body(self.body)),
        };
        flattened.as_ref().map_err(|reason| *reason)
    }
}
