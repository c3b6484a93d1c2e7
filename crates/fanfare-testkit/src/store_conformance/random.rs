//! Numbers that look random and are the same every time.

/// A generator of the kind splitmix64.
pub(super) struct Random(pub(super) u64);

impl Random {
    /// A number below `limit`, which is above zero.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    /// Whether something happens that happens `part` times of a hundred.
    pub(super) fn percent(&mut self, part: u64) -> bool {
        self.below(100) < part
    }

    /// One of `choices`, or nothing when there is none.
    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> Option<T> {
        let count = u64::try_from(choices.len()).expect("a length is a number");
        if count == 0 {
            return None;
        }
        choices.get(usize::try_from(self.below(count)).expect("it is below a length")).copied()
    }
}
