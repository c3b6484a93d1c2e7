//! Paths to fields, where a dot in a name and a step into an object are the same thing.

use std::borrow::Cow;
use std::collections::HashMap;

use super::flatten::Paths;

/// The paths of a policy or a message as a tree of the segments between dots: `{"a.b": ..}` and `{"a": {"b": ..}}`
/// name one path.
///
/// Each segment is kept once, so that the size stays in proportion to the text, however deep its fields are.
#[derive(Debug, Clone)]
pub(super) struct PathTree<'a> {
    children: HashMap<(PathId, Cow<'a, str>), PathId>,
    len: u32,
}

/// A path in a [`PathTree`]; numbers are given in the order in which paths are first seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PathId(u32);

impl PathId {
    /// The empty path, which every other starts from.
    pub(super) const ROOT: Self = Self(0);

    /// No path.
    pub(super) const NONE: Self = Self(u32::MAX);

    /// The path with that number in a table.
    pub(super) fn of_index(index: usize) -> Self {
        Self(u32::try_from(index).expect("there are fewer paths than four thousand million"))
    }

    /// The number of the path, for tables.
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

impl<'a> PathTree<'a> {
    /// A tree with the root alone.
    pub(super) fn new() -> Self {
        Self { children: HashMap::new(), len: 1 }
    }

    /// The path of the field `name` below `parent`, which is added if it is new.
    pub(super) fn step(&mut self, parent: PathId, name: Cow<'a, str>) -> PathId {
        match name {
            Cow::Borrowed(name) => name.split('.').fold(parent, |at, part| self.child(at, Cow::Borrowed(part))),
            Cow::Owned(name) => name.split('.').fold(parent, |at, part| self.child(at, Cow::Owned(part.to_owned()))),
        }
    }

    /// The path with these dots, if it is known.
    pub(super) fn find(&self, path: &str) -> Option<PathId> {
        path.split('.').try_fold(PathId::ROOT, |at, part| self.children.get(&(at, Cow::Borrowed(part))).copied())
    }

    /// The path with its dots. Each step is looked for among all: it is meant for a policy, whose keys are few.
    pub(super) fn name(&self, id: PathId) -> String {
        let step_to = |id: PathId| self.children.iter().find(|(_, known)| **known == id).map(|(step, _)| step);
        let chain = std::iter::successors(step_to(id), |(parent, _)| step_to(*parent));
        let mut parts: Vec<&str> = chain.map(|(_, part)| part.as_ref()).collect();
        parts.reverse();
        parts.join(".")
    }

    fn child(&mut self, parent: PathId, part: Cow<'a, str>) -> PathId {
        let len = &mut self.len;
        *self.children.entry((parent, part)).or_insert_with(|| {
            let id = PathId(*len);
            *len += 1;
            id
        })
    }
}

/// Every path of a message is asked about when nobody knows which policies will come.
impl<'a> Paths<'a> for PathTree<'a> {
    fn step(&mut self, parent: PathId, name: Cow<'a, str>) -> Option<PathId> {
        Some(PathTree::step(self, parent, name))
    }

    fn is_asked_about(&self, _: PathId) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_and_steps_make_the_same_path() {
        let mut tree = PathTree::new();
        let nested = tree.step(PathId::ROOT, Cow::Borrowed("a"));
        let nested = tree.step(nested, Cow::Borrowed("b.c"));
        let dotted = tree.step(PathId::ROOT, Cow::Owned("a.b.c".to_owned()));
        assert_eq!(nested, dotted);
        assert_eq!(tree.find("a.b.c"), Some(nested));
        assert_eq!(tree.find("a.c"), None);
        assert_eq!(tree.name(nested), "a.b.c");
    }

    #[test]
    fn empty_names_are_steps_too() {
        let mut tree = PathTree::new();
        let empty = tree.step(PathId::ROOT, Cow::Borrowed(""));
        let below = tree.step(empty, Cow::Borrowed(""));
        assert_eq!((tree.name(empty), tree.name(below)), (String::new(), ".".to_owned()));
        assert_eq!(tree.find("."), Some(below));
    }
}
