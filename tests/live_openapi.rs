//! The document of the JSON API, judged by a validator that others wrote.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

/// What the PyPI package openapi-spec-validator says of a document: whether it is valid, and its words.
fn judge(document: &Value) -> (bool, String) {
    let python = std::env::var_os("FANFARE_PYTHON").expect("FANFARE_PYTHON is set by `cargo xtask test`");
    let mut child = Command::new(python)
        .args(["-m", "openapi_spec_validator", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(document.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
#[ignore = "needs openapi-spec-validator, which `cargo xtask test` installs"]
fn the_document_of_the_json_api_is_valid_openapi() {
    let document = serde_json::to_value(fanfare_server::admin::document()).unwrap();
    assert_eq!(judge(&document), (true, "stdin: OK\n".to_owned()));
}

#[test]
#[ignore = "needs openapi-spec-validator, which `cargo xtask test` installs"]
fn the_validator_notices_a_path_without_its_parameter() {
    let mut document = serde_json::to_value(fanfare_server::admin::document()).unwrap();
    document["paths"]["/fanfare/v1/topics/{topic}"]["get"]["parameters"] = Value::Array(Vec::new());
    let (valid, said) = judge(&document);
    assert!(!valid && said.contains("topic"), "{said}");
}
