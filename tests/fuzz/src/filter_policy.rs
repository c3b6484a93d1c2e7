//! Filter policies: reading them, and asking them about messages.

use fanfare_core::attribute::AttributeValue;
use fanfare_core::filter::{Event, Verdict};
use fanfare_core::{Attributes, FilterPolicy, FilterPolicyScope};

use super::parts::Parts;

/// Reads a policy in both scopes and asks it about a message.
///
/// The input's parts: the policy, the message's text, then for each attribute its name, type and value.
///
/// Claims: a policy's text makes an equal policy again; a refusal has words; a policy says the same of a message however
/// often it is asked, and explains exactly what it filters out, on one line; white space between the tokens of the policy
/// or of the message changes nothing.
pub fn filter_policy(data: &[u8]) {
    let mut parts = Parts::new(data);
    let policy = parts.text();
    let body = parts.text();
    let attributes = attributes(&mut parts);
    for scope in [FilterPolicyScope::MessageAttributes, FilterPolicyScope::MessageBody] {
        check(&policy, scope, &attributes, &body);
    }
}

fn attributes(parts: &mut Parts<'_>) -> Attributes {
    let mut attributes = Attributes::new();
    while let Some(name) = parts.next_text() {
        let data_type = parts.text();
        let value = parts.text();
        let value = match data_type.starts_with("Binary") {
            true => AttributeValue::Binary(value.into_owned().into()),
            false => AttributeValue::Text(value.into_owned()),
        };
        // A refused attribute is left out, as is one that no message can have.
        let _ = attributes.insert(&name, &data_type, value);
    }
    attributes
}

fn check(text: &str, scope: FilterPolicyScope, attributes: &Attributes, body: &str) {
    let parsed = FilterPolicy::parse(text, scope);
    let spaced_out = FilterPolicy::parse(&spaced(text), scope);
    let policy = match parsed {
        Ok(policy) => policy,
        Err(error) => {
            assert!(!error.first_line().is_empty());
            assert!(error.to_string().starts_with(error.first_line()));
            assert!(error.subscribe_error().message().ends_with(&error.to_string()));
            assert!(spaced_out.is_err(), "white space makes the policy acceptable");
            return;
        }
    };
    assert_eq!(policy.text(), text);
    assert_eq!(policy.scope(), scope);
    let again = FilterPolicy::parse(policy.text(), scope).expect("a policy's text is acceptable");
    assert_eq!(policy, again);

    let event = Event::new(attributes, body);
    let verdict = policy.matches(&event);
    assert_eq!(policy.matches(&event), verdict, "the same policy of the same event");
    assert_eq!(again.matches(&Event::new(attributes, body)), verdict, "an equal policy of an equal event");
    let spaced_out = spaced_out.expect("white space between tokens is no fault");
    assert_eq!(spaced_out.matches(&event), verdict, "the policy with more white space");
    assert_eq!(policy.matches(&Event::new(attributes, &spaced(body))), verdict, "a message with more white space");
    if policy.is_empty() {
        assert_eq!(verdict, Verdict::Match);
    }

    let explanation = policy.explain(&event);
    assert_eq!(explanation.is_none(), verdict.is_match(), "{explanation:?}");
    if let Some(explanation) = explanation {
        assert!(!explanation.is_empty() && !explanation.contains(['\n', '\r']), "{explanation:?}");
    }
}

/// `json` with a space before and after each brace, bracket, colon and comma outside of strings.
fn spaced(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        let structural = !in_string && matches!(c, '{' | '}' | '[' | ']' | ':' | ',');
        if structural {
            out.push(' ');
        }
        out.push(c);
        if structural {
            out.push(' ');
        }
        in_string ^= c == '"' && !escaped;
        escaped = in_string && c == '\\' && !escaped;
    }
    out
}
