//! A small generator of random numbers, one for each row: the same numbers on every machine and for any number of threads.

use crate::hashing;

/// The odd step of the counter: 2^64 over the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64 (Steele, Lea and Flood 2014): a counter whose values are mixed.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// Starts the numbers of one row of one seed.
    #[must_use]
    pub fn new(seed: u64, row: u64) -> Self {
        Self {
            state: hashing::finish(hashing::step(hashing::step(STEP, seed), row)),
        }
    }

    /// Returns 64 random bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Returns a number from 0 to `bound` - 1, each as likely as the others (Lemire 2019); `bound` is at least 1.
    #[inline]
    pub fn below(&mut self, bound: u32) -> u32 {
        let mut product = (self.bits() >> 32) * u64::from(bound);
        let least = bound.wrapping_neg() % bound;
        while (product as u32) < least {
            product = (self.bits() >> 32) * u64::from(bound);
        }
        (product >> 32) as u32
    }

    /// Returns true with a probability.
    #[inline]
    pub fn chance(&mut self, probability: f64) -> bool {
        ((self.bits() >> 11) as f64) * (1.0 / (1_u64 << 53) as f64) < probability
    }

    /// Puts items in a random order, each order as likely as the others.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for index in (1..items.len()).rev() {
            items.swap(index, self.below(index as u32 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_seeds_have_numbers_of_their_own() {
        let first = |seed, row| Random::new(seed, row).bits();
        assert_ne!(first(1, 0), first(0, 1));
        assert_ne!(first(1, 0), first(1, 1));
        assert_eq!(first(3, 4), first(3, 4));
    }

    #[test]
    fn numbers_below_a_bound_are_equally_likely() {
        let (mut random, mut counts) = (Random::new(7, 0), [0_u32; 6]);
        (0..60_000).for_each(|_| counts[random.below(6) as usize] += 1);
        // Five standard deviations of a binomial count.
        assert!(
            counts.iter().all(|&count| count.abs_diff(10_000) < 457),
            "{counts:?}"
        );
    }
}
