//! The fuzz targets: functions from bytes to claims that hold for all bytes; a claim that does not hold panics.
//!
//! The programs in `fuzz_targets` hand a fuzzer's inputs to them, and the workspace's test `fuzz_corpus` the kept ones.

mod certificate;
mod delivery_policy;
mod egress_target;
mod envelope;
mod filter_index;
mod filter_policy;
mod parts;
mod query_request;
mod server;
mod verifier;

pub use certificate::certificate;
pub use delivery_policy::delivery_policy;
pub use egress_target::egress_target;
pub use envelope::envelope;
pub use filter_index::filter_index;
pub use filter_policy::filter_policy;
pub use query_request::query_request;
pub use verifier::verifier;
