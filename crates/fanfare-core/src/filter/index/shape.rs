//! What policies that name the same keys have in common.

use std::sync::Arc;

use super::seed::Seed;
use crate::filter::paths::PathId;
use crate::packed::Table;

/// The paths of a policy's conditions, and which of the conditions it is filed under.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Of each condition.
    pub(super) paths: Box<[PathId]>,
    /// The numbers of one condition for each alternative.
    pub(super) filed: Box<[u16]>,
}

/// The shapes that policies have, each kept once.
#[derive(Debug, Default)]
pub(super) struct Shapes(Table<Known>);

#[derive(Debug)]
struct Known {
    hash: u64,
    shape: Arc<Shape>,
    uses: u32,
}

impl Shapes {
    /// The shape, for one more policy.
    pub(super) fn add(&mut self, paths: &[PathId], filed: &[u16], seed: &Seed) -> Arc<Shape> {
        let hash = hash_of(paths, filed, seed);
        let is = |known: &Known| *known.shape.paths == *paths && *known.shape.filed == *filed;
        if let Some(known) = self.0.find_mut(hash, is) {
            known.uses += 1;
            return Arc::clone(&known.shape);
        }
        let shape = Arc::new(Shape { paths: paths.into(), filed: filed.into() });
        self.0.insert(hash, Known { hash, shape: Arc::clone(&shape), uses: 1 }, |known| known.hash);
        shape
    }

    /// Takes back that a policy has the shape.
    pub(super) fn remove(&mut self, shape: &Arc<Shape>, seed: &Seed) {
        let hash = hash_of(&shape.paths, &shape.filed, seed);
        let is = |known: &Known| Arc::ptr_eq(&known.shape, shape);
        if let Some(known) = self.0.find_mut(hash, is) {
            known.uses -= 1;
            if known.uses == 0 {
                self.0.remove(hash, is);
            }
        }
    }
}

fn hash_of(paths: &[PathId], filed: &[u16], seed: &Seed) -> u64 {
    let paths = paths.iter().map(|path| path.index() as u64);
    let filed = filed.iter().map(|number| u64::from(*number));
    paths.chain(filed).fold(0, |hash, number| seed.hash(hash, &number.to_le_bytes()))
}
