//! Libraries that are put before the C library of a worker, compiled from C when a test needs them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// The library made of the C source `name` beside this file, compiled once in each test process.
pub(crate) fn library(name: &'static str) -> PathBuf {
    static COMPILED: Mutex<BTreeMap<&'static str, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    compiled.entry(name).or_insert_with(|| compile(name)).clone()
}

fn compile(name: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("durability").join(name);
    // Another process may have the last one in use: it keeps the file that it has.
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.so"));
    let unfinished = library.with_extension(format!("{}", std::process::id()));
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&unfinished).arg(source).arg("-ldl");
    let output = compiler.output().unwrap_or_else(|error| panic!("cc does not start: {error}"));
    assert!(output.status.success(), "cc: {}", String::from_utf8_lossy(&output.stderr));
    std::fs::rename(unfinished, &library).unwrap();
    library
}
