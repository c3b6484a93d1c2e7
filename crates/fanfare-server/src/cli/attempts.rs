//! `fanfare attempts`.

use clap::Args;
use fanfare_server::admin::{AttemptList, AttemptView};

use super::arguments::{Connection, Most, SubscriptionName};
use super::screen::{Cell, Colour, Screen};
use super::{Server, Trouble};

/// Whose attempts are listed.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A `MessageId`; or a subscription, by its ARN or as TOPIC/ID.
    #[arg(value_name = "MESSAGE-ID|SUBSCRIPTION")]
    of: String,
    #[command(flatten)]
    most: Most,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(arguments: &Arguments) -> Result<(), Trouble> {
    let Arguments { of, most, connection } = arguments;
    let screen = Screen::new();
    let (server, path) = match of.parse::<SubscriptionName>() {
        Ok(subscription) => {
            let server = Server::new(connection, subscription.topic.region())?;
            (server, format!("{}/attempts?limit={}", subscription.path(), most.limit))
        }
        Err(_) if !of.is_empty() && of.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') => {
            (Server::new(connection, None)?, format!("/messages/{of}/attempts"))
        }
        Err(form) => return Err(Trouble::new(format_args!("{of:?} is no MessageId, and no subscription: {form}"))),
    };
    let mut list: AttemptList = server.get(&path).await?;
    list.attempts.truncate(most.limit.get());
    if !screen.json(connection.output, &list)? {
        show(screen, &list.attempts);
    }
    Ok(())
}

fn show(screen: Screen, attempts: &[AttemptView]) {
    if attempts.is_empty() {
        return screen.note("No attempts are logged.");
    }
    let row = |attempt: &AttemptView| {
        let what = if attempt.to_dead_letters { "dead letter" } else { "delivery" };
        let outcome = match (&attempt.error, &attempt.next, &attempt.given_up) {
            (None, _, _) => Cell::painted("delivered", Colour::Green),
            (Some(error), Some(_), _) => Cell::painted(error, Colour::Yellow),
            (Some(error), None, _) => Cell::painted(error, Colour::Red),
        };
        let status = attempt.status.map(|status| status.to_string()).unwrap_or_default();
        [
            Cell::from(&attempt.started),
            Cell::from(&attempt.message_id),
            Cell::from(format!("{what} {}", attempt.number)),
            Cell::from(format!("{} ms", attempt.took_ms)),
            Cell::from(format!("{} {}", attempt.protocol, attempt.endpoint)),
            Cell::from(status),
            outcome,
        ]
    };
    let rows: Vec<_> = attempts.iter().map(row).collect();
    screen.table(["BEGUN", "MESSAGE", "ATTEMPT", "TOOK", "ENDPOINT", "STATUS", "OUTCOME"], &rows);
}
