//! Every subscription, found by its number, its name and its destination.

use std::collections::HashSet;
use std::sync::Arc;

use super::audience::Known;
use super::found_by::FoundBy;
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
    found_by: FoundBy,
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

    /// The row with that number.
    pub(super) fn at(&self, number: u32) -> Option<&Row> {
        self.rows.get(number)
    }

    pub(super) fn by_arn(&self, arn: &SubscriptionArn) -> Option<&Row> {
        let (topic, name) = (arn.topic_text(), arn.name());
        let is = |number: &u32| {
            self.rows.get(*number).is_some_and(|row| row.is_named(name) && row.topic.arn().as_str() == topic)
        };
        self.rows.get(*self.by_name.find(self.found_by.name(topic, Name::of(name)), is)?)
    }

    /// The one that was put last at that place of the topic.
    pub(super) fn by_place(&self, topic: &TopicArn, place: &Place<'_>) -> Option<&Row> {
        let is = |number: &u32| self.rows.get(*number).is_some_and(|row| self.is_at(row, topic, place));
        self.rows.get(*self.by_place.find(self.found_by.place(topic, place), is)?)
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
        let row = Row::of(subscription, topic, protocol, |principal| self.shared(principal));
        let number = match self.number(row.id) {
            Some(number) => {
                if let Some(known) = self.rows.get_mut(number) {
                    *known = row;
                }
                number
            }
            None => self.add(row),
        };
        let place = Place::of(&subscription.destination);
        self.settle(number, self.found_by.place(topic.arn(), &place), topic.arn(), &place);
    }

    /// Adds the row of a subscription that is not there. Before [`Rows::found`] is called, it is found by nothing.
    pub(super) fn push(&mut self, row: Row) -> u32 {
        self.rows.insert(row)
    }

    /// The tables by which rows are found that were [pushed](Rows::push) one after the other, into none before: by id and by
    /// name. `hashes` are those of the name and the place of each.
    pub(super) fn ids_and_names(&self, hashes: &[(u64, u64)]) -> [Table<u32>; 2] {
        let [mut ids, mut names] = [(); 2].map(|()| Table::with_room_for(hashes.len()));
        let id_of = |row: &Row| self.found_by.id(row.id);
        for ((number, row), (name, _)) in self.rows.numbered().zip(hashes) {
            ids.insert(id_of(row), number, |number| hash_of(&self.rows, *number, id_of));
            names.insert(*name, number, |number| hashes[*number as usize].0);
        }
        [ids, names]
    }

    /// In the same way, the table by which they are found by their places.
    pub(super) fn places(&self, hashes: &[(u64, u64)]) -> Table<u32> {
        let mut places = Table::with_room_for(hashes.len());
        for (number, (_, place)) in (0..).zip(hashes) {
            let same_hash = |other: &u32| hashes[*other as usize].1 == *place;
            let is_there = |other: &u32| {
                let rows = self.rows.get(*other).zip(self.rows.get(number));
                rows.is_some_and(|(other, row)| self.is_at(other, row.topic.arn(), &self.place(row)))
            };
            match places.find_mut(*place, |other| same_hash(other) && is_there(other)) {
                Some(known) => *known = number,
                None => places.insert(*place, number, |number| hashes[*number as usize].1),
            }
        }
        places
    }

    /// Makes rows found that were pushed.
    pub(super) fn found(&mut self, [by_id, by_name]: [Table<u32>; 2], by_place: Table<u32>) {
        (self.by_id, self.by_name, self.by_place) = (by_id, by_name, by_place);
    }

    /// By what hashes rows are found.
    pub(super) fn found_by(&self) -> FoundBy {
        self.found_by
    }

    /// The text of who subscribed, which many may share.
    pub(super) fn shared(&mut self, principal: &Arc<str>) -> Principal {
        if let Some(known) = self.principals.get(principal) {
            return Arc::clone(known);
        }
        let principal = Arc::new(Arc::clone(principal));
        if self.principals.len() < PRINCIPALS_MAX {
            self.principals.insert(Arc::clone(&principal));
        }
        principal
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
        let name = self.found_by.name_of(row);
        let place = self.found_by.place(row.topic.arn(), &self.place(row));
        self.by_id.remove(self.found_by.id(id), |known| *known == number);
        self.by_name.remove(name, |known| *known == number);
        // Another one may have been put there since.
        self.by_place.remove(place, |known| *known == number);
        self.rows.remove(number)
    }

    fn add(&mut self, row: Row) -> u32 {
        let (id, name) = (self.found_by.id(row.id), self.found_by.name_of(&row));
        let number = self.rows.insert(row);
        let Self { rows, found_by, .. } = self;
        self.by_id.insert(id, number, |number| hash_of(rows, *number, |row| found_by.id(row.id)));
        self.by_name.insert(name, number, |number| hash_of(rows, *number, |row| found_by.name_of(row)));
        number
    }

    /// Makes the row the one that was put last at its place.
    fn settle(&mut self, number: u32, hash: u64, topic: &TopicArn, place: &Place<'_>) {
        let Self { rows, by_place, found_by, protocols, .. } = self;
        let is_there = |number: &u32| {
            rows.get(*number).is_some_and(|row| row.topic.arn() == topic && Place::of_row(row, protocols) == *place)
        };
        match by_place.find_mut(hash, is_there) {
            Some(known) => *known = number,
            None => {
                let of_row = |row: &Row| found_by.place(row.topic.arn(), &Place::of_row(row, protocols));
                by_place.insert(hash, number, |number| hash_of(rows, *number, of_row));
            }
        }
    }

    fn number(&self, id: SubscriptionId) -> Option<u32> {
        let is = |number: &u32| self.rows.get(*number).is_some_and(|row| row.id == id);
        self.by_id.find(self.found_by.id(id), is).copied()
    }

    /// The number of a protocol, which is given one if it has none.
    pub(super) fn number_of(&mut self, protocol: &Protocol) -> u32 {
        let known = self.protocols.iter().position(|known| known == protocol);
        let number = known.unwrap_or_else(|| {
            self.protocols.push(protocol.clone());
            self.protocols.len() - 1
        });
        u32::try_from(number).expect("memory holds fewer protocols")
    }

    fn is_at(&self, row: &Row, topic: &TopicArn, place: &Place<'_>) -> bool {
        row.topic.arn() == topic && self.place(row) == *place
    }
}

fn hash_of(rows: &Slab<Row>, number: u32, hash: impl FnOnce(&Row) -> u64) -> u64 {
    rows.get(number).map_or(0, hash)
}
