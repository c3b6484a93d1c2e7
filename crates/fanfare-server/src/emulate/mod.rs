//! What teams test against: deliveries that are listed instead of sent.
//!
//! [`Outbox`] takes the place of the connectors of some protocols, and [`router`] shows what it kept:
//!
//! | request | does |
//! | --- | --- |
//! | `GET /_fanfare/outbox?protocol=&destination=&topic=&type=&messageId=` | lists what was kept, the oldest first |
//! | `GET /_fanfare/outbox/wait?count=&timeout=` and the same choice | the same, once there is that much of it |
//! | `DELETE /_fanfare/outbox` | forgets everything, the failures that were asked for too |
//! | `POST /_fanfare/outbox/fail` | lets the next attempts fail |
//!
//! They are checked as calls of operations are: signed where signatures are checked, and never from a web page of another
//! origin where they are not.

mod address;
mod carried;
mod failure;
mod kept;
mod outbox;
mod routes;
mod span;

pub use failure::{Failure, FailureKind};
pub use kept::{Choice, Kept};
pub use outbox::Outbox;
pub use routes::router;
