//! A checksum over each message and each part of the log, because neither SQLite nor a file system notices a changed byte
//! inside a value.

const BASIS: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a over eight bytes at a time, which finds what a disk does to a value; it is no defence against a person.
pub(crate) fn sum(bytes: &[u8]) -> i64 {
    from(BASIS, bytes).cast_signed()
}

/// The same with numbers before the bytes.
pub(crate) fn sum_after(before: [u64; 2], bytes: &[u8]) -> u64 {
    let before = before.into_iter().fold(BASIS, step);
    from(before, bytes)
}

const PRIME: u64 = 0x0000_0100_0000_01b3;

fn from(basis: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut sum = words.iter().fold(basis ^ bytes.len() as u64, |sum, word| step(sum, u64::from_le_bytes(*word)));
    for byte in rest {
        sum = (sum ^ u64::from(*byte)).wrapping_mul(PRIME);
    }
    sum
}

fn step(sum: u64, word: u64) -> u64 {
    // Multiplication carries upwards only: the rotation brings the high bits back down.
    (sum ^ word).wrapping_mul(PRIME).rotate_left(29)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_bit_and_every_lost_byte_changes_the_sum() {
        let text = b"a message of some length, not a multiple of eight bytes";
        let whole = sum(text);
        for bit in 0..text.len() * 8 {
            let mut changed = *text;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(sum(&changed), whole, "bit {bit}");
        }
        for length in 0..text.len() {
            assert_ne!(sum(&text[..length]), whole, "{length} bytes");
        }
    }

    #[test]
    fn sums_stay_as_they_were_written() {
        assert_eq!(sum(b"a message"), 1_293_589_624_381_161_349);
    }
}
