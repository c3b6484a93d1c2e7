//! When a delivery is tried again: retry schedules, and the delivery policies that shape them.
//!
//! - [`RetrySchedule`] answers how long to wait before the n-th retry. Amazon SNS's fixed schedules are made by name; a
//!   schedule longer than SNS knows must be asked for by [`RetrySchedule::extended`] or [`RetrySchedule::lasting`].
//! - [`TopicDeliveryPolicy`] and [`SubscriptionDeliveryPolicy`] are the two forms of the attribute `DeliveryPolicy`;
//!   [`EffectiveDeliveryPolicy`] is what holds for one subscription after both were laid over the defaults.
//! - [`jittered`] and [`after`] turn a schedule's delay into the one that is waited.
//!
//! Nothing here reads a clock or rolls a die: the engine passes both in.

mod backoff;
mod effective;
mod extended;
mod healthy_policy;
mod jitter;
mod policy_error;
mod policy_section;
mod request_policy;
mod retry_after;
mod schedule;
mod subscription_policy;
mod throttle_policy;
mod topic_policy;

pub use backoff::BackoffFunction;
pub use effective::{EffectiveDeliveryPolicy, EffectiveTopicPolicy};
pub use extended::{MAX_DELAY, MAX_PHASES, MAX_RETRIES, MAX_WINDOW, MIN_WINDOW, RetryScheduleError};
pub use healthy_policy::HealthyRetryPolicy;
pub use jitter::jittered;
pub use policy_error::{DeliveryPolicyError, DeliveryPolicyErrorKind};
pub use request_policy::{RawMessageDelivery, RequestPolicy};
pub use retry_after::after;
pub use schedule::{RetryPhase, RetrySchedule};
pub use subscription_policy::SubscriptionDeliveryPolicy;
pub use throttle_policy::ThrottlePolicy;
pub use topic_policy::TopicDeliveryPolicy;
