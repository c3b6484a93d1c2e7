//! What several tests begin with.

pub(crate) mod gated;
