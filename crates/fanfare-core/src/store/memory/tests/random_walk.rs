//! Whatever happens in whatever order, what is counted is what is there, and nothing is counted in the end.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const LANES: [SubscriptionId; 3] = [SubscriptionId(0), SubscriptionId(1), SubscriptionId(2)];
const BOUNDS: MemoryBounds = MemoryBounds {
    lane_deliveries: 6,
    lane_bytes: 60,
    bytes: 10_000,
    recent_messages: 2,
    recent_bytes: 1_000,
    attempts: 0,
    dead_letters: 3,
};

#[derive(Debug, Clone)]
enum Event {
    Append { size: usize, lanes: Vec<SubscriptionId>, archive_until: Option<Timestamp> },
    Take { lane: SubscriptionId, max: NonZeroUsize, order: LaneOrder },
    Settle { lane: SubscriptionId, settlement: Settlement },
    Clear { lane: SubscriptionId, max: NonZeroUsize },
    Redrive { lane: SubscriptionId },
    Replay { lane: SubscriptionId, last: u64 },
    DropArchive,
    Sweep { now: Timestamp },
    Unsubscribe { lane: SubscriptionId },
}

/// A store, and what a walk remembers of what it did to it.
struct Walk {
    state: State,
    /// The size of each message.
    sizes: BTreeMap<u64, usize>,
    taken: BTreeMap<SubscriptionId, Vec<DeliveryId>>,
    /// The deliveries that come from a replay, among those that wait or are taken and among the dead letters.
    replayed: BTreeSet<(SubscriptionId, u64)>,
    dead_replayed: BTreeSet<(SubscriptionId, u64)>,
}

impl Walk {
    fn new() -> Self {
        let (sizes, taken) = (BTreeMap::new(), BTreeMap::new());
        let (replayed, dead_replayed) = (BTreeSet::new(), BTreeSet::new());
        Self { state: State::new(BOUNDS), sizes, taken, replayed, dead_replayed }
    }

    fn make(&mut self, event: Event) {
        match event {
            Event::Append { size, lanes, archive_until } => {
                let id = format!("message {}", self.sizes.len());
                let entry = Entry { archive_until, ..sized(&id, size, &lanes) };
                if let Ok(Appended::Accepted { number, .. }) = self.state.append(entry) {
                    self.sizes.insert(number, size);
                }
            }
            Event::Take { lane, max, order } => {
                let taken = self.state.take(lane, NOW, max, order).into_iter().map(|delivery| delivery.id);
                self.taken.entry(lane).or_default().extend(taken);
            }
            Event::Settle { lane, settlement } => self.settle(lane, &settlement),
            Event::Clear { lane, max } => {
                for cleared in self.state.clear(lane, max) {
                    self.replayed.remove(&(lane, cleared.id.0));
                }
            }
            Event::Redrive { lane } => {
                let before = self.pending(lane);
                self.state.redrive(lane, NOW);
                for number in self.pending(lane).difference(&before) {
                    if self.dead_replayed.contains(&(lane, *number)) {
                        self.replayed.insert((lane, *number));
                    }
                }
            }
            Event::Replay { lane, last } => {
                let before = self.pending(lane);
                let numbers: Vec<_> = (1..=last).collect();
                let _refused = self.state.replay(lane, NOW, &numbers);
                self.replayed.extend(self.pending(lane).difference(&before).map(|number| (lane, *number)));
            }
            Event::DropArchive => self.state.drop_archive(&topic()),
            Event::Sweep { now } => self.state.sweep(now),
            Event::Unsubscribe { lane } => self.state.save(vec![Change::RemoveSubscription(lane)]),
        }
    }

    fn settle(&mut self, lane: SubscriptionId, settlement: &Settlement) {
        let dies = matches!(settlement, Settlement::Dropped { .. } | Settlement::DeadLettered);
        let stays = matches!(settlement, Settlement::Retry { .. } | Settlement::ToDeadLetter { .. });
        let ids = self.taken.remove(&lane).unwrap_or_default();
        for key in ids.iter().map(|id| (lane, id.0)) {
            let replayed = self.replayed.contains(&key);
            if dies {
                if replayed {
                    self.dead_replayed.insert(key)
                } else {
                    self.dead_replayed.remove(&key)
                };
            }
            if !stays {
                self.replayed.remove(&key);
            }
        }
        let settled = |id| Settled { id, settlement: settlement.clone(), attempt: None };
        self.state.settle(lane, NOW, ids.into_iter().map(settled).collect());
    }

    /// Ends all that there is.
    fn end(&mut self) {
        for lane in LANES {
            self.make(Event::Redrive { lane });
            self.make(Event::Take { lane, max: NonZeroUsize::MAX, order: LaneOrder::Due });
            self.settle(lane, &Settlement::Delivered);
        }
        self.make(Event::DropArchive);
    }

    fn pending(&self, lane: SubscriptionId) -> BTreeSet<u64> {
        let is_pending =
            |number: &&u64| matches!(self.state.message_state(lane, **number), MessageState::Pending { .. });
        self.sizes.keys().filter(is_pending).copied().collect()
    }

    fn dead(&self, lane: SubscriptionId) -> BTreeSet<u64> {
        self.state.dead_letters(lane, NonZeroUsize::MAX).into_iter().map(|dead| dead.id.0).collect()
    }

    fn archived(&self) -> BTreeSet<u64> {
        let range = Range { topic: topic(), from: NOW, to: None };
        self.state.archived(&range, 0, NonZeroUsize::MAX).into_iter().map(|stored| stored.number).collect()
    }

    /// What is there, message by message.
    fn recount(&self) -> Held {
        let (pending, dead) = (LANES.map(|lane| self.pending(lane)), LANES.map(|lane| self.dead(lane)));
        let archived = self.archived();
        let (mut needed, mut lost) = (0, 0);
        for (number, size) in &self.sizes {
            let deliveries = pending.iter().filter(|numbers| numbers.contains(number)).count();
            let letters = dead.iter().filter(|numbers| numbers.contains(number)).count();
            needed += deliveries * DELIVERY_BYTES;
            lost += letters * DELIVERY_BYTES;
            if deliveries > 0 || archived.contains(number) {
                needed += size + MESSAGE_OVERHEAD_BYTES;
            } else if letters > 0 {
                lost += size + MESSAGE_OVERHEAD_BYTES;
            }
        }
        Held { needed, dead: lost }
    }

    /// What is there of one lane.
    fn recount_lane(&self, lane: SubscriptionId) -> usize {
        let pending = self.pending(lane).into_iter();
        pending.filter(|number| !self.replayed.contains(&(lane, *number))).map(|number| self.sizes[&number]).sum()
    }
}

fn event() -> impl Strategy<Value = Event> {
    let lane = || proptest::sample::select(&LANES[..]);
    let max = || (1_usize..5).prop_map(|max| NonZeroUsize::new(max).unwrap());
    let order = prop_oneof![Just(LaneOrder::Due), Just(LaneOrder::Group)];
    let archive_until = prop_oneof![Just(None), Just(Some(later()))];
    let settlement = prop_oneof![
        Just(Settlement::Delivered),
        Just(Settlement::Retry { at: NOW }),
        Just(Settlement::ToDeadLetter { reason: "no".to_owned() }),
        Just(Settlement::DeadLettered),
        Just(dropped()),
        Just(Settlement::Discarded),
    ];
    let lanes = proptest::sample::subsequence(LANES.to_vec(), 0..=LANES.len());
    prop_oneof![
        8 => (1_usize..40, lanes, archive_until)
            .prop_map(|(size, lanes, archive_until)| Event::Append { size, lanes, archive_until }),
        4 => (lane(), max(), order).prop_map(|(lane, max, order)| Event::Take { lane, max, order }),
        4 => (lane(), settlement).prop_map(|(lane, settlement)| Event::Settle { lane, settlement }),
        1 => (lane(), max()).prop_map(|(lane, max)| Event::Clear { lane, max }),
        1 => lane().prop_map(|lane| Event::Redrive { lane }),
        2 => (lane(), 1_u64..20).prop_map(|(lane, last)| Event::Replay { lane, last }),
        1 => Just(Event::DropArchive),
        1 => prop_oneof![Just(NOW), Just(later())].prop_map(|now| Event::Sweep { now }),
        1 => lane().prop_map(|lane| Event::Unsubscribe { lane }),
    ]
}

proptest! {
    #[test]
    fn what_is_counted_is_what_is_there_and_nothing_in_the_end(events in vec(event(), 1..120)) {
        let mut walk = Walk::new();
        for event in events {
            walk.make(event);
            prop_assert_eq!(walk.state.held(), walk.recount());
            prop_assert!(walk.state.held().total() <= BOUNDS.bytes);
            for lane in LANES {
                prop_assert_eq!(walk.state.lane_bytes(lane), walk.recount_lane(lane));
            }
            prop_assert!(walk.state.counters().balance());
        }
        walk.end();
        prop_assert_eq!(walk.state.held(), Held::default());
        prop_assert_eq!(LANES.map(|lane| walk.state.lane_bytes(lane)), [0, 0, 0]);
    }
}
