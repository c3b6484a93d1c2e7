//! The policies that are filed under one clause.

use std::collections::BTreeSet;

/// The numbers of the policies that are filed under one clause; most clauses have one.
#[derive(Debug)]
pub(super) enum Members {
    One(u32),
    Several(Box<BTreeSet<u32>>),
}

impl Members {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Several(numbers) => numbers.len(),
        }
    }

    /// Answers whether it was not there.
    pub(super) fn insert(&mut self, number: u32) -> bool {
        match self {
            Self::One(known) if *known == number => false,
            Self::One(known) => {
                *self = Self::Several(Box::new(BTreeSet::from([*known, number])));
                true
            }
            Self::Several(numbers) => numbers.insert(number),
        }
    }

    /// Takes a number out, unless it is the only one.
    pub(super) fn remove(&mut self, number: u32) -> Removed {
        match self {
            Self::One(known) if *known == number => Removed::Last,
            Self::One(_) => Removed::Unknown,
            Self::Several(numbers) => {
                if !numbers.remove(&number) {
                    return Removed::Unknown;
                }
                if let (1, Some(&rest)) = (numbers.len(), numbers.first()) {
                    *self = Self::One(rest);
                }
                Removed::Others
            }
        }
    }

    pub(super) fn extend_into(&self, found: &mut Vec<u32>) {
        match self {
            Self::One(number) => found.push(*number),
            Self::Several(numbers) => found.extend(&**numbers),
        }
    }
}

/// What came of taking a number out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Removed {
    /// It was the only one, and the clause is to be forgotten.
    Last,
    /// It is gone, and others are left.
    Others,
    /// It was not there.
    Unknown,
}
