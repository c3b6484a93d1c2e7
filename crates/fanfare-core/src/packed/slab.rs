//! Numbered things in pieces that are never moved.

/// Things under numbers, which are given again after a thing is gone. It grows piece by piece.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    pieces: Vec<Vec<Cell<T>>>,
    free: u32,
    len: usize,
}

#[derive(Debug)]
enum Cell<T> {
    Used(T),
    /// The next free number.
    Free(u32),
}

/// How many things a piece has.
const PIECE: usize = 1024;
/// No number.
const NONE: u32 = u32::MAX;

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { pieces: Vec::new(), free: NONE, len: 0 }
    }
}

impl<T> Slab<T> {
    /// How many things there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Adds a thing and answers its number.
    pub(crate) fn insert(&mut self, thing: T) -> u32 {
        self.len += 1;
        if self.free != NONE {
            let number = self.free;
            let cell = &mut self.pieces[number as usize / PIECE][number as usize % PIECE];
            if let Cell::Free(next) = std::mem::replace(cell, Cell::Used(thing)) {
                self.free = next;
            }
            return number;
        }
        if self.pieces.last().is_none_or(|piece| piece.len() == PIECE) {
            // The first piece grows as it is needed; who has filled one will fill another.
            self.pieces.push(if self.pieces.is_empty() { Vec::new() } else { Vec::with_capacity(PIECE) });
        }
        let before = (self.pieces.len() - 1) * PIECE;
        let piece = self.pieces.last_mut().expect("a piece was added");
        piece.push(Cell::Used(thing));
        u32::try_from(before + piece.len() - 1).expect("memory holds fewer things")
    }

    /// The thing with that number.
    pub(crate) fn get(&self, number: u32) -> Option<&T> {
        match self.pieces.get(number as usize / PIECE)?.get(number as usize % PIECE)? {
            Cell::Used(thing) => Some(thing),
            Cell::Free(_) => None,
        }
    }

    /// The thing with that number, to be changed.
    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        match self.pieces.get_mut(number as usize / PIECE)?.get_mut(number as usize % PIECE)? {
            Cell::Used(thing) => Some(thing),
            Cell::Free(_) => None,
        }
    }

    /// All of them, in the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.numbered().map(|(_, thing)| thing)
    }

    /// All of them with their numbers, in the order of these.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (u32, &T)> {
        (0..).zip(self.pieces.iter().flatten()).filter_map(|(number, cell)| match cell {
            Cell::Used(thing) => Some((number, thing)),
            Cell::Free(_) => None,
        })
    }

    /// Takes a thing out.
    pub(crate) fn remove(&mut self, number: u32) -> Option<T> {
        self.get(number)?;
        let cell = &mut self.pieces[number as usize / PIECE][number as usize % PIECE];
        let Cell::Used(thing) = std::mem::replace(cell, Cell::Free(self.free)) else { return None };
        self.free = number;
        self.len -= 1;
        Some(thing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_given_again_and_things_stay_where_they_are() {
        let mut slab = Slab::default();
        let numbers: Vec<u32> = (0..3000).map(|thing| slab.insert(thing)).collect();
        assert_eq!(numbers, (0..3000).collect::<Vec<_>>());
        assert_eq!((slab.remove(5), slab.remove(2500), slab.remove(5)), (Some(5), Some(2500), None));
        assert_eq!((slab.get(5), slab.get(6), slab.get(9999), slab.len()), (None, Some(&6), None, 2998));
        assert_eq!((slab.insert(7000), slab.insert(7001), slab.insert(7002)), (2500, 5, 3000));
        assert_eq!(slab.get(2500), Some(&7000));
    }
}
