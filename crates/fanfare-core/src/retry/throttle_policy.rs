//! The member `throttlePolicy`: how many notifications an endpoint wants in a second.

use std::num::NonZeroU32;

use serde::Serialize;

use super::DeliveryPolicyError;
use super::DeliveryPolicyErrorKind::InvalidValue;
use super::policy_section::Section;

const MAX_RECEIVES_PER_SECOND: &str = "maxReceivesPerSecond";

/// The rate that deliveries of one subscription keep on average; notifications beyond it wait, none is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ThrottlePolicy {
    max_receives_per_second: NonZeroU32,
}

impl ThrottlePolicy {
    /// The members that a policy may have.
    pub(super) const MEMBERS: [&str; 1] = [MAX_RECEIVES_PER_SECOND];

    /// A policy of that many notifications in a second, on average.
    pub fn new(max_receives_per_second: NonZeroU32) -> Self {
        Self { max_receives_per_second }
    }

    /// The notifications in a second.
    pub fn max_receives_per_second(&self) -> NonZeroU32 {
        self.max_receives_per_second
    }

    /// Reads a policy; one that names no rate limits nothing and is none.
    pub(super) fn read(section: &Section<'_>) -> Result<Option<Self>, DeliveryPolicyError> {
        if section.any_integer(MAX_RECEIVES_PER_SECOND)?.is_some_and(|rate| rate < 1) {
            return Err(section.error(InvalidValue, MAX_RECEIVES_PER_SECOND, "must be >= 1"));
        }
        let rate = section.integer(MAX_RECEIVES_PER_SECOND, 1, u32::MAX)?;
        Ok(rate.and_then(NonZeroU32::new).map(Self::new))
    }
}
