//! Who is calling: Amazon's Signature Version 4, checked for requests to SNS.
//!
//! [`Mode::caller`] is the door: it answers with a [`Caller`] or with the [`AuthError`] that the caller is sent. A request says who
//! signed it either in its `Authorization` header or, when it is presigned, in `X-Amz-*` parameters of its query string.
//!
//! Deliberately absent: `UNSIGNED-PAYLOAD` and signed chunks, which are S3's; the asymmetric algorithm `AWS4-ECDSA-P256-SHA256`; the
//! header `Date` in the place of `X-Amz-Date`, which no SDK sends; and a memory of requests seen, as SNS has none either: whoever can
//! repeat a request word for word can do so until its signature is too old.
//!
//! Source: "Signature Version 4 signing process" and "Common error types" of the AWS documentation.

mod caller;
mod canonical;
mod claim;
mod credential;
mod error;
mod keys;
mod mode;
mod origin;
mod percent;
mod public_host;
mod request;
mod stamp;
mod verify;

pub use caller::Caller;
pub use error::{AuthError, AuthErrorCode};
pub use keys::{InvalidKey, Keys};
pub use mode::Mode;
pub use origin::{Origin, Transport};
pub use public_host::PublicHost;
pub use request::Request;
pub use verify::verify;
