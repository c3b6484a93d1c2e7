//! Records of topics, subscriptions and platform applications.

use std::collections::BTreeMap;

use crate::arn::TopicArn;
use crate::store::{
    Change, PlatformApplicationRecord, PlatformEndpointRecord, RegistryRecords, SubscriptionRecord, TopicRecord,
};

/// Every record under its name.
#[derive(Debug, Default)]
pub(super) struct Registry {
    topics: BTreeMap<TopicArn, TopicRecord>,
    subscriptions: BTreeMap<u64, SubscriptionRecord>,
    platform_applications: BTreeMap<String, PlatformApplicationRecord>,
    platform_endpoints: BTreeMap<String, PlatformEndpointRecord>,
}

impl Registry {
    pub(super) fn records(&self) -> RegistryRecords {
        RegistryRecords {
            topics: self.topics.values().cloned().collect(),
            subscriptions: self.subscriptions.values().cloned().collect(),
            platform_applications: self.platform_applications.values().cloned().collect(),
            platform_endpoints: self.platform_endpoints.values().cloned().collect(),
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
            Change::PutPlatformApplication(record) => {
                self.platform_applications.insert(record.arn.clone(), record);
            }
            Change::RemovePlatformApplication(arn) => {
                self.platform_endpoints.retain(|_, endpoint| endpoint.application != arn);
                self.platform_applications.remove(&arn);
            }
            Change::PutPlatformEndpoint(record) => {
                self.platform_endpoints.insert(record.arn.clone(), record);
            }
            Change::RemovePlatformEndpoint(arn) => {
                self.platform_endpoints.remove(&arn);
            }
        }
    }
}
