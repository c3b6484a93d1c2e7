//! The paths that the policies of an index name.

use std::borrow::Cow;

use super::filed::Filed;
use super::seed::Seed;
use crate::filter::flatten::Paths;
use crate::filter::paths::PathId;
use crate::packed::{Slab, Table};

/// The paths that policies name, as a tree of the segments between dots, each with what is filed under it.
#[derive(Debug)]
pub(super) struct Trie {
    nodes: Slab<Node>,
    /// The numbers of nodes by parent and segment.
    children: Table<u32>,
}

#[derive(Debug)]
struct Node {
    hash: u64,
    parent: PathId,
    segment: Box<str>,
    children: u32,
    /// How many conditions name this path.
    uses: u32,
    filed: Filed,
}

impl Trie {
    /// A tree with the root alone.
    pub(super) fn new() -> Self {
        let mut nodes = Slab::default();
        nodes.insert(Node::new(0, PathId::ROOT, ""));
        Self { nodes, children: Table::default() }
    }

    /// The path of a key that a condition names, which may be named again.
    pub(super) fn add(&mut self, key: &str, seed: &Seed) -> PathId {
        let path = key.split('.').fold(PathId::ROOT, |parent, segment| {
            let hash = hash_of(parent, segment, seed);
            if let Some(child) = self.child(hash, parent, segment) {
                return child;
            }
            let number = self.nodes.insert(Node::new(hash, parent, segment));
            let nodes = &self.nodes;
            self.children.insert(hash, number, |number| nodes.get(*number).map_or(0, |node| node.hash));
            self.node_mut(parent).children += 1;
            PathId::of_index(number as usize)
        });
        self.node_mut(path).uses += 1;
        path
    }

    /// Takes back that a condition names the path.
    pub(super) fn remove(&mut self, path: PathId) {
        self.node_mut(path).uses -= 1;
        let mut path = path;
        loop {
            let node = self.node(path);
            if path == PathId::ROOT || node.uses > 0 || node.children > 0 {
                break;
            }
            let (hash, parent, number) = (node.hash, node.parent, number_of(path));
            self.children.remove(hash, |known| *known == number);
            self.nodes.remove(number);
            self.node_mut(parent).children -= 1;
            path = parent;
        }
    }

    /// What is filed under the path, which somebody names.
    pub(super) fn filed(&self, path: PathId) -> &Filed {
        &self.node(path).filed
    }

    /// What is filed under the path, which somebody names, to be changed.
    pub(super) fn filed_mut(&mut self, path: PathId) -> &mut Filed {
        &mut self.node_mut(path).filed
    }

    fn child(&self, hash: u64, parent: PathId, segment: &str) -> Option<PathId> {
        let is = |number: &u32| {
            self.nodes
                .get(*number)
                .is_some_and(|node| node.hash == hash && node.parent == parent && *node.segment == *segment)
        };
        self.children.find(hash, is).map(|number| PathId::of_index(*number as usize))
    }

    fn node(&self, path: PathId) -> &Node {
        self.nodes.get(number_of(path)).expect("a path that is named has a node")
    }

    fn node_mut(&mut self, path: PathId) -> &mut Node {
        self.nodes.get_mut(number_of(path)).expect("a path that is named has a node")
    }
}

impl Node {
    fn new(hash: u64, parent: PathId, segment: &str) -> Self {
        Self { hash, parent, segment: segment.into(), children: 0, uses: 0, filed: Filed::default() }
    }
}

/// The paths of a tree as a message is read by them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'t> {
    pub(super) trie: &'t Trie,
    pub(super) seed: &'t Seed,
}

impl<'a> Paths<'a> for Asked<'_> {
    fn step(&mut self, parent: PathId, name: Cow<'a, str>) -> Option<PathId> {
        name.split('.')
            .try_fold(parent, |parent, segment| self.trie.child(hash_of(parent, segment, self.seed), parent, segment))
    }

    fn is_asked_about(&self, path: PathId) -> bool {
        self.trie.node(path).uses > 0
    }
}

fn hash_of(parent: PathId, segment: &str, seed: &Seed) -> u64 {
    seed.hash(parent.index() as u64, segment.as_bytes())
}

fn number_of(path: PathId) -> u32 {
    u32::try_from(path.index()).expect("a path is a number of 32 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_there_for_as_long_as_somebody_names_it_or_a_path_below() {
        let seed = Seed::random();
        let mut trie = Trie::new();
        let (outer, inner) = (trie.add("a.b", &seed), trie.add("a.b.c", &seed));
        assert_eq!(trie.add("a.b", &seed), outer);
        let find =
            |trie: &Trie, name: &str| Asked { trie, seed: &seed }.step(PathId::ROOT, Cow::Owned(name.to_owned()));
        assert_eq!((find(&trie, "a.b"), find(&trie, "a.b.c"), find(&trie, "b")), (Some(outer), Some(inner), None));
        assert!(!Asked { trie: &trie, seed: &seed }.is_asked_about(find(&trie, "a").unwrap()));
        trie.remove(outer);
        assert!(Asked { trie: &trie, seed: &seed }.is_asked_about(outer));
        trie.remove(outer);
        assert!(!Asked { trie: &trie, seed: &seed }.is_asked_about(outer));
        trie.remove(inner);
        assert_eq!((find(&trie, "a"), trie.nodes.len()), (None, 1));
    }
}
