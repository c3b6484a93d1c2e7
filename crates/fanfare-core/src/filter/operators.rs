//! The match values of a key: plain scalars and operators.
//!
//! Each refusal comes at the point where Amazon's engine gives up, since that decides the place that the error names.

use super::address::Cidr;
use super::error::FilterPolicyError;
use super::matcher::{Exclusion, Matcher, NumericBound, NumericRange};
use super::parse::{ParsedCondition, Parser};
use super::paths::PathId;
use super::pool::{Pool, Span};
use super::text_set::{PrefixSet, TextSet, folded, reversed};
use super::wildcard::Wildcard;
use crate::json::Kind;

const ONE_KEY: &str = "Only one key allowed in match expression";
const TOO_MANY: &str = "Too many elements in numeric expression";

type Result<T> = std::result::Result<T, FilterPolicyError>;

impl Parser<'_, '_> {
    /// Reads the list of match values that has just been entered.
    pub(super) fn condition(&mut self, path: PathId, depth: u64) -> Result<ParsedCondition> {
        let start = self.end() - 1;
        let mut matchers = Vec::new();
        loop {
            matchers.push(match self.next() {
                Kind::EndArray if matchers.is_empty() => return Err(self.refuse("Empty arrays are not allowed")),
                Kind::EndArray => break,
                Kind::StartObject => self.expression()?,
                Kind::Text => Matcher::text(self.look(), self.span()),
                Kind::Number => Matcher::Number(self.number()),
                Kind::True => Matcher::True,
                Kind::False => Matcher::False,
                Kind::Null => Matcher::Null,
                _ => return Err(self.refuse("Match value must be String, number, true, false, or null")),
            });
        }
        Ok(ParsedCondition { path, matchers, depth, source: Pool::own(start, self.end() - start) })
    }

    /// Reads an operator with its operand, up to the end of their object.
    fn expression(&mut self) -> Result<Matcher> {
        if self.next() != Kind::Field {
            return Err(self.refuse("Match expression name not found"));
        }
        match self.look() {
            "exactly" => self.string_operator("exact", |parser| Matcher::Text(parser.span())),
            "prefix" => self.affix("prefix", "Prefix", Matcher::Prefix, Matcher::PrefixIgnoreCase),
            "suffix" => self.affix("suffix", "Suffix", Matcher::Suffix, Matcher::SuffixIgnoreCase),
            "equals-ignore-case" => {
                self.string_operator("equals-ignore-case", |parser| Matcher::IgnoreCase(parser.folded_span()))
            }
            "wildcard" => {
                if self.next() != Kind::Text {
                    return Err(self.refuse("wildcard match pattern must be a string"));
                }
                let wildcard = self.wildcard()?;
                self.end_object(ONE_KEY)?;
                Ok(Matcher::Wildcard(Box::new(wildcard)))
            }
            "numeric" => self.numeric(),
            "exists" => self.exists(),
            "cidr" => self.cidr(),
            "anything-but" => self.anything_but().map(|exclusion| Matcher::AnythingBut(Box::new(exclusion))),
            name => Err(self.refuse(format!("Unrecognized match type {name}"))),
        }
    }

    fn string_operator(&mut self, name: &str, matcher: impl FnOnce(&mut Self) -> Matcher) -> Result<Matcher> {
        if self.next() != Kind::Text {
            return Err(self.refuse(format!("{name} match pattern must be a string")));
        }
        let matcher = matcher(self);
        self.end_object(ONE_KEY)?;
        Ok(matcher)
    }

    /// Reads the operand of `prefix` or `suffix`: a string, or a string to compare without regard to case.
    fn affix(
        &mut self,
        name: &str,
        title: &str,
        exact: impl FnOnce(Span) -> Matcher,
        ignore_case: impl FnOnce(Span) -> Matcher,
    ) -> Result<Matcher> {
        let matcher = match self.next() {
            Kind::Text => exact(self.span()),
            Kind::StartObject => {
                if self.next() != Kind::Field {
                    return Err(self.refuse(format!("{title} expression name not found")));
                }
                let inner = self.look();
                if inner != "equals-ignore-case" {
                    return Err(self.refuse(format!("Unsupported {name} pattern: {inner}")));
                }
                if self.next() != Kind::Text {
                    return Err(self.refuse("equals-ignore-case match pattern must be a string"));
                }
                let matcher = ignore_case(self.folded_span());
                self.end_object(ONE_KEY)?;
                matcher
            }
            _ => return Err(self.refuse(format!("{name} match pattern must be a string"))),
        };
        self.end_object(ONE_KEY)?;
        Ok(matcher)
    }

    fn exists(&mut self) -> Result<Matcher> {
        let matcher = match self.next() {
            Kind::True => Matcher::Exists,
            Kind::False => Matcher::Absent,
            _ => return Err(self.refuse("exists match pattern must be either true or false.")),
        };
        self.end_object(ONE_KEY)?;
        Ok(matcher)
    }

    fn cidr(&mut self) -> Result<Matcher> {
        if self.next() != Kind::Text {
            // Amazon SNS's own text, although it speaks of another operator.
            return Err(self.refuse("prefix match pattern must be a string"));
        }
        let cidr = Cidr::parse(self.look()).map_err(FilterPolicyError::whole)?;
        self.end_object(ONE_KEY)?;
        Ok(Matcher::Cidr(Box::new(cidr)))
    }

    fn numeric(&mut self) -> Result<Matcher> {
        if self.next() != Kind::StartArray {
            return Err(self.refuse("Value of numeric must be an array."));
        }
        if self.next() != Kind::Text {
            let found = self.look();
            return Err(self.refuse(format!("Invalid member in numeric match: {found}")));
        }
        let operator = self.look();
        let kind = self.next();
        if !matches!(operator, "=" | "<" | "<=" | ">" | ">=") {
            return Err(self.refuse(format!("Unrecognized numeric range operator: {operator}")));
        }
        if kind != Kind::Number {
            let operator = if operator == "=" { "equals" } else { operator };
            return Err(self.refuse(format!("Value of {operator} must be numeric")));
        }
        let bound = NumericBound { value: self.number(), open: matches!(operator, "<" | ">") };
        let end = self.next();
        let matcher = match (operator, end) {
            ("=", Kind::EndArray) => Matcher::Number(bound.value),
            ("<" | "<=", Kind::EndArray) => Matcher::Numeric(Box::new(NumericRange { bottom: None, top: Some(bound) })),
            (_, Kind::EndArray) => Matcher::Numeric(Box::new(NumericRange { bottom: Some(bound), top: None })),
            (">" | ">=", _) => Matcher::Numeric(Box::new(self.numeric_top(end, bound)?)),
            _ => return Err(self.refuse(TOO_MANY)),
        };
        self.end_object(TOO_MANY)?;
        Ok(matcher)
    }

    /// Reads the upper end of a range, whose first token has been taken.
    fn numeric_top(&mut self, first: Kind, bottom: NumericBound) -> Result<NumericRange> {
        let operator = self.look();
        if first != Kind::Text {
            return Err(self.refuse(format!("Bad value in numeric range: {operator}")));
        }
        if !matches!(operator, "<" | "<=") {
            return Err(self.refuse(format!("Bad numeric range operator: {operator}")));
        }
        if self.next() != Kind::Number {
            return Err(self.refuse(format!("Value of {operator} must be numeric")));
        }
        let top = NumericBound { value: self.number(), open: operator == "<" };
        if self.next() != Kind::EndArray {
            return Err(self.refuse("Too many terms in numeric range expression"));
        }
        if bottom.value >= top.value {
            return Err(self.refuse("Bottom must be less than top"));
        }
        Ok(NumericRange { bottom: Some(bottom), top: Some(top) })
    }

    fn anything_but(&mut self) -> Result<Exclusion> {
        let exclusion = match self.next() {
            Kind::StartObject => return self.anything_but_pattern(),
            Kind::StartArray => self.anything_but_list()?,
            Kind::Text => Exclusion::Texts(TextSet::new(vec![self.span()], &self.parsed.pool)),
            Kind::Number => Exclusion::numbers(vec![self.number()]),
            _ => {
                return Err(self.refuse("Value of anything-but must be an array or single string/number value."));
            }
        };
        self.end_object(TOO_MANY)?;
        Ok(exclusion)
    }

    fn anything_but_list(&mut self) -> Result<Exclusion> {
        let (mut texts, mut numbers) = (Vec::new(), Vec::new());
        loop {
            match self.next() {
                Kind::EndArray => break,
                Kind::Text => texts.push(self.span()),
                Kind::Number => numbers.push(self.number()),
                _ => {
                    let complaint = "Inside anything but list, start|null|boolean is not supported.";
                    return Err(self.refuse(complaint).echoed());
                }
            }
        }
        match (texts.is_empty(), numbers.is_empty()) {
            (false, true) => Ok(Exclusion::Texts(TextSet::new(texts, &self.parsed.pool))),
            (true, false) => Ok(Exclusion::numbers(numbers)),
            _ => Err(self.refuse(
                "Inside anything but list, either all values are number or string, mixed type is not supported",
            )),
        }
    }

    /// Reads the object of an `anything-but`: an operator with one string or a list of strings.
    fn anything_but_pattern(&mut self) -> Result<Exclusion> {
        if self.next() != Kind::Field {
            return Err(self.refuse("Anything-But expression name not found"));
        }
        let name = self.look();
        let exclusion = match name {
            "prefix" => {
                let prefixes = self.affixes(name)?;
                Exclusion::Prefixes(PrefixSet::new(prefixes, &self.parsed.pool))
            }
            "suffix" => {
                let mut suffixes = self.affixes(name)?;
                for suffix in &mut suffixes {
                    let backwards = reversed(self.parsed.pool.at(*suffix));
                    *suffix = self.parsed.pool.add(&backwards);
                }
                Exclusion::Suffixes(PrefixSet::new(suffixes, &self.parsed.pool))
            }
            "equals-ignore-case" => {
                let texts = self.strings(
                    "Inside anything-but/ignore-case list, number|start|null|boolean is not supported.",
                    |parser| Ok(parser.folded_span()),
                )?;
                Exclusion::IgnoreCase(TextSet::new(texts, &self.parsed.pool))
            }
            "wildcard" => {
                let wildcards = self.strings("wildcard match pattern must be a string", Self::wildcard)?;
                Exclusion::Wildcards(wildcards.into())
            }
            _ => return Err(self.refuse(format!("Unsupported anything-but pattern: {name}"))),
        };
        self.end_object(ONE_KEY)?;
        self.end_object(ONE_KEY)?;
        Ok(exclusion)
    }

    fn affixes(&mut self, name: &str) -> Result<Vec<Span>> {
        // What Amazon SNS was recorded to say of a boolean prefix; of all else the engine says the other.
        let boolean = matches!(self.peek(), Kind::True | Kind::False);
        let complaint = match name {
            "prefix" if boolean => "prefix match pattern must be a string",
            _ => "prefix/suffix match pattern must be a string",
        };
        self.strings(complaint, |parser| match parser.look() {
            "" => Err(parser.refuse("Null prefix/suffix not allowed")),
            _ => Ok(parser.span()),
        })
    }

    /// Reads a string or a list of at least one string, with `complaint` about anything else.
    fn strings<T>(&mut self, complaint: &str, mut read: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        match self.next() {
            Kind::Text => return Ok(vec![read(self)?]),
            Kind::StartArray => {}
            _ => return Err(self.refuse(complaint)),
        }
        let mut strings = Vec::new();
        loop {
            match self.next() {
                Kind::Text => strings.push(read(self)?),
                Kind::EndArray if strings.is_empty() => return Err(self.refuse("Empty arrays are not allowed")),
                Kind::EndArray => return Ok(strings),
                _ => return Err(self.refuse(complaint)),
            }
        }
    }

    fn wildcard(&mut self) -> Result<Wildcard> {
        let pattern = self.look();
        Wildcard::parse(pattern, &mut self.parsed.pool).map_err(|error| self.refuse(error.to_string()))
    }

    /// The value of the number last taken. JSON's numbers are all numbers to Rust, the largest ones infinite.
    fn number(&mut self) -> f64 {
        self.look().parse().unwrap_or(f64::INFINITY)
    }

    /// The text of the token last taken, folded.
    fn folded_span(&mut self) -> Span {
        let text = self.look();
        let folded = folded(text);
        if folded == text { self.span() } else { self.parsed.pool.add(&folded) }
    }

    fn end_object(&mut self, complaint: &str) -> Result<()> {
        if self.next() == Kind::EndObject { Ok(()) } else { Err(self.refuse(complaint)) }
    }
}
