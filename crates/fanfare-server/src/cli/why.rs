//! `fanfare why`.

use clap::Args;
use fanfare_server::admin::{Explained, MessageView, Outcome};

use super::arguments::{Connection, Most};
use super::screen::{Cell, Colour, Screen, one_line};
use super::time::from_now;
use super::{Server, Trouble};

/// Which message is asked about.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The `MessageId`, as `fanfare publish` or an SDK answered it.
    message_id: String,
    #[command(flatten)]
    most: Most,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(arguments: &Arguments) -> Result<(), Trouble> {
    let Arguments { message_id, most, connection } = arguments;
    if message_id.is_empty() || !message_id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err(Trouble::new(format_args!("{message_id:?} is no MessageId")));
    }
    let (screen, server) = (Screen::new(), Server::new(connection, None)?);
    let path = format!("/messages/{message_id}");
    let (subscriptions, more) = server.list::<Explained>(&path, "subscriptions", most.limit.get()).await?;
    let message: MessageView = server.get(&format!("{path}?limit=1")).await?;
    let message = MessageView { subscriptions, next: None, ..message };
    if !screen.json(connection.output, &message)? {
        show(screen, &message);
    }
    if more {
        screen.note("There are more subscriptions: ask for them with --limit.");
    }
    Ok(())
}

fn show(screen: Screen, message: &MessageView) {
    let mut fields =
        vec![("message", Cell::painted(&message.message_id, Colour::Bold)), ("topic", Cell::from(&message.topic))];
    if let Some(accepted) = &message.accepted {
        fields.push(("accepted", Cell::from(format!("{accepted}, {}", from_now(accepted)))));
    }
    fields.extend(message.subject.as_ref().map(|subject| ("subject", Cell::from(subject))));
    fields.extend(message.bytes.map(|bytes| ("size", Cell::from(format!("{bytes} bytes")))));
    screen.fields(&fields);
    screen.line("");
    if message.subscriptions.is_empty() {
        return screen.line("The topic has no subscriptions: nobody was to get it.");
    }
    for explained in &message.subscriptions {
        subscription(screen, explained);
    }
}

fn subscription(screen: Screen, explained: &Explained) {
    let colour = match explained.outcome {
        Outcome::Delivered => Colour::Green,
        Outcome::Waiting | Outcome::NotConfirmed => Colour::Yellow,
        Outcome::DeadLettered | Outcome::Dropped => Colour::Red,
        Outcome::FilteredOut | Outcome::SubscribedLater | Outcome::Unknown => Colour::Dim,
    };
    let outcome = screen.painted(colour, format_args!("{:<16}", explained.outcome));
    let endpoint = one_line(&format!("{} {}", explained.protocol, explained.endpoint));
    screen.line(format_args!("{outcome}  {endpoint}"));
    let because = one_line(&explained.because);
    screen.line(format_args!("{:18}{because}", ""));
    if let (Outcome::Waiting, Some(due)) = (explained.outcome, &explained.due) {
        let attempts = explained.attempts;
        screen.line(format_args!("{:18}next attempt {} ({due}), {attempts} made", "", from_now(due)));
    }
    screen.line(format_args!("{:18}{}", "", screen.painted(Colour::Dim, &explained.subscription)));
}
