//! What teams test against: the outbox, over sockets of the program.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod outbox;
mod program;
