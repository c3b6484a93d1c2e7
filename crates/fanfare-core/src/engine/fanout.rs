//! Who gets a message: the confirmed subscriptions of its topic whose filter policies match it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::arn::SubscriptionArn;
use crate::filter::{Event, FilterReason, FilteredOut, Verdict};
use crate::message::{Message, TextIndex};
use crate::registry::{Audience, Registry};
use crate::subscription::{Subscription, SubscriptionId};

/// Of how many subscriptions at most it is told in words why they do not want a message. Who looks on misses more than that.
const WORDS_MAX: usize = 1000;

/// Who gets a message, and how many do not want it.
#[derive(Debug, Default)]
pub(super) struct FanOut {
    pub(super) matched: Vec<Arc<Subscription>>,
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
        return FanOut {
            matched: registry.receivers(&found.keys),
            filtered_out: found.filtered_out,
            in_words: Vec::new(),
        };
    }
    let found = index.matches_but_body(&event(message, TextIndex(0)));
    let mut matched = registry.receivers(&found.keys);
    let mut filtered_out = found.filtered_out;
    for (text, readers) in texts {
        let (keys, reason) = index.matches_of_body(&event(message, text));
        let found = registry.receivers(&keys).into_iter().filter(|subscription| text_of(message, subscription) == text);
        let before = matched.len();
        matched.extend(found);
        // A subscription that has come or gone since the readers were counted may make for a difference.
        filtered_out.add(reason, readers.saturating_sub(matched.len() - before));
    }
    matched.sort_unstable_by_key(|subscription| subscription.id);
    FanOut { matched, filtered_out, in_words: Vec::new() }
}

/// Those of `subscriptions` that do not want the message, with their reasons; not more than somebody could follow.
pub(super) fn in_words(
    message: &Message,
    subscriptions: &[Arc<Subscription>],
    matched: &[Arc<Subscription>],
) -> Vec<InWords> {
    let matched: HashSet<SubscriptionId> = matched.iter().map(|subscription| subscription.id).collect();
    let mut events = BTreeMap::new();
    let others = subscriptions.iter().filter(|known| known.receives_new() && !matched.contains(&known.id));
    let left_out = others.filter_map(|subscription| {
        let policy = subscription.filter_policy()?;
        let text = text_of(message, subscription);
        let event = events.entry(text).or_insert_with(|| event(message, text));
        let Verdict::FilteredOut(reason) = policy.matches(event) else { return None };
        let because = policy.explain(event).unwrap_or_default();
        Some(InWords { subscription: subscription.arn().clone(), reason, because })
    });
    left_out.take(WORDS_MAX).collect()
}

fn text_of(message: &Message, subscription: &Subscription) -> TextIndex {
    message.select_for(subscription.protocol(), subscription.destination().address_text())
}

fn event(message: &Message, text: TextIndex) -> Event<'_> {
    let text = std::str::from_utf8(message.text_at(text)).expect("a text is made from a String");
    Event::new(message.attributes(), text)
}
