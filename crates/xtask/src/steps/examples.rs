//! The step `examples`: every example builds, and those that come to an end by themselves do so in good order. It builds all of
//! them at once, since each with what it needs alone would build their dependencies anew; that they can be built so, as their
//! documented commands do, is for the step `features` to check.

use std::time::Duration;

use crate::failure::Failure;
use crate::metadata::{self, Example};
use crate::run::Run;
use crate::steps::Context;

const PACKAGE: &str = "fanfare-examples";

/// Where it stands how each is run.
const README: &str = "examples/README.md";

/// The examples that finish by themselves, on loopback, with nothing but what the step `install` brings. Each is run.
const FINISHING: &[&str] = &[
    "http",
    "https",
    "email",
    "email_json",
    "sqs",
    "lambda",
    "application",
    "sms",
    "custom_endpoint",
    "durable",
    "transcoder",
];

/// The examples that are only built: they serve until stopped, or talk to someone whom the test command does not have.
const ONLY_BUILT: &[&str] = &["thumbnails"];

/// Far beyond what an example takes: it only keeps a hang from lasting for ever.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn run(context: &Context<'_>) -> Result<String, Failure> {
    let found = examples(context)?;
    if let Some(unlisted) = unlisted(&found) {
        return Err(Failure::new(format!(
            "the example `{unlisted}` is neither among the finishing nor among the only built ones in steps/examples.rs"
        )));
    }
    let readme = std::fs::read_to_string(context.workspace.root().join(README))
        .map_err(|error| Failure::new(format!("{README} cannot be read: {error}")))?;
    if let Some(missing) = undocumented(&found, &readme) {
        return Err(Failure::new(format!("{README} lacks `{missing}`")));
    }
    Run::cargo(context.workspace).args(["build", "-p", PACKAGE, "--all-features", "--examples"]).stream()?;
    for name in FINISHING {
        Run::cargo(context.workspace)
            .args(["run", "--quiet", "-p", PACKAGE, "--all-features", "--example", name])
            .within(LIMIT)
            .capture()?;
    }
    Ok(format!("{} built, {} run", found.len(), FINISHING.len()))
}

fn examples(context: &Context<'_>) -> Result<Vec<Example>, Failure> {
    metadata::packages(context.workspace)?
        .into_iter()
        .find(|package| package.name == PACKAGE)
        .map(|package| package.examples)
        .ok_or_else(|| Failure::new(format!("the workspace has no package `{PACKAGE}`")))
}

/// The first example that no list names, which would otherwise be built for ever and never run.
fn unlisted(found: &[Example]) -> Option<&str> {
    let mut names = found.iter().map(|example| example.name.as_str());
    names.find(|name| !FINISHING.contains(name) && !ONLY_BUILT.contains(name))
}

/// The first command of an example that is run which `readme` does not tell: the one that builds what it needs alone.
fn undocumented(found: &[Example], readme: &str) -> Option<String> {
    let finishing = found.iter().filter(|example| FINISHING.contains(&example.name.as_str()));
    let mut commands = finishing.map(|example| format!("cargo run {}", example.selection(PACKAGE).join(" ")));
    commands.find(|command| !readme.contains(&format!("`{command}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(name: &str, features: &[&str]) -> Example {
        let features = features.iter().map(|feature| (*feature).to_owned()).collect();
        Example { name: name.to_owned(), features }
    }

    #[test]
    fn an_example_that_no_list_names_is_found() {
        assert_eq!(unlisted(&[example("http", &[]), example("forgotten", &[])]), Some("forgotten"));
    }

    #[test]
    fn examples_that_are_run_are_listed() {
        assert_eq!(unlisted(&[example("http", &[]), example("durable", &[])]), None);
    }

    #[test]
    fn the_command_that_builds_what_an_example_needs_alone_is_documented() {
        let found = [example("custom_endpoint", &[]), example("durable", &["http", "store-disk"])];
        let custom = "`cargo run -p fanfare-examples --example custom_endpoint`";
        let durable = "cargo run -p fanfare-examples --example durable --features http,store-disk";
        assert_eq!(undocumented(&found, custom).as_deref(), Some(durable));
        assert_eq!(undocumented(&found, &format!("{custom} `{durable}`")), None);
        assert_eq!(undocumented(&[example("thumbnails", &[])], ""), None, "it is not run by itself");
    }
}
