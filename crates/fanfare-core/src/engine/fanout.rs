//! Who gets a message: the confirmed subscriptions of its topic whose filter policies match it.

use std::collections::HashMap;
use std::sync::Arc;

use crate::filter::{Event, FilterReason, Verdict};
use crate::message::Message;
use crate::subscription::Subscription;

/// Who gets a message, and who does not want it.
#[derive(Debug, Default)]
pub(super) struct FanOut {
    pub(super) matched: Vec<Arc<Subscription>>,
    pub(super) filtered_out: Vec<FilteredOut>,
}

/// A subscription whose policy left a message out.
#[derive(Debug)]
pub(super) struct FilteredOut {
    pub(super) subscription: Arc<Subscription>,
    pub(super) reason: FilterReason,
    /// The condition that failed, when it was asked for.
    pub(super) because: String,
}

/// Whether the conditions that left a message out are to be put into words, which costs more than finding them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Explain {
    InWords,
    No,
}

/// Asks every confirmed subscription. Each text of the message is read once, however many policies there are.
pub(super) fn fan_out(message: &Message, subscriptions: &[Arc<Subscription>], explain: Explain) -> FanOut {
    let mut events = HashMap::new();
    let mut fan_out = FanOut::default();
    for subscription in subscriptions.iter().filter(|subscription| subscription.receives_new()) {
        let subscription = Arc::clone(subscription);
        let Some(policy) = subscription.filter_policy() else {
            fan_out.matched.push(subscription);
            continue;
        };
        let text = message.select_for(subscription.protocol(), subscription.destination().address_text());
        let event = events.entry(text).or_insert_with(|| {
            let text = std::str::from_utf8(message.text_at(text)).expect("a text is made from a String");
            Event::new(message.attributes(), text)
        });
        match policy.matches(event) {
            Verdict::Match => fan_out.matched.push(subscription),
            Verdict::FilteredOut(reason) => {
                let because =
                    (explain == Explain::InWords).then(|| policy.explain(event)).flatten().unwrap_or_default();
                fan_out.filtered_out.push(FilteredOut { subscription, reason, because });
            }
        }
    }
    fan_out
}
