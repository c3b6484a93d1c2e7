//! What was acknowledged survives: kills at any moment, failing and full disks, a second process.
//!
//! See `README.md` beside this file for what is promised and how a run is replayed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod book;
mod faults;
mod kills;
mod load;
mod oracle;
mod power;
mod receivers;
mod scene;
mod shared_library;
mod shim;
mod syncs;
mod worker_process;
