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

    /// Whether bytes can be permuted across a whole register.
    fn permutes(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        if self.0 == Features::Avx512 {
            return is_x86_feature_detected!("avx512vbmi");
        }
        false
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

mod complement;
mod gaussian;
mod lines;

pub use complement::reverse_complement;
pub use gaussian::{LANES, add_noise};
pub use lines::{join_lines, normal, prefetch};

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
                *letter = normal(*letter);
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

/// A row of at most 64 positions as the bytes of its encoding: which position and which base each byte stands for.
///
/// Short rows are the slow case of every layout: too short for a loop, too many for a byte at a time.
#[derive(Clone, Debug)]
pub struct ShortRow {
    length: usize,
    places: [[u8; 64]; 4],
    bases: [[u8; 64]; 4],
}

impl ShortRow {
    /// Describes rows of `length` positions, at most 64; `place_and_channel` says what a byte of the output is.
    #[must_use]
    pub fn new(length: usize, place_and_channel: impl Fn(usize) -> (usize, usize)) -> Self {
        let (mut places, mut bases) = ([[0; 64]; 4], [[0; 64]; 4]);
        for index in 0..4 * length.min(64) {
            let (place, channel) = place_and_channel(index);
            places[index / 64][index % 64] = place as u8;
            bases[index / 64][index % 64] = b"ACGT"[channel];
        }
        Self {
            length: length.min(64),
            places,
            bases,
        }
    }

    /// Returns whether this machine has a kernel for short rows.
    #[must_use]
    pub fn pays(level: Level) -> bool {
        level.permutes()
    }

    /// Encodes rows that lie side by side, each of the length of this description.
    ///
    /// `target` holds four bytes a letter.
    #[allow(unsafe_code)]
    pub fn encode(&self, level: Level, source: &[u8], target: &mut [u8]) {
        if self.length == 0 {
            return;
        }
        #[cfg(target_arch = "x86_64")]
        if Self::pays(level) {
            // SAFETY: `pays` says that the processor has AVX-512 with VBMI.
            return unsafe { self.encode_vbmi(source, target) };
        }
        let rows = source
            .chunks_exact(self.length)
            .zip(target.chunks_exact_mut(4 * self.length));
        for (letters, bytes) in rows {
            for (index, byte) in bytes.iter_mut().enumerate() {
                let letter = letters[usize::from(self.places[index / 64][index % 64])] & 0xDF;
                let letter = if letter == b'U' { b'T' } else { letter };
                *byte = u8::from(letter == self.bases[index / 64][index % 64]);
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code)]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
    fn encode_vbmi(&self, source: &[u8], target: &mut [u8]) {
        use std::arch::x86_64::*;
        let parts = (4 * self.length).div_ceil(64);
        let kept = |count: usize| if count >= 64 { u64::MAX } else { (1 << count) - 1 };
        let load = |bytes: &[u8; 64]| {
            // SAFETY: the 64 bytes are there; the load needs no alignment.
            unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
        };
        let places = self.places.each_ref().map(load);
        let bases = self.bases.each_ref().map(load);
        let one = _mm512_set1_epi8(1);
        let rows = source
            .chunks_exact(self.length)
            .zip(target.chunks_exact_mut(4 * self.length));
        for (letters, bytes) in rows {
            // SAFETY: the mask keeps the load within the row.
            let row = unsafe { _mm512_maskz_loadu_epi8(kept(letters.len()), letters.as_ptr().cast()) };
            let upper = _mm512_and_si512(row, _mm512_set1_epi8(0xDF_u8 as i8));
            let is_u = _mm512_cmpeq_epi8_mask(upper, _mm512_set1_epi8(b'U' as i8));
            let upper = _mm512_mask_mov_epi8(upper, is_u, _mm512_set1_epi8(b'T' as i8));
            for part in 0..parts {
                let spread = _mm512_permutexvar_epi8(places[part], upper);
                let bits = _mm512_maskz_mov_epi8(_mm512_cmpeq_epi8_mask(spread, bases[part]), one);
                let rest = &mut bytes[64 * part..];
                // SAFETY: the mask keeps the store within the row.
                unsafe { _mm512_mask_storeu_epi8(rest.as_mut_ptr().cast(), kept(rest.len()), bits) };
            }
        }
    }
}

/// Writes the four channels of each letter, side by side: [`channels_last`] by table, where the machine can.
#[allow(unsafe_code)]
pub fn channels_last_wide(level: Level, source: &[u8], target: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if level.0 == Features::Avx512 {
        // SAFETY: only `Level::all` makes this level, after it has found the four features.
        return unsafe { channels_last_512(source, target) };
    }
    channels_last(level, source, target);
}

/// Copies past the caches: for outputs too large to stay in them, which need not be read before they are written.
///
/// Other threads may read what was written after [`fence`].
#[allow(unsafe_code)]
pub fn stream(level: Level, source: &[u8], target: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if level.0 == Features::Avx512 {
        let head = target.as_ptr().align_offset(64).min(target.len());
        let (source_first, source_rest) = source.split_at(head);
        let (first, rest) = target.split_at_mut(head);
        first.copy_from_slice(source_first);
        // SAFETY: only `Level::all` makes this level, after it has found the features.
        return unsafe { stream_512(source_rest, rest) };
    }
    let _ = level;
    target.copy_from_slice(source);
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn stream_512(source: &[u8], target: &mut [u8]) {
    use std::arch::x86_64::*;
    let (lines, tail) = target.as_chunks_mut::<64>();
    let (sources, source_tail) = source.as_chunks::<64>();
    for (from, to) in sources.iter().zip(lines) {
        // A target that is not aligned would be a fault, not a slow store.
        debug_assert!(to.as_ptr().addr().is_multiple_of(64));
        // SAFETY: both lines have 64 bytes, and the caller has aligned the target to 64.
        unsafe { _mm512_stream_si512(to.as_mut_ptr().cast(), _mm512_loadu_si512(from.as_ptr().cast())) };
    }
    tail.copy_from_slice(source_tail);
}

/// Orders the stores of [`stream`] before all that follow.
#[allow(unsafe_code)]
pub fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of x86-64.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn channels_last_512(source: &[u8], target: &mut [u8]) {
    use std::arch::x86_64::*;
    // By `letter & 31`: A 1, C 3, G 7 in the first table, T 20 and U 21 in the second.
    let first = _mm512_setr_epi32(0, 1, 0, 1 << 8, 0, 0, 0, 1 << 16, 0, 0, 0, 0, 0, 0, 0, 0);
    let second = _mm512_setr_epi32(0, 0, 0, 0, 1 << 24, 1 << 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    let (letters, letters_rest) = source.as_chunks::<16>();
    let (words, words_rest) = target.as_chunks_mut::<64>();
    for (sixteen, word) in letters.iter().zip(words) {
        // SAFETY: the 16 bytes are there; the load needs no alignment.
        let row = unsafe { _mm_loadu_si128(sixteen.as_ptr().cast()) };
        let kind = _mm_and_si128(row, _mm_set1_epi8(0xC0_u8 as i8));
        let is_letter = _mm_cmpeq_epi8_mask(kind, _mm_set1_epi8(0x40));
        let bits = _mm512_maskz_permutex2var_epi32(is_letter, first, _mm512_cvtepu8_epi32(row), second);
        // SAFETY: the 64 bytes are there; the store needs no alignment.
        unsafe { _mm512_storeu_si512(word.as_mut_ptr().cast(), bits) };
    }
    channels_last(Level::BASELINE, letters_rest, words_rest);
}
