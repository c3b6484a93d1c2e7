//! Runs the chosen steps in order, and sums up what they came to.

use std::time::{Duration, Instant};

use crate::arguments::{AfterFailure, Reach, TestOptions};
use crate::duration::spoken;
use crate::failure::Failure;
use crate::steps::{Context, Step};
use crate::terminal::{bold, dim, green, red};
use crate::workspace::Workspace;

/// The steps that `options` ask for, in the order of `steps`.
///
/// A name that no step of the chosen reach has is an error, not an empty run.
pub(crate) fn select(steps: Vec<Step>, options: &TestOptions) -> Result<Vec<Step>, Failure> {
    let mut offered = steps;
    offered.retain(|step| step.quick || options.reach == Reach::Full);
    for name in &options.only {
        if !offered.iter().any(|step| step.name == name) {
            let names: Vec<&str> = offered.iter().map(|step| step.name).collect();
            return Err(Failure::new(format!("no step is named `{name}`; there are: {}", names.join(", "))));
        }
    }
    offered.retain(|step| options.only.is_empty() || options.only.iter().any(|name| name == step.name));
    Ok(offered)
}

/// Prints the name of each step and what it is about.
pub(crate) fn list(steps: &[Step]) {
    for step in steps {
        let quick = if step.quick { dim(" (also in --quick)") } else { String::new() };
        println!("{:<14}{}{quick}", step.name, step.about);
    }
}

/// Runs `steps`, prints the summary, and answers whether all passed.
pub(crate) fn perform(steps: &[Step], options: &TestOptions, workspace: &Workspace) -> bool {
    let context = Context { workspace, reach: options.reach };
    let started = Instant::now();
    let mut records: Vec<Record> = Vec::new();
    let mut stopped = false;
    for (index, step) in steps.iter().enumerate() {
        let result = if stopped {
            StepResult::NotRun
        } else {
            perform_one(step, &context, &format!("[{}/{}]", index + 1, steps.len()))
        };
        stopped |= matches!(result, StepResult::Failed { .. }) && options.after_failure == AfterFailure::Stop;
        records.push(Record { name: step.name, result });
    }
    summarise(&records, started.elapsed())
}

/// What became of one step.
struct Record {
    name: &'static str,
    result: StepResult,
}

enum StepResult {
    Passed { took: Duration, note: String },
    Failed { took: Duration, why: Failure },
    NotRun,
}

fn perform_one(step: &Step, context: &Context<'_>, position: &str) -> StepResult {
    println!("\n{}", bold(&format!("{position} {}: {}", step.name, step.about)));
    let started = Instant::now();
    let outcome = (step.run)(context);
    let took = started.elapsed();
    match outcome {
        Ok(note) => {
            println!("{position} {} {} in {}", step.name, green("ok"), spoken(took));
            StepResult::Passed { took, note }
        }
        Err(why) => {
            println!("{position} {} {} after {}: {why}", step.name, red("FAILED"), spoken(took));
            StepResult::Failed { took, why }
        }
    }
}

/// Prints the table and the last line, and answers whether all passed.
fn summarise(records: &[Record], took: Duration) -> bool {
    println!();
    for record in records {
        println!("{}", line(record));
    }
    let verdict = verdict(records, took);
    let passed = verdict.is_ok();
    println!("\n{}", verdict.unwrap_or_else(|failed| red(&failed)));
    passed
}

fn line(record: &Record) -> String {
    let (result, took, note) = match &record.result {
        StepResult::Passed { took, note } => (green("ok     "), spoken(*took), note.clone()),
        StepResult::Failed { took, why } => (red("FAILED "), spoken(*took), why.to_string()),
        StepResult::NotRun => (dim("not run"), String::new(), String::new()),
    };
    format!("{:<14}{result}{took:>14}  {note}", record.name).trim_end().to_owned()
}

/// The last line: that all passed, or which failed.
fn verdict(records: &[Record], took: Duration) -> Result<String, String> {
    let failed: Vec<&str> = records
        .iter()
        .filter(|record| matches!(record.result, StepResult::Failed { .. }))
        .map(|record| record.name)
        .collect();
    match (records.len(), failed.is_empty()) {
        (0, _) => Err("FAILED: no step ran".to_owned()),
        (_, false) => Err(format!("FAILED: {}", failed.join(", "))),
        (count, true) => Ok(format!("all {count} steps passed in {}", spoken(took))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &'static str, quick: bool) -> Step {
        Step { name, about: "something", quick, run: |_| Ok(String::new()) }
    }

    fn selected(options: &TestOptions) -> Result<Vec<&'static str>, String> {
        let steps = vec![step("install", false), step("format", true), step("test", true)];
        select(steps, options)
            .map(|steps| steps.iter().map(|step| step.name).collect())
            .map_err(|failure| failure.to_string())
    }

    fn passed(name: &'static str) -> Record {
        Record { name, result: StepResult::Passed { took: Duration::from_secs(2), note: "7 tests".to_owned() } }
    }

    fn failed(name: &'static str) -> Record {
        let why = Failure::new("`cargo fmt` ended with exit status: 1");
        Record { name, result: StepResult::Failed { took: Duration::from_millis(30), why } }
    }

    #[test]
    fn the_full_run_has_every_step() {
        assert_eq!(selected(&TestOptions::default()), Ok(vec!["install", "format", "test"]));
    }

    #[test]
    fn the_quick_run_has_the_quick_steps() {
        let options = TestOptions { reach: Reach::Quick, ..TestOptions::default() };
        assert_eq!(selected(&options), Ok(vec!["format", "test"]));
    }

    #[test]
    fn named_steps_run_in_the_order_of_the_list() {
        let options = TestOptions { only: vec!["test".to_owned(), "install".to_owned()], ..TestOptions::default() };
        assert_eq!(selected(&options), Ok(vec!["install", "test"]));
    }

    #[test]
    fn a_name_that_the_quick_run_does_not_have_is_refused() {
        let options = TestOptions { reach: Reach::Quick, only: vec!["install".to_owned()], ..TestOptions::default() };
        assert_eq!(selected(&options), Err("no step is named `install`; there are: format, test".to_owned()));
    }

    #[test]
    fn the_verdict_on_passed_steps_counts_them() {
        assert_eq!(
            verdict(&[passed("format"), passed("test")], Duration::from_secs(4)),
            Ok("all 2 steps passed in 4.0 s".to_owned())
        );
    }

    #[test]
    fn the_verdict_names_every_failed_step() {
        let records = [failed("format"), passed("clippy"), failed("test")];
        assert_eq!(verdict(&records, Duration::from_secs(4)), Err("FAILED: format, test".to_owned()));
    }

    #[test]
    fn a_run_of_no_step_has_failed() {
        assert_eq!(verdict(&[], Duration::ZERO), Err("FAILED: no step ran".to_owned()));
    }

    #[test]
    fn the_table_shows_result_time_and_reason() {
        assert_eq!(line(&passed("test")), "test          ok              2.0 s  7 tests");
        assert_eq!(
            line(&failed("format")),
            "format        FAILED          30 ms  `cargo fmt` ended with exit status: 1"
        );
        assert_eq!(line(&Record { name: "docs", result: StepResult::NotRun }), "docs          not run");
    }
}
