//! Tests of the augmentations.

use proptest::prelude::*;

use super::*;
use crate::PackedBuf;

fn span(max: u32) -> Span {
    Span { min: 0, max }
}

fn everything() -> EvoAug {
    EvoAug {
        per_row: 7,
        hard: false,
        deletion: span(9),
        reverse_complement: 0.5,
        insertion: span(9),
        translocation: span(9),
        inversion: span(9),
        mutation: 0.1,
        noise: (0.0, 0.0),
    }
}

fn letters(texts: &[Vec<u8>], what: &EvoAug, seed: u64, rows: &[i64], count: usize) -> Vec<Vec<u8>> {
    let packed = PackedBuf::from_texts(texts);
    let mut out = vec![0; packed.data.len()];
    let draw = Draw { seed, epoch: 4, rows };
    assert!(augment_letters(packed.view(), what, draw, &mut out, count).is_ok());
    let made = PackedBuf {
        data: out,
        offsets: packed.offsets,
    };
    (0..texts.len())
        .map(|row| made.view().row(row).to_vec())
        .collect()
}

fn one_hot(texts: &[Vec<u8>], layout: Layout) -> Vec<f32> {
    let length = texts.first().map_or(0, Vec::len);
    let form = crate::onehot::OneHot {
        layout,
        length,
        align: crate::onehot::Align::Left,
        strict: false,
    };
    let mut out = vec![0.0; texts.len() * 4 * length];
    assert!(crate::onehot::encode(PackedBuf::from_texts(texts).view(), form, &mut out, 1).is_ok());
    out
}

proptest! {
    #[test]
    fn letters_and_both_layouts_agree_for_any_threads_and_batch(
        texts in prop::collection::vec(prop::collection::vec(prop::sample::select(&b"ACGT"[..]), 40), 1..40),
        seed in any::<u64>(),
    ) {
        let rows: Vec<i64> = (0..texts.len() as i64).collect();
        let made = letters(&texts, &everything(), seed, &rows, 1);
        prop_assert_eq!(&made, &letters(&texts, &everything(), seed, &rows, 3));
        let last = texts.len() - 1;
        let alone = letters(&texts[last..], &everything(), seed, &rows[last..], 1);
        prop_assert_eq!(&made[last..], &alone[..]);
        for layout in [Layout::ChannelsLast, Layout::ChannelsFirst] {
            for count in [1, 2] {
                let source = one_hot(&texts, layout);
                let mut out = vec![9.0; source.len()];
                let draw = Draw { seed, epoch: 4, rows: &rows };
                prop_assert!(augment(&source, layout, &everything(), draw, &mut out, count).is_ok());
                prop_assert_eq!(&out, &one_hot(&made, layout));
            }
        }
    }

    #[test]
    fn noise_does_not_depend_on_threads_or_batch(rows in prop::collection::vec(0_i64..1000, 1..50), seed in any::<u64>()) {
        let what = EvoAug { per_row: 1, hard: true, noise: (0.5, 0.2), ..EvoAug::default() };
        let values = vec![1.0; rows.len() * 36];
        let made = |rows: &[i64], count| {
            let mut out = vec![0.0; rows.len() * 36];
            let draw = Draw { seed, epoch: 0, rows };
            assert!(augment(&values[..rows.len() * 36], Layout::ChannelsLast, &what, draw, &mut out, count).is_ok());
            out
        };
        let all = made(&rows, 1);
        prop_assert_eq!(&all, &made(&rows, 3));
        prop_assert_eq!(&all[..36], &made(&rows[..1], 1)[..]);
        prop_assert!(all.iter().any(|&value| value != 1.0));
    }
}

#[test]
fn nothing_on_or_no_augmentation_asked_for_is_a_copy() {
    let texts = vec![b"ACGTACGTNNACGT".to_vec()];
    for what in [
        EvoAug {
            per_row: 2,
            hard: true,
            ..EvoAug::default()
        },
        EvoAug {
            per_row: 0,
            ..everything()
        },
    ] {
        assert_eq!(letters(&texts, &what, 1, &[0], 1), texts);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let refused = |what: EvoAug| {
        let (draw, values) = (
            Draw {
                seed: 1,
                epoch: 0,
                rows: &[0],
            },
            [0.0; 32],
        );
        augment(&values, Layout::ChannelsLast, &what, draw, &mut [0.0; 32], 1).is_err()
    };
    assert!(refused(EvoAug {
        deletion: span(9),
        ..EvoAug::default()
    }));
    assert!(refused(EvoAug {
        inversion: Span { min: 3, max: 2 },
        ..EvoAug::default()
    }));
    assert!(refused(EvoAug {
        mutation: 0.8,
        ..EvoAug::default()
    }));
    assert!(refused(EvoAug {
        noise: (0.0, -1.0),
        ..EvoAug::default()
    }));
    assert!(refused(EvoAug {
        reverse_complement: f64::NAN,
        ..EvoAug::default()
    }));
    let draw = Draw {
        seed: 1,
        epoch: 0,
        rows: &[0, 1],
    };
    assert!(
        augment(
            &[0.0; 32],
            Layout::ChannelsLast,
            &EvoAug::default(),
            draw,
            &mut [0.0; 16],
            1
        )
        .is_err()
    );
}
