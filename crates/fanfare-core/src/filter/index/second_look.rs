//! A look at one more condition of a policy, without going to the policy.

use super::clause::Clause;
use super::seed::Seed;
use crate::filter::flatten::Flattened;
use crate::filter::matcher::Value;
use crate::filter::paths::PathId;
use crate::filter::rules::Condition;

/// What one more condition of a policy asks for, in a few bits.
///
/// Most candidates meet the condition that they are filed under and fail at another one, and each lies somewhere else in memory,
/// which takes longer to get at than everything else. So a condition that lists plain texts, numbers and words is kept beside
/// the policy's number, by a bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SecondLook {
    path: PathId,
    bits: u32,
}

impl SecondLook {
    /// There is no such condition.
    pub(super) const NONE: Self = Self { path: PathId::NONE, bits: 0 };

    /// The look at a condition, if it is one that bits can say.
    pub(super) fn of(condition: &Condition<'_>, path: PathId, seed: &Seed) -> Option<Self> {
        let mut bits = 0;
        for matcher in condition.matchers() {
            let clause = Clause::of(matcher);
            let (Clause::Text(_) | Clause::Number(_) | Clause::Word(_)) = clause else { return None };
            bits |= bit(&clause, path, seed);
        }
        Some(Self { path, bits })
    }

    /// The path of the condition, if there is one.
    pub(super) fn path(self) -> Option<PathId> {
        (self != Self::NONE).then_some(self.path)
    }

    /// Whether the condition may be met.
    pub(super) fn may_be_met(self, seen: &Seen) -> bool {
        self == Self::NONE || seen.0.iter().any(|(path, bits)| *path == self.path && bits & self.bits != 0)
    }
}

/// The bits of a message's scalars, at the paths that second looks go to.
#[derive(Debug)]
pub(super) struct Seen(Vec<(PathId, u32)>);

impl Seen {
    /// The bits at those of the message's paths that are `looked_at`.
    pub(super) fn of(message: &Flattened<'_>, looked_at: impl Fn(PathId) -> bool, seed: &Seed) -> Self {
        let paths = message.by_path().filter(|(path, _)| looked_at(*path));
        let bits = paths.map(|(path, leaves)| {
            let bits = leaves.iter().map(|leaf| match &leaf.value {
                Value::Text(text) => bit(&Clause::Text(text), path, seed),
                Value::Number(number) => bit(&Clause::Number(*number), path, seed),
                Value::True => bit(&Clause::TRUE, path, seed),
                Value::False => bit(&Clause::FALSE, path, seed),
                Value::Null => bit(&Clause::NULL, path, seed),
            });
            (path, bits.fold(0, |all, bit| all | bit))
        });
        Self(bits.collect())
    }
}

fn bit(clause: &Clause<'_>, path: PathId, seed: &Seed) -> u32 {
    clause.hash(path, seed).map_or(0, |hash| 1 << (hash % 32))
}
