//! Tokens of DNABERT (Ji et al. 2021, doi:10.1093/bioinformatics/btab083): overlapping k-mers, k from 3 to 6.
//!
//! The vocabulary is `[PAD] [UNK] [CLS] [SEP] [MASK]`, then the k-mers in the order A, T, C, G.

use rayon::prelude::*;

use crate::scratch::Writer;
use crate::sequences::expect_len;
use crate::simd::{self, KMER_BLOCK, Level};
use crate::{Error, Packed, Result, scratch, threads};

/// Fills a row behind its last token.
pub const PAD: u16 = 0;
/// A k-mer with a letter other than A, C, G, T.
pub const UNKNOWN: u16 = 1;
/// The first token of a row.
pub const CLS: u16 = 2;
/// The last token of a row.
pub const SEP: u16 = 3;

/// What the output looks like.
#[derive(Clone, Copy, Debug)]
pub struct Tokens {
    /// The letters of a k-mer, 3 to 6.
    pub k: usize,
    /// The tokens of each row of the output.
    pub length: usize,
    /// Whether rows begin with `[CLS]` and end with `[SEP]`.
    pub special: bool,
    /// Whether the k-mers that do not fit are left out; else they are an error.
    pub truncate: bool,
}

/// A type that an id can have.
pub trait Id: bytemuck::NoUninit + bytemuck::AnyBitPattern + Send + Sync + From<u16> {
    /// Widens ids.
    fn widen(level: Level, source: &[u16], target: &mut [Self]);
}

impl Id for u16 {
    fn widen(_: Level, source: &[u16], target: &mut [Self]) {
        target.copy_from_slice(source);
    }
}

impl Id for i32 {
    fn widen(level: Level, source: &[u16], target: &mut [Self]) {
        simd::widen_i32(level, source, target);
    }
}

impl Id for i64 {
    fn widen(level: Level, source: &[u16], target: &mut [Self]) {
        simd::widen_i64(level, source, target);
    }
}

/// Returns the number of tokens of a row of `letters` letters.
#[must_use]
pub fn tokens_of(letters: usize, k: usize, special: bool) -> usize {
    (letters + 1).saturating_sub(k) + if special { 2 } else { 0 }
}

/// Writes the token ids of all rows into `out`.
///
/// # Errors
/// [`Error::TooLong`] with the first row that does not fit, unless `truncate`; [`Error::Argument`] for a `k`, a length or an
/// `out` that cannot be.
pub fn encode<T: Id>(sequences: Packed<'_>, form: Tokens, out: &mut [T], count: usize) -> Result<()> {
    encode_at(Level::detect(), sequences, form, out, count)
}

/// [`encode`] at a given level.
///
/// # Errors
/// As [`encode`].
pub fn encode_at<T: Id>(
    level: Level,
    sequences: Packed<'_>,
    form: Tokens,
    out: &mut [T],
    count: usize,
) -> Result<()> {
    check(sequences, form)?;
    expect_len(out.len(), form.length * sequences.rows())?;
    if form.length == 0 {
        return Ok(());
    }
    let kmers = match form.k {
        3 => simd::kmer_ids::<3>,
        4 => simd::kmer_ids::<4>,
        5 => simd::kmer_ids::<5>,
        _ => simd::kmer_ids::<6>,
    };
    let per_job = (1 << 16) / form.length + 1;
    let streams = std::mem::size_of_val(out) >= scratch::LARGE;
    let job = |(index, block): (usize, &mut [T])| {
        Writer::new(level, T::from(PAD), streams).write(block, form.length, |range, piece| {
            let first = index * per_job + range.start / form.length;
            for (row, target) in (first..).zip(piece.chunks_exact_mut(form.length)) {
                encode_row(level, sequences.row(row), form, kmers, target);
            }
        });
    };
    if count == 1 {
        out.chunks_mut(per_job * form.length).enumerate().for_each(job);
        return Ok(());
    }
    threads::with(count, || {
        out.par_chunks_mut(per_job * form.length)
            .enumerate()
            .for_each(job)
    })
}

fn check(sequences: Packed<'_>, form: Tokens) -> Result<()> {
    if !(3..=6).contains(&form.k) {
        return Err(Error::Argument(format!("k must be 3, 4, 5 or 6, not {}", form.k)));
    }
    if form.special && form.length < 2 && sequences.rows() > 0 {
        return Err(Error::Argument(format!(
            "[CLS] and [SEP] need a length of 2 or more, not {}",
            form.length
        )));
    }
    let tokens = |row| tokens_of(sequences.length(row), form.k, form.special);
    if !form.truncate && tokens_of(sequences.longest(), form.k, form.special) > form.length {
        let too_long = (0..sequences.rows()).find(|&row| tokens(row) > form.length);
        if let Some(row) = too_long {
            return Err(Error::TooLong {
                row,
                tokens: tokens(row),
                room: form.length,
            });
        }
    }
    Ok(())
}

fn encode_row<T: Id>(
    level: Level,
    letters: &[u8],
    form: Tokens,
    kmers: fn(Level, &[u8], &mut [u16]),
    target: &mut [T],
) {
    let edge = usize::from(form.special);
    let number = tokens_of(letters.len(), form.k, false).min(form.length - 2 * edge);
    let (head, tail) = target.split_at_mut(edge + number);
    head[..edge].fill(T::from(CLS));
    let mut ids = [0_u16; KMER_BLOCK];
    for (index, block) in head[edge..].chunks_mut(KMER_BLOCK).enumerate() {
        let start = index * KMER_BLOCK;
        let ids = &mut ids[..block.len()];
        kmers(level, &letters[start..start + block.len() + form.k - 1], ids);
        T::widen(level, ids, block);
    }
    tail[..edge].fill(T::from(SEP));
    tail[edge..].fill(T::from(PAD));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::PackedBuf;

    fn plain(text: &[u8], form: Tokens) -> Vec<u16> {
        let mut ids: Vec<u16> = text
            .windows(form.k)
            .map(|kmer| {
                let place = |letter: &u8| b"ATCG".iter().position(|base| base == letter);
                let number = kmer
                    .iter()
                    .try_fold(0, |number, letter| Some(4 * number + place(letter)?));
                number.map_or(UNKNOWN, |number| number as u16 + 5)
            })
            .collect();
        if form.special {
            ids.truncate(form.length - 2);
            ids.insert(0, CLS);
            ids.push(SEP);
        }
        ids.resize(form.length, PAD);
        ids
    }

    proptest! {
        #[test]
        fn every_level_and_type_is_the_plain_tokenisation(
            texts in prop::collection::vec(prop::collection::vec(prop::sample::select(&b"ACGTACGTACGTACGTACGTN"[..]), 0..1200), 1..6),
            k in 3_usize..=6, special: bool, length in 2_usize..1300,
        ) {
            let form = Tokens { k, length, special, truncate: true };
            let packed = PackedBuf::from_texts(&texts);
            let expected: Vec<u16> = texts.iter().flat_map(|text| plain(text, form)).collect();
            for level in Level::all() {
                let (mut short, mut wide, mut widest) =
                    (vec![9_u16; expected.len()], vec![9_i32; expected.len()], vec![9_i64; expected.len()]);
                prop_assert!(encode_at(level, packed.view(), form, &mut short, 1).is_ok());
                prop_assert!(encode_at(level, packed.view(), form, &mut wide, 2).is_ok());
                prop_assert!(encode_at(level, packed.view(), form, &mut widest, 3).is_ok());
                prop_assert_eq!(&short, &expected);
                prop_assert!(wide.iter().zip(&expected).all(|(&id, &other)| id == i32::from(other)));
                prop_assert!(widest.iter().zip(&expected).all(|(&id, &other)| id == i64::from(other)));
            }
        }
    }

    #[test]
    fn the_order_is_a_t_c_g() {
        let packed = PackedBuf::from_texts(["AAAT", "GGGG", "aaac", "AC"]);
        let form = Tokens {
            k: 3,
            length: 4,
            special: true,
            truncate: false,
        };
        let mut out = [9_u16; 16];
        assert!(encode(packed.view(), form, &mut out, 1).is_ok());
        assert_eq!(out, [2, 5, 6, 3, 2, 68, 68, 3, 2, 5, 7, 3, 2, 3, 0, 0]);
    }

    #[test]
    fn a_row_that_does_not_fit_is_named() {
        let packed = PackedBuf::from_texts(["ACGT", "ACGTA", "ACGTACGT"]);
        let form = Tokens {
            k: 3,
            length: 4,
            special: true,
            truncate: false,
        };
        let result = encode(packed.view(), form, &mut [0_i64; 12], 1);
        assert!(matches!(
            result,
            Err(Error::TooLong {
                row: 1,
                tokens: 5,
                room: 4
            })
        ));
        let form = Tokens { k: 7, ..form };
        assert!(matches!(
            encode(packed.view(), form, &mut [0_i64; 12], 1),
            Err(Error::Argument(_))
        ));
    }
}
