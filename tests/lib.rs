//! What the end-to-end tests share: an engine on loopback with the pages behind its links.
//!
//! The examples of the front page are tested here too:
#![doc = include_str!("../README.md")]

mod served;

pub use served::{Served, loopback};
