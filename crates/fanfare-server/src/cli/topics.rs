//! `fanfare topics`.

use clap::{Args, Subcommand};
use fanfare_server::admin::{TopicInput, TopicSummary, TopicView};

use super::arguments::{Connection, Most, Pair, TopicName};
use super::screen::{Cell, Screen};
use super::{Server, Trouble};

/// What is asked about topics.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List topics by name.
    List {
        #[command(flatten)]
        most: Most,
        #[command(flatten)]
        connection: Connection,
    },
    /// Make a topic; one whose name ends in .fifo keeps messages in order.
    Create {
        /// The name.
        name: String,
        /// An attribute, as Amazon SNS spells it: DisplayName=Orders. May be given several times.
        #[arg(long = "attribute", value_name = "NAME=VALUE")]
        attributes: Vec<Pair>,
        /// A tag. May be given several times.
        #[arg(long = "tag", value_name = "KEY=VALUE")]
        tags: Vec<Pair>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Look at a topic.
    Show {
        /// The topic's name or its ARN.
        topic: TopicName,
        #[command(flatten)]
        connection: Connection,
    },
    /// Delete a topic with its subscriptions.
    Delete {
        /// The topic's name or its ARN.
        topic: TopicName,
        #[command(flatten)]
        connection: Connection,
    },
}

pub(super) async fn run(Arguments { command }: Arguments) -> Result<(), Trouble> {
    let screen = Screen::new();
    match command {
        Command::List { most, connection } => {
            let server = Server::new(&connection, None)?;
            let (topics, more) = server.list::<TopicSummary>("/topics", "topics", most.limit.get()).await?;
            if !screen.json(connection.output, &topics)? {
                list(screen, &topics);
            }
            if more {
                screen.note("There are more: ask for them with --limit.");
            }
        }
        Command::Create { name, attributes, tags, connection } => {
            let map = |pairs: Vec<Pair>| pairs.into_iter().map(|pair| (pair.name, pair.value)).collect();
            let input = TopicInput { name, attributes: map(attributes), tags: map(tags) };
            let topic = Server::new(&connection, None)?.post("/topics", &input).await?;
            show(screen, &connection, &topic)?;
        }
        Command::Show { topic, connection } => {
            let topic = Server::new(&connection, topic.region())?.get(&topic.path()).await?;
            show(screen, &connection, &topic)?;
        }
        Command::Delete { topic, connection } => {
            Server::new(&connection, topic.region())?.delete(&topic.path()).await?;
        }
    }
    Ok(())
}

fn list(screen: Screen, topics: &[TopicSummary]) {
    if topics.is_empty() {
        return screen.note("There are no topics. Make one with `fanfare topics create NAME`.");
    }
    let rows: Vec<_> = topics.iter().map(|topic| [Cell::from(&topic.name), Cell::from(&topic.arn)]).collect();
    screen.table(["TOPIC", "ARN"], &rows);
}

fn show(screen: Screen, connection: &Connection, topic: &TopicView) -> Result<(), Trouble> {
    if screen.json(connection.output, topic)? {
        return Ok(());
    }
    let numbers = &topic.subscriptions;
    let mut fields = vec![
        ("topic", Cell::from(&topic.arn)),
        ("subscriptions", Cell::from(format!("{} confirmed, {} pending", numbers.confirmed, numbers.pending))),
    ];
    // What is said above, or is the same for all.
    const SAID: [&str; 6] = [
        "TopicArn",
        "Owner",
        "SubscriptionsConfirmed",
        "SubscriptionsPending",
        "SubscriptionsDeleted",
        "EffectiveDeliveryPolicy",
    ];
    let said = |name: &str, value: &str| SAID.contains(&name) || value.is_empty() || is_default_policy(name, value);
    let attributes = topic.attributes.iter().filter(|(name, value)| !said(name, value));
    fields.extend(attributes.map(|(name, value)| (name.as_str(), Cell::from(value))));
    let tags: Vec<_> = topic.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    if !tags.is_empty() {
        fields.push(("tags", Cell::from(tags.join(", "))));
    }
    screen.fields(&fields);
    Ok(())
}

fn is_default_policy(name: &str, value: &str) -> bool {
    name == "Policy" && value.contains("__default_policy_ID")
}
