//! Lines of a FASTA file, joined to a sequence.

use super::{Features, Level, is_base};

/// The bytes that are copied at once: lines are shorter than what pays for a call of memcpy.
const PIECE: usize = 64;

/// Returns a letter in upper case, U as T.
#[inline(always)]
#[must_use]
pub fn normal(letter: u8) -> u8 {
    let upper = letter & 0xDF;
    if upper == b'U' { b'T' } else { upper }
}

for_levels! {
    /// Joins letters, upper case and U as T, until `target` is full; false where one of them is no A, C, G, T, U or N.
    ///
    /// `source` begins with the `rest` last letters of a line; lines of `bases` letters follow it, each behind `gap` bytes.
    pub fn join_lines(source: &[u8], rest: usize, bases: usize, gap: usize, target: &mut [u8]) -> bool {
        let (mut place, mut at, mut line) = (0, 0, rest);
        while at < target.len() {
            let length = line.min(target.len() - at);
            let mut done = 0;
            while done < length {
                let (from, to) = (&source[place + done..], &mut target[at + done..]);
                // A whole piece where there is one, though it be beyond the line: the next line is written over the rest.
                if let (Some(from), Some(to)) = (from.first_chunk::<PIECE>(), to.first_chunk_mut::<PIECE>()) {
                    for (letter, value) in from.iter().zip(to) {
                        *value = normal(*letter);
                    }
                } else {
                    for (letter, value) in from[..(length - done).min(PIECE)].iter().zip(to) {
                        *value = normal(*letter);
                    }
                }
                done += PIECE;
            }
            (place, at, line) = (place + length + gap, at + length, bases);
        }
        target.iter().fold(true, |plain, &letter| plain & (is_base(letter) | (letter == b'N')))
    }
}

/// Asks for bytes that are soon needed, so that what comes first need not wait for them; for no more than 4 kB.
#[allow(unsafe_code)]
pub fn prefetch(bytes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    for line in bytes.chunks(64).take(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint reads nothing, and SSE is part of x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = bytes;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_joins_lines_of_every_length() {
        let letters: Vec<u8> = b"ACGTNacgtnUu".iter().copied().cycle().take(300).collect();
        for level in Level::all() {
            for (bases, gap) in [(1, 1), (60, 1), (64, 2), (70, 1), (400, 1)] {
                for first in [0, 1, 63, 130] {
                    let lines: Vec<&[u8]> = letters.chunks(bases).collect();
                    let text = lines.join(&vec![b'\n'; gap][..]);
                    let place = first / bases * (bases + gap) + first % bases;
                    let mut target = vec![0; 300 - first];
                    let join = |text: &[u8], target: &mut [u8]| {
                        join_lines(level, &text[place..], bases - first % bases, bases, gap, target)
                    };
                    assert!(join(&text, &mut target));
                    let expected: Vec<u8> = letters[first..].iter().map(|&letter| normal(letter)).collect();
                    assert_eq!(target, expected);
                    for wrong in [first, 299] {
                        let mut text = text.clone();
                        text[wrong / bases * (bases + gap) + wrong % bases] = b'R';
                        assert!(!join(&text, &mut target));
                    }
                }
            }
        }
    }
}
