//! One-hot encoding: A, C, G, T, in this order; every other letter has no channel set.

use rayon::prelude::*;

use crate::scratch::Writer;
use crate::sequences::expect_len;
use crate::simd::{self, Level, ShortRow};
use crate::{Error, Packed, Result, scratch, threads};

/// The channels, in their order.
pub const BASES: [u8; 4] = *b"ACGT";

/// Where the channels are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// (rows, length, channel)
    ChannelsLast,
    /// (rows, channel, length)
    ChannelsFirst,
}

/// Which end of a row meets the end of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Starts meet: padded and trimmed on the right.
    Left,
    /// Ends meet: padded and trimmed on the left.
    Right,
}

/// What the output looks like.
#[derive(Clone, Copy, Debug)]
pub struct OneHot {
    /// Where the channels are.
    pub layout: Layout,
    /// The positions of each row of the output.
    pub length: usize,
    /// Which ends meet.
    pub align: Align,
    /// Whether a letter other than A, C, G, T is an error.
    pub strict: bool,
}

/// A type that the channels can have.
pub trait Channel: bytemuck::NoUninit + bytemuck::AnyBitPattern + Send + Sync {
    /// No channel.
    const ZERO: Self;
    /// Writes four channels a letter.
    fn last(level: Level, source: &[u8], target: &mut [Self]);
    /// Writes one channel.
    fn one(level: Level, source: &[u8], base: u8, target: &mut [Self]);
    /// Writes short rows that lie side by side.
    fn short(level: Level, form: &ShortRow, source: &[u8], target: &mut [Self]);
}

impl Channel for u8 {
    const ZERO: Self = 0;

    fn last(level: Level, source: &[u8], target: &mut [Self]) {
        simd::channels_last_wide(level, source, target);
    }

    fn one(level: Level, source: &[u8], base: u8, target: &mut [Self]) {
        simd::channel(level, source, base, target);
    }

    fn short(level: Level, form: &ShortRow, source: &[u8], target: &mut [Self]) {
        form.encode(level, source, target);
    }
}

impl Channel for f32 {
    const ZERO: Self = 0.0;

    fn last(level: Level, source: &[u8], target: &mut [Self]) {
        // By way of bytes that stay in the first cache: both steps are vectorised.
        let mut bytes = [0_u8; 1024];
        for (letters, values) in source.chunks(256).zip(target.chunks_mut(1024)) {
            let bytes = &mut bytes[..4 * letters.len()];
            simd::channels_last(level, letters, bytes);
            simd::widen_f32(level, bytes, values);
        }
    }

    fn one(level: Level, source: &[u8], base: u8, target: &mut [Self]) {
        simd::channel_f32(level, source, base, target);
    }

    fn short(level: Level, form: &ShortRow, source: &[u8], target: &mut [Self]) {
        let mut bytes = vec![0; target.len()];
        form.encode(level, source, &mut bytes);
        simd::widen_f32(level, &bytes, target);
    }
}

/// Writes the encoding of all rows into `out`.
///
/// # Errors
/// [`Error::NotAllowed`] with the first letter that is not A, C, G, T where `strict`; [`Error::Argument`] for an `out` of
/// another size.
pub fn encode<T: Channel>(sequences: Packed<'_>, form: OneHot, out: &mut [T], count: usize) -> Result<()> {
    encode_at(Level::detect(), sequences, form, out, count)
}

/// [`encode`] at a given level.
///
/// # Errors
/// As [`encode`].
pub fn encode_at<T: Channel>(
    level: Level,
    sequences: Packed<'_>,
    form: OneHot,
    out: &mut [T],
    count: usize,
) -> Result<()> {
    let row_size = 4 * form.length;
    expect_len(out.len(), row_size * sequences.rows())?;
    if form.strict {
        refuse_ambiguous(level, sequences, form, count)?;
    }
    if row_size == 0 {
        return Ok(());
    }
    let per_job = (1 << 18) / row_size + 1;
    let job = Job {
        level,
        sequences,
        form,
        one_length: has_one_length(sequences, form.length),
    };
    let streams = std::mem::size_of_val(out) >= scratch::LARGE;
    let work = |(index, block): (usize, &mut [T])| {
        job.block(index * per_job, block, &mut Writer::new(level, T::ZERO, streams));
    };
    if count == 1 {
        out.chunks_mut(per_job * row_size).enumerate().for_each(work);
        return Ok(());
    }
    threads::with(count, || {
        out.par_chunks_mut(per_job * row_size).enumerate().for_each(work)
    })
}

struct Job<'a> {
    level: Level,
    sequences: Packed<'a>,
    form: OneHot,
    one_length: bool,
}

impl Job<'_> {
    /// Encodes the rows from `first` on that the block has room for.
    fn block<T: Channel>(&self, first: usize, block: &mut [T], writer: &mut Writer<T>) {
        let length = self.form.length;
        let start = first * length;
        if self.one_length && self.form.layout == Layout::ChannelsLast {
            // Rows without padding in this layout are one stream of letters.
            let letters = &self.sequences.data()[start..start + block.len() / 4];
            writer.write(block, 4, |range, piece| {
                T::last(self.level, &letters[range.start / 4..range.end / 4], piece);
            });
        } else if length <= 64 && ShortRow::pays(self.level) {
            self.short_rows(first, block, writer);
        } else if 4 * length <= scratch::ELEMENTS {
            let straight = &mut Writer::new(self.level, T::ZERO, false);
            writer.write(block, 4 * length, |range, piece| {
                self.rows(first + range.start / (4 * length), piece, straight)
            });
        } else {
            self.rows(first, block, writer);
        }
    }

    fn rows<T: Channel>(&self, first: usize, block: &mut [T], writer: &mut Writer<T>) {
        for (row, target) in (first..).zip(block.chunks_exact_mut(4 * self.form.length)) {
            self.row(self.sequences.row(row), target, writer);
        }
    }

    fn short_rows<T: Channel>(&self, first: usize, block: &mut [T], writer: &mut Writer<T>) {
        let length = self.form.length;
        let shape = ShortRow::new(length, |index| match self.form.layout {
            Layout::ChannelsLast => (index / 4, index % 4),
            Layout::ChannelsFirst => (index % length, index / length),
        });
        let mut padded = Vec::new();
        writer.write(block, 4 * length, |range, piece| {
            let row = first + range.start / (4 * length);
            let rows = piece.len() / (4 * length);
            if self.one_length {
                let letters = &self.sequences.data()[row * length..(row + rows) * length];
                return T::short(self.level, &shape, letters, piece);
            }
            padded.clear();
            padded.resize(rows * length, 0);
            for (row, target) in (row..).zip(padded.chunks_exact_mut(length)) {
                let letters = visible(self.sequences.row(row), self.form);
                let start = self.start(letters);
                target[start..start + letters.len()].copy_from_slice(letters);
            }
            T::short(self.level, &shape, &padded, piece);
        });
    }

    fn row<T: Channel>(&self, row: &[u8], target: &mut [T], writer: &mut Writer<T>) {
        let letters = visible(row, self.form);
        let start = self.start(letters);
        let end = start + letters.len();
        match self.form.layout {
            Layout::ChannelsLast => {
                target[..4 * start].fill(T::ZERO);
                writer.write(&mut target[4 * start..4 * end], 4, |range, piece| {
                    T::last(self.level, &letters[range.start / 4..range.end / 4], piece);
                });
                target[4 * end..].fill(T::ZERO);
            }
            Layout::ChannelsFirst => {
                for (base, channel) in BASES.into_iter().zip(target.chunks_exact_mut(self.form.length)) {
                    channel[..start].fill(T::ZERO);
                    writer.write(&mut channel[start..end], 1, |range, piece| {
                        T::one(self.level, &letters[range], base, piece);
                    });
                    channel[end..].fill(T::ZERO);
                }
            }
        }
    }

    /// Where the letters begin in their row of the output.
    fn start(&self, letters: &[u8]) -> usize {
        if self.form.align == Align::Right {
            self.form.length - letters.len()
        } else {
            0
        }
    }
}

fn has_one_length(sequences: Packed<'_>, length: usize) -> bool {
    sequences
        .offsets()
        .windows(2)
        .fold(true, |same, pair| same & (pair[1] - pair[0] == length as i64))
}

/// The letters of a row that the output shows.
fn visible(row: &[u8], form: OneHot) -> &[u8] {
    match form.align {
        Align::Left => &row[..row.len().min(form.length)],
        Align::Right => &row[row.len().saturating_sub(form.length)..],
    }
}

fn refuse_ambiguous(level: Level, sequences: Packed<'_>, form: OneHot, count: usize) -> Result<()> {
    let flawed = threads::with(count, || {
        (0..sequences.rows())
            .into_par_iter()
            .with_min_len(1024)
            .find_first(|&row| !simd::all_bases(level, visible(sequences.row(row), form)))
    })?;
    let Some(row) = flawed else { return Ok(()) };
    let letters = visible(sequences.row(row), form);
    let hidden = if form.align == Align::Right {
        sequences.length(row) - letters.len()
    } else {
        0
    };
    let place = letters
        .iter()
        .position(|&letter| !simd::is_base(letter))
        .unwrap_or(0);
    Err(Error::NotAllowed {
        row,
        position: hidden + place,
        letter: letters[place],
        allowed: "ACGT".into(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::PackedBuf;

    fn plain(texts: &[Vec<u8>], form: OneHot) -> Vec<u8> {
        let mut out = vec![0; texts.len() * 4 * form.length];
        for (row, text) in texts.iter().enumerate() {
            for (place, letter) in text.iter().enumerate() {
                let column = match form.align {
                    Align::Left => place as i64,
                    Align::Right => place as i64 + form.length as i64 - text.len() as i64,
                };
                let channel = match letter {
                    b'A' | b'a' => 0,
                    b'C' | b'c' => 1,
                    b'G' | b'g' => 2,
                    b'T' | b't' | b'U' | b'u' => 3,
                    _ => continue,
                };
                if (0..form.length as i64).contains(&column) {
                    let column = column as usize;
                    let inner = match form.layout {
                        Layout::ChannelsLast => 4 * column + channel,
                        Layout::ChannelsFirst => channel * form.length + column,
                    };
                    out[row * 4 * form.length + inner] = 1;
                }
            }
        }
        out
    }

    proptest! {
        #[test]
        fn every_level_type_and_thread_count_is_the_plain_encoding(
            texts in prop::collection::vec(prop::collection::vec(prop::num::u8::ANY, 0..150), 0..12),
            bases in prop::collection::vec(prop::collection::vec(prop::sample::select(&b"ACGTacgtUN"[..]), 23), 0..12),
            length in 0_usize..160, last: bool, left: bool, one_length: bool,
        ) {
            let (texts, length) = if one_length { (bases, 23) } else { (texts, length) };
            let layout = if last { Layout::ChannelsLast } else { Layout::ChannelsFirst };
            let align = if left { Align::Left } else { Align::Right };
            let form = OneHot { layout, length, align, strict: false };
            let packed = PackedBuf::from_texts(&texts);
            let expected = plain(&texts, form);
            for level in Level::all() {
                for count in 1..=3 {
                    let mut bytes = vec![7_u8; expected.len()];
                    prop_assert!(encode_at(level, packed.view(), form, &mut bytes, count).is_ok());
                    prop_assert_eq!(&bytes, &expected);
                    let mut floats = vec![7_f32; expected.len()];
                    prop_assert!(encode_at(level, packed.view(), form, &mut floats, count).is_ok());
                    prop_assert!(floats.iter().zip(&expected).all(|(&value, &bit)| value == f32::from(bit)));
                }
            }
        }
    }

    #[test]
    fn strict_names_the_first_letter_that_is_seen() {
        let packed = PackedBuf::from_texts(["ACGT", "NACG", "ACRT"]);
        let form = |align| OneHot {
            layout: Layout::ChannelsLast,
            length: 3,
            align,
            strict: true,
        };
        let mut out = vec![0_u8; 36];
        let left = encode(packed.view(), form(Align::Left), &mut out, 2);
        assert!(matches!(
            left,
            Err(Error::NotAllowed {
                row: 1,
                position: 0,
                letter: b'N',
                ..
            })
        ));
        let right = encode(packed.view(), form(Align::Right), &mut out, 2);
        assert!(matches!(
            right,
            Err(Error::NotAllowed {
                row: 2,
                position: 2,
                letter: b'R',
                ..
            })
        ));
    }

    #[test]
    fn a_buffer_of_another_size_is_refused() {
        let packed = PackedBuf::from_texts(["ACGT"]);
        let form = OneHot {
            layout: Layout::ChannelsLast,
            length: 4,
            align: Align::Left,
            strict: false,
        };
        assert!(encode(packed.view(), form, &mut [0_u8; 15], 1).is_err());
    }
}
