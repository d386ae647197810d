//! Homology: rows that share many canonical k-mers, and the clusters that they make.
//!
//! Two rows are homologous when they have `shared` distinct canonical k-mers in common. Rows with fewer than twice as many k-mers
//! are short: of those, half of the shorter row's k-mers must be in common, [`LEAST`] at least. Candidates are pairs with k-mers in
//! common among a sample (FracMinHash: Irber et al. 2022, bioRxiv 2022.01.11.475838); each is then counted in full, so that a pair
//! that is found is one. Letters other than A, C, G, T (or U) break k-mers; case does not matter.
//!
//! A k-mer that more than [`WIDEST`] rows have is capped: it makes candidates of each row and the next [`WIDEST`] ones alone (between
//! two sets: each row and the first ones of the other). Large families are then one cluster still, but not all their pairs are
//! listed. Time is linear in the letters; memory is about 1.5 bytes a letter while one k-mer in six is sorted, up to 3 where all
//! rows have relatives, and the pairs. The result is the same for any number of threads.

use rayon::prelude::*;

use crate::canonical::{self, Known};
use crate::homology_index::{Index, Sieve, needed};
use crate::{Error, Packed, PackedBuf, Result, complement, hashing, threads};

/// The fewest k-mers that short rows must share; rows with fewer k-mers than that are compared for equality only.
pub const LEAST: u32 = 4;
/// The rows that share a k-mer among which all pairs are candidates.
pub const WIDEST: usize = 32;
/// The rows that one job looks at.
const BLOCK: usize = 256;

/// What is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Homologs {
    /// The first row of each pair; pairs are in order of both rows.
    pub query: Vec<i64>,
    /// The second row.
    pub reference: Vec<i64>,
    /// The distinct canonical k-mers that both have.
    pub shared: Vec<i64>,
    /// The cluster of each row, numbered by their first rows. Equal rows and reverse complements are always of one cluster.
    pub cluster: Vec<i64>,
    /// K-mers of the sample that were capped.
    pub capped: usize,
    /// Rows with fewer than [`LEAST`] k-mers.
    pub short: usize,
}

/// Finds homologous rows within a set; with `others`, between the two sets, whose clusters are those of one after the other.
///
/// # Errors
/// [`Error::Argument`] for a `k` that is not 8 to 32, no `shared`, or more rows or k-mers than 32 bits count.
pub fn search(
    sequences: Packed<'_>,
    others: Option<Packed<'_>>,
    k: usize,
    shared: u32,
    count: usize,
) -> Result<Homologs> {
    if !(8..=canonical::LONGEST).contains(&k) || shared == 0 {
        return Err(Error::Argument(format!(
            "k goes from 8 to 32 and shared from 1, not {k} and {shared}"
        )));
    }
    let first = sequences.rows();
    let joined = others.map(|others| joined(sequences, others));
    let rows = joined.as_ref().map_or(sequences, PackedBuf::view);
    let many = || Error::Argument("too many rows or letters for one search: look at parts of the set".into());
    if rows.rows() >= u32::MAX as usize {
        return Err(many());
    }
    threads::with(count, || {
        let windows: Vec<u32> = (0..rows.rows())
            .into_par_iter()
            .with_min_len(BLOCK)
            .map(|row| canonical::count(rows.row(row), k) as u32)
            .collect();
        let sieve = Sieve::new(rows, &windows, k, shared);
        let index = Index::new(rows, &sieve, k).ok_or_else(many)?;
        let border = others.map(|_| first);
        let finder = Finder {
            rows,
            windows,
            index,
            border,
            k,
            shared,
        };
        Ok(finder.run())
    })?
}

fn joined(first: Packed<'_>, second: Packed<'_>) -> PackedBuf {
    let shift = first.data().len() as i64;
    let ends = second.offsets()[1..].iter().map(|end| end + shift);
    PackedBuf {
        data: [first.data(), second.data()].concat(),
        offsets: first.offsets().iter().copied().chain(ends).collect(),
    }
}

struct Finder<'a> {
    rows: Packed<'a>,
    /// The k-mers of each row, repeats included.
    windows: Vec<u32>,
    index: Index,
    /// Where the second set starts, if there are two.
    border: Option<usize>,
    k: usize,
    shared: u32,
}

/// Two rows, the first before the second, and the k-mers that they share.
type Pair = (u32, u32, u32);

impl Finder<'_> {
    fn run(&self) -> Homologs {
        let blocks = self.rows.rows().div_ceil(BLOCK);
        let mut pairs: Vec<Pair> = (0..blocks)
            .into_par_iter()
            .map_init(Known::default, |known, block| self.block(known, block * BLOCK))
            .flatten_iter()
            .collect();
        pairs.par_sort_unstable();
        pairs.dedup();
        let shift = self.border.unwrap_or(0) as i64;
        Homologs {
            query: pairs.iter().map(|pair| i64::from(pair.0)).collect(),
            reference: pairs.iter().map(|pair| i64::from(pair.1) - shift).collect(),
            shared: pairs.iter().map(|pair| i64::from(pair.2)).collect(),
            cluster: self.clusters(&pairs),
            capped: (0..self.index.len() as u32)
                .into_par_iter()
                .filter(|&kmer| self.is_capped(kmer))
                .count(),
            short: self.windows.iter().filter(|&&count| count < LEAST).count(),
        }
    }

    fn block(&self, known: &mut Known, start: usize) -> Vec<Pair> {
        let mut pairs = Vec::new();
        let mut met = Vec::new();
        for row in start..self.rows.rows().min(start + BLOCK) {
            met.clear();
            for &kmer in self.index.kmers(row) {
                met.extend_from_slice(self.partners(row, self.index.rows(kmer)));
            }
            met.sort_unstable();
            let mut learnt = false;
            for same in met.chunk_by(|one, other| one == other) {
                let other = same[0] as usize;
                let least = self.least(row, other);
                if (same.len() as u32) < needed(least) {
                    continue;
                }
                if !learnt {
                    known.learn(self.rows.row(row), self.k);
                    learnt = true;
                }
                let shared = known.shared(self.rows.row(other));
                if shared >= least {
                    pairs.push((row.min(other) as u32, row.max(other) as u32, shared));
                }
            }
        }
        pairs
    }

    /// The rows to compare a row with, of those that share a k-mer with it.
    fn partners<'r>(&self, row: usize, rows: &'r [u32]) -> &'r [u32] {
        let place = rows.partition_point(|&other| (other as usize) < row);
        let Some(border) = self.border else {
            return &rows[place + 1..rows.len().min(place + 1 + WIDEST)];
        };
        let middle = rows.partition_point(|&other| (other as usize) < border);
        if row < border {
            &rows[middle..rows.len().min(middle + WIDEST)]
        } else if place - middle >= WIDEST {
            // Rows that those of the first set have not been compared with.
            &rows[..middle.min(WIDEST)]
        } else {
            &[]
        }
    }

    fn is_capped(&self, kmer: u32) -> bool {
        let rows = self.index.rows(kmer);
        match self.border {
            None => rows.len() > WIDEST + 1,
            Some(border) => {
                let middle = rows.partition_point(|&row| (row as usize) < border);
                middle > 0 && rows.len() - middle > WIDEST
            }
        }
    }

    /// The k-mers that two rows must share.
    fn least(&self, row: usize, other: usize) -> u32 {
        let half = self.windows[row].min(self.windows[other]).div_ceil(2);
        self.shared.min(half.max(LEAST))
    }

    fn clusters(&self, pairs: &[Pair]) -> Vec<i64> {
        let mut first: Vec<u32> = (0..self.rows.rows() as u32).collect();
        for (one, other) in self.equal_rows() {
            join(&mut first, one, other);
        }
        for &(one, other, _) in pairs {
            join(&mut first, one, other);
        }
        let mut numbers = vec![-1; first.len()];
        let mut clusters = 0;
        (0..first.len() as u32)
            .map(|row| {
                let number = &mut numbers[root(&mut first, row) as usize];
                if *number < 0 {
                    *number = clusters;
                    clusters += 1;
                }
                *number
            })
            .collect()
    }

    /// Rows that equal another, or its reverse complement: neighbours in order of what is one for both strands.
    fn equal_rows(&self) -> Vec<(u32, u32)> {
        let mut digests: Vec<(u64, u32)> = (0..self.rows.rows())
            .into_par_iter()
            .with_min_len(BLOCK)
            .map_init(Vec::new, |flipped, row| {
                let letters = self.rows.row(row);
                flipped.resize(letters.len(), 0);
                complement::row(letters, flipped);
                (hashing::bytes(letters).min(hashing::bytes(flipped)), row as u32)
            })
            .collect();
        digests.par_sort_unstable();
        let equal = |pair: &&[(u64, u32)]| pair[0].0 == pair[1].0;
        digests
            .windows(2)
            .filter(equal)
            .map(|pair| (pair[0].1, pair[1].1))
            .collect()
    }
}

/// The first row of the cluster of a row, as far as known; ways to it are cut short.
fn root(first: &mut [u32], mut row: u32) -> u32 {
    while first[row as usize] != row {
        let next = first[first[row as usize] as usize];
        first[row as usize] = next;
        row = next;
    }
    row
}

fn join(first: &mut [u32], one: u32, other: u32) {
    let (one, other) = (root(first, one), root(first, other));
    first[one.max(other) as usize] = one.min(other);
}

#[cfg(test)]
#[path = "homology_tests.rs"]
mod tests;
