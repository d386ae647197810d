//! Reverse complement, IUPAC letters included.

use rayon::prelude::*;

use crate::sequences::expect_len;
use crate::simd::{self, Level};
use crate::{Packed, PackedBuf, Result, threads};

const TABLE: [u8; 256] = {
    let mut table = [0_u8; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = byte as u8;
        byte += 1;
    }
    let from = b"ACGTURYSWKMBDHVN";
    let to = b"TGCAAYRSWMKVHDBN";
    let mut index = 0;
    while index < from.len() {
        table[from[index] as usize] = to[index];
        table[from[index].to_ascii_lowercase() as usize] = to[index].to_ascii_lowercase();
        index += 1;
    }
    table
};

/// Returns the complement of a letter, in its case; a byte that is no IUPAC letter stays.
#[inline(always)]
#[must_use]
pub fn letter(letter: u8) -> u8 {
    TABLE[usize::from(letter)]
}

/// Writes the reverse complement of one row.
#[inline]
pub fn row(source: &[u8], target: &mut [u8]) {
    simd::reverse_complement(Level::detect(), source, target);
}

/// Writes the reverse complement of every row; the offsets stay the same.
///
/// # Errors
/// [`crate::Error::Argument`] for an `out` of another size than the data.
pub fn reverse_complement(sequences: Packed<'_>, out: &mut [u8], count: usize) -> Result<()> {
    expect_len(out.len(), sequences.data().len())?;
    const BLOCK: usize = 1 << 16;
    // Blocks of the output, not of rows: one long chromosome is then shared among the threads too.
    threads::with(count, || {
        out.par_chunks_mut(BLOCK).enumerate().for_each(|(index, block)| {
            let (start, end) = (index * BLOCK, index * BLOCK + block.len());
            let (mut at, mut current) = (start, sequences.locate(start).0);
            while at < end {
                let row_start = sequences.offsets()[current] as usize;
                let row_end = sequences.offsets()[current + 1] as usize;
                let stop = row_end.min(end);
                let mirrored = row_start + row_end - stop..row_start + row_end - at;
                row(&sequences.data()[mirrored], &mut block[at - start..stop - start]);
                (at, current) = (stop, current + 1);
            }
        });
    })
}

/// Returns the reverse complement of every row.
///
/// # Errors
/// As [`reverse_complement`].
pub fn reversed(sequences: Packed<'_>, count: usize) -> Result<PackedBuf> {
    let mut data = vec![0; sequences.data().len()];
    reverse_complement(sequences, &mut data, count)?;
    Ok(PackedBuf {
        data,
        offsets: sequences.offsets().to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn iupac_letters_have_their_complement() {
        let packed = PackedBuf::from_texts(["ACGTRYSWKMBDHVN", "", "aacg"]);
        let reversed = reversed(packed.view(), 2).unwrap_or_default();
        assert_eq!(reversed, PackedBuf::from_texts(["NBDHVKMWSRYACGT", "", "cgtt"]));
    }

    proptest! {
        #[test]
        fn twice_is_the_same_and_threads_do_not_matter(
            texts in prop::collection::vec(prop::collection::vec(prop::sample::select(&b"ACGTRYSWKMBDHVN"[..]), 0..90), 0..20),
            long in 0_usize..200_000,
        ) {
            let mut packed = PackedBuf::from_texts(&texts);
            packed.push(&vec![b'C'; long]);
            let first = reversed(packed.view(), 1).unwrap_or_default();
            let second = reversed(packed.view(), 3).unwrap_or_default();
            prop_assert_eq!(&first, &second);
            prop_assert_eq!(reversed(first.view(), 2).unwrap_or_default(), packed);
        }
    }
}
