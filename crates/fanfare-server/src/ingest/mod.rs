//! Messages that others publish, taken in and published on topics here.
//!
//! | request | takes |
//! | --- | --- |
//! | `POST /ingest/sns/<topic>` | what another SNS server, such as Amazon's, delivers over HTTPS: see [`SnsIngest`] |
//! | `POST /ingest/cloudevents/<topic>` | CloudEvents in every mode of HTTP: see [`CloudEventsIngest`] |

mod cloud_events;
mod fetch;
mod protection;
mod refused;
mod sns;
mod source;
mod token;

pub use cloud_events::CloudEventsIngest;
pub use fetch::Documents;
pub use sns::SnsIngest;
pub use source::{InvalidSource, Source};
pub use token::TopicToken;
