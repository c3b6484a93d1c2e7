//! Many policies that are filed one after the other.

use std::hash::Hash;
use std::sync::RwLockWriteGuard;

use super::{FilterIndex, Inner};
use crate::filter::policy::FilterPolicy;

/// Files policies under keys that are not in the index. Meanwhile nobody else gets at it.
pub(crate) struct Intake<'a, K>(RwLockWriteGuard<'a, Inner<K>>);

impl<K: Copy + Ord + Hash> FilterIndex<K> {
    /// Begins or goes on to file many policies. Before [`FilterIndex::taken_in`] is called, they match, but cannot be replaced
    /// or removed.
    pub(crate) fn take_in(&self) -> Intake<'_, K> {
        Intake(self.write())
    }

    /// Ends what [`FilterIndex::take_in`] began.
    pub(crate) fn taken_in(&self) {
        let mut inner = self.write();
        let Inner { attributes, body, .. } = &mut *inner;
        [attributes, body].into_iter().flatten().for_each(|scoped| scoped.enter_keys());
    }
}

impl<K: Copy + Ord + Hash> Intake<'_, K> {
    /// Files a policy, see [`FilterIndex::insert`].
    pub(crate) fn add(&mut self, key: K, policy: Option<&FilterPolicy>) {
        match policy.filter(|policy| !policy.is_empty()) {
            None => self.0.everything.insert(key),
            Some(policy) => self.0.place(policy.scope()).insert_before_keys(key, policy.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Attributes;
    use crate::filter::{Event, FilterPolicyScope};

    #[test]
    fn what_was_taken_in_is_found_replaced_and_removed_like_what_was_inserted() {
        let policy = |number: u32, scope| FilterPolicy::parse(&format!(r#"{{"n": [{number}]}}"#), scope).unwrap();
        let attributes = Attributes::new();
        let found = |index: &FilterIndex<u32>, number: u32| {
            index.matches(&Event::new(&attributes, &format!(r#"{{"n": {number}}}"#))).keys
        };
        let index = FilterIndex::new();
        for numbers in [0..3000, 3000..5000] {
            let mut intake = index.take_in();
            intake.add(10_000 + numbers.end, None);
            numbers.for_each(|number| intake.add(number, Some(&policy(number, FilterPolicyScope::MessageBody))));
        }
        index.taken_in();
        assert_eq!(index.len(), 5002);
        assert_eq!(found(&index, 4999), [4999, 13_000, 15_000]);
        index.insert(7, Some(&policy(8, FilterPolicyScope::MessageBody)));
        index.insert(9, Some(&policy(8, FilterPolicyScope::MessageAttributes)));
        assert!(index.remove(&4999) && index.remove(&13_000) && !index.remove(&4999));
        assert_eq!(found(&index, 8), [7, 8, 15_000]);
        assert_eq!([7, 9, 4999].map(|number| found(&index, number)), [[15_000], [15_000], [15_000]]);
        assert_eq!(index.len(), 5000);
    }
}
