//! From the text of a policy to its keys, conditions and `$or` branches.

use std::borrow::Cow;
use std::ops::Range;

use super::digits::Digits;
use super::error::FilterPolicyError;
use super::paths::{PathId, PathTree};
use super::pool::{Pool, Span};
use crate::json::{Document, JsonError, Kind, Location, Token};

/// Names that mean an operator somewhere, so that an object with one of them is no branch of `$or`.
const RESERVED: [&str; 24] = [
    "exactly",
    "equals-ignore-case",
    "prefix",
    "suffix",
    "anything-but",
    "exists",
    "wildcard",
    "numeric",
    "cidr",
    "=",
    "<",
    "<=",
    ">",
    ">=",
    "regex",
    "not-wildcard",
    "not-equals-ignore-case",
    "date-after",
    "date-on-or-after",
    "date-before",
    "date-on-or-before",
    "in-date-range",
    "ip-address-in-range",
    "ip-address-not-in-range",
];

/// A policy whose grammar is right.
#[derive(Debug)]
pub(super) struct Parsed<'a> {
    pub(super) paths: PathTree<'a>,
    pub(super) pool: Pool<'a>,
    /// The match values of all conditions, as [`Matcher::read`](super::matcher::Matcher::read) reads them.
    pub(super) matchers: Digits,
    /// In the order of the text.
    pub(super) conditions: Vec<ParsedCondition>,
    /// The first is the policy itself; a branch comes after the block that it is in. None when the policy is `{}`.
    pub(super) blocks: Vec<Block>,
    /// Whether a key stands in an object below the top.
    pub(super) nested: bool,
}

/// One key's list of match values, any of which will do.
#[derive(Debug)]
pub(super) struct ParsedCondition {
    pub(super) path: PathId,
    /// How many match values there are.
    pub(super) values: usize,
    /// Where among all match values its own are.
    pub(super) matchers: Range<usize>,
    /// The wildcard patterns among them.
    pub(super) patterns: Vec<Pattern>,
    /// How deep in objects the key stands; 1 at the top. `$or` does not count.
    pub(super) depth: u64,
    /// The list as the policy has it.
    pub(super) source: Span,
}

/// A wildcard pattern, as far as the limits care.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pattern {
    pub(super) asterisks: usize,
    /// Whether it stands below `anything-but`.
    pub(super) excluded: bool,
}

/// What an object says, nested objects included: all members must hold.
pub(super) type Block = Vec<Member>;

/// One part of a block, in the order of the text.
#[derive(Debug)]
pub(super) enum Member {
    /// The number of a condition.
    Leaf(usize),
    /// The numbers of the blocks of which one must hold; at least two.
    Or(Vec<usize>),
}

impl<'a> Parsed<'a> {
    fn new(text: &'a str, blocks: Vec<Block>) -> Self {
        Self {
            paths: PathTree::new(),
            pool: Pool::new(text),
            matchers: Digits::new(),
            conditions: Vec::new(),
            blocks,
            nested: false,
        }
    }
}

/// Reads a policy.
pub(super) fn parse(text: &str) -> Result<Parsed<'_>, FilterPolicyError> {
    let document = Document::read(text).map_err(|error| FilterPolicyError::json(error, text))?;
    let tokens = document.tokens;
    match tokens.as_slice() {
        [] => return Err(FilterPolicyError::json(JsonError::blank(), text)),
        [Token { kind: Kind::StartObject, .. }, Token { kind: Kind::EndObject, .. }] => {
            return Ok(Parsed::new(text, Vec::new()));
        }
        _ => {}
    }
    // Whatever is wrong while `$or` has its meaning, the engine tries again with `$or` as an ordinary key, and it is
    // that second complaint that Amazon SNS passes on.
    Parser::new(text, &tokens, OrKey::Relationship)
        .policy()
        .or_else(|_| Parser::new(text, &tokens, OrKey::Ordinary).policy())
}

/// What the key `$or` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OrKey {
    Relationship,
    Ordinary,
}

/// An object or `$or` list that has not been read to its end. Reading keeps its own stack, so that no policy can
/// exhaust the thread's.
enum Frame {
    Object { path: PathId, depth: u64, block: usize, in_or: bool, empty: bool },
    Or { path: PathId, depth: u64, block: usize, branches: Vec<usize> },
}

/// The state of reading tokens.
pub(super) struct Parser<'a, 't> {
    text: &'a str,
    tokens: &'t [Token<'a>],
    /// How many tokens have been taken.
    taken: usize,
    /// Whether the text of the token last taken has been looked at, which moves the place that errors name.
    looked_at: bool,
    or_key: OrKey,
    pub(super) parsed: Parsed<'a>,
    /// The wildcard patterns of the condition that is being read.
    pub(super) patterns: Vec<Pattern>,
    frames: Vec<Frame>,
}

impl<'a, 't> Parser<'a, 't> {
    fn new(text: &'a str, tokens: &'t [Token<'a>], or_key: OrKey) -> Self {
        let parsed = Parsed::new(text, vec![Vec::new()]);
        Self { text, tokens, taken: 0, looked_at: false, or_key, parsed, patterns: Vec::new(), frames: Vec::new() }
    }

    fn policy(mut self) -> Result<Parsed<'a>, FilterPolicyError> {
        if self.next() != Kind::StartObject {
            return Err(self.refuse("Filter is not an object"));
        }
        self.frames.push(Frame::Object { path: PathId::ROOT, depth: 1, block: 0, in_or: false, empty: true });
        while let Some(frame) = self.frames.pop() {
            match frame {
                Frame::Object { path, depth, block, in_or, empty } => {
                    if self.next() == Kind::EndObject {
                        if empty {
                            return Err(self.refuse("Empty objects are not allowed"));
                        }
                    } else {
                        self.frames.push(Frame::Object { path, depth, block, in_or, empty: false });
                        self.field(path, depth, block, in_or)?;
                    }
                }
                Frame::Or { path, depth, block, branches } => self.branch(path, depth, block, branches)?,
            }
        }
        Ok(self.parsed)
    }

    /// Reads a key, and its list or the beginning of its object.
    fn field(&mut self, path: PathId, depth: u64, block: usize, in_or: bool) -> Result<(), FilterPolicyError> {
        let tokens = self.tokens;
        let name = &tokens[self.taken - 1].text;
        if self.or_key == OrKey::Relationship && name == "$or" {
            if self.next() != Kind::StartArray {
                return Err(self.refuse("It must be an Array followed with $or."));
            }
            self.frames.push(Frame::Or { path, depth, block, branches: Vec::new() });
            return Ok(());
        }
        if in_or && RESERVED.contains(&&**name) {
            return Err(self.refuse(format!("{name} is Ruler reserved fieldName which cannot be used inside $or.")));
        }
        match self.next() {
            Kind::StartObject => {
                self.parsed.nested = true;
                let path = self.parsed.paths.step(path, name.clone());
                self.frames.push(Frame::Object { path, depth: depth + 1, block, in_or, empty: true });
            }
            Kind::StartArray => {
                let path = self.parsed.paths.step(path, name.clone());
                let condition = self.condition(path, depth)?;
                self.parsed.blocks[block].push(Member::Leaf(self.parsed.conditions.len()));
                self.parsed.conditions.push(condition);
            }
            _ => return Err(self.refuse(format!("\"{name}\" must be an object or an array"))),
        }
        Ok(())
    }

    /// Enters the next branch of an `$or`, or reads its end.
    fn branch(
        &mut self,
        path: PathId,
        depth: u64,
        block: usize,
        mut branches: Vec<usize>,
    ) -> Result<(), FilterPolicyError> {
        match self.next() {
            Kind::EndArray if branches.len() < 2 => {
                Err(self.refuse("There must have at least 2 Objects in $or relationship."))
            }
            Kind::EndArray => {
                self.parsed.blocks[block].push(Member::Or(branches));
                Ok(())
            }
            Kind::StartObject => {
                let branch = self.parsed.blocks.len();
                self.parsed.blocks.push(Vec::new());
                branches.push(branch);
                self.frames.push(Frame::Or { path, depth, block, branches });
                self.frames.push(Frame::Object { path, depth, block: branch, in_or: true, empty: true });
                Ok(())
            }
            _ => Err(self.refuse("Only JSON object is allowed in array of $or relationship.")),
        }
    }

    /// Takes the next token.
    pub(super) fn next(&mut self) -> Kind {
        let token =
            self.tokens.get(self.taken).expect("a policy is balanced JSON and is read to its last bracket only");
        self.taken += 1;
        self.looked_at = false;
        token.kind
    }

    /// What the next token is.
    pub(super) fn peek(&self) -> Kind {
        self.tokens[self.taken].kind
    }

    /// The text of the token last taken.
    pub(super) fn look(&mut self) -> &'t str {
        self.looked_at = true;
        &self.tokens[self.taken - 1].text
    }

    /// The text of the token last taken, a string, among the texts of the policy.
    pub(super) fn span(&mut self) -> Span {
        self.looked_at = true;
        let token = &self.tokens[self.taken - 1];
        match &token.text {
            // It ends before the closing quote.
            Cow::Borrowed(text) => Span::new(token.end - 1 - text.len(), text.len()),
            Cow::Owned(text) => self.parsed.pool.add(text),
        }
    }

    /// The byte offset where the token last taken ends.
    pub(super) fn end(&self) -> usize {
        self.tokens[self.taken - 1].end
    }

    /// A refusal that points where the engine's reader stands: a field's name is known when its value has been seen.
    pub(super) fn refuse(&self, message: impl Into<String>) -> FilterPolicyError {
        let last = self.taken - 1;
        let token = &self.tokens[last];
        let offset = match token.kind {
            Kind::Field => self.tokens[last + 1].seen,
            Kind::Text if !self.looked_at => token.seen,
            _ => token.end,
        };
        FilterPolicyError::structure(message.into(), Location::of(self.text, offset))
    }
}
