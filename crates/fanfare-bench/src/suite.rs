//! A run: the chosen workloads one after the other, and what becomes of their results.

use std::fs;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::arguments::Options;
use crate::context::{Context, Extent};
use crate::failure::{Failure, Result};
use crate::report::table;
use crate::row::Row;
use crate::workloads::{self, When, Workload};

/// All that a run came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Results {
    /// When it began, in UTC.
    pub(crate) begun: String,
    /// The processor and how many of them, and the kernel.
    pub(crate) machine: String,
    /// Whether it was a full run, and not a look.
    pub(crate) full: bool,
    /// How long it took, in seconds.
    pub(crate) seconds: f64,
    /// The lines, in the order of the workloads.
    pub(crate) rows: Vec<Row>,
}

/// Measures; answers whether everything could be measured.
pub(crate) fn measure(options: Options) -> Result<bool> {
    let chosen = chosen(&options.names)?;
    let context = Context::new(options.extent, options.server, options.python, options.scratch)?;
    let (begun, started) = (jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string(), Instant::now());
    let (mut rows, mut failed) = (Vec::new(), Vec::new());
    table::heading();
    for workload in chosen {
        match (workload.run)(&context) {
            Ok(mut measured) => {
                measured.iter_mut().for_each(|row| workload.name.clone_into(&mut row.workload));
                measured.iter().for_each(table::row);
                rows.extend(measured);
            }
            Err(failure) => {
                eprintln!("{}", failure.during(workload.name));
                failed.push(workload.name);
            }
        }
    }
    let full = options.extent == Extent::Full;
    let results = Results { begun, machine: machine(), full, seconds: started.elapsed().as_secs_f64(), rows };
    if let Some(folder) = options.json.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&options.json, serde_json::to_string_pretty(&results)? + "\n")?;
    table::end(&results, &options.json);
    if !failed.is_empty() {
        eprintln!("could not be measured: {}", failed.join(", "));
    }
    Ok(failed.is_empty())
}

fn chosen(names: &[String]) -> Result<Vec<Workload>> {
    let mut workloads = workloads::all();
    if let Some(unknown) = names.iter().find(|name| !workloads.iter().any(|workload| workload.name == **name)) {
        let known: Vec<_> = workloads.iter().map(|workload| workload.name).collect();
        return Err(Failure::new(format!("no workload is named `{unknown}`; there are: {}", known.join(", "))));
    }
    workloads.retain(|workload| match names {
        [] => workload.when == When::Always,
        names => names.iter().any(|name| name == workload.name),
    });
    Ok(workloads)
}

/// The machine in one line.
fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("an unknown processor");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{cores} cores of {}, Linux {}", model.trim_start_matches([' ', '\t', ':']), kernel.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_has_a_name_of_its_own() {
        let mut names: Vec<_> = workloads::all().iter().map(|workload| workload.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn what_takes_too_long_runs_by_its_name_alone() {
        let is_chosen = |names: &[String]| chosen(names).unwrap().iter().any(|workload| workload.name == "subs_12m");
        assert!(!is_chosen(&[]) && is_chosen(&["subs_12m".to_owned()]));
    }

    #[test]
    fn an_unknown_workload_is_refused() {
        let refused = chosen(&["http_fan".to_owned()]).map(drop).unwrap_err().to_string();
        assert!(refused.starts_with("no workload is named `http_fan`; there are: http_fanout_100, "), "{refused}");
    }
}
