//! The steps that run `cargo test`: `test`, `doctest` and `ignored`. Each fails if it ran no test.

use std::path::PathBuf;

use crate::arguments::Reach;
use crate::failure::Failure;
use crate::run::Run;
use crate::steps::Context;
use crate::workspace::find_program;

/// Everything that holds tests, except the documentation.
const TARGETS: [&str; 4] = ["--lib", "--bins", "--tests", "--examples"];

/// The tests that need nothing installed.
pub(crate) fn unit_and_integration(context: &Context<'_>) -> Result<String, Failure> {
    let features: &[&str] = match context.reach {
        Reach::Full => &["--all-features"],
        Reach::Quick => &[],
    };
    counted(Run::cargo(context.workspace).args(["test", "--workspace", "--no-fail-fast"]).args(features).args(TARGETS))
}

/// The examples in the documentation.
pub(crate) fn documentation(context: &Context<'_>) -> Result<String, Failure> {
    counted(Run::cargo(context.workspace).args(["test", "--workspace", "--all-features", "--no-fail-fast", "--doc"]))
}

/// The tests that are marked `#[ignore]` since they need what the step `install` brings.
pub(crate) fn ignored(context: &Context<'_>) -> Result<String, Failure> {
    let workspace = context.workspace;
    counted(
        Run::cargo(workspace)
            .env("FANFARE_NGINX", installed(find_program("nginx"))?)
            .env("FANFARE_NODE_MODULES", installed(Some(workspace.node_modules()))?)
            .env("FANFARE_PYTHON", installed(Some(workspace.python()))?)
            .args(["test", "--workspace", "--all-features", "--no-fail-fast"])
            .args(TARGETS)
            .args(["--", "--ignored"]),
    )
}

fn installed(part: Option<PathBuf>) -> Result<PathBuf, Failure> {
    part.filter(|path| path.exists())
        .ok_or_else(|| Failure::new("a part is not installed; run `cargo xtask test --only install`"))
}

/// Runs the tests and notes how many passed.
fn counted(run: Run) -> Result<String, Failure> {
    let mut passed = 0;
    run.stream_lines(|line| passed += passed_in(line))?;
    match passed {
        0 => Err(Failure::new("no test ran")),
        count => Ok(format!("{count} tests")),
    }
}

/// How many tests passed, if `line` is the closing line of a test program; 0 for any other line.
fn passed_in(line: &str) -> u64 {
    line.strip_prefix("test result: ok. ")
        .and_then(|counts| counts.split_once(" passed;"))
        .and_then(|(passed, _)| passed.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_of_a_test_program_is_counted() {
        let line = "test result: ok. 17 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.05s";
        assert_eq!(passed_in(line), 17);
    }

    #[test]
    fn any_other_line_counts_nothing() {
        assert_eq!(passed_in("running 17 tests"), 0);
        assert_eq!(passed_in("test result: FAILED. 3 passed; 1 failed; 0 ignored"), 0);
    }
}
