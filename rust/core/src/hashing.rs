//! A stable 64-bit hash of letters: the same on every machine and in every version, since files keep it.

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const MIX: u64 = 0xd6e8_feb8_6659_fd93;

/// Folds the 128-bit product of two words into one: every input bit reaches every output bit.
#[inline(always)]
#[must_use]
pub fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Mixes one word into a running hash.
#[inline(always)]
#[must_use]
pub fn step(state: u64, word: u64) -> u64 {
    fold(state ^ word ^ MIX, SEED | 1).wrapping_add(state.rotate_left(23))
}

/// Spreads the bits of a running hash.
#[inline(always)]
#[must_use]
pub fn finish(state: u64) -> u64 {
    let state = (state ^ (state >> 32)).wrapping_mul(MIX);
    state ^ (state >> 29)
}

/// Returns the 64-bit hash of the bytes; the length is part of it.
#[must_use]
pub fn bytes(data: &[u8]) -> u64 {
    let (words, rest) = data.as_chunks::<8>();
    let mut state = SEED ^ (data.len() as u64).wrapping_mul(MIX);
    for word in words {
        state = step(state, u64::from_le_bytes(*word));
    }
    let mut last = [0_u8; 8];
    last[..rest.len()].copy_from_slice(rest);
    finish(step(state, u64::from_le_bytes(last)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn values_are_frozen() {
        // A change here breaks every file that holds row digests.
        assert_eq!(
            [bytes(b""), bytes(b"A"), bytes(b"ACGTACGTACGTACGTACGTNGG")],
            FROZEN
        );
    }

    const FROZEN: [u64; 3] = [1032406490710539983, 14048702495305768713, 15510121957061526597];

    #[test]
    fn neighbours_differ() {
        let mut seen = HashSet::new();
        for index in 0..(1_u32 << 16) {
            let text: Vec<u8> = (0..8).map(|j| b"ACGT"[(index >> (2 * j)) as usize & 3]).collect();
            assert!(seen.insert(bytes(&text)));
        }
    }
}
