#![doc = include_str!("../README.md")]

mod canonical;
mod certificate;
pub mod cloud_event;
mod envelope;
mod event;
mod json;
mod key;
mod links;
mod renderer;
mod signer;
pub mod verify;

pub use canonical::{SignedKind, SignedParts, canonical_string};
pub use certificate::{Certificate, CertificateError};
pub use cloud_event::{CloudEvent, CloudEventError};
pub use key::{CERTIFICATE_NAME, KeyError, KeyErrorKind, SigningKey};
pub use links::{CONFIRMATION_PAGE, Links, LinksError, UNSUBSCRIBE_PAGE};
pub use renderer::{RenderError, Renderer};
pub use signer::{SignError, SignErrorKind, Signer};
pub use verify::{CertificateSource, VerifiedMessage, Verifier, VerifyError, VerifyErrorKind};
