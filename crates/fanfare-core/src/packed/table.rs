//! A hash table that never stops to move all of its entries.

use hashbrown::HashTable;

/// A hash table of many small ones: when one of them is full, it alone is split in two, so that no change takes longer than to
/// move some thousand entries, however many there are.
///
/// Entries are found by their hash and a look at them; whoever adds to the table says how an entry is hashed.
#[derive(Debug)]
pub(crate) struct Table<T> {
    /// For the lowest bits of a hash, as many as tell all shards apart, the number of the shard.
    directory: Vec<u32>,
    shards: Vec<Shard<T>>,
}

#[derive(Debug)]
struct Shard<T> {
    /// How many bits of their hashes the entries share.
    bits: u32,
    entries: HashTable<T>,
}

/// How many entries a shard may have: as many as a table of 2048 places takes, so that none is moved before it is split.
const SHARD_MAX: usize = 1792;
/// How many a shard has at most when the number of entries was known: room is left for those that hashes fill more than others.
const SHARD_FILLED: usize = 1400;
/// The bits of a hash that the tables themselves make use of the least begin here.
const SHIFT: u32 = 24;
/// More bits than any number of entries needs.
const BITS_MAX: u32 = 30;

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { directory: Vec::new(), shards: Vec::new() }
    }
}

impl<T> Table<T> {
    /// A table with room for so many entries, which are added faster then.
    pub(crate) fn with_room_for(entries: usize) -> Self {
        if entries == 0 {
            return Self::default();
        }
        let shards = entries.div_ceil(SHARD_FILLED).next_power_of_two().min(1 << BITS_MAX);
        let room = entries.div_ceil(shards);
        // Hashes fill some shards more than others.
        let room = if shards == 1 { room } else { room + room / 8 };
        let shard = || Shard { bits: shards.trailing_zeros(), entries: HashTable::with_capacity(room) };
        Self {
            directory: (0..u32::try_from(shards).unwrap_or(u32::MAX)).collect(),
            shards: (0..shards).map(|_| shard()).collect(),
        }
    }

    /// The entry with that hash that `is` it.
    pub(crate) fn find(&self, hash: u64, is: impl FnMut(&T) -> bool) -> Option<&T> {
        self.shards.get(self.shard(hash)?)?.entries.find(hash, is)
    }

    /// The entry with that hash that `is` it, to be changed in what its hash does not depend on.
    pub(crate) fn find_mut(&mut self, hash: u64, is: impl FnMut(&T) -> bool) -> Option<&mut T> {
        let shard = self.shard(hash)?;
        self.shards.get_mut(shard)?.entries.find_mut(hash, is)
    }

    /// Adds an entry, which must not be there.
    pub(crate) fn insert(&mut self, hash: u64, entry: T, hash_of: impl Fn(&T) -> u64) {
        if self.shards.is_empty() {
            self.directory.push(0);
            self.shards.push(Shard { bits: 0, entries: HashTable::new() });
        }
        let mut shard = self.shard(hash).expect("there is a shard");
        if self.shards[shard].entries.len() >= SHARD_MAX && self.shards[shard].bits < BITS_MAX {
            self.split(shard, hash, &hash_of);
            shard = self.shard(hash).expect("there is a shard");
        }
        let entries = &mut self.shards[shard].entries;
        if entries.len() == entries.capacity() {
            // Also what was taken out fills a table, which would grow where a new one of the same size has room.
            let mut cleared = HashTable::with_capacity(entries.len() + entries.len() / 8 + 1);
            for entry in std::mem::take(entries) {
                cleared.insert_unique(hash_of(&entry), entry, &hash_of);
            }
            *entries = cleared;
        }
        entries.insert_unique(hash, entry, hash_of);
    }

    /// Takes out the entry with that hash that `is` it.
    pub(crate) fn remove(&mut self, hash: u64, is: impl FnMut(&T) -> bool) -> Option<T> {
        let shard = self.shard(hash)?;
        let entry = self.shards.get_mut(shard)?.entries.find_entry(hash, is).ok()?;
        Some(entry.remove().0)
    }

    fn shard(&self, hash: u64) -> Option<usize> {
        // The directory's length is a power of two.
        let mask = self.directory.len().checked_sub(1)?;
        self.directory.get(bits_of(hash) & mask).map(|shard| *shard as usize)
    }

    /// Splits the shard that `hash` belongs to by the next bit of the hashes.
    fn split(&mut self, shard: usize, hash: u64, hash_of: &impl Fn(&T) -> u64) {
        let bits = self.shards[shard].bits;
        let bit = 1_usize << bits;
        if bit == self.directory.len() {
            self.directory.extend_from_within(..);
        }
        let moves = |hash: u64| bits_of(hash) & bit != 0;
        let entries = std::mem::take(&mut self.shards[shard].entries);
        // Each is hashed once.
        let entries: Vec<_> = entries.into_iter().map(|entry| (hash_of(&entry), entry)).collect();
        let moving = entries.iter().filter(|(hash, _)| moves(*hash)).count();
        let room_for = |count: usize| HashTable::with_capacity(count.max(SHARD_MAX / 2));
        let (mut stay, mut moved) = (room_for(entries.len() - moving), room_for(moving));
        for (hash, entry) in entries {
            let half = if moves(hash) { &mut moved } else { &mut stay };
            half.insert_unique(hash, entry, hash_of);
        }
        self.shards[shard] = Shard { bits: bits + 1, entries: stay };
        let new = u32::try_from(self.shards.len()).expect("there are fewer shards than entries");
        self.shards.push(Shard { bits: bits + 1, entries: moved });
        let first = (bits_of(hash) & (bit - 1)) | bit;
        for place in self.directory[first..].iter_mut().step_by(bit << 1) {
            *place = new;
        }
    }
}

fn bits_of(hash: u64) -> usize {
    #[allow(clippy::cast_possible_truncation, reason = "only the lowest bits are asked for")]
    let bits = (hash >> SHIFT) as usize;
    bits
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher as _, RandomState};

    use super::*;

    #[test]
    fn every_entry_is_found_after_shards_were_split_again_and_again() {
        let hasher = RandomState::new();
        let hash = |number: &u32| hasher.hash_one(number);
        let mut table = Table::default();
        for number in 0..50_000 {
            table.insert(hash(&number), number, hash);
        }
        assert!(table.shards.len() > 20, "{}", table.shards.len());
        assert!(table.shards.iter().all(|shard| shard.entries.len() <= SHARD_MAX));
        for number in 0..50_000 {
            assert_eq!(table.find(hash(&number), |known| *known == number), Some(&number));
        }
        for number in (0..50_000).step_by(2) {
            assert_eq!(table.remove(hash(&number), |known| *known == number), Some(number));
        }
        for number in 0..50_000 {
            assert_eq!(table.find(hash(&number), |known| *known == number).is_some(), number % 2 == 1);
        }
        assert_eq!(Table::<u32>::default().find(7, |_| true), None);
    }

    #[test]
    fn a_table_with_room_is_not_split_before_it_has_what_it_was_made_for() {
        let hasher = RandomState::new();
        let hash = |number: &u32| hasher.hash_one(number);
        for entries in [1, 1400, 1401, 50_000] {
            let mut table = Table::with_room_for(entries as usize);
            for number in 0..entries {
                table.insert(hash(&number), number, |_| panic!("entry {number} of {entries} has others moved"));
            }
            for number in entries..3 * entries {
                table.insert(hash(&number), number, hash);
            }
            assert!(
                (0..3 * entries).all(|number| table.find(hash(&number), |known| *known == number) == Some(&number))
            );
        }
        assert!(Table::<u32>::with_room_for(0).shards.is_empty());
    }
}
