//! What operators ask of a running server from the command line, by its JSON API.

mod arguments;
mod attempts;
mod client;
mod filter;
#[cfg(feature = "import")]
mod import;
mod operating;
mod publish;
mod screen;
mod subscriptions;
mod time;
mod topics;
mod trouble;
mod why;

use std::process::ExitCode;

use clap::Subcommand;

use client::Server;
use trouble::Trouble;

/// A question to a running server.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List, make, look at and delete topics.
    #[command(alias = "topic", arg_required_else_help = true)]
    Topics(topics::Arguments),
    /// List, make, look at, confirm and end subscriptions.
    #[command(alias = "subscription", arg_required_else_help = true)]
    Subscriptions(subscriptions::Arguments),
    /// Publish a message.
    Publish(publish::Arguments),
    /// Say what became of a message at each subscription, and why.
    Why(why::Arguments),
    /// List the attempts for a message, or the latest for a subscription.
    Attempts(attempts::Arguments),
    /// Stop deliveries to a subscription; what is published waits.
    Pause(operating::Arguments),
    /// Deliver to a paused subscription again.
    Resume(operating::Arguments),
    /// Put the dead letters of a subscription back, as if they were new.
    Redrive(operating::Arguments),
    /// Deliver archived messages to a subscription again.
    Replay(operating::ReplayArguments),
    /// Count deliveries by where they stand.
    Counters(operating::CountersArguments),
    /// Take over the topics and subscriptions of an Amazon SNS account, or of another server of its API.
    #[cfg(feature = "import")]
    Import(import::Arguments),
    /// Try a filter policy on a message, without a server. Exits with 0 when it matches, 1 when not, 2 when it cannot be tried.
    Filter(filter::Arguments),
}

/// Does what was asked.
pub(crate) async fn run(command: Command) -> ExitCode {
    let done = match command {
        Command::Filter(arguments) => return filter::run(&arguments),
        #[cfg(feature = "import")]
        Command::Import(arguments) => import::run(&arguments).await,
        Command::Topics(arguments) => topics::run(arguments).await,
        Command::Subscriptions(arguments) => subscriptions::run(arguments).await,
        Command::Publish(arguments) => publish::run(arguments).await,
        Command::Why(arguments) => why::run(&arguments).await,
        Command::Attempts(arguments) => attempts::run(&arguments).await,
        Command::Pause(arguments) => operating::pause(&arguments).await,
        Command::Resume(arguments) => operating::resume(&arguments).await,
        Command::Redrive(arguments) => operating::redrive(&arguments).await,
        Command::Replay(arguments) => operating::replay(arguments).await,
        Command::Counters(arguments) => operating::counters(&arguments).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            trouble.tell();
            ExitCode::FAILURE
        }
    }
}
