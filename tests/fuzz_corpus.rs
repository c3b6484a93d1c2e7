//! Hands every input that was kept for a fuzz target to that target, once: each is a test by the name of its file.
//!
//! `fuzz/README.md` says how inputs are found.

#[allow(unreachable_pub, reason = "public where it is a crate, in the package of the fuzz targets")]
#[path = "fuzz/src/lib.rs"]
mod fuzz;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

/// A function from bytes to claims that hold for all bytes.
type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 8] = [
    ("certificate", fuzz::certificate),
    ("delivery_policy", fuzz::delivery_policy),
    ("egress_target", fuzz::egress_target),
    ("envelope", fuzz::envelope),
    ("filter_index", fuzz::filter_index),
    ("filter_policy", fuzz::filter_policy),
    ("query_request", fuzz::query_request),
    ("verifier", fuzz::verifier),
];

fn main() -> ExitCode {
    let mut trials = vec![Trial::test("every_program_is_replayed_and_has_a_corpus", every_program_is_replayed)];
    for (name, target) in TARGETS {
        for kept in ["corpus", "regressions"] {
            for path in entries(&folder().join(kept).join(name)) {
                let file = file_name(&path);
                trials.push(Trial::test(format!("{name}::{kept}::{file}"), move || replay(target, &path)));
            }
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn replay(target: Target, path: &Path) -> Result<(), Failed> {
    target(&fs::read(path)?);
    Ok(())
}

fn every_program_is_replayed() -> Result<(), Failed> {
    let replayed: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let programs = entries(&folder().join("fuzz_targets"));
    let programs = programs.iter().map(|path| file_name(path).trim_end_matches(".rs").to_owned()).collect();
    assert_eq!(replayed, programs, "fuzz_targets");
    for name in replayed {
        assert!(!entries(&folder().join("corpus").join(&name)).is_empty(), "{name} has no corpus");
    }
    let regressions: BTreeSet<String> =
        entries(&folder().join("regressions")).iter().map(|path| file_name(path)).collect();
    assert!(regressions.iter().all(|name| TARGETS.iter().any(|(known, _)| known == name)), "{regressions:?}");
    Ok(())
}

/// The package of the fuzz targets.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// What lies in `folder`, in the order of the names; nothing when there is no such folder.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("the folder is readable").path()).collect();
    paths.sort();
    paths
}

fn file_name(path: &Path) -> String {
    path.file_name().expect("an entry of a folder has a name").to_string_lossy().into_owned()
}
