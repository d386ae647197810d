use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::random::Random;

const K: usize = 16;

fn letters(random: &mut Random, length: usize) -> Vec<u8> {
    (0..length).map(|_| b"ACGT"[random.below(4) as usize]).collect()
}

fn mutated(row: &[u8], random: &mut Random, share: f64) -> Vec<u8> {
    let bound = (1.0 / share) as u32;
    row.iter()
        .map(|&letter| {
            if random.below(bound) == 0 {
                b"ACGT"[random.below(4) as usize]
            } else {
                letter
            }
        })
        .collect()
}

fn kmers(row: &[u8]) -> BTreeSet<u64> {
    let mut found = BTreeSet::new();
    canonical::each(row, K, |kmer| {
        found.insert(kmer);
    });
    found
}

fn plain(rows: &[Vec<u8>], border: Option<usize>, shared: u32) -> Vec<(i64, i64, i64)> {
    let sets: Vec<_> = rows.iter().map(|row| kmers(row)).collect();
    let windows: Vec<_> = rows.iter().map(|row| canonical::count(row, K) as u32).collect();
    let mut found = Vec::new();
    for one in 0..border.unwrap_or(rows.len()) {
        for other in border.unwrap_or(one + 1)..rows.len() {
            let count = sets[one].intersection(&sets[other]).count() as u32;
            if count >= shared.min(windows[one].min(windows[other]).div_ceil(2).max(LEAST)) {
                found.push((one as i64, (other - border.unwrap_or(0)) as i64, i64::from(count)));
            }
        }
    }
    found
}

fn pairs(found: &Homologs) -> Vec<(i64, i64, i64)> {
    (0..found.query.len())
        .map(|index| (found.query[index], found.reference[index], found.shared[index]))
        .collect()
}

/// Rows of families, some turned, some cut short.
fn families(seed: u64, count: usize) -> Vec<Vec<u8>> {
    let random = &mut Random::new(seed, 0);
    let parents: Vec<Vec<u8>> = (0..count / 4 + 1).map(|_| letters(random, 300)).collect();
    (0..count)
        .map(|_| {
            let parent = &parents[random.below(parents.len() as u32) as usize];
            let mut row = mutated(parent, random, 0.04);
            if random.below(2) == 0 {
                let source = row.clone();
                complement::row(&source, &mut row);
            }
            if random.below(4) == 0 {
                let start = random.below(250) as usize;
                row = row[start..row.len().min(start + 20 + random.below(40) as usize)].to_vec();
            }
            row
        })
        .collect()
}

fn found(rows: &[Vec<u8>], border: Option<usize>, shared: u32, count: usize) -> Homologs {
    let cut = border.unwrap_or(rows.len());
    let (first, second) = (
        PackedBuf::from_texts(&rows[..cut]),
        PackedBuf::from_texts(&rows[cut..]),
    );
    let others = border.map(|_| second.view());
    search(first.view(), others, K, shared, count).unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_found_is_counted_right_and_little_is_missed(seed in any::<u64>()) {
        let rows = families(seed, 60);
        for border in [None, Some(20)] {
            let result = found(&rows, border, 40, 1);
            prop_assert_eq!(&result, &found(&rows, border, 40, 3));
            let expected = plain(&rows, border, 40);
            let got = pairs(&result);
            prop_assert!(got.iter().all(|pair| expected.contains(pair)));
            prop_assert!(got.len() as f64 >= 0.97 * expected.len() as f64 - 1.0, "{} of {}", got.len(), expected.len());
        }
    }

    #[test]
    fn nothing_is_missed_where_every_k_mer_is_kept(seed in any::<u64>(), shared in 1_u32..5) {
        let rows: Vec<Vec<u8>> = families(seed, 30).into_iter().map(|row| row[..row.len().min(40)].to_vec()).collect();
        for border in [None, Some(9)] {
            prop_assert_eq!(pairs(&found(&rows, border, shared, 2)), plain(&rows, border, shared));
        }
    }
}

#[test]
fn short_rows_are_compared_by_half_of_their_k_mers() {
    let random = &mut Random::new(1, 0);
    let long = letters(random, 600);
    let inside = long[100..123].to_vec();
    let mut half = long[200..223].to_vec();
    half[19..].copy_from_slice(if &long[219..223] == b"ACGT" {
        b"TGCA"
    } else {
        b"ACGT"
    });
    let mut less = long[300..323].to_vec();
    less[11] = if less[11] == b'A' { b'C' } else { b'A' };
    let rows = [long, inside, half, less, b"ACGT".to_vec()];
    let result = found(&rows, None, 40, 1);
    assert_eq!(result.cluster, [0, 0, 0, 1, 2]);
    assert_eq!(result.short, 1);
}

#[test]
fn equal_rows_are_one_cluster_however_short_or_plain() {
    let rows = [
        &b"ACCG"[..],
        b"AAAAAAAAAAAAAAAAAAAAAAAAA",
        b"CGGT",
        b"",
        b"AAAAAAAAAAAAAAAAAAAAAAAAA",
        b"ACCG",
    ];
    let rows = rows.map(<[u8]>::to_vec);
    let result = found(&rows, None, 40, 1);
    assert_eq!(result.cluster, [0, 1, 0, 2, 1, 0]);
    assert!(result.query.is_empty());
}

#[test]
fn a_family_beyond_the_cap_is_one_cluster_and_is_told() {
    let random = &mut Random::new(2, 0);
    let parent = letters(random, 600);
    let mut rows: Vec<Vec<u8>> = (0..500).map(|_| mutated(&parent, random, 0.02)).collect();
    rows.extend((0..20).map(|_| letters(random, 600)));
    let result = found(&rows, None, 40, 2);
    assert!(result.capped > 0);
    assert!(result.query.len() < 500 * 100);
    assert!(result.cluster[..500].iter().all(|&cluster| cluster == 0));
    assert_eq!(result.cluster[500..], (1..=20).collect::<Vec<i64>>());
    let between = found(&rows, Some(250), 40, 2);
    let met = |side: &[i64]| side.iter().collect::<BTreeSet<_>>().len();
    assert_eq!((met(&between.query), met(&between.reference)), (250, 250));
}

#[test]
fn case_does_not_matter_and_n_breaks_k_mers() {
    let random = &mut Random::new(3, 0);
    let row = letters(random, 200);
    let mut broken = row.clone();
    (0..200).step_by(15).for_each(|place| broken[place] = b'N');
    let rows = [row.clone(), row.to_ascii_lowercase(), broken.clone(), broken];
    let result = found(&rows, None, 40, 1);
    assert_eq!(pairs(&result), [(0, 1, 185)]);
    assert_eq!(result.cluster, [0, 0, 1, 1]);
}

#[test]
fn questions_that_cannot_be_are_refused() {
    let rows = PackedBuf::from_texts(["ACGT"]);
    for (k, shared) in [(7, 40), (33, 40), (16, 0)] {
        assert!(search(rows.view(), None, k, shared, 1).is_err());
    }
    assert_eq!(found(&[], None, 40, 1), Homologs::default());
}
