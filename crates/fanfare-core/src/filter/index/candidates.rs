//! The policies that may want a message.

use std::sync::Arc;

use super::shape::Shape;
use crate::filter::evaluate::{Leaves, holds};
use crate::filter::flatten::{Flattened, Leaf, Scope, ScopeId};
use crate::filter::policy::FilterPolicy;
use crate::filter::rules::Condition;

/// Policies that may want a message, as they were at one moment.
#[derive(Debug)]
pub(super) struct Candidates<'a, K> {
    message: Flattened<'a>,
    candidates: Vec<(K, FilterPolicy, Arc<Shape>)>,
}

impl<'a, K: Copy> Candidates<'a, K> {
    /// Candidates for a message that was taken apart as far as policies of that moment ask about it.
    pub(super) fn new(message: Flattened<'a>, candidates: Vec<(K, FilterPolicy, Arc<Shape>)>) -> Self {
        Self { message, candidates }
    }

    /// Those that do want it.
    pub(super) fn verified(&self) -> impl Iterator<Item = K> {
        let wants = |(key, policy, shape): &(K, FilterPolicy, Arc<Shape>)| {
            holds(policy.rules(), &Shaped { message: &self.message, shape }).then_some(*key)
        };
        self.candidates.iter().filter_map(wants)
    }
}

/// A message as a policy of that shape asks about it.
struct Shaped<'m, 'a> {
    message: &'m Flattened<'a>,
    shape: &'m Shape,
}

impl<'a> Leaves<'a> for Shaped<'_, 'a> {
    fn leaves(&self, number: usize, _: &Condition<'_>) -> &[Leaf<'a>] {
        self.message.leaves(self.shape.paths[number])
    }

    fn element(&self, id: ScopeId) -> Scope {
        self.message.element(id)
    }
}
