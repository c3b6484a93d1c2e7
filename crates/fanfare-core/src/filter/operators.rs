//! The match values of a key: plain scalars and operators.
//!
//! Each refusal comes at the point where Amazon's engine gives up, since that decides the place that the error names.

use super::address::{Cidr, parse_address};
use super::error::FilterPolicyError;
use super::matcher::{NumericBound, NumericRange};
use super::parse::{ParsedCondition, Parser, Pattern};
use super::paths::PathId;
use super::pool::Span;
use super::text_set::{folded, ordered, ordered_prefixes, reversed};
use super::wildcard::literals;
use super::written::Kind as Written;
use crate::json::Kind;

const ONE_KEY: &str = "Only one key allowed in match expression";
const TOO_MANY: &str = "Too many elements in numeric expression";

type Result<T> = std::result::Result<T, FilterPolicyError>;

impl Parser<'_, '_> {
    /// Reads the list of match values that has just been entered.
    pub(super) fn condition(&mut self, path: PathId, depth: u64) -> Result<ParsedCondition> {
        let start = self.end() - 1;
        let before = self.parsed.matchers.len();
        let mut values = 0;
        loop {
            match self.next() {
                Kind::EndArray if values == 0 => return Err(self.refuse("Empty arrays are not allowed")),
                Kind::EndArray => break,
                Kind::StartObject => self.expression()?,
                Kind::Text => match parse_address(self.look()) {
                    Some(address) => self.parsed.matchers.address(address),
                    None => self.text(Written::Text),
                },
                Kind::Number => {
                    let number = self.number();
                    self.parsed.matchers.number_value(number);
                }
                Kind::True => self.parsed.matchers.kind(Written::True),
                Kind::False => self.parsed.matchers.kind(Written::False),
                Kind::Null => self.parsed.matchers.kind(Written::Null),
                _ => return Err(self.refuse("Match value must be String, number, true, false, or null")),
            }
            values += 1;
        }
        let matchers = before..self.parsed.matchers.len();
        let (patterns, source) = (std::mem::take(&mut self.patterns), Span::new(start, self.end() - start));
        Ok(ParsedCondition { path, values, matchers, patterns, depth, source })
    }

    /// Reads an operator with its operand, up to the end of their object.
    fn expression(&mut self) -> Result<()> {
        if self.next() != Kind::Field {
            return Err(self.refuse("Match expression name not found"));
        }
        match self.look() {
            "exactly" => {
                self.string("exact")?;
                self.text(Written::Text);
                self.end_object(ONE_KEY)
            }
            "prefix" => self.affix("prefix", "Prefix", Written::Prefix, Written::PrefixIgnoreCase),
            "suffix" => self.affix("suffix", "Suffix", Written::Suffix, Written::SuffixIgnoreCase),
            "equals-ignore-case" => {
                self.string("equals-ignore-case")?;
                self.folded_text(Written::IgnoreCase);
                self.end_object(ONE_KEY)
            }
            "wildcard" => {
                self.string("wildcard")?;
                let literals = self.wildcard(false)?;
                self.parsed.matchers.texts(Written::Wildcard, &literals);
                self.end_object(ONE_KEY)
            }
            "numeric" => self.numeric(),
            "exists" => self.exists(),
            "cidr" => self.cidr(),
            "anything-but" => self.anything_but(),
            name => Err(self.refuse(format!("Unrecognized match type {name}"))),
        }
    }

    fn string(&mut self, name: &str) -> Result<()> {
        if self.next() == Kind::Text {
            return Ok(());
        }
        Err(self.refuse(format!("{name} match pattern must be a string")))
    }

    /// Reads the operand of `prefix` or `suffix`: a string, or a string to compare without regard to case.
    fn affix(&mut self, name: &str, title: &str, exact: Written, ignore_case: Written) -> Result<()> {
        match self.next() {
            Kind::Text => self.text(exact),
            Kind::StartObject => {
                if self.next() != Kind::Field {
                    return Err(self.refuse(format!("{title} expression name not found")));
                }
                let inner = self.look();
                if inner != "equals-ignore-case" {
                    return Err(self.refuse(format!("Unsupported {name} pattern: {inner}")));
                }
                self.string("equals-ignore-case")?;
                self.folded_text(ignore_case);
                self.end_object(ONE_KEY)?;
            }
            _ => return Err(self.refuse(format!("{name} match pattern must be a string"))),
        }
        self.end_object(ONE_KEY)
    }

    fn exists(&mut self) -> Result<()> {
        let kind = match self.next() {
            Kind::True => Written::Exists,
            Kind::False => Written::Absent,
            _ => return Err(self.refuse("exists match pattern must be either true or false.")),
        };
        self.parsed.matchers.kind(kind);
        self.end_object(ONE_KEY)
    }

    fn cidr(&mut self) -> Result<()> {
        if self.next() != Kind::Text {
            // Amazon SNS's own text, although it speaks of another operator.
            return Err(self.refuse("prefix match pattern must be a string"));
        }
        let cidr = Cidr::parse(self.look()).map_err(FilterPolicyError::whole)?;
        self.parsed.matchers.cidr(&cidr);
        self.end_object(ONE_KEY)
    }

    fn numeric(&mut self) -> Result<()> {
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
        let range = match (operator, end) {
            ("=", Kind::EndArray) => None,
            ("<" | "<=", Kind::EndArray) => Some(NumericRange { bottom: None, top: Some(bound) }),
            (_, Kind::EndArray) => Some(NumericRange { bottom: Some(bound), top: None }),
            (">" | ">=", _) => Some(self.numeric_top(end, bound)?),
            _ => return Err(self.refuse(TOO_MANY)),
        };
        match range {
            None => self.parsed.matchers.number_value(bound.value),
            Some(range) => self.parsed.matchers.range(&range),
        }
        self.end_object(TOO_MANY)
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

    fn anything_but(&mut self) -> Result<()> {
        match self.next() {
            Kind::StartObject => return self.anything_but_pattern(),
            Kind::StartArray => self.anything_but_list()?,
            Kind::Text => {
                let text = self.span();
                self.parsed.matchers.texts(Written::ButTexts, &[text]);
            }
            Kind::Number => {
                let number = self.number();
                self.parsed.matchers.but_numbers(vec![number]);
            }
            _ => {
                return Err(self.refuse("Value of anything-but must be an array or single string/number value."));
            }
        }
        self.end_object(TOO_MANY)
    }

    fn anything_but_list(&mut self) -> Result<()> {
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
            (false, true) => self.texts(Written::ButTexts, texts),
            (true, false) => self.parsed.matchers.but_numbers(numbers),
            _ => {
                return Err(self.refuse(
                    "Inside anything but list, either all values are number or string, mixed type is not supported",
                ));
            }
        }
        Ok(())
    }

    /// Reads the object of an `anything-but`: an operator with one string or a list of strings.
    fn anything_but_pattern(&mut self) -> Result<()> {
        if self.next() != Kind::Field {
            return Err(self.refuse("Anything-But expression name not found"));
        }
        let name = self.look();
        match name {
            "prefix" => {
                let prefixes = ordered_prefixes(self.affixes(name)?, &self.parsed.pool);
                self.parsed.matchers.texts(Written::ButPrefixes, &prefixes);
            }
            "suffix" => {
                let mut suffixes = self.affixes(name)?;
                for suffix in &mut suffixes {
                    let backwards = reversed(self.parsed.pool.at(*suffix));
                    *suffix = self.parsed.pool.add(&backwards);
                }
                let suffixes = ordered_prefixes(suffixes, &self.parsed.pool);
                self.parsed.matchers.texts(Written::ButSuffixes, &suffixes);
            }
            "equals-ignore-case" => {
                let texts = self.strings(
                    "Inside anything-but/ignore-case list, number|start|null|boolean is not supported.",
                    |parser| Ok(parser.folded_span()),
                )?;
                self.texts(Written::ButIgnoreCase, texts);
            }
            "wildcard" => {
                let wildcards =
                    self.strings("wildcard match pattern must be a string", |parser| parser.wildcard(true))?;
                self.parsed.matchers.but_wildcards(&wildcards);
            }
            _ => return Err(self.refuse(format!("Unsupported anything-but pattern: {name}"))),
        }
        self.end_object(ONE_KEY)?;
        self.end_object(ONE_KEY)
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

    /// The literal texts of the wildcard pattern last taken, which may stand below `anything-but`.
    fn wildcard(&mut self, excluded: bool) -> Result<Vec<Span>> {
        let pattern = self.look();
        let literals = literals(pattern, &mut self.parsed.pool).map_err(|error| self.refuse(error.to_string()))?;
        self.patterns.push(Pattern { asterisks: literals.len() - 1, excluded });
        Ok(literals)
    }

    /// Writes a match value with the text of the token last taken.
    fn text(&mut self, kind: Written) {
        let text = self.span();
        self.parsed.matchers.text(kind, text);
    }

    /// Writes a match value with the text of the token last taken, folded.
    fn folded_text(&mut self, kind: Written) {
        let text = self.folded_span();
        self.parsed.matchers.text(kind, text);
    }

    /// Writes a match value with several texts, in their order.
    fn texts(&mut self, kind: Written, texts: Vec<Span>) {
        let texts = ordered(texts, &self.parsed.pool);
        self.parsed.matchers.texts(kind, &texts);
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
