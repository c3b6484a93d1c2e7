//! Every workload runs to its end and comes to numbers, at sizes that measure nothing.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

#[test]
fn every_workload_comes_to_numbers() {
    let bench = Command::new(env!("CARGO_BIN_EXE_fanfare-bench")).arg("--list").output().unwrap();
    let list = String::from_utf8(bench.stdout).unwrap();
    let names: Vec<&str> = list.lines().filter_map(|line| line.split(' ').next()).collect();
    let here: Vec<&str> = names.iter().copied().filter(|name| !["append_vs_nats", "peers"].contains(name)).collect();
    let results = measured("all", &here, &[]);
    for name in here {
        let rows: Vec<_> = results["rows"].as_array().unwrap().iter().filter(|row| row["workload"] == name).collect();
        assert!(!rows.is_empty(), "{name}");
        for row in rows {
            assert!(row["result"]["median"].as_f64().is_some_and(f64::is_finite), "{row}");
        }
    }
}

#[test]
#[ignore = "needs nats-server, which `cargo xtask test` installs"]
fn nats_is_measured_too() {
    let results = measured("nats", &["append_vs_nats"], &[]);
    let row = &results["rows"][0];
    assert_eq!(row["workload"], "append_vs_nats");
    assert!(row["result"]["median"].as_f64().is_some_and(|ratio| ratio > 0.0), "{row}");
}

#[test]
#[ignore = "needs a Python with moto, which `cargo xtask test` installs"]
fn the_other_server_is_measured_too() {
    let python = std::env::var("FANFARE_PYTHON").expect("`cargo xtask test` sets FANFARE_PYTHON");
    let results = measured("peers", &["peers"], &["--python", &python]);
    let row = &results["rows"][0];
    assert_eq!(row["workload"], "peers");
    assert!(row["result"]["median"].as_f64().is_some_and(|ratio| ratio > 0.0), "{row}");
}

/// What these workloads come to, and that a page can be made of it.
fn measured(name: &str, workloads: &[&str], options: &[&str]) -> Value {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{name}"));
    let json = folder.join("results.json");
    let bench = |arguments: &mut Command| {
        let output = arguments.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stdout));
    };
    bench(
        Command::new(env!("CARGO_BIN_EXE_fanfare-bench"))
            .args(["--tiny", "--server"])
            .arg(server())
            .arg("--json")
            .arg(&json)
            .args(options)
            .args(workloads),
    );
    bench(Command::new(env!("CARGO_BIN_EXE_fanfare-bench")).arg("--page").args([&json, &folder]));
    let page = std::fs::read_to_string(folder.join("README.md")).unwrap();
    assert!(page.contains("targets met"), "{page}");
    serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap()
}

/// The server of this build; Cargo makes it beside this program when it tests the whole workspace, and else here.
fn server() -> PathBuf {
    let server = PathBuf::from(env!("CARGO_BIN_EXE_fanfare-bench")).with_file_name("fanfare");
    if !server.exists() {
        let build =
            Command::new(env!("CARGO")).args(["build", "--package", "fanfare-server", "--bin", "fanfare"]).status();
        assert!(build.unwrap().success(), "the server does not build");
    }
    server
}
