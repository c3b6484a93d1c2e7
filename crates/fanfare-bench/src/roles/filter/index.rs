//! What the engine matches with. There is no index over many policies yet: each is asked.

use fanfare::FilterPolicy;

/// Policies, ready to be matched.
pub(super) struct Index(Vec<FilterPolicy>);

impl Index {
    /// Over these policies.
    pub(super) fn of(policies: &[FilterPolicy]) -> Self {
        Self(policies.to_vec())
    }

    /// How many of them want an event with this text.
    pub(super) fn matches(&self, body: &str) -> usize {
        super::each(&self.0, body)
    }
}
