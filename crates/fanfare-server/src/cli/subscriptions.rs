//! `fanfare subscriptions`.

use clap::{Args, Subcommand};
use fanfare_server::admin::{DeadLetterList, State, SubscriptionInput, SubscriptionSummary, SubscriptionView};
use serde_json::json;

use super::arguments::{Connection, Most, Pair, SubscriptionName, TopicName};
use super::screen::{Cell, Colour, Screen};
use super::time::from_now;
use super::{Server, Trouble};

/// What is asked about subscriptions.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the subscriptions of a topic.
    List {
        /// The topic's name or its ARN.
        topic: TopicName,
        #[command(flatten)]
        most: Most,
        #[command(flatten)]
        connection: Connection,
    },
    /// Subscribe an endpoint to a topic.
    Create {
        /// The topic's name or its ARN.
        topic: TopicName,
        /// The protocol: http, https, sqs, lambda, email and so on.
        protocol: String,
        /// The address.
        endpoint: String,
        /// An attribute, as Amazon SNS spells it: RawMessageDelivery=true. May be given several times.
        #[arg(long = "attribute", value_name = "NAME=VALUE")]
        attributes: Vec<Pair>,
        /// Vouch for the endpoint: confirm at once, without waiting for its answer.
        #[arg(long)]
        confirmed: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Look at a subscription: its state, what waits for it, its attributes.
    Show(Named),
    /// Vouch for the endpoint of a pending subscription: confirm it without its token.
    Confirm(Named),
    /// List the dead letters of a subscription, the oldest first.
    DeadLetters {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        most: Most,
    },
    /// End a subscription; what waits for it is given up.
    Delete(Named),
}

#[derive(Debug, Args)]
struct Named {
    /// The subscription's ARN, or its topic and id as TOPIC/ID.
    subscription: SubscriptionName,
    #[command(flatten)]
    connection: Connection,
}

impl Named {
    fn server(&self) -> Result<Server, Trouble> {
        Server::new(&self.connection, self.subscription.topic.region())
    }
}

pub(super) async fn run(Arguments { command }: Arguments) -> Result<(), Trouble> {
    let screen = Screen::new();
    match command {
        Command::List { topic, most, connection } => {
            let server = Server::new(&connection, topic.region())?;
            let path = format!("{}/subscriptions", topic.path());
            let (known, more) = server.list::<SubscriptionSummary>(&path, "subscriptions", most.limit.get()).await?;
            if !screen.json(connection.output, &known)? {
                list(screen, &known);
            }
            if more {
                screen.note("There are more: ask for them with --limit.");
            }
        }
        Command::Create { topic, protocol, endpoint, attributes, confirmed, connection } => {
            let attributes = attributes.into_iter().map(|pair| (pair.name, pair.value)).collect();
            let input = SubscriptionInput { protocol, endpoint, attributes };
            let server = Server::new(&connection, topic.region())?;
            let path = format!("{}/subscriptions", topic.path());
            let mut made: SubscriptionView = server.post(&path, &input).await?;
            if confirmed {
                made = server.post(&format!("{path}/{}/confirm", made.id), &json!({})).await?;
            }
            show(screen, &connection, &made)?;
        }
        Command::Show(named) => {
            let known = named.server()?.get(&named.subscription.path()).await?;
            show(screen, &named.connection, &known)?;
        }
        Command::Confirm(named) => {
            let path = format!("{}/confirm", named.subscription.path());
            let known = named.server()?.post(&path, &json!({})).await?;
            show(screen, &named.connection, &known)?;
        }
        Command::DeadLetters { named, most } => {
            let path = format!("{}/dead-letters?limit={}", named.subscription.path(), most.limit);
            let letters: DeadLetterList = named.server()?.get(&path).await?;
            if !screen.json(named.connection.output, &letters)? {
                dead_letters(screen, &letters);
            }
        }
        Command::Delete(named) => named.server()?.delete(&named.subscription.path()).await?,
    }
    Ok(())
}

fn list(screen: Screen, known: &[SubscriptionSummary]) {
    if known.is_empty() {
        return screen
            .note("There are no subscriptions. Make one with `fanfare subscriptions create TOPIC PROTOCOL ENDPOINT`.");
    }
    let row = |known: &SubscriptionSummary| {
        let state = standing(known.state, known.paused);
        [Cell::from(&known.id), state, Cell::from(&known.protocol), Cell::from(&known.endpoint)]
    };
    screen.table(["ID", "STATE", "PROTOCOL", "ENDPOINT"], &known.iter().map(row).collect::<Vec<_>>());
}

/// Shows one subscription.
pub(super) fn show(screen: Screen, connection: &Connection, known: &SubscriptionView) -> Result<(), Trouble> {
    if screen.json(connection.output, known)? {
        return Ok(());
    }
    let mut fields = vec![
        ("subscription", Cell::from(&known.arn)),
        ("endpoint", Cell::from(format!("{} {}", known.protocol, known.endpoint))),
        ("state", standing(known.state, known.paused)),
    ];
    if let Some(expires) = &known.expires {
        fields.push(("expires", Cell::from(format!("{} if nobody confirms it", from_now(expires)))));
    }
    let dead = if known.dead == 0 { Cell::from(0) } else { Cell::painted(known.dead, Colour::Red) };
    fields.extend([("waiting", Cell::from(known.waiting)), ("dead letters", dead)]);
    // What is said above, or is the same for all.
    const SAID: [&str; 8] = [
        "SubscriptionArn",
        "TopicArn",
        "Owner",
        "Protocol",
        "Endpoint",
        "PendingConfirmation",
        "EffectiveDeliveryPolicy",
        "SubscriptionPrincipal",
    ];
    let told = known.attributes.iter().filter(|(name, value)| !SAID.contains(&name.as_str()) && *value != "false");
    fields.extend(told.map(|(name, value)| (name.as_str(), Cell::from(value))));
    screen.fields(&fields);
    Ok(())
}

fn standing(state: State, paused: bool) -> Cell {
    match (state, paused) {
        (_, true) => Cell::painted("paused", Colour::Yellow),
        (State::Confirmed, false) => Cell::painted(state, Colour::Green),
        (State::Pending, false) => Cell::painted(state, Colour::Yellow),
    }
}

fn dead_letters(screen: Screen, letters: &DeadLetterList) {
    if letters.dead_letters.is_empty() {
        return screen.note("There are no dead letters.");
    }
    let rows: Vec<_> = letters
        .dead_letters
        .iter()
        .map(|letter| [Cell::from(&letter.message_id), Cell::from(&letter.at), Cell::from(&letter.reason)])
        .collect();
    screen.table(["MESSAGE", "GIVEN UP", "REASON"], &rows);
}
