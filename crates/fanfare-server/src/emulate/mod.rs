//! What teams test against: deliveries that are listed instead of sent, a clock that is set forward, and a server that
//! forgets everything.
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
//! A [`TestServer`] has all of that, and
//!
//! | request | does |
//! | --- | --- |
//! | `POST /_fanfare/reset` | forgets everything, sets the time right, and goes on |
//! | `GET /_fanfare/time` | says what time it is |
//! | `POST /_fanfare/time` with `{"advance": "1h"}` | goes through everything that is due within that time, at once |
//! | `GET /_localstack/health` | answers what waits for LocalStack to be ready |
//! | `GET` and `DELETE /_aws/sns/sms-messages` | as LocalStack: the text messages of the outbox |
//! | `GET` and `DELETE /_aws/sns/platform-endpoint-messages` | as LocalStack: the push messages of the outbox |
//! | `GET /_aws/sns/subscription-tokens/<ARN>` | as LocalStack: the token that confirms a subscription |
//!
//! Requests are checked as calls of operations are: signed where signatures are checked, and never from a web page of another
//! origin where they are not.

mod address;
mod carried;
mod clock;
mod desk;
mod failure;
mod kept;
mod localstack;
mod outbox;
mod routes;
mod span;
mod test_server;

pub use clock::Clock;
pub use failure::{Failure, FailureKind};
pub use kept::{Choice, Kept};
pub use outbox::Outbox;
pub use routes::router;
pub use test_server::TestServer;
