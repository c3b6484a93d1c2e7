//! A message taken apart into scalars, each with its path and the array elements that it lies in.

use std::borrow::Cow;
use std::collections::HashSet;

use super::matcher::Value;
use super::paths::{PathId, PathTree};
use super::verdict::FilterReason;
use crate::attribute::{AttributeValue, Attributes, BaseType};
use crate::json::{Document, Kind, Token};

/// A message taken apart.
#[derive(Debug)]
pub(super) struct Flattened<'a> {
    paths: PathTree<'a>,
    /// The scalars of each path, in the order of the message.
    leaves: Vec<Vec<Leaf<'a>>>,
    scopes: Vec<Scope>,
    arrays: u32,
}

/// One scalar.
#[derive(Debug)]
pub(super) struct Leaf<'a> {
    pub(super) value: Value<'a>,
    /// The innermost array element that is an object or array and holds the scalar.
    pub(super) scope: ScopeId,
}

/// The whole message, or an array element that is an object or array.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    pub(super) parent: ScopeId,
    /// The number of the array that the element is of.
    pub(super) array: u32,
}

/// The number of a [`Scope`]: outer ones have lower numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ScopeId(u32);

impl ScopeId {
    /// The whole message.
    pub(super) const MESSAGE: Self = Self(0);
}

impl<'a> Flattened<'a> {
    /// Takes the attributes apart. `Binary` ones are left out.
    pub(super) fn attributes(attributes: &'a Attributes) -> Result<Self, FilterReason> {
        if attributes.is_empty() {
            return Err(FilterReason::NoMessageAttributes);
        }
        let mut flattened = Self::new();
        for (name, attribute) in attributes.iter() {
            let AttributeValue::Text(text) = attribute.value() else { continue };
            let path = flattened.paths.step(PathId::ROOT, Cow::Borrowed(name));
            match attribute.data_type().base() {
                BaseType::StringArray => flattened.string_array(path, text)?,
                BaseType::Number => flattened.leaf(path, Value::Number(number_of(text)), ScopeId::MESSAGE),
                _ => flattened.leaf(path, Value::Text(Cow::Borrowed(text)), ScopeId::MESSAGE),
            }
        }
        Ok(flattened)
    }

    /// Takes a text apart that must be a JSON object; what follows the object is ignored.
    pub(super) fn body(text: &'a str) -> Result<Self, FilterReason> {
        let invalid = FilterReason::InvalidMessageBody;
        // Most texts that are no JSON are told without reading them.
        if !text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{') {
            return Err(invalid);
        }
        let document = Document::read(text).map_err(|_| invalid)?;
        let mut flattened = Self::new();
        flattened.value(PathId::ROOT, document.tokens);
        Ok(flattened)
    }

    /// The scalars at the path with these dots.
    pub(super) fn leaves(&self, path: &str) -> &[Leaf<'a>] {
        self.paths.find(path).and_then(|path| self.leaves.get(path.index())).map_or(&[], Vec::as_slice)
    }

    /// The scope with that number.
    pub(super) fn scope(&self, id: ScopeId) -> Scope {
        self.scopes[id.0 as usize]
    }

    fn new() -> Self {
        let message = Scope { parent: ScopeId::MESSAGE, array: 0 };
        Self { paths: PathTree::new(), leaves: Vec::new(), scopes: vec![message], arrays: 0 }
    }

    /// Adds the elements of a `String.Array`. A single scalar counts as an array of one.
    fn string_array(&mut self, path: PathId, text: &'a str) -> Result<(), FilterReason> {
        let invalid = FilterReason::InvalidAttributes;
        let document = Document::read(text).map_err(|_| invalid)?;
        if document.has_rest || document.tokens.first().is_none_or(|token| token.kind == Kind::StartObject) {
            return Err(invalid);
        }
        self.value(path, document.tokens);
        Ok(())
    }

    /// Adds everything in a JSON value at `path`, without recursion.
    fn value(&mut self, path: PathId, tokens: Vec<Token<'a>>) {
        let overridden = overridden_fields(&tokens);
        let mut open: Vec<Place> = Vec::new();
        let mut field = path;
        let mut tokens = tokens.into_iter().enumerate();
        while let Some((number, token)) = tokens.next() {
            let mut at = Place { path: field, scope: ScopeId::MESSAGE, array: None };
            if let Some(container) = open.last() {
                at.scope = container.scope;
                at.array = container.array;
                if container.array.is_some() || token.kind == Kind::Field {
                    at.path = container.path;
                }
            }
            match token.kind {
                Kind::Field if overridden.contains(&number) => skip_value(tokens.by_ref().map(|(_, token)| token.kind)),
                Kind::Field => field = self.paths.step(at.path, token.text),
                Kind::StartObject => open.push(Place { scope: self.element(at), array: None, ..at }),
                Kind::StartArray => {
                    let scope = self.element(at);
                    self.arrays += 1;
                    open.push(Place { scope, array: Some(self.arrays), ..at });
                }
                Kind::EndObject | Kind::EndArray => drop(open.pop()),
                Kind::Text => self.leaf(at.path, Value::Text(token.text), at.scope),
                Kind::Number => self.leaf(at.path, Value::Number(number_of(&token.text)), at.scope),
                Kind::True => self.leaf(at.path, Value::True, at.scope),
                Kind::False => self.leaf(at.path, Value::False, at.scope),
                Kind::Null => self.leaf(at.path, Value::Null, at.scope),
            }
        }
    }

    /// The scope inside an array or object that begins at that place: a new one if it is an element of an array.
    fn element(&mut self, at: Place) -> ScopeId {
        let Some(array) = at.array else { return at.scope };
        let id = ScopeId(u32::try_from(self.scopes.len()).expect("no message has four thousand million elements"));
        self.scopes.push(Scope { parent: at.scope, array });
        id
    }

    fn leaf(&mut self, path: PathId, value: Value<'a>, scope: ScopeId) {
        if self.leaves.len() <= path.index() {
            self.leaves.resize_with(self.paths.len(), Vec::new);
        }
        self.leaves[path.index()].push(Leaf { value, scope });
    }
}

/// Where the reading of a message is.
#[derive(Debug, Clone, Copy)]
struct Place {
    path: PathId,
    scope: ScopeId,
    /// The number of the array that surrounds the place directly.
    array: Option<u32>,
}

/// The numbers of the field tokens that another of the same name follows in the same object: the last one counts.
fn overridden_fields(tokens: &[Token<'_>]) -> HashSet<usize> {
    let mut overridden = HashSet::new();
    // The fields of all open objects, and where the fields of each of them begin.
    let mut fields: Vec<(&str, usize)> = Vec::new();
    let mut starts: Vec<usize> = Vec::new();
    for (number, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::StartObject => starts.push(fields.len()),
            Kind::Field => fields.push((&token.text, number)),
            Kind::EndObject => {
                let start = starts.pop().unwrap_or_default();
                fields[start..].sort_unstable();
                for pair in fields[start..].windows(2) {
                    if pair[0].0 == pair[1].0 {
                        overridden.insert(pair[0].1);
                    }
                }
                fields.truncate(start);
            }
            _ => {}
        }
    }
    overridden
}

/// Goes past the next value.
fn skip_value(kinds: impl Iterator<Item = Kind>) {
    let mut depth = 0_usize;
    for kind in kinds {
        match kind {
            Kind::StartObject | Kind::StartArray => depth += 1,
            Kind::EndObject | Kind::EndArray => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return;
        }
    }
}

/// The value of a number's text. The numbers of JSON and of attributes are all numbers to Rust, the largest infinite.
fn number_of(text: &str) -> f64 {
    text.parse().unwrap_or(f64::INFINITY)
}
