//! Sites that a nuclease can cut: a protospacer with its PAM at the 3' end, on either strand.

use rayon::prelude::*;

use crate::{Error, Packed, PackedBuf, Result, complement, simd, threads};

/// The windows that one job looks at.
const BLOCK: usize = 1 << 16;

/// The sites of some records: by record, then start, then the forward strand first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sites {
    /// The record of each site.
    pub record: Vec<i64>,
    /// Where the window (protospacer and PAM) starts on the forward strand.
    pub start: Vec<i64>,
    /// Whether the site is on the reverse strand.
    pub minus: Vec<bool>,
    /// Protospacer and PAM of each site, 5' to 3'.
    pub guides: PackedBuf,
    /// Windows left out: they hold another letter than A, C, G, T, and their PAM could be one.
    pub ambiguous: usize,
}

/// The bases that a letter stands for, as four bits (A, C, G, T); none for a byte that is no IUPAC letter.
const SETS: [u8; 256] = {
    let letters = b"ACGTURYSWKMBDHVN";
    let sets = [1, 2, 4, 8, 8, 5, 10, 6, 9, 12, 3, 14, 13, 11, 7, 15];
    let mut table = [0; 256];
    let mut index = 0;
    while index < letters.len() {
        table[letters[index] as usize] = sets[index];
        table[letters[index].to_ascii_lowercase() as usize] = sets[index];
        index += 1;
    }
    table
};

/// Finds all sites.
///
/// # Errors
/// [`Error::Argument`] for a PAM that is empty or holds no IUPAC letter.
pub fn find(sequences: Packed<'_>, pam: &[u8], spacer: usize, count: usize) -> Result<Sites> {
    let forward: Vec<u8> = pam.iter().map(|&letter| SETS[usize::from(letter)]).collect();
    if forward.is_empty() || forward.contains(&0) {
        let shown = String::from_utf8_lossy(pam);
        return Err(Error::Argument(format!(
            "a PAM is one or more IUPAC letters, not '{shown}'"
        )));
    }
    let reverse = pam
        .iter()
        .rev()
        .map(|&letter| SETS[usize::from(complement::letter(letter))])
        .collect();
    let search = Search {
        sequences,
        width: spacer + pam.len(),
        spacer,
        forward,
        reverse,
    };
    let jobs: Vec<(usize, usize)> = (0..sequences.rows())
        .flat_map(|record| {
            let windows = (sequences.length(record) + 1).saturating_sub(search.width);
            (0..windows).step_by(BLOCK).map(move |start| (record, start))
        })
        .collect();
    let parts: Vec<Sites> = threads::with(count, || {
        jobs.par_iter()
            .map(|&(record, start)| search.block(record, start))
            .collect()
    })?;
    Ok(joined(parts))
}

struct Search<'a> {
    sequences: Packed<'a>,
    width: usize,
    spacer: usize,
    forward: Vec<u8>,
    reverse: Vec<u8>,
}

impl Search<'_> {
    fn block(&self, record: usize, start: usize) -> Sites {
        let row = self.sequences.row(record);
        let letters = &row[start..row.len().min(start + BLOCK + self.width - 1)];
        let sets: Vec<u8> = letters.iter().map(|&letter| SETS[usize::from(letter)]).collect();
        let windows = letters.len() + 1 - self.width;
        let plus = matches(&sets[self.spacer..], &self.forward, windows);
        let minus = matches(&sets, &self.reverse, windows);
        let mut found = Sites::default();
        // The window behind the last letter that is no base: windows before it are ambiguous.
        let mut clean = 0;
        let mut seen = 0;
        for window in 0..windows {
            while seen < window + self.width {
                if !simd::is_base(letters[seen]) {
                    clean = seen + 1;
                }
                seen += 1;
            }
            if plus[window] | minus[window] == 0 {
                continue;
            }
            if window < clean {
                found.ambiguous += usize::from(plus[window]) + usize::from(minus[window]);
                continue;
            }
            let site = &letters[window..window + self.width];
            if plus[window] == 1 {
                found.add(record, start + window, false, |data| data.extend_from_slice(site));
            }
            if minus[window] == 1 {
                found.add(record, start + window, true, |data| {
                    data.extend(site.iter().rev().map(|&base| complement::letter(base)));
                });
            }
        }
        found
    }
}

impl Sites {
    fn add(&mut self, record: usize, start: usize, minus: bool, letters: impl FnOnce(&mut Vec<u8>)) {
        self.record.push(record as i64);
        self.start.push(start as i64);
        self.minus.push(minus);
        letters(&mut self.guides.data);
        self.guides.offsets.push(self.guides.data.len() as i64);
    }
}

/// Returns 1 for each window whose letters could be the pattern, else 0.
fn matches(sets: &[u8], pattern: &[u8], windows: usize) -> Vec<u8> {
    let mut fits = vec![1_u8; windows];
    for (index, &wanted) in pattern.iter().enumerate() {
        for (fit, &set) in fits.iter_mut().zip(&sets[index..]) {
            *fit &= u8::from(set & wanted != 0);
        }
    }
    fits
}

fn joined(parts: Vec<Sites>) -> Sites {
    let sites = parts.iter().map(|part| part.start.len()).sum();
    let mut all = Sites::default();
    all.record.reserve_exact(sites);
    all.start.reserve_exact(sites);
    all.minus.reserve_exact(sites);
    all.guides
        .data
        .reserve_exact(parts.iter().map(|part| part.guides.data.len()).sum());
    all.guides.offsets.reserve_exact(sites);
    for part in parts {
        let shift = all.guides.data.len() as i64;
        all.record.extend_from_slice(&part.record);
        all.start.extend_from_slice(&part.start);
        all.minus.extend_from_slice(&part.minus);
        all.guides.data.extend_from_slice(&part.guides.data);
        all.guides
            .offsets
            .extend(part.guides.offsets[1..].iter().map(|end| end + shift));
        all.ambiguous += part.ambiguous;
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(texts: &[Vec<u8>], pam: &[u8], spacer: usize) -> Sites {
        let mut found = Sites::default();
        for (record, text) in texts.iter().enumerate() {
            for (start, window) in text.windows(spacer + pam.len()).enumerate() {
                let mut flipped = window.to_vec();
                complement::row(window, &mut flipped);
                for (minus, guide) in [(false, window), (true, &flipped)] {
                    let could =
                        |(letter, wanted): (&u8, &u8)| SETS[*letter as usize] & SETS[*wanted as usize] != 0;
                    if !guide[spacer..].iter().zip(pam).all(could) {
                        continue;
                    }
                    if guide.iter().all(|letter| b"ACGT".contains(letter)) {
                        found.add(record, start, minus, |data| data.extend_from_slice(guide));
                    } else {
                        found.ambiguous += 1;
                    }
                }
            }
        }
        found
    }

    proptest! {
        #[test]
        fn finds_what_the_plain_search_finds(
            texts in prop::collection::vec(prop::collection::vec(prop::sample::select(&b"ACGTACGTACGTACGTN"[..]), 0..80), 0..6),
            pam in prop::sample::select(vec!["NGG", "TTTV", "NNGRRT", "A"]), spacer in 0_usize..25,
        ) {
            let packed = PackedBuf::from_texts(&texts);
            let expected = plain(&texts, pam.as_bytes(), spacer);
            for count in 1..=3 {
                let found = find(packed.view(), pam.as_bytes(), spacer, count);
                prop_assert_eq!(found.unwrap_or_default(), expected.clone());
            }
        }
    }

    #[test]
    fn blocks_join_without_a_seam() {
        let text: Vec<u8> = (0..3 * BLOCK)
            .map(|index| b"ACGGT"[(index * index / 7) % 5])
            .collect();
        let packed = PackedBuf::from_texts([&text]);
        let found = find(packed.view(), b"NGG", 20, 2).unwrap_or_default();
        assert_eq!(found, plain(&[text], b"NGG", 20));
        assert!(!found.start.is_empty());
    }

    #[test]
    fn a_pam_of_no_letters_is_refused() {
        let packed = PackedBuf::from_texts(["ACGT"]);
        assert!(find(packed.view(), b"", 20, 1).is_err());
        assert!(find(packed.view(), b"N1G", 20, 1).is_err());
    }
}
