//! `fanfare import`: takes over the topics and subscriptions of an Amazon SNS account, or of another server of its API.
//!
//! What there is (`source`), what is to be done about it (`plan`), and doing it (`apply`). The source is only read.

mod apply;
mod plan;
mod source;

use clap::Args;

use self::plan::{Kept, Plan};
use self::source::Source;
use super::arguments::Connection;
use super::screen::Screen;
use super::{Server, Trouble};

/// From where, and how.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The region whose topics are taken over; they come to be in the same region here.
    #[arg(long, value_name = "REGION")]
    from_region: String,
    /// Another server than Amazon's own: moto, LocalStack, another Fanfare.
    #[arg(long, value_name = "URL")]
    from_endpoint: Option<String>,
    /// The profile of the shared AWS configuration whose credentials read the source. Otherwise they are looked for as every SDK
    /// does, which finds AWS_ACCESS_KEY_ID first: the key for the server here.
    #[arg(long, value_name = "NAME")]
    from_profile: Option<String>,
    /// Vouch for endpoints that are confirmed at the source, over HTTP and by e-mail, and queues and functions of other accounts: they
    /// are confirmed here too, without being asked.
    #[arg(long)]
    keep_confirmed: bool,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<(), Trouble> {
    let screen = Screen::new();
    let server = Server::new(&arguments.connection, Some(&arguments.from_region))?;
    let source =
        Source::open(&arguments.from_region, arguments.from_endpoint.as_deref(), arguments.from_profile.as_deref())
            .await?;
    let kept = if arguments.keep_confirmed { Kept::Confirmed } else { Kept::AskedAgain };
    let plan = Plan::make(source.topics().await?, &server, kept).await?;
    plan.show(screen);
    if arguments.dry_run {
        screen.line("Nothing was done: this was a dry run.");
        return Ok(());
    }
    apply::apply(&plan, &server, screen).await
}
