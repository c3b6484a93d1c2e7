//! Every subscription, found by its number, its name and its destination.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use super::audience::Known;
use super::row::{Name, Principal, Row};
use super::state::Place;
use crate::arn::{SubscriptionArn, TopicArn};
use crate::packed::{Slab, Table};
use crate::protocol::Protocol;
use crate::subscription::{Subscription, SubscriptionId};
use crate::topic::Topic;

/// The rows of all subscriptions. What they are found by stands in them alone.
#[derive(Debug, Default)]
pub(super) struct Rows {
    rows: Slab<Row>,
    by_id: Table<u32>,
    by_name: Table<u32>,
    /// The one that was put last at a place.
    by_place: Table<u32>,
    hasher: RandomState,
    /// Every protocol that there has been.
    protocols: Vec<Protocol>,
    /// Who subscribed, so that many subscriptions of one share the text.
    principals: HashSet<Principal>,
}

/// Of how many who subscribed the texts are shared.
const PRINCIPALS_MAX: usize = 1024;

impl Rows {
    pub(super) fn get(&self, id: SubscriptionId) -> Option<&Row> {
        self.rows.get(self.number(id)?)
    }

    pub(super) fn by_arn(&self, arn: &SubscriptionArn) -> Option<&Row> {
        let (topic, name) = (arn.topic_text(), arn.name());
        let is = |number: &u32| {
            self.rows.get(*number).is_some_and(|row| row.is_named(name) && row.topic.arn().as_str() == topic)
        };
        self.rows.get(*self.by_name.find(self.hash_of_name(Name::of(name), topic), is)?)
    }

    /// The one that was put last at that place of the topic.
    pub(super) fn by_place(&self, topic: &TopicArn, place: &Place<'_>) -> Option<&Row> {
        let number = self.by_place.find(self.hash_of_place(topic, place), |number| self.is_at(*number, topic, place));
        self.rows.get(*number?)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter()
    }

    /// The subscription at length.
    pub(super) fn subscription(&self, row: &Row) -> Subscription {
        row.subscription(&self.protocols)
    }

    pub(super) fn protocol(&self, row: &Row) -> &Protocol {
        row.protocol(&self.protocols)
    }

    /// Where the subscription delivers to.
    pub(super) fn place<'a>(&'a self, row: &'a Row) -> Place<'a> {
        Place::of_row(row, &self.protocols)
    }

    /// What an audience has to know of a subscription.
    pub(super) fn known<'a>(&'a self, row: &'a Row) -> Known<'a> {
        Known {
            id: row.id,
            receives_new: row.receives_new(),
            policy: row.policy(),
            protocol: row.protocol(&self.protocols),
            address: row.address(),
        }
    }

    /// Puts a subscription in, in the place of what is known of it.
    pub(super) fn put(&mut self, subscription: &Subscription, topic: &Arc<Topic>) {
        let protocol = self.number_of(&subscription.protocol);
        let principals = &mut self.principals;
        let row = Row::of(subscription, topic, protocol, |principal| match principals.get(principal) {
            Some(known) => Arc::clone(known),
            None => {
                let principal = Arc::new(Arc::clone(principal));
                if principals.len() < PRINCIPALS_MAX {
                    principals.insert(Arc::clone(&principal));
                }
                principal
            }
        });
        let number = match self.number(row.id) {
            Some(number) => {
                if let Some(known) = self.rows.get_mut(number) {
                    *known = row;
                }
                number
            }
            None => self.add(row),
        };
        let (topic, place) = (topic.arn(), Place::of(&subscription.destination));
        let hash = self.hash_of_place(topic, &place);
        let Self { rows, by_place, hasher, protocols, .. } = self;
        let is_there = |number: &u32| {
            rows.get(*number).is_some_and(|row| row.topic.arn() == topic && Place::of_row(row, protocols) == place)
        };
        match by_place.find_mut(hash, is_there) {
            Some(known) => *known = number,
            None => {
                let hash_of = |number: &u32| rows.get(*number).map_or(0, |row| place_hash(hasher, protocols, row));
                by_place.insert(hash, number, hash_of);
            }
        }
    }

    /// Gives the subscription's topic other settings.
    pub(super) fn set_topic(&mut self, id: SubscriptionId, topic: &Arc<Topic>) {
        if let Some(row) = self.number(id).and_then(|number| self.rows.get_mut(number)) {
            row.topic = Arc::clone(topic);
        }
    }

    pub(super) fn remove(&mut self, id: SubscriptionId) -> Option<Row> {
        let number = self.number(id)?;
        let row = self.rows.get(number)?;
        let name = name_hash(&self.hasher, row);
        let place = place_hash(&self.hasher, &self.protocols, row);
        self.by_id.remove(self.hasher.hash_one(id), |known| *known == number);
        self.by_name.remove(name, |known| *known == number);
        // Another one may have been put there since.
        self.by_place.remove(place, |known| *known == number);
        self.rows.remove(number)
    }

    fn add(&mut self, row: Row) -> u32 {
        let (id, name) = (self.hasher.hash_one(row.id), name_hash(&self.hasher, &row));
        let number = self.rows.insert(row);
        let Self { rows, hasher, .. } = self;
        self.by_id.insert(id, number, |number| rows.get(*number).map_or(0, |row| hasher.hash_one(row.id)));
        self.by_name.insert(name, number, |number| rows.get(*number).map_or(0, |row| name_hash(hasher, row)));
        number
    }

    fn number(&self, id: SubscriptionId) -> Option<u32> {
        let is = |number: &u32| self.rows.get(*number).is_some_and(|row| row.id == id);
        self.by_id.find(self.hasher.hash_one(id), is).copied()
    }

    fn number_of(&mut self, protocol: &Protocol) -> u32 {
        let known = self.protocols.iter().position(|known| known == protocol);
        let number = known.unwrap_or_else(|| {
            self.protocols.push(protocol.clone());
            self.protocols.len() - 1
        });
        u32::try_from(number).expect("memory holds fewer protocols")
    }

    fn is_at(&self, number: u32, topic: &TopicArn, place: &Place<'_>) -> bool {
        let row = self.rows.get(number);
        row.is_some_and(|row| row.topic.arn() == topic && Place::of_row(row, &self.protocols) == *place)
    }

    fn hash_of_name(&self, name: Name, topic: &str) -> u64 {
        self.hasher.hash_one((name, topic))
    }

    fn hash_of_place(&self, topic: &TopicArn, place: &Place<'_>) -> u64 {
        self.hasher.hash_one((topic.as_str(), place))
    }
}

fn name_hash(hasher: &RandomState, row: &Row) -> u64 {
    hasher.hash_one((row.name, row.topic.arn().as_str()))
}

fn place_hash(hasher: &RandomState, protocols: &[Protocol], row: &Row) -> u64 {
    hasher.hash_one((row.topic.arn().as_str(), Place::of_row(row, protocols)))
}
