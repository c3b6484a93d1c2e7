//! What teams test against: the outbox and `fanfare test`, over sockets of the program.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod accounts;
mod localstack;
mod outbox;
mod program;
mod reset;
mod time;
