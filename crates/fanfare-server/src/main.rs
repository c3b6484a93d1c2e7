//! The program `fanfare`.

mod demo;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    Demo,
}

#[tokio::main]
async fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Demo => demo::run().await,
    }
}
