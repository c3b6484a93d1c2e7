//! Maps by the numbers of subscriptions, looked at several times for each delivery.

use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;

use crate::subscription::SubscriptionId;

/// Spreads numbers that are given out one after the other. Nobody can choose them, so nobody can make them collide.
pub(crate) type Spread = FixedState;

/// A map by subscription.
pub(crate) type ById<T> = HashMap<SubscriptionId, T, Spread>;

/// A set of subscriptions.
pub(crate) type Ids = HashSet<SubscriptionId, Spread>;
