//! Canonical k-mers: of a k-mer and its reverse complement the smaller one, two bits a letter.

use crate::hashing;

/// The two bits of each letter, in either case, U as T; 4 for all others.
const CODES: [u8; 256] = {
    let mut codes = [4; 256];
    let letters = b"ACGTU";
    let mut index = 0;
    while index < letters.len() {
        let code = if index == 4 { 3 } else { index as u8 };
        codes[letters[index] as usize] = code;
        codes[letters[index].to_ascii_lowercase() as usize] = code;
        index += 1;
    }
    codes
};

/// The longest k-mer that fits 64 bits.
pub const LONGEST: usize = 32;

/// Calls `found` with each canonical k-mer of a row, in order; `k` is 1 to [`LONGEST`].
///
/// A k-mer with another letter than A, C, G, T or U, of either case, is left out.
#[inline(always)]
pub fn each(letters: &[u8], k: usize, mut found: impl FnMut(u64)) {
    let mask = u64::MAX >> (64 - 2 * k);
    let top = 2 * (k - 1);
    let (mut forward, mut reverse, mut run) = (0_u64, 0_u64, 0_usize);
    for &letter in letters {
        let code = u64::from(CODES[usize::from(letter)]);
        if code > 3 {
            run = 0;
            continue;
        }
        forward = (forward << 2 | code) & mask;
        reverse = reverse >> 2 | (3 - code) << top;
        run += 1;
        if run >= k {
            found(forward.min(reverse));
        }
    }
}

/// Returns the number of k-mers that [`each`] finds, repeats included.
#[must_use]
pub fn count(letters: &[u8], k: usize) -> usize {
    let mut count = 0;
    each(letters, k, |_| count += 1);
    count
}

/// Spreads the bits of a k-mer: which k-mers a sample holds depends on nothing else.
#[inline(always)]
#[must_use]
pub fn hash(kmer: u64) -> u64 {
    hashing::finish(hashing::step(0, kmer))
}

/// No canonical k-mer has all bits set: of 32 times T, it is 32 times A.
const EMPTY: u64 = u64::MAX;

/// The distinct canonical k-mers of one row, against which others are counted; kept between rows for its memory.
#[derive(Default)]
pub struct Known {
    kmers: Vec<u64>,
    /// The last row that had each k-mer.
    seen: Vec<u32>,
    turn: u32,
    shift: u32,
    k: usize,
}

impl Known {
    /// Takes the k-mers of a row.
    pub fn learn(&mut self, letters: &[u8], k: usize) {
        let bits = (2 * letters.len().max(8)).next_power_of_two().trailing_zeros();
        self.kmers.clear();
        self.kmers.resize(1 << bits, EMPTY);
        self.seen.clear();
        self.seen.resize(1 << bits, 0);
        (self.turn, self.shift, self.k) = (0, 64 - bits, k);
        each(letters, k, |kmer| {
            let slot = self.slot(kmer);
            self.kmers[slot] = kmer;
        });
    }

    /// Counts the distinct k-mers of another row that are known.
    pub fn shared(&mut self, letters: &[u8]) -> u32 {
        self.turn += 1;
        let mut count = 0;
        each(letters, self.k, |kmer| {
            let slot = self.slot(kmer);
            if self.kmers[slot] == kmer && self.seen[slot] != self.turn {
                self.seen[slot] = self.turn;
                count += 1;
            }
        });
        count
    }

    /// The place of a k-mer, or the free place where it would stand: at most half of the places are taken.
    #[inline(always)]
    fn slot(&self, kmer: u64) -> usize {
        let mut slot = (kmer.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize;
        while self.kmers[slot] != kmer && self.kmers[slot] != EMPTY {
            slot = (slot + 1) & (self.kmers.len() - 1);
        }
        slot
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::complement;

    fn plain(text: &[u8], k: usize) -> BTreeSet<Vec<u8>> {
        let upper: Vec<u8> = text.to_ascii_uppercase();
        let flip = |window: &[u8]| {
            let mut flipped = window.to_vec();
            complement::row(window, &mut flipped);
            flipped.min(window.to_vec())
        };
        let clean = |window: &&[u8]| window.iter().all(|letter| b"ACGT".contains(letter));
        upper.windows(k).filter(clean).map(flip).collect()
    }

    proptest! {
        #[test]
        fn shared_k_mers_are_those_of_sets_of_texts(
            first in prop::collection::vec(prop::sample::select(&b"ACGTACGTacgtN"[..]), 0..60),
            second in prop::collection::vec(prop::sample::select(&b"ACGTACGTacgtN"[..]), 0..60),
            k in prop::sample::select(&[1_usize, 2, 3, 4, 32][..]),
        ) {
            let mut known = Known::default();
            known.learn(&first, k);
            let expected = plain(&first, k).intersection(&plain(&second, k)).count();
            prop_assert_eq!(known.shared(&second) as usize, expected);
            // Again, and after another row.
            prop_assert_eq!(known.shared(&first) as usize, plain(&first, k).len());
            prop_assert_eq!(known.shared(&second) as usize, expected);
        }
    }

    #[test]
    fn the_longest_run_of_t_is_a_run_of_a() {
        each(&[b'T'; 32], 32, |kmer| assert_eq!(kmer, 0));
        assert_eq!(count(b"ACGTNACGU", 4), 2);
    }
}
