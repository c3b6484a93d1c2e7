//! Who gets a message: the confirmed subscriptions of its topic whose filter policies match it.

use std::collections::BTreeMap;

use crate::arn::{SubscriptionArn, TopicArn};
use crate::filter::{Event, FilterReason, FilteredOut, Verdict};
use crate::message::{Message, TextIndex};
use crate::registry::{Audience, Registry};
use crate::subscription::SubscriptionId;

/// Of how many subscriptions at most it is told in words why they do not want a message. Who looks on misses more than that.
const WORDS_MAX: usize = 1000;

/// Who gets a message, and how many do not want it.
#[derive(Debug, Default)]
pub(super) struct FanOut {
    /// In the order of their ids.
    pub(super) matched: Vec<SubscriptionId>,
    pub(super) filtered_out: FilteredOut,
    /// Those that do not want it, one by one, when that was asked for.
    pub(super) in_words: Vec<InWords>,
}

/// A subscription whose policy left a message out.
#[derive(Debug)]
pub(super) struct InWords {
    pub(super) subscription: SubscriptionArn,
    pub(super) reason: FilterReason,
    /// The condition that failed.
    pub(super) because: String,
}

/// Whether those that do not want a message are to be named and their reasons put into words. For that, every subscription has
/// to be looked at, while it costs next to nothing to count them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Explain {
    InWords,
    No,
}

/// Finds those who want the message, in the order in which they subscribed. Each text of the message is read once.
pub(super) fn fan_out(message: &Message, audience: &Audience, registry: &Registry) -> FanOut {
    let index = audience.index();
    // How many readers each text has among those who look at it.
    let mut texts: BTreeMap<TextIndex, usize> = BTreeMap::new();
    if message.has_json_structure() {
        for (reader, count) in audience.readers() {
            *texts.entry(message.select_on(&reader.protocol, reader.platform)).or_insert(0) += count;
        }
    }
    if texts.len() < 2 {
        let text = texts.keys().next().copied().unwrap_or(TextIndex(0));
        let found = index.matches(&event(message, text));
        return FanOut { matched: found.keys, filtered_out: found.filtered_out, in_words: Vec::new() };
    }
    let found = index.matches_but_body(&event(message, TextIndex(0)));
    let mut matched = found.keys;
    let mut filtered_out = found.filtered_out;
    for (text, readers) in texts {
        let (keys, reason) = index.matches_of_body(&event(message, text));
        let found = registry.select(&keys, |protocol, address| message.select_for(protocol, address) == text);
        // A subscription that has come or gone since the readers were counted may make for a difference.
        filtered_out.add(reason, readers.saturating_sub(found.len()));
        matched.extend(found);
    }
    matched.sort_unstable();
    FanOut { matched, filtered_out, in_words: Vec::new() }
}

/// The topic's subscriptions that do not want the message, with their reasons; not more than somebody could follow.
pub(super) fn in_words(
    message: &Message,
    topic: &TopicArn,
    registry: &Registry,
    matched: &[SubscriptionId],
) -> Vec<InWords> {
    let mut events = BTreeMap::new();
    let mut left_out = Vec::new();
    let mut after = None;
    loop {
        let (page, last) = registry.filtered_page(topic, after, |id| matched.binary_search(&id).is_ok());
        for subscription in page {
            let text = message.select_for(subscription.protocol(), subscription.destination().address_text());
            let event = events.entry(text).or_insert_with(|| event(message, text));
            let Some(policy) = subscription.filter_policy() else { continue };
            let Verdict::FilteredOut(reason) = policy.matches(event) else { continue };
            let because = policy.explain(event).unwrap_or_default();
            left_out.push(InWords { subscription: subscription.arn().clone(), reason, because });
            if left_out.len() == WORDS_MAX {
                return left_out;
            }
        }
        after = last;
        if after.is_none() {
            return left_out;
        }
    }
}

fn event(message: &Message, text: TextIndex) -> Event<'_> {
    let text = std::str::from_utf8(message.text_at(text)).expect("a text is made from a String");
    Event::new(message.attributes(), text)
}
