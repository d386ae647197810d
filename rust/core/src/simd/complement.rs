//! The reverse complement of letters.

use super::{Features, Level};

/// What each letter differs by from its complement, as bits of its code.
#[inline(always)]
fn difference(letter: u8) -> u8 {
    let upper = letter & 0xDF;
    let among = |letters: [u8; 2], bits: u8| {
        if (upper == letters[0]) | (upper == letters[1]) {
            bits
        } else {
            0
        }
    };
    let letters = among(*b"AT", 0x15) | among(*b"CG", 0x04) | among(*b"RY", 0x0B) | among(*b"KM", 0x06);
    let rare = among(*b"BV", 0x14) | among(*b"DH", 0x0C) | among(*b"UU", 0x14);
    letters | rare
}

/// As `difference`, for A, C, G, T and N alone: C and G have bit 1, N has bit 3.
#[inline(always)]
fn plain_difference(letter: u8) -> u8 {
    let bits = if letter & 2 == 0 { 0x15 } else { 0x04 };
    if letter & 8 == 0 { bits } else { 0 }
}

for_levels! {
    /// Writes the complement of letters from the last to the first; what is no IUPAC letter stays as it is.
    pub fn reverse_complement(source: &[u8], target: &mut [u8]) {
        let plain = |&letter: &u8| {
            (letter == b'A') | (letter == b'C') | (letter == b'G') | (letter == b'T') | (letter == b'N')
        };
        if source.iter().fold(true, |all, letter| all & plain(letter)) {
            for (value, &letter) in target.iter_mut().zip(source.iter().rev()) {
                *value = letter ^ plain_difference(letter);
            }
            return;
        }
        for (value, &letter) in target.iter_mut().zip(source.iter().rev()) {
            *value = letter ^ difference(letter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_gives_the_complement_of_every_byte() {
        every_byte((0..=255).collect());
        every_byte(b"ACGTN".repeat(60)[..256].to_vec());
    }

    fn every_byte(source: Vec<u8>) {
        let expected: Vec<u8> = source
            .iter()
            .rev()
            .map(|&byte| crate::complement::letter(byte))
            .collect();
        for level in Level::all() {
            for start in [0, 1, 63] {
                let mut target = vec![0; 256 - start];
                reverse_complement(level, &source[start..], &mut target);
                assert_eq!(target, expected[..256 - start]);
            }
        }
    }
}
