//! The policies that are filed under one clause.

use std::collections::BTreeSet;

use super::second_look::{SecondLook, Seen};

/// The numbers of the policies that are filed under one clause; most clauses have one, and its second look beside it.
#[derive(Debug)]
#[allow(clippy::box_collection, reason = "most clauses have one member, and should be small")]
pub(super) enum Members {
    One(u32, SecondLook),
    Several(Box<BTreeSet<u32>>),
}

const _: () = assert!(size_of::<Members>() <= 16, "a clause ought to be small");

impl Members {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::One(..) => 1,
            Self::Several(numbers) => numbers.len(),
        }
    }

    /// Answers whether it was not there.
    pub(super) fn insert(&mut self, number: u32) -> bool {
        match self {
            Self::One(known, _) if *known == number => false,
            Self::One(known, _) => {
                *self = Self::Several(Box::new(BTreeSet::from([*known, number])));
                true
            }
            Self::Several(numbers) => numbers.insert(number),
        }
    }

    /// Takes a number out, unless it is the only one.
    pub(super) fn remove(&mut self, number: u32) -> Removed {
        match self {
            Self::One(known, _) if *known == number => Removed::Last,
            Self::One(..) => Removed::Unknown,
            Self::Several(numbers) => {
                if !numbers.remove(&number) {
                    return Removed::Unknown;
                }
                if let (1, Some(&rest)) = (numbers.len(), numbers.first()) {
                    // Its second look is beside the policy as well.
                    *self = Self::One(rest, SecondLook::NONE);
                }
                Removed::Others
            }
        }
    }

    /// Adds to `found` those whom a message may match in which that was seen.
    pub(super) fn extend_into(&self, found: &mut Vec<u32>, seen: &Seen) {
        match self {
            Self::One(number, look) if look.may_be_met(seen) => found.push(*number),
            Self::One(..) => {}
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
