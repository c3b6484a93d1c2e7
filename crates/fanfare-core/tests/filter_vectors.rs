//! Filter policies against the golden data: each case of the four documents is one named test.
//!
//! Optional cases that are not followed carry the reason in their name, and are tested to be decided the other way.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::str::FromStr;

use base64::Engine as _;
use bytes::Bytes;
use fanfare_core::attribute::{AttributeValue, Attributes};
use fanfare_core::filter::{Event, FilterPolicy, FilterPolicyError, FilterPolicyScope};
use fanfare_testkit::vectors;
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

/// The optional match cases that are not followed, and why.
const NOT_FOLLOWED: [(u64, &str); 5] = [
    (572, "an IPv4 block accepts no IPv6 address here"),
    (1019, "numbers are compared as doubles, not rounded to six decimals"),
    (1020, "numbers are compared as doubles, not rounded to six decimals"),
    (1031, "numbers are compared as doubles, not rounded to six decimals"),
    (1032, "numbers are compared as doubles, not rounded to six decimals"),
];

/// How the current service names the source of a place.
const REDACTED: &str = "REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled)";

type Outcome = Result<(), Failed>;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    trials.extend(match_trials("filter-policy-match"));
    trials.extend(match_trials("filter-policy-match-large"));
    trials.extend(accepted_trials());
    trials.extend(invalid_trials());
    trials.extend(complexity_trials());
    trials.extend(wildcard_trials());
    libtest_mimic::run(&arguments, trials).exit();
}

fn match_trials(document: &'static str) -> impl Iterator<Item = Trial> {
    vectors::cases(document, "cases").into_iter().map(move |case| {
        let id = case["id"].as_u64().unwrap();
        let mut name = format!("{document}/{id:04} {}", text(&case, "source"));
        let not_followed = NOT_FOLLOWED.iter().find(|(known, _)| *known == id);
        if let Some((_, reason)) = not_followed {
            assert_eq!(case["optional"], true, "case {id} is not optional");
            name += &format!(" (not followed: {reason})");
        }
        let expected = (case["expect"] == true) != not_followed.is_some();
        Trial::test(name, move || check_match(&case, expected))
    })
}

fn check_match(case: &Value, expected: bool) -> Outcome {
    let scope = FilterPolicyScope::from_str(text(case, "scope"))?;
    let policy = FilterPolicy::parse(&policy_text(case), scope)?;
    let attributes = attributes(case);
    let body = match case.get("body_text") {
        Some(body) => body.as_str().unwrap().to_owned(),
        None => case.get("body").map(Value::to_string).unwrap_or_default(),
    };
    let event = Event::new(&attributes, &body);
    let verdict = policy.matches(&event);
    let explanation = policy.explain(&event);
    if verdict.is_match() != expected {
        return Err(format!("{verdict:?}, {explanation:?}: {case}").into());
    }
    if explanation.is_none() != verdict.is_match() {
        return Err(format!("{verdict:?} but {explanation:?}: {case}").into());
    }
    Ok(())
}

fn accepted_trials() -> impl Iterator<Item = Trial> {
    numbered("filter-policy-invalid", "accepted").map(|(number, case)| {
        Trial::test(format!("filter-policy-invalid/accepted {number:03}"), move || {
            let policy_text = policy_text(&case);
            let policy = FilterPolicy::parse(&policy_text, FilterPolicyScope::MessageBody)?;
            equal(policy.text(), &policy_text)
        })
    })
}

fn invalid_trials() -> impl Iterator<Item = Trial> {
    numbered("filter-policy-invalid", "cases").map(|(number, case)| {
        let mut name = format!("filter-policy-invalid/{number:03} {} {}", text(&case, "basis"), text(&case, "class"));
        if is_overtaken(&case) {
            name += " (accepted: documented as supported by now)";
        }
        Trial::test(name, move || check_invalid(&case))
    })
}

fn check_invalid(case: &Value) -> Outcome {
    if let Some(value) = case.get("value") {
        let error = FilterPolicyScope::from_str(value.as_str().unwrap()).unwrap_err();
        return check_recorded(case, &error);
    }
    let policy_text = policy_text(case);
    let scope = match case.get("scope").and_then(Value::as_str) {
        Some(scope) => FilterPolicyScope::from_str(scope)?,
        None => FilterPolicyScope::MessageBody,
    };
    if policy_text == "{}" {
        // The engine refuses it, tools clear policies with it, and the vectors' note asks for its acceptance.
        assert!(FilterPolicy::parse(&policy_text, scope)?.is_empty());
        return Ok(());
    }
    if is_overtaken(case) {
        return FilterPolicy::parse(&policy_text, scope).map(drop).map_err(Failed::from);
    }
    let error = match FilterPolicy::parse(&policy_text, scope) {
        Ok(_) => return Err(format!("accepted: {case}").into()),
        Err(error) => error,
    };
    if case["basis"] == "aws-recorded" { check_recorded(case, &error) } else { check_engine(case, &error) }
}

/// Whether a recorded refusal is of something that the service's documentation lists as supported since.
fn is_overtaken(case: &Value) -> bool {
    case["note"].as_str().is_some_and(|note| note.ends_with("as supported: accept it."))
}

/// The whole answer of a recorded case, but for the source that it quotes.
fn check_recorded(case: &Value, error: &FilterPolicyError) -> Outcome {
    let answer = match text(case, "operation") {
        "Subscribe" => error.subscribe_error(),
        _ => error.set_attributes_error(),
    };
    equal(answer.code().as_str(), text(case, "code"))?;
    assert_eq!(u64::from(answer.code().http_status()), case["http_status"].as_u64().unwrap());
    equal(answer.message(), &redacted(text(case, "message")))
}

/// The whole text of the engine; of texts that are no JSON the first line, because newer parsers point one column
/// further left at an unexpected character.
fn check_engine(case: &Value, error: &FilterPolicyError) -> Outcome {
    if case["class"] == "json" {
        let first_line = redacted(text(case, "engine_first_line"));
        equal(error.first_line(), &format!("failed to parse JSON. {first_line}"))
    } else {
        equal(error.first_line(), text(case, "engine_first_line"))?;
        equal(&error.to_string(), &redacted(text(case, "engine_message")))
    }
}

fn complexity_trials() -> impl Iterator<Item = Trial> {
    numbered("filter-policy-complexity", "cases").map(|(number, case)| {
        let name = format!("filter-policy-complexity/{number:03} {}", text(&case, "verdict"));
        Trial::test(name, move || {
            let scope = FilterPolicyScope::from_str(text(&case, "scope"))?;
            let parsed = FilterPolicy::parse(&policy_text(&case), scope);
            match (text(&case, "verdict"), parsed) {
                ("accept", parsed) => parsed.map(drop).map_err(Failed::from),
                (verdict, Err(error)) => equal(&error.to_string(), verdict),
                (verdict, Ok(_)) => Err(format!("accepted instead of: {verdict}").into()),
            }
        })
    })
}

fn wildcard_trials() -> impl Iterator<Item = Trial> {
    let examples = vectors::document("filter-policy-complexity")["wildcard_limits"]["examples"].clone();
    let examples = examples.as_array().unwrap().clone();
    examples.into_iter().enumerate().map(|(number, example)| {
        Trial::test(format!("filter-policy-complexity/wildcards {number:03}"), move || {
            let parsed = FilterPolicy::parse(&policy_text(&example), FilterPolicyScope::MessageBody);
            equal(&parsed.is_ok().to_string(), &example["wildcard_points"].is_u64().to_string())
        })
    })
}

/// The attributes of a case, given in their delivered form.
fn attributes(case: &Value) -> Attributes {
    let mut attributes = Attributes::new();
    for (name, attribute) in case.get("attributes").and_then(Value::as_object).into_iter().flatten() {
        let data_type = text(attribute, "Type");
        let value = match &attribute["Value"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let value = if data_type.starts_with("Binary") {
            let bytes = base64::engine::general_purpose::STANDARD.decode(value).unwrap();
            AttributeValue::Binary(Bytes::from(bytes))
        } else {
            AttributeValue::Text(value)
        };
        attributes.insert(name, data_type, value).unwrap();
    }
    attributes
}

fn policy_text(case: &Value) -> String {
    match case.get("policy_text") {
        Some(policy) => policy.as_str().unwrap().to_owned(),
        None => match &case["policy"] {
            Value::String(text) => text.clone(),
            policy => policy.to_string(),
        },
    }
}

/// The text with every quoted source left out, as the service does now.
fn redacted(message: &str) -> String {
    let mut redacted = String::new();
    let mut rest = message;
    while let Some((before, quoted)) = rest.split_once("(String)\"") {
        // A quoted source ends at the last quotation mark before the line and column that come with it.
        let (_, after) = quoted.split_once("\"; line: ").unwrap();
        redacted += before;
        redacted += REDACTED;
        redacted += "; line: ";
        rest = after;
    }
    redacted + rest
}

fn numbered(document: &str, list: &str) -> impl Iterator<Item = (usize, Value)> {
    vectors::cases(document, list).into_iter().enumerate()
}

fn text<'v>(case: &'v Value, key: &str) -> &'v str {
    case[key].as_str().unwrap_or_else(|| panic!("{key} is missing in {case}"))
}

fn equal(ours: &str, theirs: &str) -> Outcome {
    if ours == theirs { Ok(()) } else { Err(format!("\n  ours:   {ours}\n  theirs: {theirs}").into()) }
}
