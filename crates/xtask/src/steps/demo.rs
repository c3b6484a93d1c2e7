//! The step `demo`: `cargo run -- demo` ends well and says that everything was delivered.

use std::time::Duration;

use crate::failure::Failure;
use crate::run::Run;
use crate::steps::Context;

/// Far beyond what the demo takes: it only keeps a hang from lasting for ever.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn run(context: &Context<'_>) -> Result<String, Failure> {
    // Built first, so that the limit is on the demo alone.
    Run::cargo(context.workspace).args(["build", "--bins"]).stream()?;
    let demo = Run::cargo(context.workspace).args(["run", "-q", "--", "demo"]).within(LIMIT).capture()?;
    let last = demo.stdout.lines().last().unwrap_or_default();
    match Delivered::read(last) {
        Some(delivered) if delivered.is_complete() => Ok(last.to_owned()),
        Some(_) => Err(Failure::new(format!("the demo did not deliver everything: {last}"))),
        None => Err(Failure::new(format!("the demo ended with another line: `{last}`"))),
    }
}

/// The numbers of the demo's last line.
#[derive(Debug, PartialEq)]
struct Delivered {
    delivered: u64,
    expected: u64,
    protocols: u64,
    took_ms: f64,
}

impl Delivered {
    /// Reads `delivered D of E notifications over P protocols in T ms`, where only T may have decimals.
    fn read(line: &str) -> Option<Self> {
        let rest = line.strip_prefix("delivered ")?;
        let (delivered, rest) = rest.split_once(" of ")?;
        let (expected, rest) = rest.split_once(" notifications over ")?;
        let (protocols, rest) = rest.split_once(" protocols in ")?;
        let took_ms = rest.strip_suffix(" ms")?;
        Some(Self {
            delivered: delivered.parse().ok()?,
            expected: expected.parse().ok()?,
            protocols: protocols.parse().ok()?,
            took_ms: took_ms.parse().ok()?,
        })
    }

    /// Whether something was expected and all of it arrived.
    fn is_complete(&self) -> bool {
        self.delivered == self.expected && self.delivered > 0 && self.protocols > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_read() {
        assert_eq!(
            Delivered::read("delivered 12 of 15 notifications over 2 protocols in 38.5 ms"),
            Some(Delivered { delivered: 12, expected: 15, protocols: 2, took_ms: 38.5 })
        );
    }

    #[test]
    fn all_of_something_is_complete() {
        let delivered = Delivered::read("delivered 15 of 15 notifications over 2 protocols in 38 ms").unwrap();
        assert!(delivered.is_complete());
    }

    #[test]
    fn a_part_is_not_complete() {
        let delivered = Delivered::read("delivered 14 of 15 notifications over 2 protocols in 38 ms").unwrap();
        assert!(!delivered.is_complete());
    }

    #[test]
    fn all_of_nothing_is_not_complete() {
        let delivered = Delivered::read("delivered 0 of 0 notifications over 2 protocols in 38 ms").unwrap();
        assert!(!delivered.is_complete());
    }

    #[test]
    fn a_line_of_another_form_is_not_read() {
        assert_eq!(Delivered::read(""), None);
        assert_eq!(Delivered::read("delivered 15 notifications"), None);
        assert_eq!(Delivered::read("delivered 15 of 15 notifications over 2 protocols in 38 s"), None);
        assert_eq!(Delivered::read("delivered -1 of 15 notifications over 2 protocols in 38 ms"), None);
    }
}
