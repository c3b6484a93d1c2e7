//! Phones and devices: platform applications, their endpoints, text messages, and publishing to one of them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod direct;
mod given;
mod kept;
mod platforms;
mod pushes;
mod sms;
mod vectors;
