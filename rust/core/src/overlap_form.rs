//! The two forms in which the leak audit compares rows, and the plan of the blocks that near rows share.

use std::borrow::Cow;

use crate::hashing;

/// Which blocks of a row make each key.
///
/// With d mismatches in m blocks, at least m - d blocks are untouched: every choice of m - d blocks is one key, and near rows
/// agree in at least one key. More mismatches get more blocks than needed, so that each key still holds many letters.
#[derive(Clone, Debug)]
pub struct Plan {
    blocks: usize,
    choices: Vec<u32>,
    /// For each key and length up to 64: the bits of a short row that belong to the key.
    masks: Vec<[[u64; 4]; 65]>,
}

impl Plan {
    /// One key: the whole row.
    #[must_use]
    pub fn exact(longest: usize) -> Self {
        Self::new(0, longest)
    }

    /// The keys for a number of mismatches.
    #[must_use]
    pub fn new(mismatches: u32, longest: usize) -> Self {
        let (blocks, chosen) = match mismatches {
            0 => (1, 1),
            d => (d as usize + 2, 2),
        };
        let choices: Vec<u32> = (0..1_u32 << blocks)
            .filter(|bits| bits.count_ones() == chosen)
            .collect();
        let masks = if longest <= 64 {
            choices.iter().map(|&choice| masks(blocks, choice)).collect()
        } else {
            Vec::new()
        };
        Self {
            blocks,
            choices,
            masks,
        }
    }

    /// The number of keys.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.choices.len()
    }

    fn blocks(&self, key: usize, length: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
        let (count, choice) = (self.blocks, self.choices[key]);
        (0..count)
            .filter(move |block| choice >> block & 1 == 1)
            .map(move |block| block * length / count..(block + 1) * length / count)
    }
}

fn masks(count: usize, choice: u32) -> [[u64; 4]; 65] {
    let mut masks = [[0; 4]; 65];
    for (length, mask) in masks.iter_mut().enumerate() {
        for block in (0..count).filter(|block| choice >> block & 1 == 1) {
            for place in block * length / count..(block + 1) * length / count {
                mask[place / 16] |= 0xF << (4 * (place % 16));
            }
        }
    }
    masks
}

/// A row in a form that can be compared.
pub trait Form<'a>: Sync + Send + Sized {
    /// Makes the form of a row.
    fn make(letters: Cow<'a, [u8]>) -> Self;
    /// The hash of the blocks that make a key.
    fn key(&self, plan: &Plan, key: usize) -> u64;
    /// The letters that differ; more than `limit` where there are more, or the lengths differ.
    fn distance(&self, other: &Self, limit: u32) -> u32;
}

/// A row of at most 16 x WORDS letters, four bits a letter: any IUPAC letter has a code of its own.
#[derive(Clone, Copy, Debug)]
pub struct Short<const WORDS: usize> {
    words: [u64; WORDS],
    length: u32,
}

/// Four bits by `letter & 31`: the bases that the letter stands for.
const CODES: [u8; 32] = {
    let letters = b"ACGTURYSWKMBDHVN";
    let sets = [1, 2, 4, 8, 8, 5, 10, 6, 9, 12, 3, 14, 13, 11, 7, 15];
    let mut table = [0; 32];
    let mut index = 0;
    while index < letters.len() {
        table[(letters[index] & 31) as usize] = sets[index];
        index += 1;
    }
    table
};

impl<const WORDS: usize> Form<'_> for Short<WORDS> {
    fn make(letters: Cow<'_, [u8]>) -> Self {
        let mut words = [0; WORDS];
        for (word, sixteen) in words.iter_mut().zip(letters.chunks(16)) {
            for (place, &letter) in sixteen.iter().enumerate() {
                *word |= u64::from(CODES[usize::from(letter & 31)]) << (4 * place);
            }
        }
        Self {
            words,
            length: letters.len() as u32,
        }
    }

    #[inline]
    fn key(&self, plan: &Plan, key: usize) -> u64 {
        let mask = &plan.masks[key][self.length as usize];
        let state = u64::from(self.length);
        let hash = self
            .words
            .iter()
            .zip(mask)
            .fold(state, |state, (word, mask)| hashing::step(state, word & mask));
        hashing::finish(hash)
    }

    #[inline]
    fn distance(&self, other: &Self, limit: u32) -> u32 {
        if self.length != other.length {
            return limit + 1;
        }
        let differing = |(&left, &right): (&u64, &u64)| {
            let bits = left ^ right;
            let bits = bits | (bits >> 2);
            ((bits | (bits >> 1)) & 0x1111_1111_1111_1111).count_ones()
        };
        self.words.iter().zip(&other.words).map(differing).sum()
    }
}

/// A row of any length, as its letters.
#[derive(Clone, Debug)]
pub struct Long<'a>(Cow<'a, [u8]>);

impl<'a> Form<'a> for Long<'a> {
    fn make(letters: Cow<'a, [u8]>) -> Self {
        Self(letters)
    }

    fn key(&self, plan: &Plan, key: usize) -> u64 {
        let length = self.0.len();
        let hash = plan.blocks(key, length).fold(length as u64, |state, block| {
            hashing::step(state, hashing::bytes(&self.0[block]))
        });
        hashing::finish(hash)
    }

    fn distance(&self, other: &Self, limit: u32) -> u32 {
        if self.0.len() != other.0.len() {
            return limit + 1;
        }
        let mut distance = 0;
        for (left, right) in self.0.chunks(128).zip(other.0.chunks(128)) {
            // At most 128 in a byte: the sum is vectorised.
            distance += u32::from(
                left.iter()
                    .zip(right)
                    .fold(0_u8, |sum, (a, b)| sum + u8::from(a != b)),
            );
            if distance > limit {
                break;
            }
        }
        distance
    }
}
