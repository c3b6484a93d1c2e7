//! `fanfare filter`: a filter policy tried on a message, without a server.

use std::collections::BTreeMap;
use std::io::{Read as _, stdin};
use std::process::ExitCode;

use clap::Args;
use fanfare_server::admin::{AttributeInput, FilterTrial, FilterVerdict};
use serde_json::Value;

use super::arguments::Output;
use super::screen::{Colour, Screen};
use super::trouble::Trouble;

/// A policy, and a message to try it on.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The filter policy, or @FILE, or - for standard input.
    policy: String,
    /// The message's text, or @FILE, or - for standard input.
    #[arg(default_value = "", hide_default_value = true)]
    message: String,
    /// What the policy looks at: MessageAttributes or MessageBody. By default the attributes if there are any, and otherwise the
    /// text.
    #[arg(long)]
    scope: Option<String>,
    /// The message's attributes as JSON: {"store": "x", "price": 5, "tags": ["a", "b"]}, or as the AWS CLI takes them.
    #[arg(long, value_name = "JSON")]
    attributes: Option<String>,
    /// How the answer is shown.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// Exits with 0 when the policy matches, 1 when it does not, 2 when it cannot be tried.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match judge(arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(trouble) => {
            trouble.tell();
            ExitCode::from(2)
        }
    }
}

fn judge(arguments: &Arguments) -> Result<bool, Trouble> {
    let attributes = arguments.attributes.as_deref().map(read_attributes).transpose()?.unwrap_or_default();
    let scope = match &arguments.scope {
        Some(scope) => scope.clone(),
        None if arguments.attributes.is_some() => "MessageAttributes".to_owned(),
        None => "MessageBody".to_owned(),
    };
    let trial = FilterTrial {
        policy: Value::String(content("POLICY", &arguments.policy)?),
        scope: Some(scope.clone()),
        message: content("MESSAGE", &arguments.message)?,
        attributes,
    };
    let verdict = trial.verdict().map_err(|error| Trouble::new(error.message()))?;
    let screen = Screen::new();
    if !screen.json(arguments.output, &verdict)? {
        show(screen, &verdict, &scope);
    }
    Ok(verdict.matches)
}

fn show(screen: Screen, verdict: &FilterVerdict, scope: &str) {
    match &verdict.because {
        None => screen.line(format_args!("{}  ({scope})", screen.painted(Colour::Green, "match"))),
        Some(because) => screen.line(format_args!("{}  {because}  ({scope})", screen.painted(Colour::Red, "no match"))),
    }
}

/// An argument, or what the file or standard input that it names holds.
fn content(name: &str, argument: &str) -> Result<String, Trouble> {
    let read = match argument.strip_prefix('@') {
        Some(file) => std::fs::read_to_string(file),
        None if argument == "-" => {
            let mut text = String::new();
            stdin().read_to_string(&mut text).map(|_| text)
        }
        None => return Ok(argument.to_owned()),
    };
    read.map_err(|error| Trouble::new(format_args!("{name} {argument} cannot be read: {error}")))
}

/// Attributes by their values, or as the AWS CLI takes them.
fn read_attributes(text: &str) -> Result<BTreeMap<String, AttributeInput>, Trouble> {
    let wrong = |detail: &dyn std::fmt::Display| Trouble::new(format_args!("--attributes: {detail}"));
    let attributes: BTreeMap<String, Value> = serde_json::from_str(text).map_err(|error| wrong(&error))?;
    let read = |(name, value): (String, Value)| {
        let attribute = attribute(&value)
            .ok_or_else(|| wrong(&format_args!("the value of {name} must be a text, a number or an array")))?;
        Ok((name, attribute))
    };
    attributes.into_iter().map(read).collect()
}

fn attribute(value: &Value) -> Option<AttributeInput> {
    let (data_type, value) = match value {
        Value::String(text) => ("String", text.clone()),
        Value::Number(number) => ("Number", number.to_string()),
        Value::Array(_) => ("String.Array", value.to_string()),
        Value::Object(members) => {
            let value = members.get("StringValue").or_else(|| members.get("BinaryValue"))?;
            (members.get("DataType")?.as_str()?, value.as_str()?.to_owned())
        }
        Value::Bool(_) | Value::Null => return None,
    };
    Some(AttributeInput { data_type: data_type.to_owned(), value })
}
