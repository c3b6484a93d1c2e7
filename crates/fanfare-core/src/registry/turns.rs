//! Whose turn it is to change what.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use super::state::Place;
use crate::arn::TopicArn;

/// Keeps changes of one thing apart, each from its look at what is there to the moment when it is seen, while changes of
/// different things are under way together, so that the store can keep them together.
///
/// Things share a fixed number of locks: two that meet in one wait for each other without need, and nothing else comes of it.
/// The topic's lock is always taken before that of the place.
#[derive(Debug)]
pub(super) struct Turns {
    hasher: RandomState,
    /// Shared by the changes of a topic's subscriptions; one change of the topic itself has it alone.
    topics: Box<[Arc<RwLock<()>>]>,
    /// One for each subscription at a time, by where it delivers to.
    places: Box<[Arc<Mutex<()>>]>,
}

/// The right to make one change. It ends when this is dropped.
#[derive(Debug)]
#[allow(dead_code, reason = "the guards are held, and nothing else")]
pub(super) enum Turn {
    /// To change a topic and everything that belongs to it.
    Topic(OwnedRwLockWriteGuard<()>),
    /// To change the one subscription of a topic at a place.
    Place(OwnedRwLockReadGuard<()>, OwnedMutexGuard<()>),
}

/// So many topics can be changed at a time.
const TOPICS: usize = 256;
/// So many subscriptions can be changed at a time.
const PLACES: usize = 1024;

impl Default for Turns {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            topics: (0..TOPICS).map(|_| Arc::default()).collect(),
            places: (0..PLACES).map(|_| Arc::default()).collect(),
        }
    }
}

impl Turns {
    /// Waits until nobody changes the topic or one of its subscriptions.
    pub(super) async fn of_topic(&self, topic: &TopicArn) -> Turn {
        self.of_group(self.group(topic)).await
    }

    /// Waits until nobody changes a topic of the group or one of its subscriptions.
    pub(super) async fn of_group(&self, group: usize) -> Turn {
        Turn::Topic(Arc::clone(&self.topics[group]).write_owned().await)
    }

    /// The topics that share the turn of that one.
    pub(super) fn group(&self, topic: &TopicArn) -> usize {
        self.index(topic, TOPICS)
    }

    /// Waits until nobody changes the topic, or its subscription at that place.
    pub(super) async fn of_place(&self, topic: &TopicArn, place: &Place<'_>) -> Turn {
        let topics = Arc::clone(&self.topics[self.group(topic)]).read_owned().await;
        Turn::Place(topics, Arc::clone(&self.places[self.index((topic, place), PLACES)]).lock_owned().await)
    }

    fn index(&self, thing: impl std::hash::Hash, count: usize) -> usize {
        #[allow(clippy::cast_possible_truncation, reason = "the lowest bits are enough")]
        let hash = self.hasher.hash_one(thing) as usize;
        hash % count
    }
}
