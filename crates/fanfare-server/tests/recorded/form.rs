//! Parameters as the recordings write them, and the form in which clients send them.

use serde_json::Value;

/// The pairs that a client sends for `parameters`, which is an object.
pub(crate) fn pairs(parameters: &Value) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for (name, value) in object(parameters) {
        append(&mut pairs, name, name, value);
    }
    pairs
}

fn append(pairs: &mut Vec<(String, String)>, path: &str, name: &str, value: &Value) {
    match value {
        Value::String(text) => pairs.push((path.to_owned(), text.clone())),
        Value::Bool(_) | Value::Number(_) => pairs.push((path.to_owned(), value.to_string())),
        Value::Array(items) if items.is_empty() => pairs.push((path.to_owned(), String::new())),
        Value::Array(items) => {
            for (number, item) in (1..).zip(items) {
                append(pairs, &format!("{path}.member.{number}"), "", item);
            }
        }
        Value::Object(entries) => {
            for (number, (key, entry)) in (1..).zip(entries) {
                match name {
                    // A member of a list: its parts have names.
                    "" => append(pairs, &format!("{path}.{key}"), key, entry),
                    "MessageAttributes" => {
                        pairs.push((format!("{path}.entry.{number}.Name"), key.clone()));
                        append(pairs, &format!("{path}.entry.{number}.Value"), "", entry);
                    }
                    _ => {
                        pairs.push((format!("{path}.entry.{number}.key"), key.clone()));
                        append(pairs, &format!("{path}.entry.{number}.value"), "", entry);
                    }
                }
            }
        }
        Value::Null => panic!("{path} is null, which no client can send"),
    }
}

/// The members of an object.
pub(crate) fn object(value: &Value) -> &serde_json::Map<String, Value> {
    value.as_object().expect("the value is an object")
}
