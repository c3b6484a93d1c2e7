//! What happens to messages, told on the spot to whoever counts or records it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::arn::SubscriptionArn;
use crate::attempt::Attempt;
use crate::filter::FilterReason;
use crate::publication::Publication;
use crate::topic::Topic;

/// Takes note of every [`Step`], without gaps: what counts exactly, and what must be written down, is an observer. Whoever
/// merely looks on is better served by [`Fanfare::watch`](crate::Fanfare::watch), which nobody waits for.
///
/// The engine calls `observe` in the midst of its work and waits for it, so it must neither block nor take long: add to a
/// counter, or hand over to somebody else. A panic in it ends there.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use fanfare_core::{Observer, Step};
///
/// #[derive(Debug, Default)]
/// struct Published(AtomicU64);
///
/// impl Observer for Published {
///     fn observe(&self, step: &Step<'_>) {
///         if let Step::Published { .. } = step {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
/// ```
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// Takes note of one step, after the store has kept what it says.
    fn observe(&self, step: &Step<'_>);
}

/// One step in the life of a message.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Step<'a> {
    /// A message was accepted. One that repeats another is not.
    Published {
        /// The message.
        publication: &'a Publication,
        /// How many subscriptions get it.
        matched: usize,
    },
    /// Filter policies left a message out. It comes once for each reason, and names no subscriptions: there may be a great many.
    FilteredOut {
        /// The message.
        publication: &'a Publication,
        /// Why.
        reason: FilterReason,
        /// Of how many subscriptions.
        count: usize,
    },
    /// An attempt was made, for a published message or a confirmation.
    Attempted {
        /// The message.
        publication: &'a Publication,
        /// The attempt, and what follows from it.
        attempt: &'a Attempt,
        /// The topic as it stands; nothing when there is none, or none any more.
        topic: Option<&'a Topic>,
    },
    /// A notification was given up without an attempt.
    Dropped {
        /// The message.
        publication: &'a Publication,
        /// The subscription.
        subscription: &'a SubscriptionArn,
        /// Why, as a class.
        cause: DropCause,
    },
}

/// Why a notification was given up without an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DropCause {
    /// The subscription, or its topic, had ended.
    Ended,
    /// Too many notifications waited for the subscription.
    LaneFull,
}

impl DropCause {
    /// The cause as a word, for metrics: `ended` or `lane_full`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::LaneFull => "lane_full",
        }
    }
}

/// Tells `observers` of a step. What one of them does wrong is no reason to stop a delivery.
pub(super) fn tell(observers: &[std::sync::Arc<dyn Observer>], step: &Step<'_>) {
    for observer in observers {
        if catch_unwind(AssertUnwindSafe(|| observer.observe(step))).is_err() {
            tracing::error!(?observer, "an observer panicked");
        }
    }
}
