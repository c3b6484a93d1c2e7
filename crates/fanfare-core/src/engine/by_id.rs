//! Maps by the numbers of subscriptions, looked at once for each delivery.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use crate::subscription::SubscriptionId;

/// A map by subscription.
pub(super) type ById<T> = HashMap<SubscriptionId, T, BuildHasherDefault<Spread>>;

/// A set of subscriptions.
pub(super) type Ids = HashSet<SubscriptionId, BuildHasherDefault<Spread>>;

/// Spreads numbers that are given out one after the other. Nobody can choose them, so nobody can make them collide.
#[derive(Debug, Default)]
pub(super) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        let spread = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = spread ^ (spread >> 32);
    }
}
