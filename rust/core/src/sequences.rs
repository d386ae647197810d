//! Packed sequences: all letters in one buffer, and where each row starts. Never a list of strings.

use rayon::prelude::*;

use crate::simd::{self, Level};
use crate::{Error, Result, hashing, threads};

/// Rows of letters: row `i` is `data[offsets[i]..offsets[i + 1]]`.
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a> {
    data: &'a [u8],
    offsets: &'a [i64],
}

/// Packed rows that own their memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedBuf {
    /// The letters of all rows.
    pub data: Vec<u8>,
    /// Where each row starts, and the end of the last one.
    pub offsets: Vec<i64>,
}

impl Default for PackedBuf {
    fn default() -> Self {
        Self {
            data: Vec::new(),
            offsets: vec![0],
        }
    }
}

impl PackedBuf {
    /// Packs texts.
    pub fn from_texts<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) -> Self {
        let mut packed = Self::default();
        for text in texts {
            packed.push(text.as_ref());
        }
        packed
    }

    /// Appends a row.
    pub fn push(&mut self, row: &[u8]) {
        self.data.extend_from_slice(row);
        self.offsets.push(self.data.len() as i64);
    }

    /// Returns the rows.
    #[must_use]
    pub fn view(&self) -> Packed<'_> {
        Packed {
            data: &self.data,
            offsets: &self.offsets,
        }
    }
}

impl<'a> Packed<'a> {
    /// Checks that the offsets start at 0, never fall, and end where the data ends.
    ///
    /// # Errors
    /// [`Error::Offsets`] with the first row that is wrong.
    pub fn new(data: &'a [u8], offsets: &'a [i64]) -> Result<Self> {
        let (Some(&first), Some(&last)) = (offsets.first(), offsets.last()) else {
            return Err(Error::Offsets { row: 0 });
        };
        // A fold without an early exit is vectorised; the row is looked for only where something is wrong.
        let rising = offsets
            .windows(2)
            .fold(true, |ok, pair| ok & (pair[0] <= pair[1]));
        if first != 0 || !rising || usize::try_from(last) != Ok(data.len()) {
            let row = offsets.windows(2).position(|pair| pair[0] > pair[1]);
            return Err(Error::Offsets {
                row: row.unwrap_or(0),
            });
        }
        Ok(Self { data, offsets })
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The letters of all rows.
    #[must_use]
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// The offsets of all rows.
    #[must_use]
    pub fn offsets(&self) -> &'a [i64] {
        self.offsets
    }

    /// The letters of one row.
    #[inline]
    #[must_use]
    pub fn row(&self, row: usize) -> &'a [u8] {
        &self.data[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }

    /// The length of one row.
    #[inline]
    #[must_use]
    pub fn length(&self, row: usize) -> usize {
        (self.offsets[row + 1] - self.offsets[row]) as usize
    }

    /// Cuts a buffer of as many letters into the places of the rows.
    #[must_use]
    pub fn split<'b>(&self, out: &'b mut [u8]) -> Vec<&'b mut [u8]> {
        let (mut places, mut rest) = (Vec::with_capacity(self.rows()), out);
        for row in 0..self.rows() {
            let (place, tail) = rest.split_at_mut(self.length(row));
            places.push(place);
            rest = tail;
        }
        places
    }

    /// The length of the longest row, 0 where there is none.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.offsets
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .max()
            .unwrap_or(0) as usize
    }

    /// The one length of all rows, `None` where there are no rows.
    ///
    /// # Errors
    /// [`Error::Length`] with the first row that differs from row 0.
    pub fn common_length(&self) -> Result<Option<usize>> {
        if self.rows() == 0 {
            return Ok(None);
        }
        let expected = self.length(0);
        match (1..self.rows()).find(|&row| self.length(row) != expected) {
            Some(row) => Err(Error::Length {
                row,
                found: self.length(row),
                expected,
            }),
            None => Ok(Some(expected)),
        }
    }

    /// The row and the place in it of a letter of the data.
    #[must_use]
    pub fn locate(&self, index: usize) -> (usize, usize) {
        let row = self.offsets.partition_point(|&offset| offset <= index as i64) - 1;
        (row, index - self.offsets[row] as usize)
    }

    /// Checks that every letter is one of `allowed`.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] with the first row, position and letter that is not.
    pub fn validate(&self, allowed: &[u8]) -> Result<()> {
        let mut table = [false; 256];
        allowed
            .iter()
            .for_each(|&letter| table[usize::from(letter)] = true);
        match self.data.iter().position(|&letter| !table[usize::from(letter)]) {
            None => Ok(()),
            Some(index) => {
                let (row, position) = self.locate(index);
                let allowed = String::from_utf8_lossy(allowed).into_owned();
                Err(Error::NotAllowed {
                    row,
                    position,
                    letter: self.data[index],
                    allowed,
                })
            }
        }
    }

    /// Writes the 64-bit hash of each row.
    ///
    /// # Errors
    /// [`Error::Argument`] where `out` does not hold one value a row.
    pub fn row_hashes(&self, out: &mut [u64], count: usize) -> Result<()> {
        expect_len(out.len(), self.rows())?;
        threads::with(count, || {
            out.par_iter_mut()
                .with_min_len(4096)
                .enumerate()
                .for_each(|(row, hash)| *hash = hashing::bytes(self.row(row)));
        })
    }

    /// Copies the given rows, in that order, into `out`, whose rows have the lengths that `out_offsets` says.
    ///
    /// # Errors
    /// [`Error::Row`] for a row that is not there, [`Error::Argument`] for offsets that do not fit the rows.
    pub fn take(&self, rows: &[i64], out: &mut [u8], out_offsets: &[i64]) -> Result<()> {
        expect_len(out_offsets.len(), rows.len() + 1)?;
        let mut rest = out;
        for (&row, ends) in rows.iter().zip(out_offsets.windows(2)) {
            let index = usize::try_from(row).ok().filter(|&index| index < self.rows());
            let source = self.row(index.ok_or(Error::Row {
                row,
                rows: self.rows(),
            })?);
            expect_len((ends[1] - ends[0]) as usize, source.len())?;
            let (target, tail) = rest
                .split_at_mut_checked(source.len())
                .ok_or_else(|| Error::Argument("out is too small".into()))?;
            target.copy_from_slice(source);
            rest = tail;
        }
        expect_len(rest.len(), 0)
    }
}

/// Checks the size of a buffer.
pub(crate) fn expect_len(found: usize, expected: usize) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(Error::Argument(format!(
        "out has {found} elements, {expected} are needed"
    )))
}

/// Makes the letters upper case and U to T, in place.
///
/// # Errors
/// [`Error::Letter`] with the first letter that is not in the IUPAC alphabet; the data is then partly changed.
pub fn normalise(data: &mut [u8], offsets: &[i64]) -> Result<()> {
    let level = Level::detect();
    let mut start = 0;
    for block in data.chunks_mut(1 << 16) {
        if !simd::normalise(level, block) {
            let index = block
                .iter()
                .position(|&letter| !simd::is_iupac(letter))
                .unwrap_or(0);
            let letter = block[index];
            let row = offsets
                .partition_point(|&offset| offset <= (start + index) as i64)
                .saturating_sub(1);
            let position = start + index - offsets[row] as usize;
            return Err(Error::Letter {
                row,
                position,
                letter,
                name: None,
            });
        }
        start += block.len();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_checked() {
        assert!(Packed::new(b"ACGT", &[0, 2, 4]).is_ok());
        for offsets in [&[][..], &[1, 4], &[0, 5], &[0, 3, 2, 4], &[0, 3], &[-1, 4]] {
            assert!(Packed::new(b"ACGT", offsets).is_err(), "{offsets:?}");
        }
    }

    #[test]
    fn normalise_names_row_position_and_letter() {
        let mut packed = PackedBuf::from_texts(["acgu", "", "ryN", "AC-T"]);
        let result = normalise(&mut packed.data, &packed.offsets);
        assert!(
            matches!(
                result,
                Err(Error::Letter {
                    row: 3,
                    position: 2,
                    letter: b'-',
                    ..
                })
            ),
            "{result:?}"
        );
        packed.data.truncate(7);
        assert!(normalise(&mut packed.data, &packed.offsets[..4]).is_ok());
        assert_eq!(packed.data, b"ACGTRYN");
    }

    #[test]
    fn take_repeats_and_reorders() {
        let packed = PackedBuf::from_texts(["AC", "", "GGT"]);
        let mut out = vec![0; 8];
        assert!(
            packed
                .view()
                .take(&[2, 0, 1, 2], &mut out, &[0, 3, 5, 5, 8])
                .is_ok()
        );
        assert_eq!(out, b"GGTACGGT");
        assert!(packed.view().take(&[3], &mut [], &[0, 0]).is_err());
        assert!(packed.view().take(&[-1], &mut [], &[0, 0]).is_err());
    }

    #[test]
    fn common_length_names_the_first_row_that_differs() {
        let packed = PackedBuf::from_texts(["AC", "GT", "G", "A"]);
        assert!(matches!(
            packed.view().common_length(),
            Err(Error::Length {
                row: 2,
                found: 1,
                expected: 2
            })
        ));
    }

    #[test]
    fn locate_skips_empty_rows() {
        let packed = PackedBuf::from_texts(["", "AC", "", "G"]);
        assert_eq!(packed.view().locate(0), (1, 0));
        assert_eq!(packed.view().locate(2), (3, 0));
    }
}
