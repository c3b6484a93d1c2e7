//! `fanfare publish`.

use std::io::{IsTerminal as _, Read as _, stdin};

use clap::Args;
use fanfare_server::admin::{AttributeInput, MessageInput, PublishedView};

use super::arguments::{Connection, Pair, TopicName};
use super::screen::{Colour, Screen};
use super::{Server, Trouble};

/// What is published.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The topic's name or its ARN.
    topic: TopicName,
    /// The text. Without it, standard input is read to its end.
    message: Option<String>,
    /// The subject.
    #[arg(long)]
    subject: Option<String>,
    /// An attribute: a text as store=x, another type as price:Number=5. May be given several times.
    #[arg(long = "attribute", value_name = "NAME[:TYPE]=VALUE")]
    attributes: Vec<Pair>,
    /// Give each protocol its own text: the message is a JSON object of them.
    #[arg(long)]
    json: bool,
    /// The message group, which FIFO topics need.
    #[arg(long, value_name = "ID")]
    group_id: Option<String>,
    /// By what a repeated message is recognised, on FIFO topics.
    #[arg(long, value_name = "ID")]
    deduplication_id: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Trouble> {
    let Arguments { topic, message, subject, attributes, json, group_id, deduplication_id, connection } = arguments;
    let screen = Screen::new();
    let message = match message {
        Some(message) => message,
        None => read(screen)?,
    };
    let input = MessageInput {
        message,
        subject,
        structure: json.then(|| "json".to_owned()),
        attributes: attributes.into_iter().map(attribute).collect(),
        group_id,
        deduplication_id,
    };
    let server = Server::new(&connection, topic.region())?;
    let published: PublishedView = server.post(&format!("{}/messages", topic.path()), &input).await?;
    if !screen.json(connection.output, &published)? {
        let number = published.sequence_number.map(|number| format!("  number {number}")).unwrap_or_default();
        screen.line(format_args!("{}{number}", screen.painted(Colour::Bold, published.message_id)));
    }
    Ok(())
}

fn read(screen: Screen) -> Result<String, Trouble> {
    if stdin().is_terminal() {
        screen.note("Type the message, and end it with ctrl-d on a line of its own:");
    }
    let mut text = String::new();
    stdin()
        .read_to_string(&mut text)
        .map_err(|error| Trouble::new(format_args!("standard input is no text: {error}")))?;
    // The last line break belongs to the terminal or to `echo`.
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}

/// Names of attributes have no colons, so that one separates the type.
fn attribute(Pair { name, value }: Pair) -> (String, AttributeInput) {
    let (name, data_type) = match name.split_once(':') {
        Some((name, data_type)) => (name.to_owned(), data_type.to_owned()),
        None => (name, "String".to_owned()),
    };
    (name, AttributeInput { data_type, value })
}
