//! The program `fanfare`.

mod cli;
mod config;
mod demo;
mod log;
mod serve;
mod store;

use std::io::{Write as _, stderr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;

/// Amazon SNS's job, on a machine of your own.
#[derive(Debug, Parser)]
#[command(name = "fanfare", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Publish real event documents to subscribers on this machine's loopback, and watch each delivery.
    Demo {
        /// Where messages are kept. A demo that was killed is finished by another one on the same directory. By default a
        /// folder among the temporary files, which goes when the demo is through.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Serve Amazon SNS's API to SDKs and the AWS CLI, until ctrl-c or SIGTERM.
    Serve(config::Given),
    /// Serve teams that test: in memory, without signatures, with an outbox and a clock of the test's. As `serve --test`.
    Test(config::Given),
    /// Look at settings without starting a server.
    #[command(subcommand)]
    Config(config::Command),
    /// Look after a directory in which messages are kept.
    #[command(subcommand)]
    Store(store::Command),
    #[command(flatten)]
    Operate(cli::Command),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            // Nobody is left to tell when the terminal is gone.
            let _ = writeln!(stderr().lock(), "fanfare: cannot start threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let status = runtime.block_on(run(arguments.command));
    // What had to be done is done: a signing key that is still being made for nobody is not waited for.
    runtime.shutdown_background();
    status
}

async fn run(command: Command) -> ExitCode {
    let given = match command {
        Command::Serve(given) => given,
        Command::Test(given) => given.with_switch("test"),
        Command::Demo { data } => {
            log::start_for_commands();
            return demo::run(data).await;
        }
        Command::Config(command) => return config::run(&command),
        Command::Store(command) => {
            log::start_for_commands();
            return store::run(&command);
        }
        Command::Operate(command) => {
            log::start_for_commands();
            return cli::run(command).await;
        }
    };
    serve(&given).await
}

async fn serve(given: &config::Given) -> ExitCode {
    match given.config() {
        Ok(config) => {
            log::start(config.settings.log_level.clone(), config.settings.log_format);
            serve::run(config).await
        }
        Err(problems) => config::report(&problems),
    }
}
