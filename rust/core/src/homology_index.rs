//! The index of the homology search: k-mers that several rows have, and the rows that have them.

use rayon::prelude::*;

use crate::{Packed, canonical};

/// The rows that one job reads.
const BLOCK: usize = 1024;

/// The share of pairs with just enough k-mers in common that the sample may miss.
const MISSED: f64 = 0.01;

/// How many k-mers of the sample two rows must share to be compared, where they must share `shared` of all.
///
/// One is often chance in large sets: among 100,000 rows of 1 kb, 300,000 pairs share one. Two adjacent ones are not.
pub fn needed(shared: u32) -> u32 {
    shared.min(2)
}

/// Returns one over the share of k-mers that are sampled: as few as find all but [`MISSED`] of the pairs with `shared` in common.
fn spacing(shared: u32) -> u64 {
    let missed = |spacing: &u64| {
        let (share, n) = (1.0 / *spacing as f64, f64::from(shared));
        let none = (1.0 - share).powf(n);
        let one = n * share * (1.0 - share).powf(n - 1.0);
        if needed(shared) > 1 { none + one } else { none }
    };
    (2..=64)
        .take_while(|spacing| missed(spacing) <= MISSED)
        .last()
        .unwrap_or(1)
}

/// Which k-mers count as candidates: a sample of all by hash (FracMinHash), and all that a short row has.
pub struct Sieve {
    limit: u64,
    /// One bit a hash, with some chance hits: those keep a few k-mers more, of every row that has them.
    wanted: Vec<u64>,
}

impl Sieve {
    /// Makes a sieve for rows that must share `shared` k-mers; rows with fewer than twice as many are short.
    pub fn new(sequences: Packed<'_>, windows: &[u32], k: usize, shared: u32) -> Self {
        let limit = u64::MAX / spacing(shared);
        let short = |row: &usize| limit < u64::MAX && windows[*row] < shared.saturating_mul(2);
        let total: usize = (0..windows.len())
            .filter(short)
            .map(|row| windows[row] as usize)
            .sum();
        let mut wanted = vec![
            0_u64;
            if total == 0 {
                0
            } else {
                (total / 4).next_power_of_two().max(1)
            }
        ];
        for row in (0..windows.len()).filter(short) {
            canonical::each(sequences.row(row), k, |kmer| {
                let hash = canonical::hash(kmer) as usize;
                let word = (hash >> 6) & (wanted.len() - 1);
                wanted[word] |= 1 << (hash & 63);
            });
        }
        Self { limit, wanted }
    }

    /// Calls `found` with what the index holds of each k-mer that is kept, of the rows of a block.
    fn each(&self, sequences: Packed<'_>, start: usize, k: usize, mut found: impl FnMut(u64)) {
        for row in start..sequences.rows().min(start + BLOCK) {
            canonical::each(sequences.row(row), k, |kmer| {
                let hash = canonical::hash(kmer);
                if self.keeps(hash) {
                    found(hash << 32 | row as u64);
                }
            });
        }
    }

    #[inline(always)]
    fn keeps(&self, hash: u64) -> bool {
        hash <= self.limit || {
            let word = (hash as usize >> 6) & self.wanted.len().wrapping_sub(1);
            self.wanted
                .get(word)
                .is_some_and(|bits| bits >> (hash & 63) & 1 == 1)
        }
    }
}

/// K-mers of the sample that two rows or more have, with those rows, and the k-mers of each row.
pub struct Index {
    rows: Vec<u32>,
    starts: Vec<u32>,
    kmers: Vec<u32>,
    row_starts: Vec<u32>,
}

impl Index {
    /// Indexes the rows; `None` where there are four billion k-mers in the sample.
    pub fn new(sequences: Packed<'_>, sieve: &Sieve, k: usize) -> Option<Self> {
        let mut entries = entries(sequences, sieve, k);
        if entries.len() >= u32::MAX as usize {
            return None;
        }
        entries.par_sort_unstable();
        // A k-mer that a row has twice counts once.
        entries.dedup();
        let alike = |one: &u64, other: &u64| one >> 32 == other >> 32;
        let buckets = || entries.chunk_by(alike).filter(|bucket| bucket.len() > 1);
        let mut row_starts = vec![0_u32; sequences.rows() + 1];
        let (mut rows, mut starts) = (Vec::new(), vec![0_u32]);
        for bucket in buckets() {
            rows.extend(bucket.iter().map(|&entry| entry as u32));
            starts.push(rows.len() as u32);
        }
        drop(entries);
        rows.iter().for_each(|&row| row_starts[row as usize + 1] += 1);
        for row in 0..sequences.rows() {
            row_starts[row + 1] += row_starts[row];
        }
        let (mut next, mut kmers) = (row_starts.clone(), vec![0_u32; rows.len()]);
        for (kmer, range) in starts.windows(2).enumerate() {
            for &row in &rows[range[0] as usize..range[1] as usize] {
                kmers[next[row as usize] as usize] = kmer as u32;
                next[row as usize] += 1;
            }
        }
        Some(Self {
            rows,
            starts,
            kmers,
            row_starts,
        })
    }

    /// The rows that have a k-mer, in their order.
    pub fn rows(&self, kmer: u32) -> &[u32] {
        &self.rows[self.starts[kmer as usize] as usize..self.starts[kmer as usize + 1] as usize]
    }

    /// The k-mers of a row that others have too.
    pub fn kmers(&self, row: usize) -> &[u32] {
        &self.kmers[self.row_starts[row] as usize..self.row_starts[row + 1] as usize]
    }

    /// The number of k-mers that several rows have.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }
}

/// The k-mers of the sample: half of the hash, then the row. K-mers that share that half cost a comparison, no more.
///
/// They are counted first: to gather them from what each job found would take twice the memory.
fn entries(sequences: Packed<'_>, sieve: &Sieve, k: usize) -> Vec<u64> {
    let blocks: Vec<usize> = (0..sequences.rows()).step_by(BLOCK).collect();
    let counts: Vec<usize> = blocks
        .par_iter()
        .map(|&start| {
            let mut count = 0;
            sieve.each(sequences, start, k, |_| count += 1);
            count
        })
        .collect();
    let mut all = vec![0_u64; counts.iter().sum()];
    let (mut targets, mut rest) = (Vec::with_capacity(counts.len()), all.as_mut_slice());
    for count in counts {
        let (target, tail) = rest.split_at_mut(count);
        targets.push(target);
        rest = tail;
    }
    targets.into_par_iter().zip(blocks).for_each(|(target, start)| {
        let mut places = target.iter_mut();
        sieve.each(sequences, start, k, |entry| {
            if let Some(place) = places.next() {
                *place = entry;
            }
        });
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_as_dense_as_the_question_needs() {
        assert_eq!([1, 2, 4, 40, 400].map(spacing), [1, 1, 1, 6, 60]);
    }
}
