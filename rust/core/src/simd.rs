//! The inner loops, compiled three times (baseline, AVX2, AVX-512) and chosen at run time.
//!
//! The loops are plain Rust that the compiler vectorises; the only unsafe code is the call into a version compiled for
//! features that [`Level`] proves to be there. Tests compare all levels of the machine with the baseline.

use std::sync::OnceLock;

/// A set of processor features that is known to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(Features);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Features {
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// No more than the target's baseline.
    pub const BASELINE: Self = Self(Features::Baseline);

    /// Returns the best level of this machine.
    #[must_use]
    pub fn detect() -> Self {
        static BEST: OnceLock<Level> = OnceLock::new();
        *BEST.get_or_init(|| Self::all().pop().unwrap_or(Self::BASELINE))
    }

    /// Returns every level of this machine, the best last.
    #[must_use]
    pub fn all() -> Vec<Self> {
        #[allow(unused_mut)]
        let mut levels = vec![Self::BASELINE];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                levels.push(Self(Features::Avx2));
            }
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512dq")
            {
                levels.push(Self(Features::Avx512));
            }
        }
        levels
    }
}

/// Defines a function whose body is compiled for every level.
macro_rules! for_levels {
    ($(#[$meta:meta])* pub fn $name:ident$(<const $konst:ident: usize>)?($($arg:ident: $type:ty),*) $(-> $result:ty)? $body:block) => {
        $(#[$meta])*
        #[allow(unsafe_code)]
        pub fn $name$(<const $konst: usize>)?(level: Level, $($arg: $type),*) $(-> $result)? {
            #[inline(always)]
            fn body$(<const $konst: usize>)?($($arg: $type),*) $(-> $result)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn avx2$(<const $konst: usize>)?($($arg: $type),*) $(-> $result)? {
                    body$(::<$konst>)?($($arg),*)
                }
                #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
                fn avx512$(<const $konst: usize>)?($($arg: $type),*) $(-> $result)? {
                    body$(::<$konst>)?($($arg),*)
                }
                match level.0 {
                    // SAFETY: only `Level::all` makes this value, after it has found the feature.
                    Features::Avx2 => return unsafe { avx2$(::<$konst>)?($($arg),*) },
                    // SAFETY: only `Level::all` makes this value, after it has found the four features.
                    Features::Avx512 => return unsafe { avx512$(::<$konst>)?($($arg),*) },
                    Features::Baseline => {}
                }
            }
            let _ = level;
            body$(::<$konst>)?($($arg),*)
        }
    };
}

/// The letters of the IUPAC nucleotide alphabet, U included, as bits by `letter & 31`.
const IUPAC: u32 = {
    let letters = b"ACGTURYSWKMBDHVN";
    let mut bits = 0;
    let mut index = 0;
    while index < letters.len() {
        bits |= 1 << (letters[index] & 31);
        index += 1;
    }
    bits
};

/// Returns whether a byte is an IUPAC nucleotide letter of either case.
#[inline(always)]
#[must_use]
pub fn is_iupac(letter: u8) -> bool {
    letter & 0xC0 == 0x40 && (IUPAC >> (letter & 31)) & 1 == 1
}

/// Returns whether a byte is A, C, G, T or U of either case.
#[inline(always)]
#[must_use]
pub fn is_base(letter: u8) -> bool {
    let upper = letter & 0xDF;
    (upper == b'A') | (upper == b'C') | (upper == b'G') | (upper & 0xFE == b'T')
}

for_levels! {
    /// Makes letters upper case and U to T; false, with nothing changed, where one is no IUPAC letter.
    pub fn normalise(data: &mut [u8]) -> bool {
        let valid = data.iter().fold(true, |valid, &letter| valid & is_iupac(letter));
        if valid {
            for letter in data.iter_mut() {
                let upper = *letter & 0xDF;
                *letter = if upper == b'U' { b'T' } else { upper };
            }
        }
        valid
    }
}

for_levels! {
    /// Returns whether all letters are A, C, G, T or U.
    pub fn all_bases(data: &[u8]) -> bool {
        data.iter().fold(true, |valid, &letter| valid & is_base(letter))
    }
}

for_levels! {
    /// Writes the four channels of each letter, side by side; `target` holds four bytes a letter.
    pub fn channels_last(source: &[u8], target: &mut [u8]) {
        for (&letter, four) in source.iter().zip(target.as_chunks_mut::<4>().0) {
            let upper = letter & 0xDF;
            let word = u32::from(upper == b'A')
                | (u32::from(upper == b'C') << 8)
                | (u32::from(upper == b'G') << 16)
                | (u32::from(upper & 0xFE == b'T') << 24);
            *four = word.to_le_bytes();
        }
    }
}

for_levels! {
    /// Writes 1 where the letter is `base` (upper case), else 0.
    pub fn channel(source: &[u8], base: u8, target: &mut [u8]) {
        let mask = if base == b'T' { 0xDE } else { 0xDF };
        for (&letter, bit) in source.iter().zip(target) {
            *bit = u8::from(letter & mask == base);
        }
    }
}

for_levels! {
    /// Writes 1.0 where the letter is `base` (upper case), else 0.0.
    pub fn channel_f32(source: &[u8], base: u8, target: &mut [f32]) {
        let mask = if base == b'T' { 0xDE } else { 0xDF };
        for (&letter, bit) in source.iter().zip(target) {
            *bit = f32::from(u8::from(letter & mask == base));
        }
    }
}

for_levels! {
    /// Widens 0 and 1 to floats.
    pub fn widen_f32(source: &[u8], target: &mut [f32]) {
        for (&bit, value) in source.iter().zip(target) {
            *value = f32::from(bit);
        }
    }
}

/// The most tokens that [`kmer_ids`] makes at once.
pub const KMER_BLOCK: usize = 512;

for_levels! {
    /// Writes the id of each k-mer: 5 + its number in the order A, T, C, G, or 1 where it holds another letter.
    ///
    /// At most [`KMER_BLOCK`] ids; `source` holds `KMER - 1` letters more than `target` holds ids.
    pub fn kmer_ids<const KMER: usize>(source: &[u8], target: &mut [u16]) {
        // The number of a pair of letters in one byte, its validity in another: a k-mer is then at most three loads.
        let mut code = [0_u8; KMER_BLOCK + 8];
        let mut flaw = [0_u8; KMER_BLOCK + 8];
        for ((&letter, code), flaw) in source.iter().zip(&mut code).zip(&mut flaw) {
            // Bits 1 and 2 of a letter, swapped, are its number: A 0, T (and U) 1, C 2, G 3.
            *code = ((letter >> 2) & 1) | (letter & 2);
            *flaw = u8::from(!is_base(letter));
        }
        let mut pair = [0_u8; KMER_BLOCK + 8];
        let mut pair_flaw = [0_u8; KMER_BLOCK + 8];
        for index in 0..KMER_BLOCK + 7 {
            pair[index] = (code[index] << 2) | code[index + 1];
            pair_flaw[index] = flaw[index] | flaw[index + 1];
        }
        for (index, id) in target.iter_mut().take(KMER_BLOCK).enumerate() {
            let mut number = u16::from(pair[index]);
            let mut broken = pair_flaw[index];
            if KMER >= 4 {
                number = (number << 4) | u16::from(pair[index + 2]);
                broken |= pair_flaw[index + 2];
            }
            if KMER >= 6 {
                number = (number << 4) | u16::from(pair[index + 4]);
                broken |= pair_flaw[index + 4];
            }
            if KMER % 2 == 1 {
                number = (number << 2) | u16::from(code[index + KMER - 1]);
                broken |= flaw[index + KMER - 1];
            }
            *id = if broken == 0 { number + 5 } else { 1 };
        }
    }
}

for_levels! {
    /// Widens ids.
    pub fn widen_i32(source: &[u16], target: &mut [i32]) {
        for (&id, value) in source.iter().zip(target) {
            *value = i32::from(id);
        }
    }
}

for_levels! {
    /// Widens ids.
    pub fn widen_i64(source: &[u16], target: &mut [i64]) {
        for (&id, value) in source.iter().zip(target) {
            *value = i64::from(id);
        }
    }
}
