//! The delivery trait: one place that a subscription delivers to.

use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use async_trait::async_trait;

use crate::batch::Batch;
use crate::delivery::Outcome;
use crate::notification::Notification;
use crate::protocol::Protocol;

/// One place that a subscription delivers to.
///
/// An endpoint tries, once, and says what came of it. It never retries, sleeps between attempts, spawns tasks that outlive
/// a call, or logs what it returns: the engine does all of that, the same way for every protocol.
///
/// - `Display` names the place for people, without secrets; `Debug` shows no secret either.
/// - A call may be cancelled at any `.await` by dropping it; the endpoint stays usable, and the engine takes what was not
///   answered as "unknown, try again".
/// - Calls come concurrently, as many at a time as the subscription's lane allows.
/// - Each call ends by itself within a time limit of the endpoint's own; the engine has a limit too, as a last resort.
///
/// # An endpoint
/// ```
/// use async_trait::async_trait;
/// use fanfare_core::{DeliveryError, DeliveryErrorKind, Endpoint, Notification, Outcome, Protocol, Receipt};
///
/// /// Appends each text to a file.
/// #[derive(Debug)]
/// struct Journal {
///     path: std::path::PathBuf,
/// }
///
/// impl std::fmt::Display for Journal {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         write!(f, "{}", self.path.display())
///     }
/// }
///
/// #[async_trait]
/// impl Endpoint for Journal {
///     fn protocol(&self) -> Protocol {
///         Protocol::custom("journal").expect("the name is well formed")
///     }
///
///     async fn deliver(&self, notification: &Notification) -> Outcome {
///         use std::io::Write as _;
///         let line = format!("{}\n", notification.text());
///         std::fs::OpenOptions::new()
///             .create(true)
///             .append(true)
///             .open(&self.path)
///             .and_then(|mut file| file.write_all(line.as_bytes()))
///             .map(|()| Receipt::new())
///             .map_err(|error| {
///                 DeliveryError::retry(DeliveryErrorKind::Unavailable, "cannot write the journal").with_source(error)
///             })
///     }
/// }
/// ```
///
/// # A wrapper
/// A wrapper owns an endpoint, is one, does one thing, and forwards every method: also `limits` and `deliver_batch`, or
/// else batches silently become single calls.
///
/// # The classic mistake
/// Answering `Reject` for what is only broken today. A rejected notification is never tried again; when in doubt,
/// answer [`Disposition::Retry`](crate::Disposition::Retry) and let the schedule decide when to give up.
#[async_trait]
pub trait Endpoint: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// The protocol spoken, spelled as Amazon SNS spells it.
    fn protocol(&self) -> Protocol;

    /// What one call may carry.
    ///
    /// The engine never hands more to `deliver_batch`; a notification that alone is larger than `bytes` is handed over
    /// alone, for the endpoint to reject with its own words.
    fn limits(&self) -> Limits {
        Limits::ONE
    }

    /// Tries once to deliver `notification`.
    async fn deliver(&self, notification: &Notification) -> Outcome;

    /// Tries once to deliver every open slot of `batch`, settling each in place. An endpoint whose `limits` allow more than
    /// one notification has a way of its own to do that: the one given here makes one call after the other.
    ///
    /// - Slots are settled one by one, as their outcomes become known.
    /// - A slot that is left open means "unknown, try again".
    async fn deliver_batch(&self, batch: &mut Batch<'_>) {
        for slot in batch.open() {
            let outcome = self.deliver(slot.notification()).await;
            slot.settle(outcome);
        }
    }
}

/// What one call to an endpoint may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Notifications in a batch, at least 1.
    pub notifications: NonZeroUsize,
    /// Bytes of text and attributes in a batch.
    pub bytes: usize,
    /// After how long a call ends by itself, where the endpoint knows; the engine then waits a little longer before it
    /// ends the call.
    pub attempt: Option<Duration>,
    /// Notifications a second that are handed over, on average, where the subscription itself sets no rate.
    pub per_second: Option<NonZeroU32>,
}

impl Limits {
    /// One notification a call.
    pub const ONE: Self = Self { notifications: NonZeroUsize::MIN, bytes: usize::MAX, attempt: None, per_second: None };

    /// Batches of at most `notifications` notifications and `bytes` bytes.
    pub fn batches_of(notifications: NonZeroUsize, bytes: usize) -> Self {
        Self { notifications, bytes, ..Self::ONE }
    }

    /// Says that a call ends by itself within `limit`.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.attempt = Some(limit);
        self
    }

    /// Asks for at most `rate` notifications a second, on average. A `throttlePolicy` of the subscription goes before it.
    #[must_use]
    pub fn paced(mut self, rate: NonZeroU32) -> Self {
        self.per_second = Some(rate);
        self
    }
}
