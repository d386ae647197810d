use proptest::prelude::*;

use super::*;
use crate::PackedBuf;

fn plain(queries: &[Vec<u8>], references: Option<&[Vec<u8>]>, question: &Question) -> Hits {
    let within = references.is_none();
    let references = references.unwrap_or(queries);
    let counts = |place: usize, length: usize| {
        !question
            .ignore
            .iter()
            .any(|&other| other == place as i64 || other + length as i64 == place as i64)
    };
    let mut out = Hits::default();
    for (query, letters) in queries.iter().enumerate() {
        let mut flipped = letters.clone();
        complement::row(letters, &mut flipped);
        let mut found = Vec::new();
        for (reference, other) in references.iter().enumerate() {
            let skip = if question.best {
                reference == query
            } else {
                reference <= query
            };
            if other.len() != letters.len() || (within && skip) {
                continue;
            }
            for (minus, text) in [(false, letters), (true, &flipped)] {
                let differs = |&place: &usize| counts(place, text.len()) && text[place] != other[place];
                let distance = (0..text.len()).filter(differs).count() as u32;
                if distance <= question.mismatches && (question.reverse || !minus) {
                    found.push(Hit {
                        reference: reference as u32,
                        distance,
                        minus,
                    });
                }
            }
        }
        out.keep(query, &mut found, question.best);
    }
    out
}

/// Rows that are likely to meet: a few seeds, changed in a few places.
fn rows(length: usize) -> impl Strategy<Value = Vec<Vec<u8>>> {
    let change = (0..length.max(1), prop::sample::select(&b"ACGTN"[..]));
    let row = (
        0_u8..3,
        prop::collection::vec(change, 0..4),
        any::<bool>(),
        0_usize..8,
    );
    prop::collection::vec(row, 0..14).prop_map(move |specs| {
        let make = |(seed, changes, flip, cut): (u8, Vec<(usize, u8)>, bool, usize)| {
            let mut text: Vec<u8> = (0..length)
                .map(|place| b"ACGT"[(place * place + usize::from(seed) * (place / 3 + 1)) % 4])
                .collect();
            changes.into_iter().for_each(|(place, letter)| {
                if let Some(old) = text.get_mut(place) {
                    *old = letter;
                }
            });
            if flip {
                let source = text.clone();
                complement::row(&source, &mut text);
            }
            text.truncate(if cut == 0 { length / 2 } else { length });
            text
        };
        specs.into_iter().map(make).collect()
    })
}

fn both() -> impl Strategy<Value = (Vec<Vec<u8>>, Vec<Vec<u8>>)> {
    prop::sample::select(vec![0_usize, 1, 3, 8, 23, 32, 33, 64, 65, 300])
        .prop_flat_map(|length| (rows(length), rows(length)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]
    #[test]
    fn finds_what_comparing_all_pairs_finds(
        (queries, references) in both(), mismatches in 0_u32..=3, reverse: bool, best: bool, within: bool,
        ignore in prop::sample::select(vec![vec![], vec![0, 1], vec![-3], vec![2, -1, 400]]),
    ) {
        let question = Question { mismatches, reverse, ignore, best };
        let (packed, others) = (PackedBuf::from_texts(&queries), PackedBuf::from_texts(&references));
        let expected = plain(&queries, (!within).then_some(&references[..]), &question);
        for count in [1, 2, 3] {
            let found = search(packed.view(), (!within).then(|| others.view()), &question, count);
            prop_assert_eq!(found.unwrap_or_default(), expected.clone());
        }
    }
}

#[test]
fn jobs_join_in_order() {
    let texts: Vec<Vec<u8>> = (0..3 * BLOCK)
        .map(|row| {
            (0..23)
                .map(|place| b"ACGT"[((row % 5000) >> (place % 12)) & 3])
                .collect()
        })
        .collect();
    let packed = PackedBuf::from_texts(&texts);
    let question = Question {
        best: true,
        ..Question::default()
    };
    let one = search(packed.view(), None, &question, 1).unwrap_or_default();
    assert_eq!(one, search(packed.view(), None, &question, 3).unwrap_or_default());
    assert_eq!(one.query.len(), texts.len());
    assert_eq!(
        (one.query[5000], one.reference[5000], one.reference[0]),
        (5000, 0, 5000)
    );
}

#[test]
fn many_copies_are_one_group() {
    // Compared pair by pair this would take minutes.
    let mut texts = vec![b"ACGTTGCAACGTTGCAACGTTGC".to_vec(); 200_000];
    texts.push(b"ACGTTGCAACGTTGCAACGTTGG".to_vec());
    let packed = PackedBuf::from_texts(&texts);
    let question = Question {
        best: true,
        mismatches: 2,
        reverse: true,
        ..Question::default()
    };
    let hits = search(packed.view(), None, &question, 2).unwrap_or_default();
    assert_eq!(
        (hits.query.len(), hits.reference[0], hits.reference[200_000]),
        (200_001, 1, 0)
    );
    assert_eq!(hits.distance[200_000], 1);
}

#[test]
fn more_than_three_mismatches_are_refused() {
    let packed = PackedBuf::from_texts(["ACGT"]);
    let question = Question {
        mismatches: 4,
        ..Question::default()
    };
    assert!(search(packed.view(), None, &question, 1).is_err());
}
