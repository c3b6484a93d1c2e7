//! How the demo looks: coloured in a terminal, plain when it is piped.

use std::fmt;
use std::io::{IsTerminal as _, Write as _, stdout};
use std::time::Duration;

use fanfare::attempt::{Attempt, Next};
use fanfare::store::Stage;

/// Where the demo is shown.
#[derive(Debug)]
pub(super) struct Screen {
    colours: bool,
}

/// The few colours that there are.
#[derive(Debug, Clone, Copy)]
enum Colour {
    Bold,
    Dim,
    Green,
    Yellow,
    Red,
}

impl Screen {
    pub(super) fn new() -> Self {
        let dumb =
            std::env::var_os("NO_COLOR").is_some() || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { colours: stdout().is_terminal() && !dumb }
    }

    pub(super) fn title(&self, text: &str) {
        self.line(format_args!("{}", self.painted(Colour::Bold, text)));
    }

    pub(super) fn line(&self, text: impl fmt::Display) {
        // Nobody is left to tell when the terminal is gone.
        let _ = writeln!(stdout().lock(), "{text}");
    }

    pub(super) fn subscribed(&self, name: &str, protocol: &str, about: &str, state: &str) {
        let state = self.painted(Colour::Green, state);
        self.line(format_args!("  {name:<11}{protocol:<11} {about:<29} {state}"));
    }

    /// One attempt, `since` its message was published.
    pub(super) fn attempt(&self, name: &str, attempt: &Attempt, since: Duration) {
        let (colour, result) = match &attempt.next {
            Next::Delivered => (Colour::Green, "delivered".to_owned()),
            Next::Retry { at } => {
                let ended = attempt.started + attempt.took;
                (Colour::Yellow, format!("failed, again in {} ms", at.since(ended).as_millis()))
            }
            Next::ToDeadLetter => (Colour::Red, "refused for good, becomes a dead letter".to_owned()),
            Next::DeadLettered => (Colour::Yellow, "delivered as a dead letter".to_owned()),
            Next::Dropped { reason } => (Colour::Red, format!("dropped: {reason}")),
            _ => (Colour::Red, "ended in a way that this demo does not know".to_owned()),
        };
        let status = attempt.status.map_or_else(|| "   ".to_owned(), |status| status.to_string());
        let number = match attempt.stage {
            Stage::Endpoint => format!("attempt {}", attempt.number),
            _ => "dead letter".to_owned(),
        };
        self.line(format_args!(
            "  {:>6} ms  {name:<11}{:<11} {number:<11} {status}  {}",
            since.as_millis(),
            attempt.protocol.as_str(),
            self.painted(colour, &result)
        ));
    }

    pub(super) fn filtered_out(&self, name: &str, protocol: &str, because: &str) {
        let text = format!("{name:<11}{protocol:<11} filtered out     {because}");
        self.line(format_args!("             {}", self.painted(Colour::Dim, &text)));
    }

    pub(super) fn problem(&self, text: &str) {
        self.line(format_args!("{} {text}", self.painted(Colour::Red, "MISSING")));
    }

    /// The last line.
    pub(super) fn verdict(&self, good: bool, text: &str) {
        self.line(self.painted(if good { Colour::Green } else { Colour::Red }, text));
    }

    fn painted(&self, colour: Colour, text: &str) -> String {
        if !self.colours {
            return text.to_owned();
        }
        let code = match colour {
            Colour::Bold => 1,
            Colour::Dim => 2,
            Colour::Green => 32,
            Colour::Yellow => 33,
            Colour::Red => 31,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}
