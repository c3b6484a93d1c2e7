//! Maps by numbers that the store itself gives out, looked at several times for each delivery.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

/// A map by number.
pub(crate) type ByNumber<K, V> = HashMap<K, V, RandomState>;

/// A set of numbers.
pub(crate) type Numbers<K> = HashSet<K, RandomState>;
