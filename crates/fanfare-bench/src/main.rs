//! Measures Fanfare against what the machine can do: every figure is divided by that of something bare which is measured in
//! turn with it. `cargo xtask bench` builds and runs it.
#![allow(clippy::print_stdout, reason = "a program that talks to a terminal, and to itself through pipes")]

mod arguments;
mod comparison;
mod context;
mod failure;
mod form;
mod process;
mod raw;
mod report;
mod roles;
mod row;
mod sample;
mod server;
mod sigv4;
mod stamp;
mod statistics;
mod subscribers;
mod suite;
mod tls;
mod usage;
mod workloads;

use std::process::ExitCode;

use arguments::{HELP, Task};
use failure::Result;

fn main() -> ExitCode {
    match perform() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("fanfare-bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything that was asked for could be measured.
fn perform() -> Result<bool> {
    match arguments::parse(std::env::args().skip(1))? {
        Task::Help => {
            print!("{HELP}");
            Ok(true)
        }
        Task::List => {
            for workload in workloads::all() {
                println!("{:<22}{}", workload.name, workload.about);
            }
            Ok(true)
        }
        Task::Role(role) => role.perform().map(|()| true),
        Task::Measure(options) => suite::measure(options),
        Task::Page { results, folder } => report::page(&results, &folder).map(|()| true),
    }
}
