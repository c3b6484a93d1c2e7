//! The command line: what `cargo xtask` was asked to do.

use std::num::NonZeroU32;
use std::path::PathBuf;

use crate::failure::Failure;

/// What `cargo xtask help` prints.
pub(crate) const HELP: &str = "\
Development tasks of the Fanfare workspace.

Usage: cargo xtask test [--quick] [--keep-going] [--only STEP]... [--list]
       cargo xtask fuzz [TARGET] [--minutes N]
       cargo xtask bench [NAME]... [--quick] [--json FILE] [--page] [--list]
       cargo xtask help

  test            Installs what is missing, then checks everything; stops at the first step that fails.

  --quick         The inner loop: format, lints of the default build, and the tests that need nothing installed.
  --keep-going    Runs every step even after one failed, then says which failed.
  --only STEP     Runs this step alone; may be given several times. The order stays that of the list.
  --list          Prints the steps that would run, and runs none.

  fuzz            Looks for new inputs that break a claim of this target of tests/fuzz, or of every one in turn.

  --minutes N     How long for each target; 5 unless said otherwise.

  bench           Builds the server with optimisation and measures these workloads, or every one in turn, each against
                  something bare. No figure makes it fail.

  --quick         A look, in minutes, for which the machine need not be quiet.
  --json FILE     Where the results are written; target/bench/results.json unless said otherwise.
  --page          Writes crates/fanfare-bench/README.md and its pictures from the results.
  --list          Prints the names of the workloads, and measures none.

Everything installed for the tests lies in target/xtask, except Debian packages, which only root installs.
Exit status: 0 when every step passed, 1 otherwise.
";

/// One task, fully described.
#[derive(Debug, PartialEq)]
pub(crate) enum Task {
    /// Print the help text.
    Help,
    /// Run the steps of the test command.
    Test(TestOptions),
    /// Look for inputs that break a claim of a fuzz target.
    Fuzz(FuzzOptions),
    /// Measure what the server costs.
    Bench(BenchOptions),
}

/// What is measured, and what becomes of it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct BenchOptions {
    /// What the measuring program is told: the names of workloads, and how much of each.
    pub(crate) arguments: Vec<String>,
    /// Where the results go, if not to the usual place.
    pub(crate) json: Option<PathBuf>,
    /// Whether to write the page about them.
    pub(crate) page: bool,
}

impl BenchOptions {
    /// Whether the workload `name` is among what is measured.
    pub(crate) fn measures(&self, name: &str) -> bool {
        let lists = self.arguments.iter().any(|argument| argument == "--list");
        let mut names = self.arguments.iter().filter(|argument| !argument.starts_with('-')).peekable();
        !lists && (names.peek().is_none() || names.any(|wanted| wanted == name))
    }
}

/// What is fuzzed and for how long.
#[derive(Debug, PartialEq)]
pub(crate) struct FuzzOptions {
    /// The name of the only target; none for all, one after the other.
    pub(crate) target: Option<String>,
    /// How long each target runs.
    pub(crate) minutes: NonZeroU32,
}

impl Default for FuzzOptions {
    fn default() -> Self {
        Self { target: None, minutes: NonZeroU32::MIN.saturating_add(4) }
    }
}

/// How the test command runs.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct TestOptions {
    /// How much each step covers, and which steps there are.
    pub(crate) reach: Reach,
    /// What follows the first failure.
    pub(crate) after_failure: AfterFailure,
    /// The names of the only steps to run; empty for all.
    pub(crate) only: Vec<String>,
    /// Print the steps instead of running them.
    pub(crate) list: bool,
}

/// How much the test command covers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Reach {
    /// Everything, with all features and with the real other sides installed.
    #[default]
    Full,
    /// The default build, with nothing installed.
    Quick,
}

/// What happens to the remaining steps once one has failed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum AfterFailure {
    /// They are left out.
    #[default]
    Stop,
    /// They run too.
    KeepGoing,
}

/// Reads the arguments that follow the program's name.
///
/// Without any, the task is help.
pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Task, Failure> {
    match arguments.next().as_deref() {
        None | Some("help" | "--help" | "-h") => Ok(Task::Help),
        Some("test") => parse_test(arguments),
        Some("fuzz") => parse_fuzz(arguments),
        Some("bench") => parse_bench(arguments),
        Some(other) => Err(Failure::new(format!("no task is named `{other}`; see `cargo xtask help`"))),
    }
}

fn parse_test(mut arguments: impl Iterator<Item = String>) -> Result<Task, Failure> {
    let mut options = TestOptions::default();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => options.reach = Reach::Quick,
            "--keep-going" => options.after_failure = AfterFailure::KeepGoing,
            "--list" => options.list = true,
            "--only" => match arguments.next() {
                Some(name) => options.only.push(name),
                None => return Err(Failure::new("`--only` needs the name of a step; see `cargo xtask test --list`")),
            },
            "--help" | "-h" => return Ok(Task::Help),
            other => {
                return Err(Failure::new(format!("`test` has no option `{other}`; see `cargo xtask help`")));
            }
        }
    }
    Ok(Task::Test(options))
}

fn parse_fuzz(mut arguments: impl Iterator<Item = String>) -> Result<Task, Failure> {
    let mut options = FuzzOptions::default();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--minutes" => match arguments.next().and_then(|number| number.parse().ok()) {
                Some(minutes) => options.minutes = minutes,
                None => return Err(Failure::new("`--minutes` needs a number from 1; see `cargo xtask help`")),
            },
            "--help" | "-h" => return Ok(Task::Help),
            name if options.target.is_none() && !name.starts_with('-') => options.target = Some(argument),
            other => {
                return Err(Failure::new(format!("`fuzz` has no place for `{other}`; see `cargo xtask help`")));
            }
        }
    }
    Ok(Task::Fuzz(options))
}

fn parse_bench(mut arguments: impl Iterator<Item = String>) -> Result<Task, Failure> {
    let mut options = BenchOptions::default();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" | "--list" => options.arguments.push(argument),
            "--page" => options.page = true,
            "--json" => match arguments.next() {
                Some(file) => options.json = Some(file.into()),
                None => return Err(Failure::new("`--json` needs a file; see `cargo xtask help`")),
            },
            "--help" | "-h" => return Ok(Task::Help),
            name if !name.starts_with('-') => options.arguments.push(argument),
            other => return Err(Failure::new(format!("`bench` has no option `{other}`; see `cargo xtask help`"))),
        }
    }
    Ok(Task::Bench(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Task, String> {
        parse(line.split_whitespace().map(str::to_owned)).map_err(|failure| failure.to_string())
    }

    #[test]
    fn no_argument_means_help() {
        assert_eq!(parsed(""), Ok(Task::Help));
    }

    #[test]
    fn test_alone_is_full_and_stops_at_the_first_failure() {
        let expected = TestOptions { reach: Reach::Full, after_failure: AfterFailure::Stop, only: vec![], list: false };
        assert_eq!(parsed("test"), Ok(Task::Test(expected)));
    }

    #[test]
    fn every_option_is_read() {
        let expected = TestOptions {
            reach: Reach::Quick,
            after_failure: AfterFailure::KeepGoing,
            only: vec!["format".to_owned(), "clippy".to_owned()],
            list: true,
        };
        assert_eq!(parsed("test --quick --only format --keep-going --only clippy --list"), Ok(Task::Test(expected)));
    }

    #[test]
    fn only_without_a_step_is_refused() {
        assert_eq!(
            parsed("test --only"),
            Err("`--only` needs the name of a step; see `cargo xtask test --list`".to_owned())
        );
    }

    #[test]
    fn an_unknown_task_is_refused() {
        assert_eq!(parsed("tset"), Err("no task is named `tset`; see `cargo xtask help`".to_owned()));
    }

    #[test]
    fn an_unknown_option_is_refused() {
        assert_eq!(parsed("test --fast"), Err("`test` has no option `--fast`; see `cargo xtask help`".to_owned()));
    }

    #[test]
    fn fuzz_alone_is_every_target_for_five_minutes() {
        let expected = FuzzOptions { target: None, minutes: NonZeroU32::new(5).unwrap() };
        assert_eq!(parsed("fuzz"), Ok(Task::Fuzz(expected)));
    }

    #[test]
    fn one_target_is_fuzzed_for_as_long_as_asked() {
        let expected = FuzzOptions { target: Some("envelope".to_owned()), minutes: NonZeroU32::new(30).unwrap() };
        assert_eq!(parsed("fuzz --minutes 30 envelope"), Ok(Task::Fuzz(expected)));
    }

    #[test]
    fn fuzzing_for_no_time_and_two_targets_at_once_are_refused() {
        let needs = Err("`--minutes` needs a number from 1; see `cargo xtask help`".to_owned());
        assert_eq!(parsed("fuzz --minutes 0"), needs);
        assert_eq!(parsed("fuzz --minutes"), needs);
        assert_eq!(
            parsed("fuzz envelope verifier"),
            Err("`fuzz` has no place for `verifier`; see `cargo xtask help`".to_owned())
        );
    }

    #[test]
    fn workloads_are_measured_by_name_or_all() {
        let Ok(Task::Bench(all)) = parsed("bench --quick --page") else { panic!() };
        assert!(all.page && all.measures("idle") && all.arguments == ["--quick"]);
        let Ok(Task::Bench(one)) = parsed("bench idle --json r.json") else { panic!() };
        assert!(one.measures("idle") && !one.measures("peers") && one.json == Some("r.json".into()));
        let Ok(Task::Bench(none)) = parsed("bench --list") else { panic!() };
        assert!(!none.measures("peers"));
    }

    #[test]
    fn an_option_that_measures_nothing_is_refused() {
        assert_eq!(parsed("bench --fast"), Err("`bench` has no option `--fast`; see `cargo xtask help`".to_owned()));
        assert_eq!(parsed("bench --json"), Err("`--json` needs a file; see `cargo xtask help`".to_owned()));
    }
}
