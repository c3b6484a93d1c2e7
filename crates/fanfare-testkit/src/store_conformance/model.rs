//! A store that is too simple to be wrong: lists, searched from end to end.

use std::collections::BTreeMap;

use fanfare_core::store::{LaneOrder, Settlement, Stage};

use super::Bounds;

/// What a store should hold. Times are milliseconds.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) messages: BTreeMap<u64, Known>,
    pub(super) lanes: BTreeMap<u64, Lane>,
    /// Matched, delivered, pending, dead-lettered, dropped.
    pub(super) counts: [u64; 5],
    /// The first message of each deduplication key, and the end of its window.
    pub(super) windows: BTreeMap<String, (u64, i64)>,
    /// Every logged attempt: message, lane, stage and number.
    pub(super) attempts: Vec<(u64, u64, Stage, u32)>,
    bounds: Bounds,
}

/// A message, which the model never forgets.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) id: String,
    pub(super) group: Option<String>,
    pub(super) accepted: i64,
    /// Whether the counters count it.
    pub(super) counted: u64,
    pub(super) archive_until: Option<i64>,
}

#[derive(Debug, Default)]
pub(super) struct Lane {
    pub(super) queued: Vec<Queued>,
    pub(super) dead: Vec<DeadLetter>,
}

#[derive(Debug, Clone)]
pub(super) struct Queued {
    pub(super) number: u64,
    pub(super) due: i64,
    pub(super) stage: Stage,
    pub(super) attempts: u32,
    /// Nothing where a store may say either: after a redrive.
    pub(super) replayed: Option<bool>,
    pub(super) taken: bool,
    reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeadLetter {
    pub(super) number: u64,
    pub(super) at: i64,
    pub(super) reason: String,
    has_destination: bool,
}

const MATCHED: usize = 0;
const DELIVERED: usize = 1;
const PENDING: usize = 2;
const DEAD_LETTERED: usize = 3;
const DROPPED: usize = 4;

impl Model {
    pub(super) fn new(lanes: u64, bounds: Bounds) -> Self {
        Self {
            messages: BTreeMap::new(),
            lanes: (1..=lanes).map(|lane| (lane, Lane::default())).collect(),
            counts: [0; 5],
            windows: BTreeMap::new(),
            attempts: Vec::new(),
            bounds,
        }
    }

    pub(super) fn lane(&self, lane: u64) -> &Lane {
        &self.lanes[&lane]
    }

    fn lane_mut(&mut self, lane: u64) -> &mut Lane {
        self.lanes.get_mut(&lane).expect("the walk uses the lanes of the model")
    }

    /// Keeps a message, and answers which lanes have no room.
    pub(super) fn append(&mut self, number: u64, known: Known, lanes: &[u64]) -> Vec<u64> {
        let (due, counted) = (known.accepted, known.counted);
        self.messages.insert(number, known);
        let mut refused = Vec::new();
        for &lane in lanes {
            self.counts[MATCHED] += counted;
            if self.room(lane) == 0 {
                self.counts[DROPPED] += counted;
                refused.push(lane);
            } else {
                self.counts[PENDING] += counted;
                self.lane_mut(lane).queued.push(Queued::fresh(number, due, Some(false)));
            }
        }
        refused
    }

    /// How many deliveries `lane` has room for.
    pub(super) fn room(&self, lane: u64) -> usize {
        self.bounds.lane_deliveries.unwrap_or(usize::MAX).saturating_sub(self.lane(lane).queued.len())
    }

    /// The times and numbers of what may be taken now or later, in order.
    pub(super) fn open(&self, lane: u64, order: LaneOrder) -> Vec<(i64, u64)> {
        let queued = &self.lane(lane).queued;
        let group = |delivery: &Queued| &self.messages[&delivery.number].group;
        let is_held_back = |delivery: &Queued| {
            let mut group_of = queued.iter().filter(|other| group(other) == group(delivery));
            group_of.any(|other| other.taken || other.number < delivery.number)
        };
        let mut open: Vec<_> = queued
            .iter()
            .filter(|delivery| !delivery.taken)
            .filter(|delivery| order != LaneOrder::Group || !is_held_back(delivery))
            .map(|delivery| (delivery.due, delivery.number))
            .collect();
        open.sort_unstable();
        open
    }

    /// Takes what is due, and answers it.
    pub(super) fn take(&mut self, lane: u64, now: i64, max: usize, order: LaneOrder) -> Vec<Queued> {
        let due: Vec<_> = self.open(lane, order).into_iter().filter(|(due, _)| *due <= now).take(max).collect();
        let mut taken = Vec::new();
        for (_, number) in due {
            let queued = &mut self.lane_mut(lane).queued;
            let delivery =
                queued.iter_mut().find(|delivery| delivery.number == number).expect("what is open is queued");
            delivery.taken = true;
            taken.push(delivery.clone());
        }
        taken
    }

    pub(super) fn settle(&mut self, lane: u64, now: i64, number: u64, settlement: &Settlement, attempted: Option<u32>) {
        let queued = &mut self.lane_mut(lane).queued;
        let Some(place) = queued.iter().position(|delivery| delivery.number == number && delivery.taken) else {
            return;
        };
        let mut delivery = queued.remove(place);
        if let Some(attempt) = attempted {
            delivery.attempts += 1;
            self.attempts.push((number, lane, delivery.stage, attempt));
        }
        delivery.taken = false;
        let counted = self.messages[&number].counted;
        match settlement {
            Settlement::Retry { at } => {
                delivery.due = at.unix_ms() - super::probe::at(0).unix_ms();
                self.lane_mut(lane).queued.push(delivery);
                return;
            }
            Settlement::ToDeadLetter { reason } => {
                let moved = Queued::fresh(number, now, delivery.replayed);
                let moved = Queued { stage: Stage::DeadLetter, reason: reason.clone(), ..moved };
                self.lane_mut(lane).queued.push(moved);
                return;
            }
            Settlement::Delivered => self.counts[DELIVERED] += counted,
            Settlement::DeadLettered => {
                self.counts[DEAD_LETTERED] += counted;
                self.bury(lane, DeadLetter { number, at: now, reason: delivery.reason, has_destination: true });
            }
            Settlement::Dropped { reason } => {
                self.counts[DROPPED] += counted;
                self.bury(lane, DeadLetter { number, at: now, reason: reason.clone(), has_destination: false });
            }
            _ => self.counts[DROPPED] += counted,
        }
        self.counts[PENDING] -= counted;
    }

    fn bury(&mut self, lane: u64, letter: DeadLetter) {
        let room = self.bounds.dead_letters.unwrap_or(usize::MAX);
        let dead = &mut self.lane_mut(lane).dead;
        dead.push(letter);
        dead.sort_by_key(|letter| (letter.at, letter.number));
        if dead.len() > room {
            dead.remove(0);
        }
    }

    /// Gives up a delivery that waits.
    pub(super) fn clear(&mut self, lane: u64, number: u64) {
        let queued = &mut self.lane_mut(lane).queued;
        let place = queued.iter().position(|delivery| delivery.number == number && !delivery.taken);
        queued.remove(place.expect("what is cleared waited"));
        let counted = self.messages[&number].counted;
        self.counts[PENDING] -= counted;
        self.counts[DROPPED] += counted;
    }

    pub(super) fn redrive(&mut self, lane: u64, now: i64) -> u64 {
        let dead = std::mem::take(&mut self.lane_mut(lane).dead);
        for letter in &dead {
            let counted = self.messages[&letter.number].counted;
            self.counts[if letter.has_destination { DEAD_LETTERED } else { DROPPED }] -= counted;
            self.counts[PENDING] += counted;
            self.lane_mut(lane).queued.push(Queued::fresh(letter.number, now, None));
        }
        dead.len() as u64
    }

    /// The numbers that are archived at `now`.
    pub(super) fn archived(&self, now: i64) -> Vec<u64> {
        let is_archived = |known: &Known| known.archive_until.is_some_and(|until| now < until);
        self.messages.iter().filter(|(_, known)| is_archived(known)).map(|(&number, _)| number).collect()
    }

    pub(super) fn replay(&mut self, lane: u64, now: i64, numbers: &[u64]) {
        let archived = self.archived(now);
        for number in numbers {
            let is_queued = self.lane(lane).queued.iter().any(|delivery| delivery.number == *number);
            if is_queued || !archived.contains(number) {
                continue;
            }
            let counted = self.messages[number].counted;
            self.counts[MATCHED] += counted;
            self.counts[PENDING] += counted;
            self.lane_mut(lane).queued.push(Queued::fresh(*number, now, Some(true)));
        }
    }

    pub(super) fn drop_archive(&mut self) {
        for known in self.messages.values_mut() {
            known.archive_until = None;
        }
    }

    /// Puts back what is taken, as happens when a store is opened again.
    pub(super) fn reopen(&mut self) {
        for delivery in self.lanes.values_mut().flat_map(|lane| &mut lane.queued) {
            delivery.taken = false;
        }
    }
}

impl Queued {
    fn fresh(number: u64, due: i64, replayed: Option<bool>) -> Self {
        Self { number, due, stage: Stage::Endpoint, attempts: 0, replayed, taken: false, reason: String::new() }
    }
}
