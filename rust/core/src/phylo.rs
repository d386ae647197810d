//! Phylogenetic augmentation, PhyloAug (Duncan, Moses and Mitchell 2024, Bioinformatics 40:btae190): a row is swapped for one of its orthologs.
//!
//! Rows and orthologs lie in one pool; a row's numbers depend on (seed, epoch, row number) alone.

use rayon::prelude::*;

use crate::augment::Draw;
use crate::onehot::{self, Channel, OneHot};
use crate::sequences::expect_len;
use crate::{Error, Packed, PackedBuf, Result, threads};

const PURPOSE: u64 = 0x0070_6879_6c6f;

/// The orthologs of each row: those of row `i` are `members[offsets[i]..offsets[i + 1]]`, numbers of the pool.
#[derive(Clone, Copy, Debug)]
pub struct Orthologs<'a> {
    offsets: &'a [i64],
    members: &'a [i64],
}

impl<'a> Orthologs<'a> {
    /// Checks that the offsets describe the members.
    ///
    /// # Errors
    /// [`Error::Offsets`] with the first row that is wrong.
    pub fn new(offsets: &'a [i64], members: &'a [i64]) -> Result<Self> {
        let wrong = offsets.windows(2).position(|pair| pair[0] > pair[1]);
        let fits = offsets.first() == Some(&0) && offsets.last() == Some(&(members.len() as i64));
        if wrong.is_some() || !fits {
            return Err(Error::Offsets {
                row: wrong.unwrap_or(0),
            });
        }
        Ok(Self { offsets, members })
    }

    fn of(&self, row: i64) -> Result<&'a [i64]> {
        let rows = self.offsets.len() - 1;
        let index = usize::try_from(row)
            .ok()
            .filter(|&index| index < rows)
            .ok_or(Error::Row { row, rows })?;
        Ok(&self.members[self.offsets[index] as usize..self.offsets[index + 1] as usize])
    }
}

/// Writes for each row of the batch what stands in for it: with probability `rate` one of its orthologs, each as likely as
/// the others, else itself.
///
/// # Errors
/// [`Error::Row`] for a row that is not there, [`Error::Argument`] for a rate that is no probability.
pub fn choose(orthologs: Orthologs<'_>, rate: f64, draw: Draw<'_>, out: &mut [i64]) -> Result<()> {
    expect_len(out.len(), draw.rows.len())?;
    if !(0.0..=1.0).contains(&rate) {
        return Err(Error::Argument(format!(
            "a rate from 0 to 1 is needed, not {rate}"
        )));
    }
    for (index, (pick, &row)) in out.iter_mut().zip(draw.rows).enumerate() {
        let (own, mut random) = (orthologs.of(row)?, draw.random(PURPOSE, index));
        *pick = if !own.is_empty() && random.chance(rate) {
            own[random.below(own.len() as u32) as usize]
        } else {
            row
        };
    }
    Ok(())
}

/// Writes the one-hot encoding of the given rows of a pool.
///
/// # Errors
/// [`Error::Row`] for a row that is not there, and as [`onehot::encode`].
pub fn gather<T: Channel>(
    pool: Packed<'_>,
    rows: &[i64],
    form: OneHot,
    out: &mut [T],
    count: usize,
) -> Result<()> {
    const BLOCK: usize = 32;
    let size = 4 * form.length;
    expect_len(out.len(), rows.len() * size)?;
    if let Some(&row) = rows.iter().find(|&&row| row < 0 || row as usize >= pool.rows()) {
        return Err(Error::Row {
            row,
            rows: pool.rows(),
        });
    }
    if size == 0 {
        return Ok(());
    }
    // A block of letters stays in the cache between the copy and the encoding.
    let work = |(rows, target): (&[i64], &mut [T])| {
        let block = PackedBuf::from_texts(rows.iter().map(|&row| pool.row(row as usize)));
        onehot::encode(block.view(), form, target, 1)
    };
    if count == 1 {
        return rows
            .chunks(BLOCK)
            .zip(out.chunks_mut(BLOCK * size))
            .try_for_each(work);
    }
    threads::with(count, || {
        rows.par_chunks(BLOCK)
            .zip(out.par_chunks_mut(BLOCK * size))
            .try_for_each(work)
    })?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onehot::{Align, Layout};

    #[test]
    fn rates_and_orthologs_are_as_likely_as_asked() {
        let (offsets, members) = ([0, 0, 3], [2, 3, 4]);
        let orthologs = Orthologs::new(&offsets, &members).ok();
        let Some(orthologs) = orthologs else {
            unreachable!()
        };
        let mut counts = [0_u32; 5];
        for epoch in 0..40_000 {
            let (mut out, draw) = (
                [0; 2],
                Draw {
                    seed: 5,
                    epoch,
                    rows: &[0, 1],
                },
            );
            assert!(choose(orthologs, 0.75, draw, &mut out).is_ok());
            assert_eq!(out[0], 0);
            counts[out[1] as usize] += 1;
        }
        assert_eq!(counts[0], 0);
        // Five standard deviations of a binomial count with probability 1/4.
        assert!(
            counts[1..].iter().all(|&count| count.abs_diff(10_000) < 434),
            "{counts:?}"
        );
    }

    #[test]
    fn rows_do_not_depend_on_their_batch() {
        let (offsets, members) = ([0, 2, 4, 6], [3, 4, 5, 6, 7, 8]);
        let Ok(orthologs) = Orthologs::new(&offsets, &members) else {
            unreachable!()
        };
        let picks = |rows: &[i64]| {
            let mut out = vec![0; rows.len()];
            assert!(
                choose(
                    orthologs,
                    0.5,
                    Draw {
                        seed: 1,
                        epoch: 2,
                        rows
                    },
                    &mut out
                )
                .is_ok()
            );
            out
        };
        let all = picks(&[0, 1, 2]);
        assert_eq!(picks(&[2, 0]), [all[2], all[0]]);
        assert!(
            choose(
                orthologs,
                1.5,
                Draw {
                    seed: 1,
                    epoch: 2,
                    rows: &[0]
                },
                &mut [0]
            )
            .is_err()
        );
        assert!(
            choose(
                orthologs,
                0.5,
                Draw {
                    seed: 1,
                    epoch: 2,
                    rows: &[3]
                },
                &mut [0]
            )
            .is_err()
        );
        assert!(Orthologs::new(&[0, 2, 1], &members[..1]).is_err());
    }

    #[test]
    fn gathered_rows_are_the_encoding_of_taken_rows() {
        let texts: Vec<String> = (0..100)
            .map(|row| "ACGTN".repeat(20)[row % 5..][..30 + row % 7].into())
            .collect();
        let pool = PackedBuf::from_texts(&texts);
        let rows: Vec<i64> = (0..100).map(|row| row * 37 % 100).collect();
        let taken = PackedBuf::from_texts(rows.iter().map(|&row| &texts[row as usize]));
        let form = OneHot {
            layout: Layout::ChannelsFirst,
            length: 33,
            align: Align::Right,
            strict: false,
        };
        let mut expected = vec![0_f32; 100 * 4 * 33];
        assert!(onehot::encode(taken.view(), form, &mut expected, 1).is_ok());
        for count in 1..=3 {
            let mut out = vec![7_f32; expected.len()];
            assert!(gather(pool.view(), &rows, form, &mut out, count).is_ok());
            assert_eq!(out, expected);
        }
        assert!(gather(pool.view(), &[100], form, &mut [0_f32; 132], 1).is_err());
    }
}
