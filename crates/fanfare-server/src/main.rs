//! The program `fanfare`.

mod cli;
mod config;
mod demo;
mod serve;
mod store;

use std::io::{IsTerminal as _, stderr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::filter::LevelFilter;

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

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // What an operator has to know: standard output belongs to the commands.
    tracing_subscriber::fmt()
        .with_writer(stderr)
        .with_max_level(LevelFilter::WARN)
        .with_ansi(stderr().is_terminal())
        .init();
    match arguments.command {
        Command::Demo { data } => demo::run(data).await,
        Command::Serve(given) => serve(&given).await,
        Command::Test(given) => serve(&given.with_switch("test")).await,
        Command::Config(command) => config::run(&command),
        Command::Store(command) => store::run(&command),
        Command::Operate(command) => cli::run(command).await,
    }
}

async fn serve(given: &config::Given) -> ExitCode {
    match given.config() {
        Ok(config) => serve::run(config).await,
        Err(problems) => config::report(&problems),
    }
}
