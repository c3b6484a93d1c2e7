//! The step `examples`: every example builds, and those that come to an end by themselves do so in good order.

use std::time::Duration;

use crate::failure::Failure;
use crate::metadata;
use crate::run::Run;
use crate::steps::Context;

const PACKAGE: &str = "fanfare-examples";

/// The examples that finish by themselves, on loopback, with nothing but what the step `install` brings. Each is run.
const FINISHING: &[&str] =
    &["http", "https", "email", "email_json", "sqs", "lambda", "custom_endpoint", "durable", "transcoder"];

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
    Run::cargo(context.workspace).args(["build", "-p", PACKAGE, "--all-features", "--examples"]).stream()?;
    for name in FINISHING {
        Run::cargo(context.workspace)
            .args(["run", "--quiet", "-p", PACKAGE, "--all-features", "--example", name])
            .within(LIMIT)
            .capture()?;
    }
    Ok(format!("{} built, {} run", found.len(), FINISHING.len()))
}

fn examples(context: &Context<'_>) -> Result<Vec<String>, Failure> {
    metadata::packages(context.workspace)?
        .into_iter()
        .find(|package| package.name == PACKAGE)
        .map(|package| package.examples)
        .ok_or_else(|| Failure::new(format!("the workspace has no package `{PACKAGE}`")))
}

/// The first example that no list names, which would otherwise be built for ever and never run.
fn unlisted(found: &[String]) -> Option<&String> {
    found.iter().find(|name| !FINISHING.contains(&name.as_str()) && !ONLY_BUILT.contains(&name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_that_no_list_names_is_found() {
        let found = ["http".to_owned(), "forgotten".to_owned()];
        assert_eq!(unlisted(&found), Some(&"forgotten".to_owned()));
    }

    #[test]
    fn examples_that_are_run_are_listed() {
        let found = ["http".to_owned(), "durable".to_owned()];
        assert_eq!(unlisted(&found), None);
    }
}
