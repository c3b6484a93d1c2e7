//! Under what a match value is filed.

use std::net::IpAddr;

use super::seed::Seed;
use crate::filter::address::Cidr;
use crate::filter::matcher::{Matcher, NumericRange};
use crate::filter::paths::PathId;

/// What a match value asks for at its path: every scalar that the match value accepts meets it, and few others.
#[derive(Debug, Clone, Copy)]
pub(super) enum Clause<'p> {
    Text(&'p str),
    /// A text that is folded.
    Folded(&'p str),
    Address(IpAddr),
    Number(f64),
    /// `true`, `false` or `null`.
    Word(u8),
    /// What a text, or a folded one, begins or ends with; at least one byte.
    Affix(Affix, &'p str),
    Block(Cidr),
    Range(NumericRange),
    /// Any scalar.
    Present,
    /// No scalar.
    Absent,
}

/// Where in a text an affix stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Affix {
    Prefix,
    Suffix,
    FoldedPrefix,
    FoldedSuffix,
}

impl<'p> Clause<'p> {
    pub(super) const TRUE: Self = Self::Word(0);
    pub(super) const FALSE: Self = Self::Word(1);
    pub(super) const NULL: Self = Self::Word(2);

    /// What a match value asks for.
    pub(super) fn of(matcher: Matcher<'p>) -> Self {
        let affix = |affix, text: &'p str| if text.is_empty() { Self::Present } else { Self::Affix(affix, text) };
        match matcher {
            Matcher::Text(text) => Self::Text(text),
            Matcher::Address(address) => Self::Address(address),
            Matcher::Number(number) => Self::Number(number),
            Matcher::True => Self::TRUE,
            Matcher::False => Self::FALSE,
            Matcher::Null => Self::NULL,
            Matcher::Prefix(text) => affix(Affix::Prefix, text),
            Matcher::Suffix(text) => affix(Affix::Suffix, text),
            Matcher::IgnoreCase(text) => Self::Folded(text),
            Matcher::PrefixIgnoreCase(text) => affix(Affix::FoldedPrefix, text),
            Matcher::SuffixIgnoreCase(text) => affix(Affix::FoldedSuffix, text),
            Matcher::Wildcard(wildcard) => match (wildcard.whole(), wildcard.ends()) {
                (Some(text), _) => Self::Text(text),
                (None, (first, last)) if first.len() >= last.len() => affix(Affix::Prefix, first),
                (None, (_, last)) => affix(Affix::Suffix, last),
            },
            Matcher::Numeric(range) => Self::Range(range),
            Matcher::Cidr(block) => Self::Block(block),
            Matcher::Exists | Matcher::AnythingBut(_) => Self::Present,
            Matcher::Absent => Self::Absent,
        }
    }

    /// The hash under which the clause is kept; a range has none.
    pub(super) fn hash(&self, path: PathId, seed: &Seed) -> Option<u64> {
        let what = |kind| what(path, kind);
        Some(match self {
            Self::Text(text) => seed.hash(what(TEXT), text.as_bytes()),
            Self::Folded(text) => seed.hash(what(FOLDED), text.as_bytes()),
            Self::Address(address) => seed.hash(what(ADDRESS), &bits_of(*address)),
            Self::Number(number) => seed.hash(what(NUMBER), &number_bits(*number)),
            Self::Word(word) => seed.hash(what(WORD), &[*word]),
            Self::Affix(affix, text) => {
                let more = |running, byte| seed.more(running, byte);
                let running = match affix {
                    Affix::Prefix | Affix::FoldedPrefix => text.bytes().fold(seed.begin(), more),
                    Affix::Suffix | Affix::FoldedSuffix => text.bytes().rev().fold(seed.begin(), more),
                };
                seed.end(running, what(affix.kind()), text.len())
            }
            Self::Block(block) => block_hash(block, path, seed),
            Self::Present => seed.hash(what(PRESENT), &[]),
            Self::Absent => seed.hash(what(ABSENT), &[]),
            Self::Range(_) => return None,
        })
    }
}

const TEXT: u64 = 4;
const FOLDED: u64 = 5;
const ADDRESS: u64 = 6;
const NUMBER: u64 = 7;
const WORD: u64 = 8;
const PRESENT: u64 = 9;
const ABSENT: u64 = 10;
const BLOCK: u64 = 64;

impl Affix {
    /// Below the other kinds.
    pub(super) fn kind(self) -> u64 {
        self as u64
    }
}

/// What a hash is of: a kind of clause at a path. Blocks have a kind for each number of bits.
pub(super) fn what(path: PathId, kind: u64) -> u64 {
    (path.index() as u64) << 16 | kind
}

pub(super) fn block_hash(block: &Cidr, path: PathId, seed: &Seed) -> u64 {
    let (bits, address) = block.prefix();
    seed.hash(what(path, BLOCK + u64::from(bits)), &bits_of(address))
}

/// The bits of an address, of which one of the other family has more or less.
fn bits_of(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn number_bits(number: f64) -> [u8; 8] {
    // Both zeros are one.
    (number + 0.0).to_le_bytes()
}
