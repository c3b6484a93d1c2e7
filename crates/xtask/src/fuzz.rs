//! `cargo xtask fuzz`: looks for inputs that break a claim of a fuzz target.

use std::fs;
use std::path::Path;

use crate::arguments::FuzzOptions;
use crate::failure::Failure;
use crate::install::fuzzer;
use crate::run::Run;
use crate::workspace::Workspace;

/// The package of the fuzz targets.
const FOLDER: &str = "tests/fuzz";

/// Fuzzes the target that `options` name, or all of them one after the other, for as long as they say.
///
/// A target that finds something ends there, and the others still run. New inputs that reach new code are added to
/// `target/fuzz/corpus`, and next time it goes on from there; what breaks a claim lies in `tests/fuzz/artifacts`.
pub(crate) fn perform(options: &FuzzOptions, workspace: &Workspace) -> Result<(), Failure> {
    let targets = select(targets(workspace)?, options.target.as_deref())?;
    let fuzzer = fuzzer::install(workspace)?;
    let seconds = options.minutes.get().saturating_mul(60);
    let mut broken = Vec::new();
    for target in targets {
        if let Err(failure) = fuzz(&target, seconds, &fuzzer, workspace) {
            println!("   {failure}");
            broken.push(target);
        }
    }
    match broken.as_slice() {
        [] => Ok(()),
        _ => Err(Failure::new(format!(
            "{} did not hold; see {FOLDER}/artifacts and {FOLDER}/README.md",
            broken.join(", ")
        ))),
    }
}

/// The names of all targets, in alphabetical order.
fn targets(workspace: &Workspace) -> Result<Vec<String>, Failure> {
    let folder = workspace.root().join(FOLDER).join("fuzz_targets");
    let unreadable = |error| Failure::new(format!("{} cannot be read: {error}", folder.display()));
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".rs").map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// The target of that name alone, or all.
fn select(targets: Vec<String>, wanted: Option<&str>) -> Result<Vec<String>, Failure> {
    match wanted {
        None => Ok(targets),
        Some(wanted) if targets.iter().any(|target| target == wanted) => Ok(vec![wanted.to_owned()]),
        Some(wanted) => {
            Err(Failure::new(format!("no fuzz target is named `{wanted}`; there are: {}", targets.join(", "))))
        }
    }
}

fn fuzz(target: &str, seconds: u32, fuzzer: &Path, workspace: &Workspace) -> Result<(), Failure> {
    // The first folder is where the fuzzer adds what it finds; from the others it only starts.
    let found = format!("target/fuzz/corpus/{target}");
    let found_folder = workspace.root().join(&found);
    fs::create_dir_all(&found_folder)
        .map_err(|error| Failure::new(format!("{} cannot be made: {error}", found_folder.display())))?;
    let mut corpora = vec![found];
    for kept in ["corpus", "regressions"] {
        let folder = format!("{FOLDER}/{kept}/{target}");
        corpora.extend(workspace.root().join(&folder).is_dir().then_some(folder));
    }
    let dictionary = format!("{FOLDER}/dictionaries/{target}.dict");
    let has_dictionary = workspace.root().join(&dictionary).is_file();

    // Sanitizers need a nightly toolchain, and find what safe Rust does not have. Code in several units is a little slower
    // and much sooner there.
    Run::program(fuzzer, workspace)
        .args(["run", "--fuzz-dir", FOLDER, "--target-dir", "target/fuzz", "--sanitizer", "none"])
        .args(["--codegen-units", "8", target])
        .args(corpora)
        .args(["--", "-timeout=10"])
        .args([format!("-max_total_time={seconds}")])
        .args(has_dictionary.then(|| format!("-dict={dictionary}")))
        .stream()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_program() {
        let names = targets(&Workspace::of_this_run().unwrap()).unwrap();
        assert_eq!(
            names,
            [
                "certificate",
                "delivery_policy",
                "egress_target",
                "envelope",
                "filter_index",
                "filter_policy",
                "query_request",
                "verifier"
            ]
        );
    }

    #[test]
    fn a_target_that_does_not_exist_is_refused_with_those_that_do() {
        let targets = || vec!["envelope".to_owned(), "verifier".to_owned()];
        assert_eq!(select(targets(), None).unwrap(), ["envelope", "verifier"]);
        assert_eq!(select(targets(), Some("verifier")).unwrap(), ["verifier"]);
        assert_eq!(
            select(targets(), Some("envelop")).unwrap_err().to_string(),
            "no fuzz target is named `envelop`; there are: envelope, verifier"
        );
    }
}
