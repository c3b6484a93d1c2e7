//! What the engine matches with: the index over many policies.

use fanfare::filter::{Event, FilterIndex};
use fanfare::{Attributes, FilterPolicy};

/// Policies, ready to be matched.
pub(super) struct Index {
    filed: FilterIndex<u32>,
    attributes: Attributes,
}

impl Index {
    /// Over these policies.
    pub(super) fn of(policies: &[FilterPolicy]) -> Self {
        let filed = FilterIndex::new();
        for (key, policy) in (0..).zip(policies) {
            filed.insert(key, Some(policy));
        }
        Self { filed, attributes: Attributes::new() }
    }

    /// How many of them want an event with this text.
    pub(super) fn matches(&self, body: &str) -> usize {
        self.filed.matches(&Event::new(&self.attributes, body)).keys.len()
    }
}
