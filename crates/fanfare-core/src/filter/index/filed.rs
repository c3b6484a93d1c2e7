//! What is filed under one path, and under what a scalar there is looked for.

use std::net::IpAddr;

use super::clause::{Affix, Clause, block_hash, what};
use super::ranges::Ranges;
use super::seed::{Running, Seed};
use crate::filter::address::{Cidr, parse_address};
use crate::filter::matcher::{NumericRange, Value};
use crate::filter::paths::PathId;
use crate::filter::text_set::folded;

/// What is filed under one path: how much of each kind, so that nothing is looked for in vain.
#[derive(Debug, Default)]
pub(super) struct Filed {
    texts: u32,
    folded: u32,
    addresses: u32,
    numbers: u32,
    words: u32,
    present: u32,
    absent: u32,
    affixes: u32,
    blocks: u32,
    /// How many policies are looked at here for a second time.
    second_looks: u32,
    /// For each kind of affix or block, the lengths that there are.
    lengths: Option<Box<[Lengths; KINDS]>>,
    ranges: Option<Box<Ranges>>,
}

/// Lengths in order, with how many there are of each.
type Lengths = Vec<(u32, u32)>;

/// Kinds of things that are looked for by their lengths: four affixes, and the blocks of two families.
const KINDS: usize = 6;

impl Filed {
    /// How likely a message is to meet a clause that `members` policies are filed under, supposing that messages are as
    /// policies are.
    pub(super) fn likelihood(&self, clause: &Clause<'_>, members: usize) -> f64 {
        // Of the first few, little can be said.
        const UNKNOWN: f64 = 16.0;
        #[allow(clippy::cast_precision_loss, reason = "there are far fewer policies")]
        let share = |all: u32| (members as f64 + 1.0) / (f64::from(all) + UNKNOWN);
        match clause {
            Clause::Text(_) => share(self.texts),
            Clause::Folded(_) => share(self.folded),
            Clause::Address(_) => share(self.addresses),
            Clause::Number(_) => share(self.numbers),
            Clause::Word(_) => share(self.words).max(0.5),
            // A short affix fits many texts that no policy tells of.
            Clause::Affix(_, text) => share(self.affixes).max(1.0 / f64::from(1 << (4 * text.len().min(4)))),
            Clause::Block(_) => share(self.blocks).max(0.05),
            Clause::Range(range) => self.ranges.as_deref().map_or(0.3, |ranges| ranges.share(range)).max(0.02),
            Clause::Present | Clause::Absent => 0.95,
        }
    }

    /// Notes that one more policy is filed under the clause, or one less. A range is filed right here.
    pub(super) fn note(&mut self, clause: &Clause<'_>, number: u32, change: Change) {
        let count = match clause {
            Clause::Text(_) => &mut self.texts,
            Clause::Folded(_) => &mut self.folded,
            Clause::Address(_) => &mut self.addresses,
            Clause::Number(_) => &mut self.numbers,
            Clause::Word(_) => &mut self.words,
            Clause::Present => &mut self.present,
            Clause::Absent => &mut self.absent,
            Clause::Affix(affix, text) => {
                self.note_length(*affix as usize, text.len(), change);
                &mut self.affixes
            }
            Clause::Block(block) => {
                let (bits, address) = block.prefix();
                self.note_length(family(address), bits as usize, change);
                &mut self.blocks
            }
            Clause::Range(range) => return self.note_range(range, number, change),
        };
        change.apply(count);
    }

    /// Notes that one more policy has its second look here, or one less.
    pub(super) fn note_second_look(&mut self, change: Change) {
        change.apply(&mut self.second_looks);
    }

    /// Whether some policy has its second look here.
    pub(super) fn has_second_looks(&self) -> bool {
        self.second_looks > 0
    }

    /// Whether some policy is met by nothing at the path.
    pub(super) fn asks_for_absence(&self) -> bool {
        self.absent > 0
    }

    /// The hash of [`Clause::Present`], if somebody is filed under it.
    pub(super) fn presence(&self, path: PathId, seed: &Seed) -> Option<u64> {
        if self.present > 0 { Clause::Present.hash(path, seed) } else { None }
    }

    /// Whoever has a range that the number is in.
    pub(super) fn ranges(&self) -> Option<&Ranges> {
        self.ranges.as_deref()
    }

    /// Adds to `hashes` those of every clause that the scalar may meet, but for ranges and presence.
    pub(super) fn look_for(&self, value: &Value<'_>, path: PathId, seed: &Seed, hashes: &mut Vec<u64>) {
        let clause = match value {
            Value::Text(text) => return self.look_for_text(text, path, seed, hashes),
            Value::Number(number) if self.numbers > 0 => Clause::Number(*number),
            Value::True if self.words > 0 => Clause::TRUE,
            Value::False if self.words > 0 => Clause::FALSE,
            Value::Null if self.words > 0 => Clause::NULL,
            _ => return,
        };
        hashes.extend(clause.hash(path, seed));
    }

    fn look_for_text(&self, text: &str, path: PathId, seed: &Seed, hashes: &mut Vec<u64>) {
        if self.texts > 0 {
            hashes.extend(Clause::Text(text).hash(path, seed));
        }
        if self.addresses + self.blocks > 0
            && let Some(address) = parse_address(text)
        {
            hashes.extend(Clause::Address(address).hash(path, seed));
            for (bits, _) in self.lengths(family(address)) {
                hashes.push(block_hash(&Cidr::around(address, *bits), path, seed));
            }
        }
        self.look_for_affixes(Affix::Prefix, text, path, seed, hashes);
        self.look_for_affixes(Affix::Suffix, text, path, seed, hashes);
        let (prefixes, suffixes) =
            (self.lengths(Affix::FoldedPrefix as usize), self.lengths(Affix::FoldedSuffix as usize));
        if self.folded > 0 || !prefixes.is_empty() || !suffixes.is_empty() {
            let text = folded(text);
            hashes.extend(Clause::Folded(&text).hash(path, seed));
            self.look_for_affixes(Affix::FoldedPrefix, &text, path, seed, hashes);
            self.look_for_affixes(Affix::FoldedSuffix, &text, path, seed, hashes);
        }
    }

    /// Hashes the text once, and notes the hash at each length that some policy has an affix of.
    fn look_for_affixes(&self, affix: Affix, text: &str, path: PathId, seed: &Seed, hashes: &mut Vec<u64>) {
        let lengths = self.lengths(affix as usize);
        if lengths.is_empty() {
            return;
        }
        let what = what(path, affix.kind());
        let mut note = |running, length| hashes.push(seed.end(running, what, length));
        match affix {
            Affix::Prefix | Affix::FoldedPrefix => hash_lengths(text.bytes(), lengths, seed, &mut note),
            Affix::Suffix | Affix::FoldedSuffix => hash_lengths(text.bytes().rev(), lengths, seed, &mut note),
        }
    }

    fn lengths(&self, kind: usize) -> &[(u32, u32)] {
        self.lengths.as_ref().map_or(&[], |lengths| &lengths[kind])
    }

    fn note_length(&mut self, kind: usize, length: usize, change: Change) {
        let length = u32::try_from(length).expect("a policy has at most 256 KiB");
        let lengths = &mut self.lengths.get_or_insert_default()[kind];
        let place = match lengths.binary_search_by_key(&length, |(known, _)| *known) {
            Ok(place) => place,
            Err(place) => {
                lengths.insert(place, (length, 0));
                place
            }
        };
        change.apply(&mut lengths[place].1);
        if lengths[place].1 == 0 {
            lengths.remove(place);
        }
    }

    fn note_range(&mut self, range: &NumericRange, number: u32, change: Change) {
        let ranges = self.ranges.get_or_insert_default();
        match change {
            Change::More => ranges.insert(range, number),
            Change::Less => ranges.remove(range, number),
        }
        if ranges.is_empty() {
            self.ranges = None;
        }
    }
}

/// Whether a policy comes or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    More,
    Less,
}

impl Change {
    fn apply(self, count: &mut u32) {
        *count = match self {
            Self::More => *count + 1,
            Self::Less => *count - 1,
        };
    }
}

/// The kind of the blocks of an address's family, behind the four affixes.
fn family(address: IpAddr) -> usize {
    if address.is_ipv4() { 4 } else { 5 }
}

/// Hashes the bytes from the beginning to each of the lengths, as far as there are so many.
fn hash_lengths(
    bytes: impl Iterator<Item = u8>,
    lengths: &[(u32, u32)],
    seed: &Seed,
    note: &mut impl FnMut(Running, usize),
) {
    let mut lengths = lengths.iter().map(|(length, _)| *length as usize);
    let Some(mut wanted) = lengths.next() else { return };
    let mut running = seed.begin();
    for (before, byte) in bytes.enumerate() {
        running = seed.more(running, byte);
        if before + 1 == wanted {
            note(running, wanted);
            match lengths.next() {
                Some(next) => wanted = next,
                None => return,
            }
        }
    }
}
