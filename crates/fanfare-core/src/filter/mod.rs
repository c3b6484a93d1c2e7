//! Filter policies: which messages of a topic a subscription wants.
//!
//! The road of a policy: [`json`](crate::json) splits its text into tokens, `parse` and `operators` read the grammar, `limits`
//! applies Amazon SNS's limits, `alternatives` resolves `$or`, and `policy` keeps the result.
//! The road of a message: `event` flattens its attributes or its text once (`flatten`), `evaluate` asks a policy,
//! `explain` puts a refusal into words.
//!
//! Matching follows Amazon's own engine. Deliberately absent: an index over many policies, which would stand beside
//! `evaluate` and use the same flattened message and the same conditions.

mod address;
mod alternatives;
mod error;
mod evaluate;
mod event;
mod explain;
mod flatten;
mod limits;
mod matcher;
mod operators;
mod parse;
mod paths;
mod policy;
mod scope;
mod text_set;
mod verdict;
mod wildcard;

pub use error::FilterPolicyError;
pub use event::Event;
pub use policy::FilterPolicy;
pub use scope::FilterPolicyScope;
pub use verdict::{FilterReason, Verdict};
