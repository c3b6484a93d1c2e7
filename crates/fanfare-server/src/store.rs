//! `fanfare store`: look after a directory in which messages are kept.

use std::io::{Write as _, stderr, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use fanfare::disk::{backup, check};

/// What can be done with a directory.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read everything and say what is wrong, changing nothing. The directory may be in use.
    Check {
        /// The directory.
        directory: PathBuf,
    },
    /// Copy everything as it stands into a new directory. The directory may be in use.
    Backup {
        /// The directory.
        directory: PathBuf,
        /// Where the copy goes: a directory that is not there yet.
        to: PathBuf,
    },
}

/// The exit status is 0 when the directory is sound or was copied.
pub(crate) fn run(command: &Command) -> ExitCode {
    let done = match command {
        Command::Check { directory } => check(directory).map(|report| (report.is_sound(), report.to_string())),
        Command::Backup { directory, to } => backup(directory, to).map(|report| (true, report.to_string())),
    };
    // Nobody is left to tell when the terminal is gone.
    match done {
        Ok((good, report)) => {
            let _ = writeln!(stdout().lock(), "{report}");
            if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            let _ = writeln!(stderr().lock(), "fanfare: {error}");
            ExitCode::FAILURE
        }
    }
}
