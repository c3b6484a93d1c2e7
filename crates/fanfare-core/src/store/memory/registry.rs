//! Records of topics and subscriptions, and documents.

use std::collections::BTreeMap;

use crate::arn::TopicArn;
use crate::store::{Change, DocumentRecord, RegistryRecords, SubscriptionRecord, TopicRecord};

/// Every record under its name.
#[derive(Debug, Default)]
pub(super) struct Registry {
    topics: BTreeMap<TopicArn, TopicRecord>,
    subscriptions: BTreeMap<u64, SubscriptionRecord>,
    documents: BTreeMap<(String, String), DocumentRecord>,
}

impl Registry {
    pub(super) fn records(&self) -> RegistryRecords {
        RegistryRecords {
            topics: self.topics.values().cloned().collect(),
            subscriptions: self.subscriptions.values().cloned().collect(),
            documents: self.documents.values().cloned().collect(),
        }
    }

    pub(super) fn change(&mut self, change: Change) {
        match change {
            Change::PutTopic(record) => {
                self.topics.insert(record.arn.clone(), record);
            }
            Change::RemoveTopic(arn) => {
                self.topics.remove(&arn);
            }
            Change::PutSubscription(record) => {
                self.subscriptions.insert(record.id, record);
            }
            Change::RemoveSubscription(id) => {
                self.subscriptions.remove(&id.0);
            }
            Change::PutDocument(record) => {
                self.documents.insert((record.kind.clone(), record.id.clone()), record);
            }
            Change::RemoveDocument { kind, id } => {
                self.documents.remove(&(kind, id));
            }
        }
    }
}
