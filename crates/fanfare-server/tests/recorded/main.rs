//! What Amazon SNS was seen to answer, asked of the running program over sockets, case by case.
//!
//! Every case has an account of its own, so that what one of them makes is nothing to another: the names and ARNs are those of
//! the recording, with the account put in.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod account;
mod answers;
mod attributes;
mod documented;
mod errors;
mod form;
mod placeholders;
mod program;
mod reply;
mod requests;
mod scene;
mod template;
mod validation;

use std::process::ExitCode;
use std::sync::Arc;

use fanfare_testkit::vectors;
use libtest_mimic::{Arguments, Trial};
use serde_json::Value;

use crate::account::Account;
use crate::program::{PROTOCOLS, Program};

/// What one case asserts, with an account that nothing was done in.
type Claim = fn(&Account, &Value) -> Result<(), libtest_mimic::Failed>;

/// A file, a list in it, what its cases assert, and how many there are: a change that empties or renames the vectors must not
/// pass for success.
const FILES: [(&str, &str, Claim, usize); 7] = [
    ("api-errors", "cases", errors::refused, 176),
    ("validation", "size", validation::size, 6),
    ("validation", "message_structure_json", validation::structure, 8),
    ("validation", "cases", validation::input, 70),
    ("aws-attributes", "cases", attributes::shown, 27),
    ("query-requests", "cases", requests::performed, 30),
    ("query-responses", "cases", answers::shaped, 22),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let program = Arc::new(Program::start(PROTOCOLS));
    let mut trials = Vec::new();
    for (file_number, (file, list, claim, count)) in (1..).zip(FILES) {
        let cases = vectors::cases(file, list);
        assert_eq!(cases.len(), count, "the list {list} of {file} is complete");
        for (number, case) in cases.into_iter().enumerate() {
            let account = Account::new(&program, format!("{file_number}{number:011}"));
            let what = ["operation", "what", "key"].into_iter().find_map(|key| case[key].as_str());
            let name = format!("{file} {list} {number} {}", what.unwrap_or_default());
            trials.push(Trial::test(name, move || claim(&account, &case)));
        }
    }
    let account = Account::new(&program, "800000000000".to_owned());
    let larger = "larger_messages_are_for_at_most_a_hundred_queues_and_functions";
    trials.push(Trial::test(larger, move || documented::larger_messages(&account)));
    drop(program);
    libtest_mimic::run(&arguments, trials).exit_code()
}
