//! The command line.

use std::path::PathBuf;

use crate::context::Extent;
use crate::failure::{Failure, Result};
use crate::process::ROLE;
use crate::roles::Role;

/// What `fanfare-bench --help` prints.
pub(crate) const HELP: &str = "\
Measures Fanfare against what the machine can do.

Usage: cargo xtask bench [NAME]... [--quick] [--json FILE] [--page]
       cargo xtask bench --list
       fanfare-bench --server PROGRAM [--python PROGRAM] [NAME]... [--quick | --tiny] [--json FILE] [--scratch DIR]
       fanfare-bench --page RESULTS DIR

  NAME             Measures this workload alone; may be given several times.
  --list           Prints the names of all workloads.
  --quick          Three short rounds of each and smaller numbers, for a look.
  --tiny           One round of next to nothing, to see that everything runs.
  --json FILE      Where the results are written; target/bench/results.json unless said otherwise.
  --scratch DIR    Where stores and files are made, and removed; beside the results unless said otherwise. A disk, please.
  --server PROGRAM The server that is measured.
  --python PROGRAM A Python that has moto, for the workload `peers`.
  --page           Writes README.md and its pictures, from results, into the folder of the crate or DIR.

No figure makes it fail; what could not be measured does.
";

/// One task, fully described.
#[derive(Debug)]
pub(crate) enum Task {
    /// Print the help text.
    Help,
    /// Print the names of the workloads.
    List,
    /// Be a part of a workload.
    Role(Box<Role>),
    /// Measure.
    Measure(Options),
    /// Write the page about results.
    Page {
        /// The results.
        results: PathBuf,
        /// Where the page goes.
        folder: PathBuf,
    },
}

/// What is measured.
#[derive(Debug)]
pub(crate) struct Options {
    /// The only workloads; empty for all.
    pub(crate) names: Vec<String>,
    /// How much of each.
    pub(crate) extent: Extent,
    /// The server.
    pub(crate) server: PathBuf,
    /// A Python that has moto.
    pub(crate) python: Option<PathBuf>,
    /// Where the results go.
    pub(crate) json: PathBuf,
    /// Where stores and files are made.
    pub(crate) scratch: PathBuf,
}

/// Reads the arguments that follow the program's name.
pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Task> {
    let (mut names, mut extent, mut server, mut python) = (Vec::new(), Extent::Full, None, None);
    let (mut json, mut scratch) = (PathBuf::from("target/bench/results.json"), None);
    while let Some(argument) = arguments.next() {
        let mut value = |what: &str| {
            arguments.next().map(PathBuf::from).ok_or_else(|| Failure::new(format!("`{argument}` needs {what}")))
        };
        match argument.as_str() {
            "--help" | "-h" => return Ok(Task::Help),
            "--list" => return Ok(Task::List),
            ROLE => {
                let role = value("a task")?;
                return Ok(Task::Role(serde_json::from_str(&role.to_string_lossy())?));
            }
            "--page" => return Ok(Task::Page { results: value("results")?, folder: value("a folder")? }),
            "--quick" => extent = Extent::Quick,
            "--tiny" => extent = Extent::Tiny,
            "--server" => server = Some(value("a program")?),
            "--python" => python = Some(value("a program")?),
            "--json" => json = value("a file")?,
            "--scratch" => scratch = Some(value("a folder")?),
            name if !name.starts_with('-') => names.push(argument),
            other => return Err(Failure::new(format!("there is no option `{other}`; see `fanfare-bench --help`"))),
        }
    }
    let server = server.ok_or_else(|| Failure::new("`--server` is missing; `cargo xtask bench` gives it"))?;
    let scratch = scratch.unwrap_or_else(|| json.with_extension("scratch"));
    Ok(Task::Measure(Options { names, extent, server, python, json, scratch }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Task> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn names_and_options_are_read_in_any_order() {
        let Ok(Task::Measure(options)) = parsed("idle --quick --server a --json x/r.json peers") else { panic!() };
        assert_eq!((options.names, options.extent), (vec!["idle".to_owned(), "peers".to_owned()], Extent::Quick));
        assert_eq!((options.server, options.scratch), ("a".into(), "x/r.scratch".into()));
    }

    #[test]
    fn what_is_missing_or_unknown_is_said() {
        let said = |line| parsed(line).err().map(|failure| failure.to_string());
        assert_eq!(said("idle").as_deref(), Some("`--server` is missing; `cargo xtask bench` gives it"));
        assert_eq!(said("--server").as_deref(), Some("`--server` needs a program"));
        assert_eq!(said("--fast").as_deref(), Some("there is no option `--fast`; see `fanfare-bench --help`"));
    }
}
