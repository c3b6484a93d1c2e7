//! Endpoints that are broken in one way each, to prove that the suite notices.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use fanfare_core::{
    AttributeValue, Batch, DeliveryError, DeliveryErrorKind, Disposition, Endpoint, Format, Limits, Message,
    Notification, Outcome, Protocol, Publication, Receipt,
};

use crate::memory::PASSWORD;

/// One way to be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Delivers the first 65,536 characters of a text.
    TruncatesText,
    /// Turns characters beyond ASCII into question marks.
    LosesUnicode,
    /// Leaves out control characters other than tab and line feed.
    LosesControlCharacters,
    /// Takes spaces off the ends of texts.
    TrimsText,
    /// Wants to try again what is larger than it can take.
    RetriesTheTooLarge,
    /// Leaves out the subject.
    LosesSubject,
    /// Delivers numbers as strings.
    LosesTypes,
    /// Delivers an envelope whatever the subscription says.
    IgnoresRawDelivery,
    /// Answers that all is well and delivers nothing.
    AnswersWithoutDelivering,
    /// Gives receipts without their status.
    LosesStatus,
    /// Rejects what it should try again.
    RejectsPassingFailures,
    /// Tries again what is refused for good.
    RetriesRefusals,
    /// Takes a peer that asks for fewer for one with a problem.
    OverlooksThrottling,
    /// Forgets how long the peer asks it to wait.
    ForgetsTheDelay,
    /// Takes a peer that is not there for one that refuses.
    RejectsAbsentPeers,
    /// Takes a broken connection for an answer.
    RejectsBrokenConnections,
    /// Tries again by itself after a failure.
    RetriesInside,
    /// Delivers everything twice.
    DeliversTwice,
    /// Waits for ever for a peer that does not answer.
    HasNoTimeLimit,
    /// Fails for ever once it has failed.
    StaysBroken,
    /// Fails for ever once a call was dropped.
    BreaksWhenCancelled,
    /// Gives each attempt an id of its own.
    ChangesTheIdOnRetry,
    /// Delivers what the latest caller wanted delivered.
    MixesUpCallers,
    /// Gives the first slot's outcome to each slot.
    SettlesAllSlotsAlike,
    /// Leaves the slots after the first failure open.
    StopsAtTheFirstFailure,
    /// Delivers the last of a batch's open slots in place of each.
    RepeatsTheLastSlot,
    /// Delivers refused slots of the batch before again.
    ResendsTheBatchBefore,
    /// Shows its password in `Debug`.
    LeaksInDebug,
    /// Shows its password in errors.
    LeaksInErrors,
    /// Writes errors as sentences of several lines.
    WritesProse,
    /// Gives a name that is not its protocol's.
    MisnamesItsProtocol,
}

/// A sound endpoint with a fault put around it.
pub struct BrokenEndpoint {
    inner: Arc<dyn Endpoint>,
    fault: Fault,
    /// Whether something happened after which it fails for ever.
    spoilt: AtomicBool,
    /// What the latest caller wanted delivered.
    latest: Mutex<Option<Notification>>,
    /// What was refused of the batch before.
    refused: Mutex<Vec<Notification>>,
}

impl BrokenEndpoint {
    /// Breaks `inner`.
    pub fn new(inner: Arc<dyn Endpoint>, fault: Fault) -> Self {
        Self { inner, fault, spoilt: AtomicBool::new(false), latest: Mutex::default(), refused: Mutex::default() }
    }

    /// Delivers after `change` was made to what is delivered.
    async fn deliver_changed(&self, notification: &Notification, change: impl FnOnce(&mut Draft)) -> Outcome {
        let mut draft = Draft::of(notification);
        change(&mut draft);
        self.inner.deliver(&draft.build(notification)).await
    }

    /// Delivers, and makes an error of another kind out of each that `which` picks.
    async fn deliver_blaming(
        &self,
        notification: &Notification,
        which: impl FnOnce(&DeliveryError) -> bool,
        kind: DeliveryErrorKind,
        disposition: Disposition,
    ) -> Outcome {
        self.inner.deliver(notification).await.map_err(|error| {
            if which(&error) { DeliveryError::new(kind, disposition, error.to_string()) } else { error }
        })
    }

    fn refuse_if_spoilt(&self) -> Result<(), DeliveryError> {
        if self.spoilt.load(Ordering::Relaxed) {
            return Err(DeliveryError::retry(DeliveryErrorKind::Unavailable, "the endpoint is spoilt"));
        }
        Ok(())
    }
}

impl fmt::Debug for BrokenEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fault {
            Fault::LeaksInDebug => write!(f, "BrokenEndpoint {{ password: {PASSWORD:?} }}"),
            _ => f.write_str("BrokenEndpoint"),
        }
    }
}

impl fmt::Display for BrokenEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl Endpoint for BrokenEndpoint {
    fn protocol(&self) -> Protocol {
        match self.fault {
            Fault::MisnamesItsProtocol => Protocol::Http,
            _ => self.inner.protocol(),
        }
    }

    fn limits(&self) -> Limits {
        self.inner.limits()
    }

    async fn deliver(&self, notification: &Notification) -> Outcome {
        use DeliveryErrorKind as Kind;
        const RETRY: Disposition = Disposition::Retry { after: None };
        let inner = &self.inner;
        match self.fault {
            Fault::TruncatesText => {
                self.deliver_changed(notification, |draft| draft.text = draft.text.chars().take(65_536).collect()).await
            }
            Fault::LosesUnicode => {
                let ascii = |c: char| if c.is_ascii() { c } else { '?' };
                self.deliver_changed(notification, |draft| draft.text = draft.text.chars().map(ascii).collect()).await
            }
            Fault::LosesControlCharacters => {
                let kept = |&c: &char| !c.is_ascii_control() || matches!(c, '\t' | '\n');
                self.deliver_changed(notification, |draft| draft.text = draft.text.chars().filter(kept).collect()).await
            }
            Fault::TrimsText => {
                self.deliver_changed(notification, |draft| draft.text = draft.text.trim_matches(' ').to_owned()).await
            }
            Fault::RetriesTheTooLarge if notification.text().len() > 262_144 => {
                Err(DeliveryError::retry(Kind::Unsupported, "the text is too large"))
            }
            Fault::LosesSubject => self.deliver_changed(notification, |draft| draft.subject = None).await,
            Fault::LosesTypes => {
                self.deliver_changed(notification, |draft| {
                    for (_, data_type, _) in &mut draft.attributes {
                        *data_type = data_type.replace("Number", "String");
                    }
                })
                .await
            }
            Fault::IgnoresRawDelivery => self.deliver_changed(notification, |draft| draft.raw = false).await,
            Fault::AnswersWithoutDelivering => Ok(Receipt::new()),
            Fault::LosesStatus => inner.deliver(notification).await.map(|_| Receipt::new()),
            Fault::RejectsPassingFailures => {
                let which = |error: &DeliveryError| error.kind() == Kind::Unavailable;
                self.deliver_blaming(notification, which, Kind::Rejected, Disposition::Reject).await
            }
            Fault::RetriesRefusals => {
                let which = |error: &DeliveryError| error.kind() == Kind::Rejected;
                self.deliver_blaming(notification, which, Kind::Unavailable, RETRY).await
            }
            Fault::OverlooksThrottling => {
                let which = |error: &DeliveryError| error.disposition() == RETRY && error.kind() == Kind::Throttled;
                self.deliver_blaming(notification, which, Kind::Unavailable, RETRY).await
            }
            Fault::ForgetsTheDelay => {
                let which = |error: &DeliveryError| error.kind() == Kind::Throttled;
                self.deliver_blaming(notification, which, Kind::Throttled, RETRY).await
            }
            Fault::RejectsAbsentPeers => {
                let which = |error: &DeliveryError| error.kind() == Kind::Unreachable;
                self.deliver_blaming(notification, which, Kind::NotFound, Disposition::Reject).await
            }
            Fault::RejectsBrokenConnections => {
                let which = |error: &DeliveryError| error.kind() == Kind::Interrupted;
                self.deliver_blaming(notification, which, Kind::Interrupted, Disposition::Reject).await
            }
            Fault::RetriesInside => match inner.deliver(notification).await {
                Ok(receipt) => Ok(receipt),
                Err(_) => inner.deliver(notification).await,
            },
            Fault::DeliversTwice => {
                inner.deliver(notification).await?;
                inner.deliver(notification).await
            }
            Fault::HasNoTimeLimit => match inner.deliver(notification).await {
                Err(error) if error.kind() == Kind::Timeout => std::future::pending().await,
                outcome => outcome,
            },
            Fault::StaysBroken => {
                self.refuse_if_spoilt()?;
                inner.deliver(notification).await.inspect_err(|_| self.spoilt.store(true, Ordering::Relaxed))
            }
            Fault::BreaksWhenCancelled => {
                self.refuse_if_spoilt()?;
                let spoiling = SpoilOnDrop(&self.spoilt);
                let outcome = inner.deliver(notification).await;
                std::mem::forget(spoiling);
                outcome
            }
            Fault::ChangesTheIdOnRetry if notification.attempt() > NonZeroU32::MIN => {
                self.deliver_changed(notification, |draft| draft.id.push('x')).await
            }
            Fault::MixesUpCallers => {
                *lock(&self.latest) = Some(notification.clone());
                tokio::task::yield_now().await;
                let latest = lock(&self.latest).clone().expect("it was just put there");
                inner.deliver(&latest).await
            }
            Fault::LeaksInErrors => inner.deliver(notification).await.map_err(|error| {
                DeliveryError::new(error.kind(), error.disposition(), format!("{error} (password {PASSWORD})"))
            }),
            Fault::WritesProse => inner.deliver(notification).await.map_err(|error| {
                DeliveryError::new(
                    error.kind(),
                    error.disposition(),
                    format!("Sorry!\nThis is what happened: {error}."),
                )
            }),
            Fault::SettlesAllSlotsAlike
            | Fault::StopsAtTheFirstFailure
            | Fault::RepeatsTheLastSlot
            | Fault::ResendsTheBatchBefore
            | Fault::RetriesTheTooLarge
            | Fault::ChangesTheIdOnRetry
            | Fault::LeaksInDebug
            | Fault::MisnamesItsProtocol => inner.deliver(notification).await,
        }
    }

    async fn deliver_batch(&self, batch: &mut Batch<'_>) {
        match self.fault {
            Fault::SettlesAllSlotsAlike => {
                let mut well = None;
                for slot in batch.open() {
                    let outcome = self.deliver(slot.notification()).await;
                    slot.settle(if *well.get_or_insert(outcome.is_ok()) { Ok(Receipt::new()) } else { outcome });
                }
            }
            Fault::StopsAtTheFirstFailure => {
                for slot in batch.open() {
                    let outcome = self.deliver(slot.notification()).await;
                    let failed = outcome.is_err();
                    slot.settle(outcome);
                    if failed {
                        return;
                    }
                }
            }
            Fault::RepeatsTheLastSlot => {
                let Some(last) = batch.open().last().map(|slot| slot.notification().clone()) else { return };
                for slot in batch.open() {
                    slot.settle(self.deliver(&last).await);
                }
            }
            Fault::ResendsTheBatchBefore => {
                let before = std::mem::take(&mut *lock(&self.refused));
                for notification in before {
                    let _ = self.deliver(&notification).await;
                }
                for slot in batch.open() {
                    let outcome = self.deliver(slot.notification()).await;
                    if outcome.is_err() {
                        lock(&self.refused).push(slot.notification().clone());
                    }
                    slot.settle(outcome);
                }
            }
            _ => {
                for slot in batch.open() {
                    let outcome = self.deliver(slot.notification()).await;
                    slot.settle(outcome);
                }
            }
        }
    }
}

/// Spoils the endpoint unless it is forgotten.
struct SpoilOnDrop<'a>(&'a AtomicBool);

impl Drop for SpoilOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What a notification carries, open to change.
struct Draft {
    id: String,
    text: String,
    subject: Option<String>,
    attributes: Vec<(String, String, AttributeValue)>,
    raw: bool,
}

impl Draft {
    fn of(notification: &Notification) -> Self {
        let attributes = notification.attributes().iter().map(|(name, attribute)| {
            (name.to_owned(), attribute.data_type().as_str().to_owned(), attribute.value().clone())
        });
        Self {
            id: notification.message_id().to_owned(),
            text: notification.text().to_owned(),
            subject: notification.subject().map(str::to_owned),
            attributes: attributes.collect(),
            raw: notification.format() == Format::Raw,
        }
    }

    /// The notification that `original` becomes.
    fn build(self, original: &Notification) -> Notification {
        let mut message = Message::builder(self.text);
        if let Some(subject) = self.subject {
            message = message.subject(subject);
        }
        for (name, data_type, value) in self.attributes {
            message = message.attribute(&name, &data_type, value);
        }
        let message = message.build().expect("a change leaves the message valid");
        let publication = Publication::new(self.id, original.topic().clone(), original.timestamp(), message);
        let built = Notification::new(publication, "default").as_attempt(original.attempt());
        if self.raw { built.raw() } else { built }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
