//! How much memory filter policies take, counted by the allocator. One test, so that nobody else allocates meanwhile.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../benches/filter/workload.rs"]
mod workload;

use std::alloc::System;

use cap::Cap;
use fanfare_core::Attributes;
use fanfare_core::filter::{Event, FilterIndex, FilterPolicy, FilterPolicyScope};

use workload::Workload;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// How many policies are in the index.
const POLICIES: u64 = 20_000;

#[test]
fn a_policy_of_few_keys_takes_250_bytes_with_its_place_in_the_index_and_gives_them_back() {
    for workload in [Workload::Tenants, Workload::Mixed] {
        let policy = |number| FilterPolicy::parse(&workload.policy(number), FilterPolicyScope::MessageBody).unwrap();
        let before = ALLOCATOR.allocated();
        let index = FilterIndex::new();
        let bytes_each = || ALLOCATOR.allocated().saturating_sub(before) as u64 / POLICIES;
        for number in 0..POLICIES {
            index.insert(number, Some(&policy(number)));
        }
        let full = bytes_each();
        assert!(full <= 250, "{workload:?}: {full} bytes");

        // Each place is taken by others again and again.
        for number in 0..3 * POLICIES {
            index.insert(number % POLICIES, Some(&policy(POLICIES + number)));
        }
        let changed = bytes_each();
        assert!(changed <= full + full / 10, "{workload:?}: {changed} bytes instead of {full}");

        for number in 0..POLICIES {
            assert!(index.remove(&number));
        }
        assert_eq!(bytes_each(), 0);
        assert!(index.matches(&Event::new(&Attributes::new(), &workload.event(1, POLICIES))).keys.is_empty());
    }
}
