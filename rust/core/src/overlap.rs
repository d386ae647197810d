//! The leak audit: which rows of one set are, or nearly are, rows of another.
//!
//! Two rows meet when they have one length and differ in at most d letters, on the same strand or with the query reverse
//! complemented. Rows are cut into blocks so that rows at distance d share at least two blocks: only rows that do are compared.
//! Two blocks of a guide hold 15 letters, so that chance brings few rows together, however many there are: time and memory
//! are linear in the rows. The result is the same for any number of threads.

use std::borrow::Cow;

use rayon::prelude::*;

use crate::overlap_form::{Form, Long, Plan, Short};
use crate::overlap_table::{Index, Table};
use crate::{Error, Packed, Result, complement, threads};

/// The queries that one job looks at.
const BLOCK: usize = 4096;

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The most letters that may differ, 0 to 3.
    pub mismatches: u32,
    /// Whether queries are compared as their reverse complement too.
    pub reverse: bool,
    /// Positions of the reference that do not count; negative ones from the end.
    pub ignore: Vec<i64>,
    /// Whether only the best hit of each query is wanted: the nearest, of those the first, of those the forward strand.
    pub best: bool,
}

/// Pairs of rows that meet, by query, then reference; each pair once, with its smallest distance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// The row of the queries.
    pub query: Vec<i64>,
    /// The row of the references.
    pub reference: Vec<i64>,
    /// The letters that differ.
    pub distance: Vec<u8>,
    /// 1 where the query meets as it is, -1 where its reverse complement does.
    pub strand: Vec<i8>,
}

/// One hit of a query. The order of the fields is the order of preference within a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Hit {
    reference: u32,
    distance: u32,
    minus: bool,
}

/// Finds the rows of `references` that the rows of `queries` meet; without references, those of `queries` itself.
///
/// A set within itself gives each pair once (query before reference), or with `best` each row's nearest other row. Letters are
/// compared as they are: N meets N only.
///
/// # Errors
/// [`Error::Argument`] for more than three mismatches or more than four billion rows.
pub fn search(
    queries: Packed<'_>,
    references: Option<Packed<'_>>,
    question: &Question,
    count: usize,
) -> Result<Hits> {
    if question.mismatches > 3 {
        return Err(Error::Argument(format!(
            "mismatches go from 0 to 3, {} asked for",
            question.mismatches
        )));
    }
    let within = references.is_none();
    let references = references.unwrap_or(queries);
    if references.rows() >= u32::MAX as usize {
        return Err(Error::Argument("more than four billion rows".into()));
    }
    let job = Job {
        queries,
        references,
        question,
        within,
    };
    threads::with(count, || match references.longest() {
        0..=32 => job.run::<Short<2>>(),
        33..=64 => job.run::<Short<4>>(),
        _ => job.run::<Long<'_>>(),
    })
}

#[derive(Clone, Copy)]
struct Job<'a> {
    queries: Packed<'a>,
    references: Packed<'a>,
    question: &'a Question,
    within: bool,
}

impl<'a> Job<'a> {
    fn run<F: Form<'a>>(&self) -> Hits {
        let masked = |row| self.masked(Cow::Borrowed(self.references.row(row)));
        let rows: Vec<F> = (0..self.references.rows())
            .into_par_iter()
            .with_min_len(BLOCK)
            .map(|row| F::make(masked(row)))
            .collect();
        let longest = self.references.longest();
        let index = Index::new(rows, &Plan::exact(longest));
        let plan = Plan::new(self.question.mismatches, longest);
        let tables: Vec<Table> = if self.question.mismatches == 0 {
            Vec::new()
        } else {
            (0..plan.keys())
                .into_par_iter()
                .map(|key| Table::new(&index.unique, &plan, key))
                .collect()
        };
        let finder = Finder {
            job: self,
            index,
            plan,
            tables,
            exact: Plan::exact(longest),
        };
        let blocks = self.queries.rows().div_ceil(BLOCK);
        let parts: Vec<Hits> = (0..blocks)
            .into_par_iter()
            .map(|block| finder.block(block * BLOCK))
            .collect();
        joined(parts)
    }

    /// Replaces the letters that do not count.
    fn masked(&self, mut letters: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
        let length = letters.len() as i64;
        for &place in &self.question.ignore {
            let place = if place < 0 { place + length } else { place };
            if (0..length).contains(&place) {
                letters.to_mut()[place as usize] = b'N';
            }
        }
        letters
    }
}

struct Finder<'a, 'j, F> {
    job: &'j Job<'a>,
    index: Index<F>,
    exact: Plan,
    plan: Plan,
    tables: Vec<Table>,
}

impl<'a, F: Form<'a>> Finder<'a, '_, F> {
    fn block(&self, start: usize) -> Hits {
        let longest = self.job.references.longest();
        let mut out = Hits::default();
        let mut found: Vec<Hit> = Vec::new();
        for query in start..self.job.queries.rows().min(start + BLOCK) {
            let letters = self.job.queries.row(query);
            // No reference is that long, and the form may not hold it.
            if letters.len() > longest {
                continue;
            }
            found.clear();
            let forward = F::make(self.job.masked(Cow::Borrowed(letters)));
            let reverse = self.job.question.reverse.then(|| {
                let mut flipped = vec![0; letters.len()];
                complement::row(letters, &mut flipped);
                F::make(self.job.masked(Cow::Owned(flipped)))
            });
            self.find(query, &forward, reverse.as_ref(), &mut found);
            out.keep(query, &mut found, self.job.question.best);
        }
        out
    }

    fn find(&self, query: usize, forward: &F, reverse: Option<&F>, found: &mut Vec<Hit>) {
        let strands = [(Some(forward), false), (reverse, true)];
        if self.tables.is_empty() || self.job.question.best {
            for (item, minus) in strands {
                if let Some(group) = item.and_then(|item| self.index.find(item, &self.exact)) {
                    self.add(query, group, 0, minus, found);
                }
            }
            // Nothing is nearer than an exact hit.
            if !found.is_empty() {
                return;
            }
        }
        for (item, minus) in strands {
            let Some(item) = item else { continue };
            for (key, table) in self.tables.iter().enumerate() {
                for &group in table.candidates(item.key(&self.plan, key)) {
                    let limit = self.job.question.mismatches;
                    let distance = item.distance(&self.index.unique[group as usize], limit);
                    if distance <= limit {
                        self.add(query, group as usize, distance, minus, found);
                    }
                }
            }
        }
    }

    /// Adds the rows of a group of equal references: all of them, or the first where only the best hit is wanted.
    fn add(&self, query: usize, group: usize, distance: u32, minus: bool, found: &mut Vec<Hit>) {
        let members = self.index.members(group);
        let hit = |&reference: &u32| Hit {
            reference,
            distance,
            minus,
        };
        if self.job.question.best {
            let other = members
                .iter()
                .find(|&&row| !self.job.within || row as usize != query);
            found.extend(other.map(hit));
            return;
        }
        let first = if self.job.within {
            members.partition_point(|&row| row as usize <= query)
        } else {
            0
        };
        found.extend(members[first..].iter().map(hit));
    }
}

impl Hits {
    fn keep(&mut self, query: usize, found: &mut Vec<Hit>, best: bool) {
        if best {
            let nearest = found
                .iter()
                .min_by_key(|hit| (hit.distance, hit.reference, hit.minus))
                .copied();
            found.clear();
            found.extend(nearest);
        } else {
            found.sort_unstable();
            found.dedup_by_key(|hit| hit.reference);
        }
        for hit in found {
            self.query.push(query as i64);
            self.reference.push(i64::from(hit.reference));
            self.distance.push(hit.distance as u8);
            self.strand.push(if hit.minus { -1 } else { 1 });
        }
    }
}

fn joined(parts: Vec<Hits>) -> Hits {
    let pairs = parts.iter().map(|part| part.query.len()).sum();
    let mut all = Hits {
        query: Vec::with_capacity(pairs),
        reference: Vec::with_capacity(pairs),
        distance: Vec::with_capacity(pairs),
        strand: Vec::with_capacity(pairs),
    };
    for part in parts {
        all.query.extend_from_slice(&part.query);
        all.reference.extend_from_slice(&part.reference);
        all.distance.extend_from_slice(&part.distance);
        all.strand.extend_from_slice(&part.strand);
    }
    all
}

#[cfg(test)]
#[path = "overlap_tests.rs"]
mod tests;
