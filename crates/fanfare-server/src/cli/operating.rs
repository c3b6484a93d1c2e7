//! `fanfare pause`, `resume`, `redrive`, `replay` and `counters`.

use clap::Args;
use fanfare_server::admin::{CountersView, Redriven, ReplayRange, Replayed};
use serde_json::json;

use super::arguments::{Connection, SubscriptionName};
use super::screen::{Cell, Screen};
use super::subscriptions::show;
use super::{Server, Trouble};

/// Which subscription is operated on.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The subscription's ARN, or its topic and id as TOPIC/ID.
    subscription: SubscriptionName,
    #[command(flatten)]
    connection: Connection,
}

/// What is replayed.
#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    #[command(flatten)]
    named: Arguments,
    /// The first moment at which messages were accepted: 2026-01-02T03:04:05Z.
    #[arg(long, value_name = "TIME")]
    from: String,
    /// The last such moment. The subscription gets nothing new afterwards, until it is replayed without an end.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
}

/// Which server counts.
#[derive(Debug, Args)]
pub(crate) struct CountersArguments {
    #[command(flatten)]
    connection: Connection,
}

impl Arguments {
    fn server(&self) -> Result<Server, Trouble> {
        Server::new(&self.connection, self.subscription.topic.region())
    }

    fn path(&self, act: &str) -> String {
        format!("{}/{act}", self.subscription.path())
    }
}

pub(super) async fn pause(arguments: &Arguments) -> Result<(), Trouble> {
    let known = arguments.server()?.post(&arguments.path("pause"), &json!({})).await?;
    show(Screen::new(), &arguments.connection, &known)
}

pub(super) async fn resume(arguments: &Arguments) -> Result<(), Trouble> {
    let known = arguments.server()?.post(&arguments.path("resume"), &json!({})).await?;
    show(Screen::new(), &arguments.connection, &known)
}

pub(super) async fn redrive(arguments: &Arguments) -> Result<(), Trouble> {
    let screen = Screen::new();
    let done: Redriven = arguments.server()?.post(&arguments.path("redrive"), &json!({})).await?;
    if !screen.json(arguments.connection.output, &done)? {
        let letters = if done.redriven == 1 { "dead letter" } else { "dead letters" };
        screen.line(format_args!("{} {letters} put back", done.redriven));
    }
    Ok(())
}

pub(super) async fn replay(arguments: ReplayArguments) -> Result<(), Trouble> {
    let ReplayArguments { named, from, to } = arguments;
    let screen = Screen::new();
    let done: Replayed = named.server()?.post(&named.path("replay"), &ReplayRange { from, to }).await?;
    if !screen.json(named.connection.output, &done)? {
        let messages = if done.replayed == 1 { "message" } else { "messages" };
        screen.line(format_args!("{} {messages} delivered again", done.replayed));
    }
    Ok(())
}

pub(super) async fn counters(CountersArguments { connection }: &CountersArguments) -> Result<(), Trouble> {
    let screen = Screen::new();
    let counters: CountersView = Server::new(connection, None)?.get("/counters").await?;
    if !screen.json(connection.output, &counters)? {
        screen.fields(&[
            ("matched", Cell::from(counters.matched)),
            ("delivered", Cell::from(counters.delivered)),
            ("waiting", Cell::from(counters.waiting)),
            ("dead-lettered", Cell::from(counters.dead_lettered)),
            ("dropped", Cell::from(counters.dropped)),
        ]);
    }
    Ok(())
}
