//! The demo, and what looks after its directory, as a newcomer runs them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A directory that goes when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn fanfare(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
    command.args(arguments);
    command
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_demo_that_is_killed_half_way_is_finished_by_another_on_the_same_directory() {
    let folder = Folder::new("killed-demo");
    let data = folder.0.to_str().unwrap();
    let mut child = fanfare(&["demo", "--data", data]).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // The subscriber that fails twice has failed once: its second attempt is a tenth of a second away.
    let failed = lines.map(Result::unwrap).find(|line| line.contains("failed, again in"));
    assert!(failed.is_some(), "nothing failed in the demo");
    child.kill().unwrap();
    child.wait().unwrap();

    let output = fanfare(&["demo", "--data", data]).output().unwrap();
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("Left over from an earlier run: "), "{text}");
    assert!(text.contains("subscribed since an earlier run"), "{text}");
    let last = text.lines().last().unwrap();
    let words: Vec<_> = last.split(' ').collect();
    assert_eq!((words[0], words[1], words[2]), ("delivered", words[3], "of"), "{last}");
    assert!(words[1].parse::<u32>().unwrap() > 17, "{last}");
}

#[test]
fn the_directory_of_a_demo_can_be_checked_and_copied() {
    let (folder, copy) = (Folder::new("kept-demo"), Folder::new("kept-demo-copy"));
    let (data, to) = (folder.0.to_str().unwrap(), copy.0.to_str().unwrap());
    assert!(fanfare(&["demo", "--data", data]).output().unwrap().status.success());
    assert!(fanfare(&["store", "backup", data, to]).output().unwrap().status.success());
    for directory in [data, to] {
        let output = fanfare(&["store", "check", directory]).output().unwrap();
        assert!(output.status.success());
        assert_eq!(text(&output).lines().last(), Some("sound"), "{}", text(&output));
    }
}

#[test]
fn a_directory_that_is_none_is_refused_with_a_line_that_names_it() {
    let output = fanfare(&["store", "check", "/nonexistent/fanfare"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with("fanfare: ") && error.contains("/nonexistent/fanfare"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}
