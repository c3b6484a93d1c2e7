//! Those who want every message.

use std::sync::Arc;

/// A list in order, of which a copy is made without copying what is in it.
///
/// It lies in pieces, and a change makes one of them anew if somebody still reads it.
#[derive(Debug, Clone)]
pub(super) struct Everything<K> {
    pieces: Vec<Arc<Vec<K>>>,
    len: usize,
}

/// How many a piece may have.
const PIECE_MAX: usize = 512;

impl<K> Default for Everything<K> {
    fn default() -> Self {
        Self { pieces: Vec::new(), len: 0 }
    }
}

impl<K: Copy + Ord> Everything<K> {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = K> {
        self.pieces.iter().flat_map(|piece| piece.iter().copied())
    }

    pub(super) fn insert(&mut self, key: K) {
        if self.pieces.is_empty() {
            self.pieces.push(Arc::default());
        }
        let place = self.place(&key);
        let piece = Arc::make_mut(&mut self.pieces[place]);
        let Err(at) = piece.binary_search(&key) else { return };
        piece.insert(at, key);
        self.len += 1;
        if piece.len() > PIECE_MAX {
            // The newest is usually the last: then the piece behind begins with it alone.
            let cut = if at == PIECE_MAX { at } else { piece.len() / 2 };
            let behind = piece.split_off(cut);
            self.pieces.insert(place + 1, Arc::new(behind));
        }
    }

    pub(super) fn remove(&mut self, key: &K) -> bool {
        if self.pieces.is_empty() {
            return false;
        }
        let place = self.place(key);
        let Ok(at) = self.pieces[place].binary_search(key) else { return false };
        let piece = Arc::make_mut(&mut self.pieces[place]);
        piece.remove(at);
        self.len -= 1;
        if piece.is_empty() {
            self.pieces.remove(place);
        }
        true
    }

    /// The piece that the key is in, or belongs to.
    fn place(&self, key: &K) -> usize {
        // The newest is usually behind all others.
        if self.pieces.last().and_then(|piece| piece.first()).is_some_and(|first| first <= key) {
            return self.pieces.len() - 1;
        }
        let above = self.pieces.partition_point(|piece| piece.first().is_some_and(|first| first <= key));
        above.saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_stays_as_it_was_while_the_list_changes() {
        let mut list = Everything::default();
        // Every number below 2003, in a jumble.
        for i in 0..2003_u32 {
            list.insert(i * 1000 % 2003);
        }
        list.insert(5);
        let copy = list.clone();
        for i in (0..2003).filter(|i| i % 3 != 0) {
            assert!(list.remove(&i));
            assert!(!list.remove(&i));
        }
        assert_eq!(copy.iter().collect::<Vec<_>>(), (0..2003).collect::<Vec<_>>());
        assert_eq!(list.iter().collect::<Vec<_>>(), (0..2003).step_by(3).collect::<Vec<_>>());
        assert_eq!((copy.len(), list.len()), (2003, 668));
    }
}
