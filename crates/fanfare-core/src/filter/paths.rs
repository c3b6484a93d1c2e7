//! Paths to fields, where a dot in a name and a step into an object are the same thing.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;

use super::flatten::Paths;

/// The paths of a policy or a message as a tree of the segments between dots: `{"a.b": ..}` and `{"a": {"b": ..}}`
/// name one path.
///
/// Each segment is kept once, so that the size stays in proportion to the text, however deep its fields are.
#[derive(Debug, Clone)]
pub(super) struct PathTree<'a> {
    /// Of each path but the root, in the order of their numbers.
    steps: Vec<Step<'a>>,
    /// The numbers of paths by their steps, when there are many.
    index: Option<(RandomState, HashTable<PathId>)>,
}

/// The last step to a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Step<'a> {
    parent: PathId,
    part: Cow<'a, str>,
}

/// How many steps are looked through one by one, which takes less time than to hash.
const FEW: usize = 16;

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
        Self { steps: Vec::new(), index: None }
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
        path.split('.').try_fold(PathId::ROOT, |at, part| self.known(&Step { parent: at, part: Cow::Borrowed(part) }))
    }

    /// The path with its dots.
    pub(super) fn name(&self, id: PathId) -> String {
        let chain = std::iter::successors(self.step_to(id), |step| self.step_to(step.parent));
        let mut parts: Vec<&str> = chain.map(|step| step.part.as_ref()).collect();
        parts.reverse();
        parts.join(".")
    }

    fn child(&mut self, parent: PathId, part: Cow<'a, str>) -> PathId {
        let step = Step { parent, part };
        if let Some(known) = self.known(&step) {
            return known;
        }
        self.steps.push(step);
        let id = PathId::of_index(self.steps.len());
        let first = match self.index {
            Some(_) => id.index(),
            None if self.steps.len() > FEW => 1,
            None => return id,
        };
        let steps = &self.steps;
        let (hasher, index) = self.index.get_or_insert_default();
        for id in first..=id.index() {
            let hash_of = |id: &PathId| hasher.hash_one(&steps[id.index() - 1]);
            index.insert_unique(hash_of(&PathId::of_index(id)), PathId::of_index(id), hash_of);
        }
        id
    }

    fn known(&self, step: &Step<'_>) -> Option<PathId> {
        match &self.index {
            None => self.steps.iter().position(|known| known == step).map(|place| PathId::of_index(place + 1)),
            Some((hasher, index)) => {
                index.find(hasher.hash_one(step), |id| self.steps[id.index() - 1] == *step).copied()
            }
        }
    }

    fn step_to(&self, id: PathId) -> Option<&Step<'a>> {
        self.steps.get(id.index().checked_sub(1)?)
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
    fn many_paths_are_found_like_few() {
        let mut tree = PathTree::new();
        let parts: Vec<String> = (0..200).map(|number| format!("{}.{number}", number % 7)).collect();
        let ids: Vec<PathId> = parts.iter().map(|part| tree.step(PathId::ROOT, Cow::Borrowed(part))).collect();
        assert_eq!(ids[199].index(), 207);
        for (part, id) in parts.iter().zip(ids) {
            assert_eq!((tree.find(part), tree.step(PathId::ROOT, Cow::Borrowed(part))), (Some(id), id));
            assert_eq!(tree.name(id), *part);
        }
        assert_eq!((tree.find("6.5"), tree.find("7")), (None, None));
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
