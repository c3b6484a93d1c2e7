//! Messages that others publish, taken in and published on topics here.
//!
//! | request | takes |
//! | --- | --- |
//! | `POST /ingest/sns/<topic>` | what another SNS server, such as Amazon's, delivers over HTTPS: see [`Source`] |

mod fetch;
mod refused;
mod sns;
mod source;

pub use fetch::Documents;
pub use sns::SnsIngest;
pub use source::{InvalidSource, Source};
