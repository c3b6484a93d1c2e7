//! The operators of conditions.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;

use super::context::Context;
use super::error::PolicyError;
use super::pattern::{Pattern, Syntax};

/// One operator, without what stands before and behind its name, with the values that it compares with.
#[derive(Debug, Clone)]
pub(super) struct Operator {
    test: Test,
    /// Whether it is the operator's opposite that is asked for.
    pub(super) negated: bool,
}

#[derive(Debug, Clone)]
enum Test {
    Text(Vec<Pattern>),
    TextIgnoringCase(Vec<Pattern>),
    Arn(Vec<Pattern>),
    Bool(Vec<bool>),
    Number(Order, Vec<f64>),
    Date(Order, Vec<Timestamp>),
    Address(Vec<IpNet>),
}

/// How a value has to stand to the one in the policy.
#[derive(Debug, Clone, Copy)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    /// The operator of that name, such as `StringNotLike`, with these values.
    pub(super) fn parse(name: &str, values: &[String], variables: bool) -> Result<Self, PolicyError> {
        let patterns = |wildcards| -> Result<Vec<Pattern>, PolicyError> {
            values.iter().map(|text| Pattern::parse(text, Syntax { wildcards, variables })).collect()
        };
        let (positive, negated) = match name.strip_prefix("Not").or_else(|| name.strip_suffix("NotEquals")) {
            Some("IpAddress") => ("IpAddress".to_owned(), true),
            Some(kind @ ("String" | "Arn" | "Numeric" | "Date")) => (format!("{kind}Equals"), true),
            _ => match name {
                "StringNotEqualsIgnoreCase" => ("StringEqualsIgnoreCase".to_owned(), true),
                "StringNotLike" => ("StringLike".to_owned(), true),
                "ArnNotLike" => ("ArnLike".to_owned(), true),
                _ => (name.to_owned(), false),
            },
        };
        let test = match positive.as_str() {
            "StringEquals" => Test::Text(patterns(false)?),
            "StringEqualsIgnoreCase" => Test::TextIgnoringCase(patterns(false)?),
            "StringLike" => Test::Text(patterns(true)?),
            // The two are the same in IAM.
            "ArnEquals" | "ArnLike" => Test::Arn(patterns(true)?),
            "Bool" => Test::Bool(all(values, boolean)?),
            "IpAddress" => Test::Address(all(values, network)?),
            other => match (other.strip_prefix("Numeric"), other.strip_prefix("Date")) {
                (Some(order), _) => Test::Number(order_of(order, name)?, all(values, number)?),
                (_, Some(order)) => Test::Date(order_of(order, name)?, all(values, date)?),
                _ => return Err(unknown(name)),
            },
        };
        Ok(Self { test, negated })
    }

    /// Whether the value passes: it is as one of the policy's values has it, or as none of them when that is asked for.
    pub(super) fn passes(&self, value: &str, context: &Context) -> bool {
        let fits = match &self.test {
            Test::Text(patterns) => patterns.iter().any(|pattern| pattern.matches_in(value, context)),
            Test::TextIgnoringCase(patterns) => {
                patterns.iter().any(|pattern| pattern.matches_ignoring_case(value, context))
            }
            Test::Arn(patterns) => patterns.iter().any(|pattern| pattern.matches_arn(value, context)),
            Test::Bool(wanted) => boolean(value).is_some_and(|value| wanted.contains(&value)),
            Test::Number(order, wanted) => {
                number(value).is_some_and(|value| wanted.iter().any(|wanted| order.holds(value, *wanted)))
            }
            Test::Date(order, wanted) => {
                date(value).is_some_and(|value| wanted.iter().any(|wanted| order.holds(value, *wanted)))
            }
            Test::Address(networks) => value
                .parse::<IpAddr>()
                .is_ok_and(|address| networks.iter().any(|network| network.contains(&address.to_canonical()))),
        };
        fits != self.negated
    }
}

impl Order {
    fn holds<T: PartialOrd>(self, value: T, wanted: T) -> bool {
        match self {
            Self::Equal => value == wanted,
            Self::Less => value < wanted,
            Self::LessOrEqual => value <= wanted,
            Self::Greater => value > wanted,
            Self::GreaterOrEqual => value >= wanted,
        }
    }
}

fn order_of(text: &str, name: &str) -> Result<Order, PolicyError> {
    match text {
        "Equals" => Ok(Order::Equal),
        "LessThan" => Ok(Order::Less),
        "LessThanEquals" => Ok(Order::LessOrEqual),
        "GreaterThan" => Ok(Order::Greater),
        "GreaterThanEquals" => Ok(Order::GreaterOrEqual),
        _ => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> PolicyError {
    PolicyError::malformed(format!("there is no operator {name:?} here"))
}

fn all<T>(values: &[String], read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, PolicyError> {
    let read = |value: &String| {
        read(value).ok_or_else(|| PolicyError::malformed(format!("{value:?} does not fit its operator")))
    };
    values.iter().map(read).collect()
}

pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A date and time of ISO 8601, a date alone, or seconds since 1970.
fn date(text: &str) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse() {
        return Timestamp::from_second(seconds).ok();
    }
    let midnight = || format!("{text}T00:00:00Z").parse().ok();
    text.parse().ok().or_else(midnight)
}

/// A block of addresses, or one address. IPv4 addresses in the form of IPv6 are IPv4 addresses.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(|address| IpNet::from(address.to_canonical())))
}
