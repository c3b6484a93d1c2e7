//! Hashes that nobody outside can foresee.

use std::hash::{BuildHasher, RandomState};

/// The secret by which one index, or one registry, hashes.
///
/// Who writes policies, messages and addresses may be nobody's friend, so the hashes are seeded. They are made for speed all the same:
/// two clauses that meet in one hash only bring each other candidates, which are looked at before they count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seed {
    first: u64,
    step: u64,
    last: u64,
}

/// The hash of the bytes so far, each of which may be the last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Running(u64);

impl Seed {
    /// A seed at random.
    pub(crate) fn random() -> Self {
        let random = RandomState::new();
        // Odd, so that no factor of two gets lost.
        Self { first: random.hash_one(1), step: random.hash_one(2) | 1, last: random.hash_one(3) | 1 }
    }

    /// The hash of `bytes` that mean `what`.
    pub(crate) fn hash(&self, what: u64, bytes: &[u8]) -> u64 {
        let mut state = self.first ^ what;
        let (eights, rest) = bytes.as_chunks::<8>();
        for eight in eights {
            state = folded(state ^ u64::from_le_bytes(*eight), self.step);
        }
        let mut tail = [0; 8];
        tail[..rest.len()].copy_from_slice(rest);
        state = folded(state ^ u64::from_le_bytes(tail), self.step);
        folded(state ^ bytes.len() as u64, self.last)
    }

    /// A hash of no bytes, to go on from.
    pub(super) fn begin(&self) -> Running {
        Running(self.first)
    }

    /// The hash with one more byte.
    pub(super) fn more(&self, running: Running, byte: u8) -> Running {
        Running(folded(running.0 ^ u64::from(byte), self.step))
    }

    /// The hash of the `length` bytes so far, if they mean `what`.
    pub(super) fn end(&self, running: Running, what: u64, length: usize) -> u64 {
        folded(folded(running.0 ^ what, self.step) ^ length as u64, self.last)
    }
}

/// The product, its upper half folded into its lower one.
fn folded(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    #[allow(clippy::cast_possible_truncation, reason = "each half is meant")]
    let halves = (product as u64, (product >> 64) as u64);
    halves.0 ^ halves.1
}
