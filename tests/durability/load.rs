//! What is published and whom it is for, as far as both sides know it: the worker, which publishes, and the tests, which
//! judge.

use std::fmt;

/// A publish: whose it is, in which run of the worker, and its place among theirs in that run.
///
/// A group has one publisher at a time, so that the keys of a group are in the order of publishing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) group: String,
    pub(crate) run: u32,
    pub(crate) n: u32,
}

/// A topic of the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    /// A standard topic.
    Orders,
    /// A FIFO topic.
    Ledger,
}

/// What filter policies look at: the attribute `kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Parcel,
    Letter,
    Heavy,
}

/// The text of a message, which says which publish it is. A text may be followed by padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) topic: Topic,
    pub(crate) key: Key,
    pub(crate) kind: Kind,
}

/// A subscription of the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Wants the parcels among the orders.
    Picky,
    /// Wants every order, fails at some, and has a dead-letter destination.
    Flaky,
    /// Wants what there is not among the orders.
    Never,
    /// Wants the heavy ones among the orders, and is not there most of the time.
    Away,
    /// Wants the ledger.
    Ordered,
    /// Wants the ledger, and fails at some.
    Stubborn,
}

/// The name of the dead-letter destination of [`Role::Flaky`].
pub(crate) const UNDERTAKER: &str = "undertaker";

impl Kind {
    /// The kind of the `n`th message of a group.
    pub(crate) fn of(n: u32) -> Self {
        match n {
            n if n % 16 == 7 => Self::Heavy,
            n if n % 2 == 0 => Self::Parcel,
            _ => Self::Letter,
        }
    }
}

impl Role {
    pub(crate) const ALL: [Self; 6] =
        [Self::Picky, Self::Flaky, Self::Never, Self::Away, Self::Ordered, Self::Stubborn];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Picky => "picky",
            Self::Flaky => "flaky",
            Self::Never => "never",
            Self::Away => "away",
            Self::Ordered => "ordered",
            Self::Stubborn => "stubborn",
        }
    }

    pub(crate) fn topic(self) -> Topic {
        match self {
            Self::Picky | Self::Flaky | Self::Never | Self::Away => Topic::Orders,
            Self::Ordered | Self::Stubborn => Topic::Ledger,
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Orders => "orders",
            Self::Ledger => "ledger.fifo",
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parcel => "parcel",
            Self::Letter => "letter",
            Self::Heavy => "heavy",
        })
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, key: Key { group, run, n }, kind } = self;
        write!(f, "{topic} {group} {run} {n} {kind}")
    }
}
