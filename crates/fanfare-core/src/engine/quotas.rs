//! How much there may be of what accounts make.

use super::Engine;
use crate::arn::TopicArn;
use crate::error::{SnsError, SnsErrorCode};
use crate::registry::Asked;

/// How many subscriptions a FIFO topic may have.
const FIFO_SUBSCRIPTIONS_MAX: u64 = 100;

/// How many topics and subscriptions there may be. What exists when a quota is lowered stays.
///
/// Accounts are counted in each region by itself, as Amazon SNS counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quotas {
    /// Standard topics of an account (`TopicLimitExceeded`).
    pub topics: u64,
    /// FIFO topics of an account (`TopicLimitExceeded`).
    pub fifo_topics: u64,
    /// Subscriptions of a standard topic (`SubscriptionLimitExceeded`). A FIFO topic has at most 100 in any case.
    pub subscriptions: u64,
    /// Subscriptions to an account's topics that wait to be confirmed (`SubscriptionLimitExceeded`).
    pub pending_subscriptions: u64,
    /// Subscriptions of a topic with a filter policy (`FilterPolicyLimitExceeded`).
    pub filter_policies: u64,
}

impl Quotas {
    /// No bounds but those of the machine, which is the default.
    pub const NONE: Self = Self {
        topics: u64::MAX,
        fifo_topics: u64::MAX,
        subscriptions: u64::MAX,
        pending_subscriptions: u64::MAX,
        filter_policies: u64::MAX,
    };

    /// What Amazon SNS grants an account that asks for nothing more.
    pub const AMAZON_SNS: Self = Self {
        topics: 100_000,
        fifo_topics: 1_000,
        subscriptions: 12_500_000,
        pending_subscriptions: 5_000,
        filter_policies: 200,
    };
}

impl Default for Quotas {
    fn default() -> Self {
        Self::NONE
    }
}

impl Engine {
    /// Refuses one more topic than its owner may have, who has that many of its kind.
    pub(super) fn check_room_for_topic(&self, arn: &TopicArn, known: u64) -> Result<(), SnsError> {
        let quotas = &self.settings.quotas;
        let (quota, kind) = match arn.is_fifo() {
            true => (quotas.fifo_topics, "FIFO topics"),
            false => (quotas.topics, "topics"),
        };
        if known < quota {
            return Ok(());
        }
        Err(SnsError::new(SnsErrorCode::TopicLimitExceeded, format!("an account may have at most {quota} {kind}")))
    }

    /// Refuses one more subscription of a topic than there may be.
    pub(super) fn check_room_for_subscription(&self, asked: &Asked<'_>) -> Result<(), SnsError> {
        let quotas = &self.settings.quotas;
        let known = asked.counts.confirmed + asked.counts.pending;
        if asked.topic.is_fifo() {
            check_room_in_fifo_topic(known)?;
        }
        let exceeded = |what: String| Err(SnsError::new(SnsErrorCode::SubscriptionLimitExceeded, what));
        if known >= quotas.subscriptions {
            return exceeded(format!("a topic may have at most {} subscriptions", quotas.subscriptions));
        }
        let quota = quotas.pending_subscriptions;
        if asked.added.pending > 0 && quota < u64::MAX && asked.pending_of_account() >= quota {
            return exceeded(format!("an account may have at most {quota} subscriptions that wait to be confirmed"));
        }
        self.check_room_for_filter_policy(asked)
    }

    /// Refuses one more filter policy than a topic may have.
    pub(super) fn check_room_for_filter_policy(&self, asked: &Asked<'_>) -> Result<(), SnsError> {
        let quota = self.settings.quotas.filter_policies;
        if asked.added.filtered == 0 || asked.counts.filtered < quota {
            return Ok(());
        }
        let what = format!("a topic may have at most {quota} subscriptions with a filter policy");
        Err(SnsError::new(SnsErrorCode::FilterPolicyLimitExceeded, what))
    }
}

/// Refuses one more subscription than a FIFO topic may have, which has that many.
pub(super) fn check_room_in_fifo_topic(known: u64) -> Result<(), SnsError> {
    if known < FIFO_SUBSCRIPTIONS_MAX {
        return Ok(());
    }
    let what = format!("a FIFO topic takes at most {FIFO_SUBSCRIPTIONS_MAX} subscriptions");
    Err(SnsError::new(SnsErrorCode::SubscriptionLimitExceeded, what))
}
