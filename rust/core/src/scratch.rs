//! Writing past the caches, by way of a buffer that stays in the first of them.

use std::ops::Range;

use crate::simd::{self, Level};

/// Outputs of this many bytes or more are written past the caches: they would not stay there, and a line that is not cached
/// need not be read before it is written.
pub const LARGE: usize = 1 << 24;

/// The elements of the buffer.
pub const ELEMENTS: usize = 8192;

/// Writes pieces of an output, straight or by way of a buffer.
pub struct Writer<T> {
    level: Level,
    buffer: Vec<T>,
}

impl<T> Drop for Writer<T> {
    fn drop(&mut self) {
        if !self.buffer.is_empty() {
            simd::fence();
        }
    }
}

impl<T: bytemuck::NoUninit + bytemuck::AnyBitPattern> Writer<T> {
    /// Makes a writer that goes past the caches, or straight.
    #[must_use]
    pub fn new(level: Level, zero: T, streams: bool) -> Self {
        Self {
            level,
            buffer: if streams { vec![zero; ELEMENTS] } else { Vec::new() },
        }
    }

    /// Writes `target` through `produce`, which is given a range of `target` and the place for its elements.
    ///
    /// Ranges start and end at multiples of `unit` elements; where a unit is larger than the buffer, everything is written straight.
    pub fn write(&mut self, target: &mut [T], unit: usize, mut produce: impl FnMut(Range<usize>, &mut [T])) {
        let step = self.buffer.len() / unit * unit;
        if step == 0 {
            produce(0..target.len(), target);
            return;
        }
        let mut start = 0;
        for piece in target.chunks_mut(step) {
            let buffer = &mut self.buffer[..piece.len()];
            produce(start..start + piece.len(), buffer);
            simd::stream(
                self.level,
                bytemuck::cast_slice(buffer),
                bytemuck::cast_slice_mut(piece),
            );
            start += piece.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_write_the_same() {
        for size in [0, 1, 63, 64, 65, 3 * ELEMENTS, 3 * ELEMENTS + 17] {
            for shift in [0, 1, 5] {
                for streams in [false, true] {
                    let mut out = vec![7_u16; size + shift];
                    Writer::new(Level::detect(), 0, streams).write(&mut out[shift..], 1, |range, piece| {
                        piece
                            .iter_mut()
                            .zip(range)
                            .for_each(|(value, index)| *value = (index % 5000) as u16);
                    });
                    assert!(out[..shift].iter().all(|&value| value == 7));
                    assert!(
                        out[shift..]
                            .iter()
                            .enumerate()
                            .all(|(index, &value)| value == (index % 5000) as u16)
                    );
                }
            }
        }
    }

    #[test]
    fn pieces_are_whole_units() {
        let mut out = vec![0_u8; 9000 * 3];
        Writer::new(Level::detect(), 0, true).write(&mut out, 900, |range, piece| {
            assert_eq!(
                (range.start % 900, piece.len() % 900, range.len()),
                (0, 0, piece.len())
            );
            piece.fill(1);
        });
        Writer::new(Level::detect(), 0, true)
            .write(&mut out, 27_000, |range, _| assert_eq!(range, 0..27_000));
        assert!(out.iter().all(|&value| value == 1));
    }
}
