//! Windows of a genome, through the index of its FASTA file (`.fai`).

use rayon::prelude::*;

use crate::fai::Contig;
use crate::onehot::{self, OneHot};
use crate::scratch::{self, Writer};
use crate::sequences::expect_len;
use crate::simd::{self, Level};
use crate::{Error, Packed, Result, complement, threads};

/// Stretches of contigs, ends excluded, which may reach beyond the contigs: there they are N.
#[derive(Clone, Copy, Debug)]
pub struct Windows<'a> {
    /// The contig of each window.
    pub contig: &'a [i64],
    /// The first letter, from 0.
    pub start: &'a [i64],
    /// The letter behind the last one.
    pub end: &'a [i64],
    /// Whether the reverse complement is wanted.
    pub minus: &'a [bool],
}

/// A genome: the bytes of its FASTA file, and where in them the letters of each contig are.
#[derive(Clone, Copy, Debug)]
pub struct Genome<'a> {
    /// The file.
    pub file: &'a [u8],
    /// Its index.
    pub contigs: &'a [Contig],
}

/// Writes the letters of windows, in upper case, U as T, one behind the other.
///
/// # Errors
/// [`Error::Letter`] with the window and the place in the contig, [`Error::Argument`] for a window or an index that cannot be,
/// [`Error::Fasta`] where the file ends before the index does.
pub fn fetch(genome: Genome<'_>, windows: Windows<'_>, out: &mut [u8], count: usize) -> Result<()> {
    each(
        genome,
        windows,
        (1, out),
        count,
        Vec::new,
        |letters, window, target| {
            if !window.minus {
                return window.letters(target);
            }
            letters.resize(window.length, 0);
            window.letters(letters)?;
            complement::row(letters, target);
            Ok(())
        },
    )
}

/// Writes the one-hot encoding of windows, all of one length.
///
/// # Errors
/// As [`fetch`].
pub fn one_hot(
    genome: Genome<'_>,
    windows: Windows<'_>,
    form: OneHot,
    out: &mut [u8],
    count: usize,
) -> Result<()> {
    let streams = out.len() >= scratch::LARGE;
    let start = || (Vec::new(), Vec::new(), Writer::new(Level::detect(), 0, streams));
    each(
        genome,
        windows,
        (4, out),
        count,
        start,
        |(letters, turned, writer), window, target| {
            letters.resize(window.length, 0);
            window.letters(letters)?;
            if window.minus {
                turned.resize(window.length, 0);
                complement::row(letters, turned);
                std::mem::swap(letters, turned);
            }
            let offsets = [0, window.length as i64];
            let letters = Packed::new(letters, &offsets)?;
            let (unit, mut result) = (target.len().max(1), Ok(()));
            writer.write(target, unit, |_, piece| {
                result = onehot::encode(letters, form, piece, 1)
            });
            result
        },
    )
}

/// The windows that one thread takes at a time.
const CHUNK: usize = 512;
/// How many windows before its turn a window is asked of the memory: they are far apart in the file.
const AHEAD: usize = 4;

/// Writes every window through `write`, which is also given what a thread keeps between its windows.
///
/// `out` is the output and how many bytes of it a letter takes.
fn each<S: Send>(
    genome: Genome<'_>,
    windows: Windows<'_>,
    out: (usize, &mut [u8]),
    count: usize,
    start: impl Fn() -> S + Sync,
    write: impl Fn(&mut S, &Window<'_>, &mut [u8]) -> Result<()> + Sync,
) -> Result<()> {
    let unit = out.0;
    let mut chunks = windows.chunks(unit, out.1)?;
    let work = |kept: &mut S, (first, target): &mut (usize, &mut [u8])| {
        let rows = *first..windows.contig.len().min(*first + CHUNK);
        let found = rows
            .map(|row| windows.window(genome, row))
            .collect::<Result<Vec<Window<'_>>>>()?;
        let mut rest = std::mem::take(target);
        for (index, window) in found.iter().enumerate() {
            if let Some(ahead) = found.get(index + AHEAD) {
                simd::prefetch(ahead.source);
            }
            let (target, tail) = rest.split_at_mut(unit * window.length);
            write(kept, window, target)?;
            rest = tail;
        }
        Ok(())
    };
    if count == 1 {
        let mut kept = start();
        return chunks.iter_mut().try_for_each(|chunk| work(&mut kept, chunk));
    }
    let results: Vec<Result<()>> =
        threads::with(count, || chunks.par_iter_mut().map_init(&start, work).collect())?;
    results.into_iter().collect()
}

impl Windows<'_> {
    /// Splits the output: the first window of each chunk, and its place.
    fn chunks<'a>(&self, unit: usize, mut out: &'a mut [u8]) -> Result<Vec<(usize, &'a mut [u8])>> {
        let count = self.contig.len();
        for other in [self.start.len(), self.end.len(), self.minus.len()] {
            expect_len(other, count)?;
        }
        let mut chunks = Vec::with_capacity(count.div_ceil(CHUNK));
        for first in (0..count).step_by(CHUNK) {
            let mut size = 0_usize;
            for row in first..count.min(first + CHUNK) {
                size = size.saturating_add(self.length(row)?.saturating_mul(unit));
            }
            if size > out.len() {
                return Err(Error::Argument("out is smaller than the windows".into()));
            }
            let (target, tail) = out.split_at_mut(size);
            chunks.push((first, target));
            out = tail;
        }
        expect_len(out.len(), 0)?;
        Ok(chunks)
    }

    fn length(&self, row: usize) -> Result<usize> {
        let length = self.end[row].checked_sub(self.start[row]);
        length
            .and_then(|length| usize::try_from(length).ok())
            .ok_or_else(|| impossible(row))
    }

    fn window<'a>(&self, genome: Genome<'a>, row: usize) -> Result<Window<'a>> {
        let number = usize::try_from(self.contig[row]).ok();
        let contig = number
            .and_then(|number| genome.contigs.get(number))
            .filter(|contig| contig.is_sound());
        let contig = contig.ok_or_else(|| impossible(row))?;
        let [first, last] = [self.start[row], self.end[row]].map(|place| place.clamp(0, contig.length));
        let (mut before, mut source) = (0, &[][..]);
        if first < last {
            before = (first - self.start[row]) as usize;
            let bytes = contig.place(first) as usize..contig.place(last - 1) as usize + 1;
            source = genome.file.get(bytes).ok_or_else(|| Error::Fasta {
                message: "the file ends before its index does".into(),
                record: None,
                hint: "remove the index: a new one is made",
            })?;
        }
        Ok(Window {
            row,
            contig,
            minus: self.minus[row],
            length: self.length(row)?,
            before,
            known: (last - first) as usize,
            first,
            source,
        })
    }
}

fn impossible(row: usize) -> Error {
    Error::Argument(format!("window {row} or its contig cannot be"))
}

/// A window, and what of it the contig has.
struct Window<'a> {
    row: usize,
    contig: &'a Contig,
    minus: bool,
    length: usize,
    /// How many N there are before the letters of the contig, and how many of those.
    before: usize,
    known: usize,
    /// The first of them in the contig.
    first: i64,
    /// Where they stand in the file.
    source: &'a [u8],
}

impl Window<'_> {
    /// Puts the letters together: lines without their ends, N where the contig has none.
    fn letters(&self, letters: &mut [u8]) -> Result<()> {
        let (first, last) = (self.before, self.before + self.known);
        letters[..first].fill(b'N');
        letters[last..].fill(b'N');
        let known = &mut letters[first..last];
        let Contig { bases, width, .. } = *self.contig;
        let [rest, bases, gap] =
            [bases - self.first % bases, bases, width - bases].map(|number| number as usize);
        if simd::join_lines(Level::detect(), self.source, rest, bases, gap, known) {
            return Ok(());
        }
        self.ambiguous(known)
    }

    /// Writes the letters of the contig one by one: some of them are no bases.
    fn ambiguous(&self, letters: &mut [u8]) -> Result<()> {
        let from = self.contig.place(self.first);
        for (position, target) in (self.first..).zip(letters) {
            let letter = self.source[(self.contig.place(position) - from) as usize];
            if !simd::is_iupac(letter) {
                let (row, position) = (self.row, position as usize);
                return Err(Error::Letter {
                    row,
                    position,
                    letter,
                    name: None,
                });
            }
            *target = simd::normal(letter);
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "windows_tests.rs"]
mod tests;
