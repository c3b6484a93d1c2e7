//! Data protection policies at work, on both sides of the engine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fanfare::{
    Connectors, DeliveryError, DeliveryErrorKind, Fanfare, Message, Notification, NotificationKind, SnsError, Topic,
    WeakFanfare,
};
use serde_json::Value;
use tokio::sync::SetOnce;

use super::endpoint::GuardedConnector;
use super::error::DataProtectionError;
use super::policy::{DataProtectionPolicy, Denied, Direction};
use super::treated_once::TreatedOnce;
use crate::readings::Readings;

/// Where the engine keeps a topic's policy.
pub(crate) const ATTRIBUTE: &str = "DataProtectionPolicy";

/// Data protection policies at work, on both sides of one engine. A clone is the same.
///
/// It is made before the engine, because connectors are given to the engine when it is opened, and then told which engine it
/// belongs to:
/// ```
/// use fanfare::{Connectors, Fanfare};
/// use fanfare_server::data_protection::DataProtection;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # let _guard = runtime.enter();
/// let protection = DataProtection::new();
/// let fanfare = Fanfare::builder().connectors(protection.guard(Connectors::new())).open();
/// protection.bind(&fanfare);
/// # Ok::<(), std::io::Error>(())
/// ```
/// Without the guard nothing is done about deliveries, and policies with outbound statements are refused.
#[derive(Debug, Clone, Default)]
pub struct DataProtection(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    policies: Readings<DataProtectionPolicy>,
    /// Weak, because the engine holds the connectors that hold this.
    fanfare: SetOnce<WeakFanfare>,
    guards: AtomicBool,
}

/// Why a message is not accepted.
#[derive(Debug)]
pub(crate) enum NotAccepted {
    /// By the policy.
    Denied(Denied),
    /// Nothing of it is left, or the policy cannot be read.
    Refused(SnsError),
}

impl DataProtection {
    /// Data protection for an engine that is not open yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same connectors, with a look at what they deliver before they do.
    #[must_use]
    pub fn guard(&self, connectors: Connectors) -> Connectors {
        self.0.guards.store(true, Ordering::Relaxed);
        Connectors::new().with(GuardedConnector::new(connectors, self.clone()))
    }

    /// Says which engine it belongs to; another one later is ignored. Deliveries wait for this.
    pub fn bind(&self, fanfare: &Fanfare) {
        // That it was bound before is no harm.
        let _ = self.0.fanfare.set(fanfare.downgrade());
    }

    /// Reads a policy that a topic shall have.
    pub(crate) fn check(&self, text: &str) -> Result<(), DataProtectionError> {
        let policy = DataProtectionPolicy::parse(text)?;
        if policy.is_about_deliveries() && !self.0.guards.load(Ordering::Relaxed) {
            return Err(DataProtectionError::new(
                "this server does not look at deliveries, so that a statement cannot be Outbound",
            ));
        }
        Ok(())
    }

    /// `message` as the topic may accept it from the principal `arn` of `account`. What is found for an audit is logged.
    pub(crate) fn accept(
        &self,
        topic: &Topic,
        account: &str,
        arn: &str,
        message: Message,
    ) -> Result<Message, NotAccepted> {
        let Some(policy) = self.policy(topic).map_err(NotAccepted::Refused)? else { return Ok(message) };
        let text = std::str::from_utf8(message.published_text()).expect("a text is made from a String");
        let mut structure = if message.has_json_structure() { serde_json::from_str(text).ok() } else { None };
        let texts = match &structure {
            Some(Value::Object(members)) => members.values().filter_map(Value::as_str).collect(),
            _ => vec![text],
        };
        let with_subject: Vec<&str> = texts.iter().copied().chain(message.subject()).collect();
        log_findings(&policy, topic, account, arn, &with_subject);
        let treated = policy.treat(Direction::Inbound, account, arn, &with_subject).map_err(NotAccepted::Denied)?;
        let Some(mut treated) = treated else { return Ok(message) };
        let subject = message.subject().and_then(|_| treated.pop()).filter(|subject| !subject.is_empty());
        let text = match &mut structure {
            Some(Value::Object(members)) => {
                let places = members.values_mut().filter(|value| value.is_string());
                places.zip(treated).for_each(|(place, text)| *place = Value::String(text));
                Value::Object(std::mem::take(members)).to_string()
            }
            _ => treated.pop().unwrap_or_default(),
        };
        message.reworded(text, subject).map_err(NotAccepted::Refused)
    }

    /// Whether there is no policy that says anything about `notification`, as far as can be seen at once.
    pub(super) fn passes(&self, notification: &Notification) -> bool {
        if *notification.kind() != NotificationKind::Notification {
            return true;
        }
        let topic =
            self.0.fanfare.get().and_then(WeakFanfare::upgrade).map(|fanfare| fanfare.topic(notification.topic()));
        topic.is_some_and(|topic| topic.is_ok_and(|topic| !topic.settings().attributes().contains_key(ATTRIBUTE)))
    }

    /// `notification` as it may be delivered; nothing when it may as it is.
    pub(super) async fn screened(&self, notification: &Notification) -> Result<Option<Notification>, DeliveryError> {
        if *notification.kind() != NotificationKind::Notification {
            return Ok(None);
        }
        let closing = || DeliveryError::retry(DeliveryErrorKind::Interrupted, "the engine is closing");
        let fanfare = self.0.fanfare.wait().await.upgrade().ok_or_else(closing)?;
        // Of a topic that is gone nothing is delivered any more.
        let Ok(topic) = fanfare.topic(notification.topic()) else { return Ok(None) };
        let unreadable = |error: SnsError| {
            let context = "the topic's data protection policy cannot be read";
            DeliveryError::retry(DeliveryErrorKind::Misconfigured, context).with_source(error)
        };
        let Some(policy) = self.policy(&topic).map_err(unreadable)? else { return Ok(None) };
        let subscription = notification.subscription().and_then(|arn| fanfare.subscription(arn).ok());
        let account = subscription.as_ref().map_or(topic.arn().account(), |known| known.owner());
        let root = crate::api::account_principal(topic.arn(), account);
        let arn = subscription.as_ref().and_then(|known| known.principal()).unwrap_or(&root);
        let statements = policy.outbound_for(account, arn);
        if statements.is_empty() {
            return Ok(None);
        }
        let treat = || {
            let texts: Vec<&str> = std::iter::once(notification.text()).chain(notification.subject()).collect();
            let treated =
                policy.treat(Direction::Outbound, account, arn, &texts).map_err(|denied| denied.to_string())?;
            let Some(mut treated) = treated else { return Ok(None) };
            let subject = notification.subject().and_then(|_| treated.pop()).filter(|subject| !subject.is_empty());
            let text = treated.pop().unwrap_or_default();
            let reworded = notification.reworded(text, subject);
            reworded.map(Some).map_err(|_| "the data protection policy leaves nothing of the message".to_owned())
        };
        TreatedOnce::of(notification, &policy, statements, treat)
            .map_err(|reason| DeliveryError::reject(DeliveryErrorKind::Rejected, reason))
    }

    fn policy(&self, topic: &Topic) -> Result<Option<Arc<DataProtectionPolicy>>, SnsError> {
        let Some(text) = topic.settings().attributes().get(ATTRIBUTE) else { return Ok(None) };
        let policy = self.0.policies.of(topic.arn(), text, DataProtectionPolicy::parse);
        policy.map(Some).map_err(|error| {
            // It was read when it was set.
            SnsError::new(fanfare::SnsErrorCode::InternalError, format!("the data protection policy: {error}"))
        })
    }
}

fn log_findings(policy: &DataProtectionPolicy, topic: &Topic, account: &str, arn: &str, texts: &[&str]) {
    let Some(finding) = policy.audit(account, arn, texts) else { return };
    let found: BTreeMap<_, _> = finding.counts;
    let found: Vec<_> = found.into_iter().map(|(name, count)| format!("{name}={count}")).collect();
    tracing::info!(
        target: "fanfare::data_protection",
        topic = %topic.arn(),
        policy = finding.policy,
        sid = finding.sid,
        log_group = finding.log_group,
        principal = arn,
        found = found.join(","),
        "audited a message"
    );
}
