//! The hashes by which subscriptions are found.

use super::row::{Name, Row};
use super::state::Place;
use crate::arn::TopicArn;
use crate::filter::Seed;
use crate::subscription::SubscriptionId;

/// How one registry hashes what its subscriptions are found by. Addresses come from outside, so nobody there can foresee it.
#[derive(Debug, Clone, Copy)]
pub(super) struct FoundBy(Seed);

const ID: u64 = 0;
const NAME: u64 = 1;
const ADDRESS: u64 = 2;
const OBJECT: u64 = 3;

impl Default for FoundBy {
    fn default() -> Self {
        Self(Seed::random())
    }
}

impl FoundBy {
    pub(super) fn id(&self, id: SubscriptionId) -> u64 {
        self.0.hash(ID, &id.0.to_le_bytes())
    }

    /// The last part of an ARN, and the topic before it.
    pub(super) fn name(&self, topic: &str, name: Name) -> u64 {
        self.0.hash(self.0.hash(NAME, topic.as_bytes()), name.as_bytes())
    }

    pub(super) fn name_of(&self, row: &Row) -> u64 {
        self.name(row.topic.arn().as_str(), row.name)
    }

    pub(super) fn place(&self, topic: &TopicArn, place: &Place<'_>) -> u64 {
        let of_topic = |what| self.0.hash(what, topic.as_str().as_bytes());
        match place {
            Place::Address(protocol, address) => {
                let of_protocol = self.0.hash(of_topic(ADDRESS), protocol.as_str().as_bytes());
                self.0.hash(of_protocol, address.as_bytes())
            }
            Place::Object(object) => self.0.hash(of_topic(OBJECT), &object.to_le_bytes()),
        }
    }
}
