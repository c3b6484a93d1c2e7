//! The settings of the server: where they come from, and whether they fit together.
//!
//! [`Settings`] is the one list of them; flags, environment variables, keys of the file, the help text and the table in
//! `CONFIGURATION.md` all follow from it. A setting is given by flag, by environment variable or in the file, and the
//! stronger of them, in this order, holds alone.

mod check;
mod command;
mod email;
mod file;
mod given;
mod layers;
mod nearest;
mod problem;
mod push;
mod secret;
mod setting;
mod settings;
mod sms;
mod table;

pub(crate) use check::{Config, Place};
pub(crate) use command::{Command, run};
pub(crate) use given::Given;
pub(crate) use problem::report;
pub(crate) use settings::{LogFormat, Settings};
