#![doc = include_str!("../README.md")]

mod attempts;
mod backup;
mod by_number;
mod check;
mod connection;
mod directory;
mod error;
mod failpoint;
mod fan_outs;
mod ids;
mod journal;
mod lanes;
mod log;
mod options;
mod pending;
mod readers;
mod recent;
mod registry;
mod reserve;
mod schema;
mod secret;
mod store;
mod sum;
mod writer;

pub use backup::{BackupReport, backup};
pub use check::{CheckReport, check};
pub use options::{DiskOptions, OpenCheck};
pub use store::DiskStore;
