//! A refusal in words for people.

use std::fmt::Write as _;

use super::evaluate::{Failure, Refusal};
use super::event::Event;
use super::matcher::Value;
use super::rules::Rules;
use super::verdict::FilterReason;

/// The most values of a message that are quoted for one condition.
const VALUES_MAX: usize = 3;
/// The most characters of anything that is quoted.
const QUOTE_MAX: usize = 100;
/// The most alternatives of a policy that are spoken of.
const ALTERNATIVES_MAX: usize = 5;

/// Why the message does not satisfy the policy, in one line.
pub(super) fn explain(rules: Rules<'_>, event: &Event<'_>, refusal: Refusal) -> String {
    let failures = match refusal {
        Refusal::Unusable(reason) => return unusable(reason).to_owned(),
        Refusal::Mismatch(_, failures) => failures,
    };
    let mut lines: Vec<String> = Vec::new();
    for (alternative, failure) in failures.into_iter().enumerate() {
        let line = match failure {
            Failure::Condition(number) => condition(rules, event, number),
            Failure::Together => {
                let keys = rules.alternative(alternative).map(|number| rules.condition(number).key());
                let keys: Vec<String> = keys.map(|key| format!("\"{}\"", shortened(key))).collect();
                format!("keys {}: matched, but not within the same array element", keys.join(", "))
            }
        };
        // Alternatives often fail at the same condition.
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let more = lines.len().saturating_sub(ALTERNATIVES_MAX);
    lines.truncate(ALTERNATIVES_MAX);
    let mut text = lines.join("; and ");
    if more > 0 {
        let _ = write!(text, "; and {more} more alternatives failed");
    }
    text
}

/// Why no policy of the scope can match the message.
fn unusable(reason: FilterReason) -> &'static str {
    match reason {
        FilterReason::NoMessageAttributes => "the message has no attributes",
        FilterReason::InvalidAttributes => "a String.Array attribute of the message is not a JSON array",
        _ => "the message is not a JSON object",
    }
}

/// How the condition with that number fails.
fn condition(rules: Rules<'_>, event: &Event<'_>, number: usize) -> String {
    let condition = rules.condition(number);
    let wanted = shortened(condition.source());
    let key = condition.key();
    let leaves = event.flattened(rules.scope()).map(|message| message.at(key)).unwrap_or_default();
    let key = shortened(key);
    if leaves.is_empty() {
        return format!("key \"{key}\": missing, wanted {wanted}");
    }
    let mut values: Vec<String> = leaves.iter().take(VALUES_MAX).map(|leaf| quoted(&leaf.value)).collect();
    if leaves.len() > VALUES_MAX {
        values.push(format!("{} more values", leaves.len() - VALUES_MAX));
    }
    format!("key \"{key}\": none of {wanted} matched {}", values.join(", "))
}

fn quoted(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => format!("\"{}\"", shortened(text)),
        Value::Number(number) => number.to_string(),
        Value::True => "true".to_owned(),
        Value::False => "false".to_owned(),
        Value::Null => "null".to_owned(),
    }
}

/// The text on one line and not too long.
fn shortened(text: &str) -> String {
    let mut short: String =
        text.chars().take(QUOTE_MAX).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect();
    if text.chars().nth(QUOTE_MAX).is_some() {
        short.push_str("...");
    }
    short
}

#[cfg(test)]
mod tests {
    use crate::attribute::Attributes;
    use crate::filter::{Event, FilterPolicy, FilterPolicyScope};

    fn explained(policy: &str, body: &str) -> String {
        let attributes = Attributes::new();
        let policy = FilterPolicy::parse(policy, FilterPolicyScope::MessageBody).unwrap();
        policy.explain(&Event::new(&attributes, body)).unwrap()
    }

    #[test]
    fn the_condition_that_fails_is_named_with_the_values_that_it_refused() {
        assert_eq!(
            explained(r#"{"z":[1],"store":["a"]}"#, r#"{"z":1,"store":"b"}"#),
            r#"key "store": none of ["a"] matched "b""#
        );
        assert_eq!(
            explained(r#"{"k":[{"numeric":[">",5]}]}"#, r#"{"k":[1,"x",null,true,2]}"#),
            r#"key "k": none of [{"numeric":[">",5]}] matched 1, "x", null, 2 more values"#
        );
        assert_eq!(explained(r#"{"a":{"b":["v"]}}"#, "{}"), r#"key "a.b": missing, wanted ["v"]"#);
        assert_eq!(explained(r#"{"a":["v"]}"#, "plain"), "the message is not a JSON object");
    }

    #[test]
    fn conditions_that_are_met_apart_are_named_together() {
        assert_eq!(
            explained(r#"{"r":{"a":[1],"b":[2]}}"#, r#"{"r":[{"a":1},{"b":2}]}"#),
            r#"keys "r.a", "r.b": matched, but not within the same array element"#
        );
    }

    #[test]
    fn every_branch_of_an_or_says_what_fails_in_it() {
        assert_eq!(
            explained(r#"{"$or":[{"a":[1]},{"b":[2]}]}"#, r#"{"a":2}"#),
            r#"key "a": none of [1] matched 2; and key "b": missing, wanted [2]"#
        );
    }

    #[test]
    fn what_fails_in_every_branch_of_an_or_is_said_once() {
        assert_eq!(
            explained(r#"{"c":["x"],"$or":[{"a":[1]},{"a":[2]}]}"#, r#"{"a":1}"#),
            r#"key "c": missing, wanted ["x"]"#
        );
    }

    #[test]
    fn long_values_are_shortened_and_kept_on_one_line() {
        let body = format!("{{\"k\":\"a\\n{}\"}}", "b".repeat(1000));
        let text = explained(r#"{"k":["x"]}"#, &body);
        assert_eq!(text, format!("key \"k\": none of [\"x\"] matched \"a\u{fffd}{}...\"", "b".repeat(98)));
    }
}
