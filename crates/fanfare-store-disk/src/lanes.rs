//! What is in memory about lanes: which deliveries are taken, and which wait for their first attempt.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fanfare_core::store::DeliveryId;
use fanfare_core::subscription::SubscriptionId;
use tokio::sync::OwnedMutexGuard;

use crate::by_number::ByNumber;
use crate::fan_outs::FanOuts;

/// The lanes that have something.
///
/// A delivery is in a table, in a row of its own, or it is fresh: then only the fan-out row of its message names it, and its
/// lane knows it here. A restart finds both and returns what was taken.
///
/// A delivery leaves the taken ones after what became of it is committed. So a reader that looks at the taken ones *before*
/// it begins to read sees every delivery either here or as it was settled, never as it was before.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    /// Held for the length of a few map operations, never across an `.await`. A lane is in it while it has deliveries or
    /// anything taken, or somebody has or awaits its turn.
    lanes: Mutex<ByNumber<SubscriptionId, Lane>>,
    fan_outs: FanOuts,
}

#[derive(Debug, Default)]
struct Lane {
    /// Those that nobody has taken.
    fresh: FreshQueue,
    /// Deliveries that have a row.
    rows: u64,
    /// Whether some of the rows are in the log and not in the database yet.
    has_pending_rows: bool,
    /// Nothing while nobody does anything with the lane, as is the case for most of many.
    work: Option<Box<Work>>,
}

/// A delivery that waits for its first attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fresh {
    pub(crate) number: u64,
    /// In milliseconds since 1970.
    pub(crate) due: i64,
}

/// Deliveries that wait for their first attempt, in the order in which they were accepted. Most lanes of many have one.
#[derive(Debug, Default)]
struct FreshQueue {
    /// Nothing only when there is no other either.
    first: Option<Fresh>,
    #[allow(clippy::box_collection, reason = "there may be millions of lanes, and most have no others")]
    others: Option<Box<VecDeque<Fresh>>>,
}

impl FreshQueue {
    fn push(&mut self, fresh: Fresh) {
        match self.first {
            None => self.first = Some(fresh),
            Some(_) => self.others.get_or_insert_default().push_back(fresh),
        }
    }

    /// Takes out that of message `number`.
    fn remove(&mut self, number: u64) {
        if self.first.is_some_and(|first| first.number == number) {
            self.first = self.next();
        } else if let Some(others) = &mut self.others
            && let Some(at) = others.iter().position(|fresh| fresh.number == number)
        {
            others.remove(at);
        }
    }

    fn retain(&mut self, is_kept: impl Fn(&Fresh) -> bool) {
        if let Some(others) = &mut self.others {
            others.retain(&is_kept);
        }
        if self.first.is_some_and(|first| !is_kept(&first)) {
            self.first = self.next();
        }
    }

    /// Takes out the first of the others.
    fn next(&mut self) -> Option<Fresh> {
        let next = self.others.as_mut()?.pop_front();
        self.others.take_if(|others| others.is_empty());
        next
    }

    fn iter(&self) -> impl Iterator<Item = &Fresh> {
        self.first.iter().chain(self.others.iter().flat_map(|others| others.iter()))
    }

    fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.as_ref().map_or(0, |others| others.len())
    }

    fn is_empty(&self) -> bool {
        self.first.is_none()
    }
}

#[derive(Debug, Default)]
struct Work {
    taken: Taken,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Lane {
    fn work(&mut self) -> &mut Work {
        self.work.get_or_insert_default()
    }

    /// Whether there is nothing to know of it.
    fn is_over(&self) -> bool {
        self.fresh.is_empty() && self.rows == 0 && self.work.is_none()
    }
}

/// The taken deliveries of a lane.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taken(ByNumber<u64, Held>);

/// A delivery that is taken.
#[derive(Debug, Clone)]
struct Held {
    /// Its message group; an empty name when there is none.
    group: Box<str>,
    is_fresh: bool,
    /// Whether a settlement on its way to the disk is about it.
    is_settling: bool,
}

impl Taken {
    pub(crate) fn contains(&self, number: u64) -> bool {
        self.0.contains_key(&number)
    }

    /// The groups of which something is taken.
    pub(crate) fn groups(&self) -> HashSet<&str> {
        self.0.values().map(|held| &*held.group).collect()
    }
}

impl Lanes {
    /// Waits until nobody else takes from `lane` or clears it.
    pub(crate) async fn turn(self: &Arc<Self>, lane: SubscriptionId) -> Turn {
        let turn = Arc::clone(&self.lock().entry(lane).or_default().work().turn);
        let waiting = Waiting { lanes: Arc::clone(self), lane };
        let guard = turn.lock_owned().await;
        Turn { guard: Some(guard), waiting }
    }

    /// What is taken from `lane` now.
    pub(crate) fn taken(&self, lane: SubscriptionId) -> Taken {
        let lanes = self.lock();
        let work = lanes.get(&lane).and_then(|lane| lane.work.as_ref());
        work.map(|work| work.taken.clone()).unwrap_or_default()
    }

    /// The deliveries of `lane` that wait for their first attempt and are not taken.
    pub(crate) fn fresh(&self, lane: SubscriptionId) -> Vec<Fresh> {
        self.lock().get(&lane).map(|lane| lane.fresh.iter().copied().collect()).unwrap_or_default()
    }

    /// Whether deliveries of `lane` have rows.
    pub(crate) fn has_rows(&self, lane: SubscriptionId) -> bool {
        self.lock().get(&lane).is_some_and(|lane| lane.rows > 0)
    }

    /// How many deliveries of `lane` wait for their first attempt or are in it.
    pub(crate) fn fresh_count(&self, lane: SubscriptionId) -> u64 {
        let lanes = self.lock();
        let Some(lane) = lanes.get(&lane) else { return 0 };
        let taken = lane.work.as_ref().map_or(0, |work| work.taken.0.values().filter(|held| held.is_fresh).count());
        (lane.fresh.len() + taken) as u64
    }

    /// How many deliveries wait for their first attempt, of each lane that has some.
    pub(crate) fn fresh_counts(&self) -> Vec<(SubscriptionId, u64)> {
        let lanes = self.lock();
        lanes
            .iter()
            .filter(|(_, lane)| !lane.fresh.is_empty())
            .map(|(&id, lane)| (id, lane.fresh.len() as u64))
            .collect()
    }

    /// When the first fresh delivery of `lane` that is not taken is due.
    pub(crate) fn first_fresh_due(&self, lane: SubscriptionId) -> Option<i64> {
        self.lock().get(&lane)?.fresh.iter().map(|fresh| fresh.due).min()
    }

    /// Every lane that has fresh deliveries that are not taken, with the time at which the first is due.
    pub(crate) fn all_fresh(&self) -> Vec<(SubscriptionId, i64)> {
        let lanes = self.lock();
        let due = |lane: &Lane| lane.fresh.iter().map(|fresh| fresh.due).min();
        lanes.iter().filter_map(|(&id, lane)| Some((id, due(lane)?))).collect()
    }

    /// Has `lanes` know a fresh delivery.
    pub(crate) fn add_fresh(&self, fresh: Fresh, lanes: impl IntoIterator<Item = SubscriptionId>) {
        let lanes = lanes.into_iter();
        let mut known = self.lock();
        // Those may be among them that are known.
        let room = lanes.size_hint().0.saturating_sub(known.len());
        known.reserve(room);
        for lane in lanes {
            known.entry(lane).or_default().fresh.push(fresh);
        }
    }

    /// Forgets fresh deliveries of `lane`, which have rows now.
    pub(crate) fn remove_fresh(&self, lane: SubscriptionId, gone: &[Fresh]) {
        if let Some(found) = self.lock().get_mut(&lane) {
            found.fresh.retain(|fresh| !gone.contains(fresh));
        }
        self.tidy(lane);
    }

    /// Counts rows that came to lanes, or went.
    pub(crate) fn add_rows(&self, changes: impl IntoIterator<Item = (SubscriptionId, i64)>) {
        let mut lanes = self.lock();
        for (id, change) in changes {
            let lane = lanes.entry(id).or_default();
            lane.rows = lane.rows.saturating_add_signed(change);
            if lane.is_over() {
                lanes.remove(&id);
            }
        }
    }

    /// Tells which lanes have rows in the log that are not in the database, or have none such any more.
    pub(crate) fn set_pending_rows(&self, of: impl IntoIterator<Item = SubscriptionId>, has_pending_rows: bool) {
        let mut lanes = self.lock();
        for id in of {
            match has_pending_rows {
                true => lanes.entry(id).or_default().has_pending_rows = true,
                false => drop(lanes.get_mut(&id).map(|lane| lane.has_pending_rows = false)),
            }
        }
    }

    /// Whether the database lacks rows of `lane` that are in the log.
    pub(crate) fn has_pending_rows(&self, lane: SubscriptionId) -> bool {
        self.lock().get(&lane).is_some_and(|lane| lane.has_pending_rows)
    }

    /// The messages whose fan-outs have something left.
    pub(crate) fn fan_outs(&self) -> &FanOuts {
        &self.fan_outs
    }

    /// Claims those of `ids` that are taken from `lane` and that nobody settles already.
    pub(crate) fn claim(self: &Arc<Self>, lane: SubscriptionId, ids: impl Iterator<Item = DeliveryId>) -> Claim {
        let mut numbers = Vec::with_capacity(ids.size_hint().0);
        if let Some(work) = self.lock().get_mut(&lane).and_then(|lane| lane.work.as_mut()) {
            for DeliveryId(number) in ids {
                if let Some(held) = work.taken.0.get_mut(&number)
                    && !std::mem::replace(&mut held.is_settling, true)
                {
                    numbers.push((number, held.is_fresh));
                }
            }
        }
        numbers.sort_unstable();
        Claim { lanes: Arc::clone(self), lane, numbers }
    }

    fn lock(&self) -> MutexGuard<'_, ByNumber<SubscriptionId, Lane>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what there is nothing to know of any more.
    fn tidy(&self, id: SubscriptionId) {
        let mut lanes = self.lock();
        let Some(lane) = lanes.get_mut(&id) else { return };
        lane.work.take_if(|work| work.taken.0.is_empty() && Arc::strong_count(&work.turn) == 1);
        if lane.is_over() {
            lanes.remove(&id);
        }
    }
}

/// The right to take from a lane.
#[derive(Debug)]
pub(crate) struct Turn {
    guard: Option<OwnedMutexGuard<()>>,
    waiting: Waiting,
}

impl Turn {
    /// What is taken now. Nothing joins it before this turn ends.
    pub(crate) fn taken(&self) -> Taken {
        self.waiting.lanes.taken(self.waiting.lane)
    }

    /// Counts deliveries as taken from here on: each with its message group, and whether it is fresh.
    pub(crate) fn take<'a>(self, deliveries: impl IntoIterator<Item = (DeliveryId, &'a str, bool)>) {
        let mut lanes = self.waiting.lanes.lock();
        let lane = lanes.entry(self.waiting.lane).or_default();
        for (DeliveryId(number), group, is_fresh) in deliveries {
            if is_fresh {
                lane.fresh.remove(number);
            }
            lane.work().taken.0.insert(number, Held { group: group.into(), is_fresh, is_settling: false });
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Before `waiting` looks whether anybody still holds on to the lane.
        self.guard = None;
    }
}

/// Forgets a lane that nothing is taken from when the last one who waited for it has gone, cancelled ones included.
#[derive(Debug)]
struct Waiting {
    lanes: Arc<Lanes>,
    lane: SubscriptionId,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.lanes.tidy(self.lane);
    }
}

/// Taken deliveries that are being settled. Dropped without [`Claim::settled`], they are taken as before.
#[derive(Debug)]
pub(crate) struct Claim {
    lanes: Arc<Lanes>,
    lane: SubscriptionId,
    /// Whether each is fresh, in order.
    numbers: Vec<(u64, bool)>,
}

impl Claim {
    pub(crate) fn contains(&self, id: DeliveryId) -> bool {
        self.find(id).is_some()
    }

    /// Whether the delivery has no row of its own.
    pub(crate) fn is_fresh(&self, id: DeliveryId) -> bool {
        self.find(id) == Some(true)
    }

    fn find(&self, id: DeliveryId) -> Option<bool> {
        let at = self.numbers.binary_search_by_key(&id.0, |&(number, _)| number).ok()?;
        Some(self.numbers[at].1)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// Ends the deliveries' being taken, once what became of them is safe.
    pub(crate) fn settled(mut self) {
        // They may be taken and claimed anew from here on, which is no business of this claim.
        let numbers = std::mem::take(&mut self.numbers);
        if let Some(work) = self.lanes.lock().get_mut(&self.lane).and_then(|lane| lane.work.as_mut()) {
            for (number, _) in &numbers {
                work.taken.0.remove(number);
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(work) = self.lanes.lock().get_mut(&self.lane).and_then(|lane| lane.work.as_mut()) {
            for (number, _) in &self.numbers {
                if let Some(held) = work.taken.0.get_mut(number) {
                    held.is_settling = false;
                }
            }
        }
        self.lanes.tidy(self.lane);
    }
}
