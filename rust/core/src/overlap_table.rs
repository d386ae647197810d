//! The hash tables of the leak audit: rows by key, and equal rows as one group.

use rayon::prelude::*;

use crate::overlap_form::{Form, Plan};

/// Rows by one key: the rows of a bucket lie side by side, in their order.
pub struct Table {
    shift: u32,
    starts: Vec<u32>,
    tags: Vec<u32>,
    rows: Vec<u32>,
}

impl Table {
    /// Sorts the rows into buckets, about one row a bucket.
    pub fn new<'a, F: Form<'a>>(rows: &[F], plan: &Plan, key: usize) -> Self {
        let hashes: Vec<u64> = rows
            .par_iter()
            .with_min_len(4096)
            .map(|row| row.key(plan, key))
            .collect();
        let bits = rows.len().next_power_of_two().trailing_zeros().max(1);
        let shift = 64 - bits;
        let mut starts = vec![0_u32; (1 << bits) + 1];
        hashes
            .iter()
            .for_each(|hash| starts[(hash >> shift) as usize + 1] += 1);
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let (mut tags, mut ordered) = (vec![0; rows.len()], vec![0; rows.len()]);
        for (row, &hash) in hashes.iter().enumerate() {
            let slot = &mut next[(hash >> shift) as usize];
            tags[*slot as usize] = hash as u32;
            ordered[*slot as usize] = row as u32;
            *slot += 1;
        }
        Self {
            shift,
            starts,
            tags,
            rows: ordered,
        }
    }

    /// Returns the rows that may have the key: in rare cases one that has not.
    #[inline]
    pub fn candidates(&self, hash: u64) -> impl Iterator<Item = &u32> {
        let bucket = (hash >> self.shift) as usize;
        let range = self.starts[bucket] as usize..self.starts[bucket + 1] as usize;
        let tag = hash as u32;
        self.tags[range.clone()]
            .iter()
            .zip(&self.rows[range])
            .filter(move |&(&found, _)| found == tag)
            .map(|(_, row)| row)
    }
}

/// References with equal rows as one group: a thousand copies cost a query no more than one.
pub struct Index<F> {
    /// The first row of each group.
    pub unique: Vec<F>,
    table: Table,
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl<F> Index<F> {
    /// Groups the rows. `exact` is the plan with the whole row as its key.
    pub fn new<'a>(rows: Vec<F>, exact: &Plan) -> Self
    where
        F: Form<'a>,
    {
        let all = Table::new(&rows, exact, 0);
        let first: Vec<u32> = (0..rows.len())
            .into_par_iter()
            .with_min_len(4096)
            .map(|row| {
                let item = &rows[row];
                let equal = |&&other: &&u32| item.distance(&rows[other as usize], 0) == 0;
                all.candidates(item.key(exact, 0))
                    .find(equal)
                    .copied()
                    .unwrap_or(row as u32)
            })
            .collect();
        drop(all);
        let (group, groups) = numbered(&first);
        let mut starts = vec![0_u32; groups + 1];
        group.iter().for_each(|&group| starts[group as usize + 1] += 1);
        for index in 0..groups {
            starts[index + 1] += starts[index];
        }
        let mut next = starts.clone();
        let mut members = vec![0; rows.len()];
        for (row, &group) in group.iter().enumerate() {
            members[next[group as usize] as usize] = row as u32;
            next[group as usize] += 1;
        }
        let is_first = |&(row, _): &(usize, F)| first[row] as usize == row;
        let unique: Vec<F> = rows
            .into_iter()
            .enumerate()
            .filter(is_first)
            .map(|(_, item)| item)
            .collect();
        let table = Table::new(&unique, exact, 0);
        Self {
            unique,
            table,
            starts,
            rows: members,
        }
    }

    /// The rows of a group, in their order.
    pub fn members(&self, group: usize) -> &[u32] {
        &self.rows[self.starts[group] as usize..self.starts[group + 1] as usize]
    }

    /// Returns the group of the rows that equal `item`.
    pub fn find<'a>(&self, item: &F, exact: &Plan) -> Option<usize>
    where
        F: Form<'a>,
    {
        let equal = |&&group: &&u32| item.distance(&self.unique[group as usize], 0) == 0;
        self.table
            .candidates(item.key(exact, 0))
            .find(equal)
            .map(|&group| group as usize)
    }
}

/// Returns the group number of each row, in the order of first rows, and the number of groups.
fn numbered(first: &[u32]) -> (Vec<u32>, usize) {
    let mut group = vec![0_u32; first.len()];
    let mut groups = 0;
    for row in 0..first.len() {
        if first[row] as usize == row {
            group[row] = groups;
            groups += 1;
        } else {
            group[row] = group[first[row] as usize];
        }
    }
    (group, groups as usize)
}
