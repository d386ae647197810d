//! Random sequences with the dinucleotides of another: the Euler walk of Altschul and Erickson (1985, Mol Biol Evol 2:526).
//!
//! A sequence is a walk over its letters that uses each of its dinucleotides once. Another such walk from its first letter to its
//! last is drawn by choosing for each letter the dinucleotide by which it is left for good, then the order of the others. The
//! choices for good must form a tree that leads to the last letter; Wilson's algorithm (1996) draws it without rejections. Each
//! sequence with these dinucleotides and ends is then as likely as any other.

use rayon::prelude::*;

use crate::random::Random;
use crate::sequences::expect_len;
use crate::{Error, Packed, Result, threads};

/// The letters that a row may hold: bytes.
const LETTERS: usize = 256;

/// Writes a shuffle of every row; the offsets stay the same. Every byte is a letter of its own, N and lower case too.
///
/// Row `i` depends on its letters, `seed` and `i` alone. A row that no other sequence has the dinucleotides of stays as it is.
///
/// # Errors
/// [`Error::Argument`] for an `out` of another size than the data, or a row of four billion letters.
pub fn dinucleotides(sequences: Packed<'_>, seed: u64, out: &mut [u8], count: usize) -> Result<()> {
    expect_len(out.len(), sequences.data().len())?;
    if sequences.longest() >= u32::MAX as usize {
        return Err(Error::Argument(
            "a sequence of more than four billion letters".into(),
        ));
    }
    let targets = sequences.split(out);
    threads::with(count, || {
        targets
            .into_par_iter()
            .enumerate()
            .with_min_len(64)
            .for_each_init(Walk::default, |walk, (row, target)| {
                walk.shuffle(sequences.row(row), &mut Random::new(seed, row as u64), target);
            });
    })
}

/// The dinucleotides of a sequence by their first letter; kept between rows for its memory.
#[derive(Default)]
struct Walk {
    /// The letters that follow each letter, letter by letter.
    next: Vec<u8>,
    /// Where the followers of each letter start, and the end of the last.
    starts: Vec<u32>,
    /// The letters that occur.
    letters: Vec<u8>,
}

impl Walk {
    fn shuffle(&mut self, source: &[u8], random: &mut Random, target: &mut [u8]) {
        let (&[first, ..], &[.., last]) = (source, source) else {
            return;
        };
        self.count(source);
        self.leave(last, random);
        let mut places: Vec<u32> = self.starts[..LETTERS].to_vec();
        target[0] = first;
        let mut current = first;
        for letter in &mut target[1..] {
            let place = &mut places[usize::from(current)];
            *letter = self.next[*place as usize];
            current = *letter;
            *place += 1;
        }
    }

    /// Sorts the dinucleotides by their first letter, in the order in which they occur.
    fn count(&mut self, source: &[u8]) {
        self.starts.clear();
        self.starts.resize(LETTERS + 1, 0);
        for &letter in &source[..source.len() - 1] {
            self.starts[usize::from(letter) + 1] += 1;
        }
        self.letters.clear();
        for letter in 0..LETTERS {
            if self.starts[letter + 1] > 0 {
                self.letters.push(letter as u8);
            }
            self.starts[letter + 1] += self.starts[letter];
        }
        let mut places: Vec<u32> = self.starts[..LETTERS].to_vec();
        self.next.clear();
        self.next.resize(source.len() - 1, 0);
        for pair in source.windows(2) {
            let place = &mut places[usize::from(pair[0])];
            self.next[*place as usize] = pair[1];
            *place += 1;
        }
    }

    fn followers(&self, letter: u8) -> std::ops::Range<usize> {
        let letter = usize::from(letter);
        self.starts[letter] as usize..self.starts[letter + 1] as usize
    }

    /// Orders the followers of each letter: at random, the one that leads to the end for good last.
    fn leave(&mut self, last: u8, random: &mut Random) {
        let tree = self.tree(last, random);
        for letter in self.letters.clone() {
            let range = self.followers(letter);
            if letter == last {
                random.shuffle(&mut self.next[range]);
            } else {
                let end = range.end - 1;
                self.next.swap(tree[usize::from(letter)], end);
                random.shuffle(&mut self.next[range.start..end]);
            }
        }
    }

    /// Draws for each letter but the last one the dinucleotide by which it is left for good.
    fn tree(&self, last: u8, random: &mut Random) -> [usize; LETTERS] {
        let (mut chosen, mut done) = ([0; LETTERS], [false; LETTERS]);
        done[usize::from(last)] = true;
        for &start in &self.letters {
            // A random walk to what is done; a letter that it meets again forgets how it was left.
            let mut current = start;
            while !done[usize::from(current)] {
                let range = self.followers(current);
                let place = range.start + random.below(range.len() as u32) as usize;
                chosen[usize::from(current)] = place;
                current = self.next[place];
            }
            let mut current = start;
            while !done[usize::from(current)] {
                done[usize::from(current)] = true;
                current = self.next[chosen[usize::from(current)]];
            }
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::PackedBuf;

    fn shuffled(packed: &PackedBuf, seed: u64, count: usize) -> Vec<u8> {
        let mut out = vec![0; packed.data.len()];
        assert!(dinucleotides(packed.view(), seed, &mut out, count).is_ok());
        out
    }

    fn counts(letters: &[u8]) -> BTreeMap<&[u8], usize> {
        let mut counts = BTreeMap::new();
        letters
            .windows(2)
            .for_each(|pair| *counts.entry(pair).or_default() += 1);
        counts
    }

    /// Every sequence with the dinucleotides and the ends of a text, by trying all orders of its letters.
    fn others(text: &[u8]) -> Vec<Vec<u8>> {
        let mut found = vec![vec![text[0]]];
        for _ in 1..text.len() {
            let longer = |part: Vec<u8>| {
                b"ACGT".map(|letter| {
                    let mut part = part.clone();
                    part.push(letter);
                    part
                })
            };
            found = found.into_iter().flat_map(longer).collect();
            found.retain(|part| {
                counts(part)
                    .iter()
                    .all(|(pair, count)| counts(text).get(pair).is_some_and(|most| count <= most))
            });
        }
        found
    }

    #[test]
    fn every_walk_is_as_likely() {
        for text in [&b"ACAGATACCA"[..], b"AACCAGACGT", b"TATTGTAATG"] {
            let expected = others(text);
            assert!(expected.len() > 10);
            let draws = 400 * expected.len();
            let packed = PackedBuf::from_texts(vec![text; draws]);
            let out = shuffled(&packed, 5, 2);
            let mut seen: BTreeMap<&[u8], usize> = BTreeMap::new();
            out.chunks(text.len())
                .for_each(|row| *seen.entry(row).or_default() += 1);
            assert_eq!(seen.len(), expected.len());
            let squares: f64 = seen
                .values()
                .map(|&count| (count as f64 - 400.0).powi(2) / 400.0)
                .sum();
            // The mean of chi-squared and five of its standard deviations.
            let freedom = (expected.len() - 1) as f64;
            assert!(
                squares < freedom + 5.0 * (2.0 * freedom).sqrt(),
                "{squares} of {freedom}"
            );
        }
    }

    #[test]
    fn rows_too_short_or_plain_stay() {
        let packed = PackedBuf::from_texts(["", "A", "AC", "ACG", "NNNNN", "aA"]);
        assert_eq!(shuffled(&packed, 3, 1), packed.data);
        assert!(dinucleotides(packed.view(), 3, &mut [0; 3], 1).is_err());
    }

    proptest! {
        #[test]
        fn dinucleotides_and_ends_stay_and_threads_do_not_matter(
            texts in prop::collection::vec(prop::collection::vec(prop::sample::select(&b"ACGTNacgR"[..]), 0..120), 0..150),
            seed in any::<u64>(),
        ) {
            let packed = PackedBuf::from_texts(&texts);
            let out = shuffled(&packed, seed, 1);
            prop_assert_eq!(&out, &shuffled(&packed, seed, 3));
            let view = PackedBuf { data: out, offsets: packed.offsets.clone() };
            for (row, text) in texts.iter().enumerate() {
                let made = view.view().row(row);
                prop_assert_eq!(counts(made), counts(text));
                prop_assert_eq!((made.first(), made.last()), (text.first(), text.last()));
            }
        }

        #[test]
        fn a_long_row_changes(text in prop::collection::vec(prop::sample::select(&b"ACGT"[..]), 200..300), seed in any::<u64>()) {
            prop_assert_ne!(shuffled(&PackedBuf::from_texts([&text]), seed, 1), text);
        }
    }
}
