//! One write of the log: a head of 24 bytes, what it tells, and zeros up to the next multiple of eight.
//!
//! | bytes | what |
//! | --- | --- |
//! | 4 | length of what is told |
//! | 4 | sum of the length, the sequence number and the salt: whether this is a head at all |
//! | 8 | sequence number: one more than that of the frame before |
//! | 8 | sum of salt, sequence number and what is told |
//!
//! The salt is the store's own and secret, so that nobody can publish a message that looks like a frame.

use std::ops::Range;

use crate::sum::sum_after;

/// Bytes of a head.
pub(crate) const HEAD: usize = 24;

/// Frames begin at multiples of this.
const ALIGNMENT: usize = 8;

/// Empties `frame` for what the next one tells, which is added behind what is there then.
pub(crate) fn begin(frame: &mut Vec<u8>) {
    frame.clear();
    frame.resize(HEAD, 0);
}

/// Writes the head of a frame that tells something.
pub(crate) fn seal(frame: &mut Vec<u8>, salt: u64, sequence: u64) {
    let told = &frame[HEAD..];
    let length = u32::try_from(told.len()).expect("a batch is far smaller than 4 GiB");
    let sum = sum_after([salt, sequence], told);
    frame[..4].copy_from_slice(&length.to_le_bytes());
    frame[4..8].copy_from_slice(&sum_of_head(salt, sequence, length).to_le_bytes());
    frame[8..16].copy_from_slice(&sequence.to_le_bytes());
    frame[16..24].copy_from_slice(&sum.to_le_bytes());
    frame.resize(frame.len().next_multiple_of(ALIGNMENT), 0);
}

fn sum_of_head(salt: u64, sequence: u64, length: u32) -> u32 {
    // The high half has mixed what the low half has.
    (sum_after([salt, sequence], &length.to_le_bytes()) >> 32) as u32
}

/// What was found in a log.
#[derive(Debug)]
pub(crate) struct Scan {
    bytes: Vec<u8>,
    /// From the beginning, as far as they are whole and follow each other: the sequence number of each and what it tells.
    frames: Vec<(u64, Range<usize>)>,
    /// Where they end.
    end: usize,
    /// The highest sequence number of a whole frame behind that.
    beyond: u64,
}

/// Why a log cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// There are whole frames behind something that is none: what was acknowledged is damaged.
    Damaged {
        /// Where it begins.
        at: usize,
    },
    /// It begins with what follows something that the database does not hold.
    Ahead,
}

impl Scan {
    pub(crate) fn new(bytes: Vec<u8>, salt: u64) -> Self {
        let mut scan = Self { bytes, frames: Vec::new(), end: 0, beyond: 0 };
        while let Some((sequence, told)) = scan.frame_at(scan.end, salt)
            && scan.frames.last().is_none_or(|(last, _)| sequence == last + 1)
        {
            scan.end = told.end.next_multiple_of(ALIGNMENT);
            scan.frames.push((sequence, told));
        }
        scan.beyond = (scan.end..scan.bytes.len())
            .step_by(ALIGNMENT)
            .filter_map(|at| scan.frame_at(at, salt))
            .map(|(sequence, _)| sequence)
            .max()
            .unwrap_or(0);
        scan
    }

    /// What is told by the frames after the sequence number `applied`, with their numbers.
    pub(crate) fn after(&self, applied: u64) -> Result<Vec<(u64, &[u8])>, Trouble> {
        let last = self.frames.last().map_or(0, |(last, _)| *last);
        if self.beyond > last.max(applied) {
            return Err(Trouble::Damaged { at: self.end });
        }
        if self.frames.first().is_some_and(|(first, _)| *first > applied + 1) {
            return Err(Trouble::Ahead);
        }
        let new = self.frames.iter().filter(|(sequence, _)| *sequence > applied);
        Ok(new.map(|(sequence, told)| (*sequence, &self.bytes[told.clone()])).collect())
    }

    /// The whole frame that begins at `at`: its sequence number and where that is which it tells.
    fn frame_at(&self, at: usize, salt: u64) -> Option<(u64, Range<usize>)> {
        let (head, rest) = self.bytes.get(at..)?.split_at_checked(HEAD)?;
        let (lengths, numbers) = head.split_at(8);
        let [length, sum] = lengths.as_chunks::<4>().0 else { return None };
        let [sequence, sum_of_told] = numbers.as_chunks::<8>().0 else { return None };
        let (length, sequence) = (u32::from_le_bytes(*length), u64::from_le_bytes(*sequence));
        // Few of the bytes that are looked at begin with a length, which is looked at first.
        if length == 0 || length as usize > rest.len() {
            return None;
        }
        if u32::from_le_bytes(*sum) != sum_of_head(salt, sequence, length) {
            return None;
        }
        let told = rest.get(..length as usize)?;
        let is_whole = u64::from_le_bytes(*sum_of_told) == sum_after([salt, sequence], told);
        is_whole.then(|| (sequence, at + HEAD..at + HEAD + told.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: u64 = 0x1234_5678_9abc_def0;

    fn frame(sequence: u64, told: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        begin(&mut frame);
        frame.extend_from_slice(told);
        seal(&mut frame, SALT, sequence);
        frame
    }

    fn log(frames: &[(u64, &[u8])]) -> Vec<u8> {
        let mut bytes: Vec<_> = frames.iter().flat_map(|(sequence, told)| frame(*sequence, told)).collect();
        bytes.resize(bytes.len() + 200, 0);
        bytes
    }

    const THREE: [(u64, &[u8]); 3] = [(5, b"one"), (6, b"the second"), (7, b"three of it")];

    #[test]
    fn what_follows_the_applied_is_told() {
        let scan = Scan::new(log(&THREE), SALT);
        assert_eq!(scan.after(4).unwrap(), THREE);
        assert_eq!(scan.after(5).unwrap(), THREE[1..]);
        assert_eq!(scan.after(7).unwrap(), []);
        assert_eq!(scan.after(90).unwrap(), []);
        assert_eq!(scan.after(3), Err(Trouble::Ahead));
        assert_eq!(Scan::new(Vec::new(), SALT).after(3).unwrap(), []);
        assert_eq!(Scan::new(log(&THREE), SALT + 1).after(4).unwrap(), [], "frames of another store are none");
    }

    #[test]
    fn a_log_that_was_cut_ends_with_its_last_whole_frame() {
        let whole = log(&THREE);
        // Behind the last byte that each tells; zeros up to the next frame need not be there.
        let ends = [27, 66, 107];
        for length in 0..whole.len() {
            let mut zeroed = whole.clone();
            zeroed[length..].fill(0);
            let expected = ends.iter().filter(|&&end| length >= end).count();
            for cut in [&zeroed[..], &whole[..length]] {
                assert_eq!(Scan::new(cut.to_vec(), SALT).after(4).unwrap(), THREE[..expected], "{length}");
            }
        }
    }

    #[test]
    fn a_changed_bit_in_the_last_frame_ends_the_log_and_in_another_it_is_damage() {
        let whole = log(&THREE);
        for bit in 0..112 * 8 {
            let mut changed = whole.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let scan = Scan::new(changed, SALT);
            let at = bit / 8;
            let is_padding = [27..32, 66..72, 107..112].iter().any(|padding: &Range<usize>| padding.contains(&at));
            match at {
                _ if is_padding => assert_eq!(scan.after(4).unwrap(), THREE, "byte {at}"),
                0..32 => assert_eq!(scan.after(4), Err(Trouble::Damaged { at: 0 }), "byte {at}"),
                32..72 => assert_eq!(scan.after(4), Err(Trouble::Damaged { at: 32 }), "byte {at}"),
                _ => assert_eq!(scan.after(4).unwrap(), THREE[..2], "byte {at}"),
            }
            assert_eq!(scan.after(7).unwrap(), [], "nothing of it is needed any more");
        }
    }

    #[test]
    fn what_is_left_of_an_earlier_turn_is_not_told_again() {
        // Frames of the same lengths: the new ones end where an old one begins.
        let old = log(&[(1, b"old one"), (2, b"old two"), (3, b"old 333")]);
        let new: Vec<_> = [frame(4, b"new one"), frame(5, b"new two")].concat();
        let mut bytes = old;
        bytes[..new.len()].copy_from_slice(&new);
        let scan = Scan::new(bytes, SALT);
        assert_eq!(scan.after(3).unwrap(), [(4, &b"new one"[..]), (5, b"new two")]);
    }

    #[test]
    fn a_message_that_looks_like_a_frame_is_none() {
        let mut fake = Vec::new();
        begin(&mut fake);
        fake.extend_from_slice(b"fake");
        seal(&mut fake, 0, 9);
        let mut bytes = log(&[(5, b"one"), (6, &fake)]);
        bytes[33] ^= 1;
        let scan = Scan::new(bytes, SALT);
        assert_eq!(scan.after(4).unwrap(), [(5, &b"one"[..])]);
    }
}
