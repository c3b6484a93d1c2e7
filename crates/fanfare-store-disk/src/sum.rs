//! A checksum over each message, because SQLite does not notice a changed byte inside a value.

/// FNV-1a over eight bytes at a time, which finds what a disk does to a value; it is no defence against a person.
pub(crate) fn sum(bytes: &[u8]) -> i64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let (words, rest) = bytes.as_chunks::<8>();
    let mut sum = BASIS ^ bytes.len() as u64;
    for word in words {
        // Multiplication carries upwards only: the rotation brings the high bits back down.
        sum = (sum ^ u64::from_le_bytes(*word)).wrapping_mul(PRIME).rotate_left(29);
    }
    for byte in rest {
        sum = (sum ^ u64::from(*byte)).wrapping_mul(PRIME);
    }
    sum.cast_signed()
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
}
