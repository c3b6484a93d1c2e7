//! The steps of `cargo xtask test`, in the order that they run.

mod clippy;
mod demo;
mod docs;
mod examples;
mod features;
mod format;
mod fuzz;
mod install;
mod package;
mod test;

use crate::arguments::Reach;
use crate::failure::Failure;
use crate::workspace::Workspace;

/// One named part of the test command.
pub(crate) struct Step {
    /// The word for `--only`.
    pub(crate) name: &'static str,
    /// What it checks, in a few words.
    pub(crate) about: &'static str,
    /// Whether it is also part of the quick run.
    pub(crate) quick: bool,
    /// Does it; answers a note for the summary, empty if there is nothing to add.
    ///
    /// What cannot run is a failure: no step passes by leaving its work out.
    pub(crate) run: fn(&Context<'_>) -> Result<String, Failure>,
}

/// What every step is told.
pub(crate) struct Context<'a> {
    /// Where to run.
    pub(crate) workspace: &'a Workspace,
    /// How much to cover.
    pub(crate) reach: Reach,
}

/// Every step, the quick to fail first.
pub(crate) fn all() -> Vec<Step> {
    vec![
        Step { name: "install", about: "what the tests need is there", quick: false, run: install::run },
        Step { name: "format", about: "the code is formatted", quick: true, run: format::run },
        Step { name: "clippy", about: "no lint fires", quick: true, run: clippy::run },
        Step { name: "test", about: "unit and integration tests pass", quick: true, run: test::unit_and_integration },
        Step { name: "doctest", about: "the documentation's examples pass", quick: false, run: test::documentation },
        Step { name: "ignored", about: "tests against installed parts pass", quick: false, run: test::ignored },
        Step { name: "fuzz", about: "the fuzz targets build and replay their inputs", quick: false, run: fuzz::run },
        Step { name: "features", about: "each package builds alone", quick: false, run: features::run },
        Step { name: "examples", about: "the example programs run to their end", quick: false, run: examples::run },
        Step { name: "demo", about: "the demo delivers everything", quick: false, run: demo::run },
        Step { name: "docs", about: "the documentation builds without a warning", quick: false, run: docs::run },
        Step { name: "package", about: "every package can be published", quick: false, run: package::run },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_run_in_this_order() {
        let names: Vec<&str> = all().iter().map(|step| step.name).collect();
        assert_eq!(
            names,
            [
                "install", "format", "clippy", "test", "doctest", "ignored", "fuzz", "features", "examples", "demo",
                "docs", "package"
            ]
        );
    }

    #[test]
    fn the_quick_run_installs_nothing() {
        let quick: Vec<&str> = all().iter().filter(|step| step.quick).map(|step| step.name).collect();
        assert_eq!(quick, ["format", "clippy", "test"]);
    }
}
