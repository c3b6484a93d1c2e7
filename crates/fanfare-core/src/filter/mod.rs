//! Filter policies: which messages of a topic a subscription wants.
//!
//! The road of a policy: [`json`](crate::json) splits its text into tokens, `parse` and `operators` read the grammar, `limits`
//! applies Amazon SNS's limits, `alternatives` resolves `$or`, and `policy` keeps the result, which `rules`,
//! `written` and `digits` write and read.
//! The road of a message: `event` flattens its attributes or its text once (`flatten`), `evaluate` asks a policy,
//! `explain` puts a refusal into words. Where there are many policies, `index` finds the few that may want the message, reads
//! of it what they ask about, and has `evaluate` ask them: what a match is, it does not know.
//!
//! Matching follows Amazon's own engine.

mod address;
mod alternatives;
mod digits;
mod error;
mod evaluate;
mod event;
mod explain;
mod filtered_out;
mod flatten;
mod index;
mod limits;
mod matcher;
mod operators;
mod parse;
mod paths;
mod policy;
mod pool;
mod rules;
mod scope;
mod text_set;
mod verdict;
mod wildcard;
mod written;

pub use error::FilterPolicyError;
pub use event::Event;
pub use filtered_out::FilteredOut;
pub(crate) use index::Seed;
pub use index::{FilterIndex, Matches};
pub use policy::FilterPolicy;
pub use scope::FilterPolicyScope;
pub use verdict::{FilterReason, Verdict};
