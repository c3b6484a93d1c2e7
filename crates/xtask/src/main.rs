//! The development tasks of the workspace: `cargo xtask test` installs what is missing and checks everything,
//! `cargo xtask fuzz` looks for what nobody thought of, `cargo xtask bench` measures.
#![allow(clippy::print_stdout, reason = "a program that talks to a terminal")]

mod arguments;
mod bench;
mod duration;
mod failure;
mod fuzz;
mod install;
mod metadata;
mod plan;
mod run;
mod steps;
mod terminal;
mod workspace;

use std::process::ExitCode;

use arguments::{HELP, Task};
use failure::Failure;
use workspace::Workspace;

fn main() -> ExitCode {
    match perform(std::env::args().skip(1)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("{}: {failure}", terminal::red("error"));
            ExitCode::FAILURE
        }
    }
}

/// Whether all that was asked for went well; an error when it could not even begin.
fn perform(arguments: impl Iterator<Item = String>) -> Result<bool, Failure> {
    match arguments::parse(arguments)? {
        Task::Help => {
            print!("{HELP}");
            Ok(true)
        }
        Task::Test(options) => {
            let steps = plan::select(steps::all(), &options)?;
            if options.list {
                plan::list(&steps);
                return Ok(true);
            }
            Ok(plan::perform(&steps, &options, &Workspace::of_this_run()?))
        }
        Task::Bench(options) => bench::perform(&options, &Workspace::of_this_run()?).map(|()| true),
        Task::Fuzz(options) => fuzz::perform(&options, &Workspace::of_this_run()?).map(|()| true),
    }
}
