//! Endpoints that look at what they deliver before they do.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use fanfare::{Batch, Connector, Connectors, Endpoint, Limits, Notification, Outcome, Protocol, Slot, SnsError};

use super::screen::DataProtection;

/// Connectors whose endpoints deliver what the topic's data protection policy lets through.
#[derive(Debug)]
pub(super) struct GuardedConnector {
    connectors: Connectors,
    protection: DataProtection,
}

impl GuardedConnector {
    pub(super) fn new(connectors: Connectors, protection: DataProtection) -> Self {
        Self { connectors, protection }
    }
}

impl Connector for GuardedConnector {
    fn protocols(&self) -> Vec<Protocol> {
        self.connectors.protocols()
    }

    fn connect(&self, protocol: &Protocol, address: &str) -> Result<Arc<dyn Endpoint>, SnsError> {
        let endpoint = self.connectors.connect(protocol, address)?;
        Ok(Arc::new(Guarded { endpoint, protection: self.protection.clone() }))
    }

    fn foresee(&self, protocol: &Protocol, notification: &Notification) {
        // What a policy is about may go out in other words.
        if self.protection.passes(notification) {
            self.connectors.foresee(protocol, notification);
        }
    }
}

/// An endpoint that delivers what the topic's data protection policy lets through, masked where it says so.
#[derive(Debug)]
struct Guarded {
    endpoint: Arc<dyn Endpoint>,
    protection: DataProtection,
}

impl fmt::Display for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.endpoint.fmt(f)
    }
}

#[async_trait]
impl Endpoint for Guarded {
    fn protocol(&self) -> Protocol {
        self.endpoint.protocol()
    }

    fn limits(&self) -> Limits {
        self.endpoint.limits()
    }

    async fn deliver(&self, notification: &Notification) -> Outcome {
        if self.protection.passes(notification) {
            return self.endpoint.deliver(notification).await;
        }
        match self.protection.screened(notification).await? {
            Some(treated) => self.endpoint.deliver(&treated).await,
            None => self.endpoint.deliver(notification).await,
        }
    }

    async fn deliver_batch(&self, batch: &mut Batch<'_>) {
        if batch.open().all(|slot| self.protection.passes(slot.notification())) {
            return self.endpoint.deliver_batch(batch).await;
        }
        // Apart, so that the many that pass have no room for it in them.
        Box::pin(self.deliver_screened(batch)).await;
    }
}

impl Guarded {
    /// A call that is cut off leaves open what it was about to deliver in other words, as if nothing had come of it.
    async fn deliver_screened(&self, batch: &mut Batch<'_>) {
        let mut treated = Vec::new();
        for slot in batch.open() {
            match self.protection.screened(slot.notification()).await {
                Ok(other) => treated.push(other),
                Err(error) => slot.settle(Err(error)),
            }
        }
        if treated.iter().all(Option::is_none) {
            return self.endpoint.deliver_batch(batch).await;
        }
        let open: Vec<_> = batch.open().collect();
        let words = open.iter().zip(treated).map(|(slot, other)| other.unwrap_or_else(|| slot.notification().clone()));
        let mut slots: Vec<Slot> = words.map(Slot::new).collect();
        self.endpoint.deliver_batch(&mut Batch::new(&mut slots)).await;
        for (slot, delivered) in open.into_iter().zip(slots) {
            if let Some(outcome) = delivered.into_outcome() {
                slot.settle(outcome);
            }
        }
    }
}
