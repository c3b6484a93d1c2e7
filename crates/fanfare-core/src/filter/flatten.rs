//! A message taken apart into scalars, each with its path and the array elements that it lies in.
//!
//! The text is read once, token by token, and nothing is kept of what nobody asks about; it has to be JSON nevertheless.

use std::borrow::Cow;

use super::matcher::Value;
use super::paths::PathId;
use super::verdict::FilterReason;
use crate::attribute::{AttributeValue, Attributes, BaseType};
use crate::json::{JsonError, Kind, Reader};

/// A message taken apart.
#[derive(Debug, Default)]
pub(super) struct Flattened<'a> {
    /// The scalars, by path; those of one path in the order of the message.
    leaves: Vec<Leaf<'a>>,
    /// Every path that has scalars, in order, with where they begin.
    starts: Vec<(PathId, usize)>,
    /// The array elements that are an object or array; the whole message, which is number 0, is left out.
    elements: Vec<Scope>,
}

/// One scalar.
#[derive(Debug)]
pub(super) struct Leaf<'a> {
    pub(super) path: PathId,
    pub(super) value: Value<'a>,
    /// The innermost array element that is an object or array and holds the scalar.
    pub(super) scope: ScopeId,
}

/// An array element that is an object or array.
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

/// The paths that somebody asks about.
pub(super) trait Paths<'a> {
    /// The path of the field `name` below `parent`; nothing if nobody asks about it or a path below it.
    fn step(&mut self, parent: PathId, name: Cow<'a, str>) -> Option<PathId>;

    /// Whether somebody asks about the scalars at the path itself.
    fn is_asked_about(&self, path: PathId) -> bool;
}

impl<'a> Flattened<'a> {
    /// Takes the attributes apart. `Binary` ones are left out.
    pub(super) fn attributes<P: Paths<'a>>(attributes: &'a Attributes, paths: &mut P) -> Result<Self, FilterReason> {
        if attributes.is_empty() {
            return Err(FilterReason::NoMessageAttributes);
        }
        let mut flattener = Flattener::new(paths);
        for (name, attribute) in attributes.iter() {
            let AttributeValue::Text(text) = attribute.value() else { continue };
            let path = flattener.paths.step(PathId::ROOT, Cow::Borrowed(name));
            match (attribute.data_type().base(), path) {
                (BaseType::StringArray, path) => flattener.string_array(path, text)?,
                (_, None) => {}
                (BaseType::Number, Some(path)) => {
                    flattener.leaf(path, Value::Number(number_of(text)), ScopeId::MESSAGE)
                }
                (_, Some(path)) => flattener.leaf(path, Value::Text(Cow::Borrowed(text)), ScopeId::MESSAGE),
            }
        }
        Ok(flattener.finish())
    }

    /// Takes a text apart that must be a JSON object; what follows the object is ignored.
    pub(super) fn body<P: Paths<'a>>(text: &'a str, paths: &mut P) -> Result<Self, FilterReason> {
        let invalid = FilterReason::InvalidMessageBody;
        // Most texts that are no JSON are told without reading them.
        if !begins_with_brace(text) {
            return Err(invalid);
        }
        let mut flattener = Flattener::new(paths);
        flattener.value(PathId::ROOT, &mut Reader::new(text)).map_err(|_| invalid)?;
        Ok(flattener.finish())
    }

    /// The scalars at the path.
    pub(super) fn leaves(&self, path: PathId) -> &[Leaf<'a>] {
        let Ok(number) = self.starts.binary_search_by_key(&path, |(path, _)| *path) else { return &[] };
        self.leaves_of(number)
    }

    /// Every path that has scalars, with them.
    pub(super) fn by_path(&self) -> impl Iterator<Item = (PathId, &[Leaf<'a>])> {
        self.starts.iter().enumerate().map(|(number, (path, _))| (*path, self.leaves_of(number)))
    }

    /// The array element with that number, which is not the whole message.
    pub(super) fn element(&self, id: ScopeId) -> Scope {
        self.elements[id.0 as usize - 1]
    }

    fn leaves_of(&self, number: usize) -> &[Leaf<'a>] {
        let end = self.starts.get(number + 1).map_or(self.leaves.len(), |(_, start)| *start);
        &self.leaves[self.starts[number].1..end]
    }
}

/// The state of taking a message apart.
struct Flattener<'a, 'p, P> {
    paths: &'p mut P,
    leaves: Vec<Leaf<'a>>,
    elements: Vec<Scope>,
    arrays: u32,
    open: Vec<Place>,
    /// The fields of all open objects that somebody asks about: their paths, and where their scalars begin.
    fields: Vec<(PathId, usize)>,
}

/// An open object or array, or where the next value stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    path: PathId,
    scope: ScopeId,
    /// The number of the array that surrounds the place directly.
    array: Option<u32>,
    /// Where the fields of the object begin.
    fields: usize,
}

impl<'a, 'p, P: Paths<'a>> Flattener<'a, 'p, P> {
    fn new(paths: &'p mut P) -> Self {
        Self { paths, leaves: Vec::new(), elements: Vec::new(), arrays: 0, open: Vec::new(), fields: Vec::new() }
    }

    /// Adds the elements of a `String.Array`, if somebody asks about it. A single scalar counts as an array of one.
    fn string_array(&mut self, path: Option<PathId>, text: &'a str) -> Result<(), FilterReason> {
        let invalid = FilterReason::InvalidAttributes;
        if begins_with_brace(text) || text.trim_start_matches(WHITE_SPACE).is_empty() {
            return Err(invalid);
        }
        let mut reader = Reader::new(text);
        match path {
            Some(path) => self.value(path, &mut reader),
            None => reader.skip_value(),
        }
        .map_err(|_| invalid)?;
        if reader.has_rest() { Err(invalid) } else { Ok(()) }
    }

    /// Adds everything in a JSON value at `path`, without recursion.
    fn value(&mut self, path: PathId, reader: &mut Reader<'a>) -> Result<(), JsonError> {
        let mut field = path;
        while let Some(kind) = reader.advance()? {
            let mut at = Place { path: field, scope: ScopeId::MESSAGE, array: None, fields: self.fields.len() };
            if let Some(container) = self.open.last() {
                at.scope = container.scope;
                at.array = container.array;
                if container.array.is_some() || kind == Kind::Field {
                    at.path = container.path;
                }
            }
            match kind {
                Kind::Field => match self.paths.step(at.path, reader.take_text()) {
                    Some(path) => {
                        field = path;
                        self.fields.push((path, self.leaves.len()));
                    }
                    None => reader.skip_value()?,
                },
                Kind::StartObject => {
                    let scope = self.scope_inside(at);
                    self.open.push(Place { scope, array: None, ..at });
                }
                Kind::StartArray => {
                    let scope = self.scope_inside(at);
                    self.arrays += 1;
                    self.open.push(Place { scope, array: Some(self.arrays), ..at });
                }
                Kind::EndObject => {
                    let fields = self.open.pop().map_or(0, |object| object.fields);
                    self.drop_repeated(fields);
                }
                Kind::EndArray => drop(self.open.pop()),
                _ if !self.paths.is_asked_about(at.path) => {}
                Kind::Text => self.leaf(at.path, Value::Text(reader.take_text()), at.scope),
                Kind::Number => self.leaf(at.path, Value::Number(number_of(&reader.take_text())), at.scope),
                Kind::True => self.leaf(at.path, Value::True, at.scope),
                Kind::False => self.leaf(at.path, Value::False, at.scope),
                Kind::Null => self.leaf(at.path, Value::Null, at.scope),
            }
        }
        Ok(())
    }

    /// The scope inside an array or object that begins at that place: a new one if it is an element of an array.
    fn scope_inside(&mut self, at: Place) -> ScopeId {
        let Some(array) = at.array else { return at.scope };
        self.elements.push(Scope { parent: at.scope, array });
        ScopeId(u32::try_from(self.elements.len()).expect("no message has four thousand million elements"))
    }

    fn leaf(&mut self, path: PathId, value: Value<'a>, scope: ScopeId) {
        self.leaves.push(Leaf { path, value, scope });
    }

    /// Ends an object whose fields begin at `start`: of those with the same name, the last one counts.
    fn drop_repeated(&mut self, start: usize) {
        // Few fields are compared with each other, many are put in order.
        const FEW: usize = 8;
        let fields = &self.fields[start..];
        let mut dead = Vec::new();
        if fields.len() <= FEW {
            let repeated = |i: usize| fields[i + 1..].iter().any(|(path, _)| *path == fields[i].0);
            dead.extend((0..fields.len()).filter(|i| repeated(*i)));
        } else {
            let mut order: Vec<usize> = (0..fields.len()).collect();
            order.sort_by_key(|i| fields[*i].0);
            dead.extend(order.windows(2).filter(|pair| fields[pair[0]].0 == fields[pair[1]].0).map(|pair| pair[0]));
        }
        for i in dead {
            let end = fields.get(i + 1).map_or(self.leaves.len(), |(_, leaves)| *leaves);
            for leaf in &mut self.leaves[fields[i].1..end] {
                leaf.path = PathId::NONE;
            }
        }
        self.fields.truncate(start);
    }

    fn finish(self) -> Flattened<'a> {
        let Self { mut leaves, elements, .. } = self;
        leaves.sort_by_key(|leaf| leaf.path);
        // Those that do not count are the last.
        leaves.truncate(leaves.partition_point(|leaf| leaf.path != PathId::NONE));
        let mut starts: Vec<(PathId, usize)> = Vec::new();
        for (number, leaf) in leaves.iter().enumerate() {
            if starts.last().is_none_or(|(path, _)| *path != leaf.path) {
                starts.push((leaf.path, number));
            }
        }
        Flattened { leaves, starts, elements }
    }
}

/// What JSON has between its tokens.
const WHITE_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

fn begins_with_brace(text: &str) -> bool {
    text.trim_start_matches(WHITE_SPACE).starts_with('{')
}

/// The value of a number's text. The numbers of JSON and of attributes are all numbers to Rust, the largest infinite.
fn number_of(text: &str) -> f64 {
    text.parse().unwrap_or(f64::INFINITY)
}
