//! Windows of a genome, through the index of its FASTA file (`.fai`): the file is never in memory as a whole.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::path::Path;

use rayon::prelude::*;

use crate::onehot::{self, OneHot};
use crate::sequences::expect_len;
use crate::simd::{self, Level};
use crate::{Error, Packed, Result, complement, threads};

/// A line of a `.fai`: where the letters of a contig are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contig {
    /// Its letters.
    pub length: i64,
    /// The place of the first letter in the file.
    pub offset: i64,
    /// The letters of a line.
    pub bases: i64,
    /// The bytes of a line, its end included.
    pub width: i64,
}

impl Contig {
    /// The place of a letter in the file.
    fn place(&self, letter: i64) -> i64 {
        self.offset + letter / self.bases * self.width + letter % self.bases
    }

    fn is_sound(&self) -> bool {
        let known = self.length >= 0 && self.offset >= 0 && self.bases > 0 && self.width > self.bases;
        let last = (self.length / self.bases.max(1)).checked_mul(self.width);
        known
            && last
                .and_then(|last| last.checked_add(self.offset + self.bases))
                .is_some()
    }
}

/// Makes the index of a FASTA file: the names and where their letters are.
///
/// # Errors
/// [`Error::Fasta`] for compressed content, for lines of different length, for a name that occurs twice or is missing.
pub fn index(path: &Path) -> Result<(Vec<String>, Vec<Contig>)> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let (mut names, mut contigs): (Vec<String>, Vec<Contig>) = (Vec::new(), Vec::new());
    let (mut at, mut ended, mut line) = (0, false, Vec::new());
    while file.read_until(b'\n', &mut line)? > 0 {
        let width = line.len() as i64;
        let text = line.trim_ascii_end();
        if text.starts_with(b">") {
            names.push(
                String::from_utf8_lossy(&text[1..])
                    .split_whitespace()
                    .next()
                    .unwrap_or("")
                    .to_owned(),
            );
            contigs.push(Contig {
                length: 0,
                offset: at + width,
                bases: 0,
                width: 0,
            });
            ended = false;
        } else if !text.is_empty() || !contigs.is_empty() {
            let Some(contig) = contigs.last_mut() else {
                return Err(no_fasta(text));
            };
            ended = extend(contig, text.len() as i64, width, ended).ok_or_else(|| uneven(&names))?;
        }
        at += width;
        line.clear();
    }
    for contig in contigs.iter_mut().filter(|contig| contig.bases == 0) {
        (contig.bases, contig.width) = (1, 2);
    }
    unique(&names)?;
    Ok((names, contigs))
}

/// Adds a line to a contig; returns whether it was its last one, nothing where it is not as long as those before.
fn extend(contig: &mut Contig, bases: i64, width: i64, ended: bool) -> Option<bool> {
    if bases == 0 {
        return Some(true);
    }
    if contig.length == 0 && !ended {
        // The last line of a file may have no end: another line of this contig cannot follow it.
        (contig.bases, contig.width) = (bases, width.max(bases + 1));
    }
    if ended || bases > contig.bases || (bases == contig.bases && width > contig.width) {
        return None;
    }
    contig.length += bases;
    Some(bases < contig.bases || width < contig.width)
}

fn fault(message: String, record: Option<usize>, hint: &'static str) -> Error {
    Error::Fasta {
        message,
        record,
        hint,
    }
}

fn no_fasta(text: &[u8]) -> Error {
    if text.starts_with(&[0x1f, 0x8b]) {
        let hint = "decompress it: gunzip, or bgzip -d";
        return fault("the genome is compressed with gzip or bgzip".into(), None, hint);
    }
    fault(
        "there is text before the first '>'".into(),
        None,
        "give a FASTA file",
    )
}

fn uneven(names: &[String]) -> Error {
    let name = names.last().map_or("", String::as_str);
    let message = format!("record '{name}' has lines of different length");
    fault(
        message,
        names.len().checked_sub(1),
        "write it anew with lines of one length: seqkit seq -w 60",
    )
}

fn unique(names: &[String]) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    let twice = |name: &String| name.is_empty() || !seen.insert(name.clone());
    match names.iter().position(twice) {
        Some(record) => {
            let message = format!("the name '{}' is empty or occurs twice", names[record]);
            Err(fault(message, Some(record), "rename the record"))
        }
        None if names.is_empty() => Err(fault("the file has no record".into(), None, "give a FASTA file")),
        None => Ok(()),
    }
}

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

/// One window, what of it the contig has, and where that stands in the file.
struct Job<'a> {
    row: usize,
    first: i64,
    last: i64,
    from: i64,
    to: i64,
    target: &'a mut [u8],
}

/// Writes the letters of windows, in upper case, U as T, one behind the other.
///
/// # Errors
/// [`Error::Letter`] with the window and the place in the contig, [`Error::Argument`] for a window or an index that cannot be,
/// [`Error::Io`] where the file ends before the index does.
pub fn fetch(
    file: &File,
    contigs: &[Contig],
    windows: Windows<'_>,
    out: &mut [u8],
    count: usize,
) -> Result<()> {
    each(file, contigs, windows, None, out, count)
}

/// Writes the one-hot encoding of windows, all of one length.
///
/// # Errors
/// As [`fetch`].
pub fn one_hot(
    file: &File,
    contigs: &[Contig],
    windows: Windows<'_>,
    form: OneHot,
    out: &mut [u8],
    count: usize,
) -> Result<()> {
    each(file, contigs, windows, Some(form), out, count)
}

fn each(
    file: &File,
    contigs: &[Contig],
    windows: Windows<'_>,
    form: Option<OneHot>,
    out: &mut [u8],
    count: usize,
) -> Result<()> {
    let mut jobs = jobs(contigs, windows, if form.is_some() { 4 } else { 1 }, out)?;
    // In the order of the file, many windows share a read.
    jobs.sort_unstable_by_key(|job| (job.from, job.row));
    let work = |reader: &mut Reader<'_>, jobs: &mut [Job<'_>]| reader.all(contigs, windows, form, jobs);
    let results: Vec<Result<()>> = if count == 1 {
        let mut reader = Reader::new(file);
        jobs.chunks_mut(CHUNK)
            .map(|jobs| work(&mut reader, jobs))
            .collect()
    } else {
        let start = || Reader::new(file);
        threads::with(count, || {
            jobs.par_chunks_mut(CHUNK).map_init(start, work).collect()
        })?
    };
    results.into_iter().collect()
}

/// The windows that one thread takes at a time.
const CHUNK: usize = 512;
/// The bytes of a read, where a window does not need more.
const BLOCK: i64 = 1 << 16;
/// The bytes between two windows that are rather read than skipped.
const GAP: i64 = 4096;

fn jobs<'a>(
    contigs: &[Contig],
    windows: Windows<'_>,
    unit: usize,
    out: &'a mut [u8],
) -> Result<Vec<Job<'a>>> {
    let rows = windows.contig.len();
    for other in [windows.start.len(), windows.end.len(), windows.minus.len()] {
        expect_len(other, rows)?;
    }
    let (mut jobs, mut rest) = (Vec::with_capacity(rows), out);
    for row in 0..rows {
        let number = usize::try_from(windows.contig[row]).ok();
        let contig = number
            .and_then(|number| contigs.get(number))
            .filter(|contig| contig.is_sound());
        let (start, end) = (windows.start[row], windows.end[row]);
        let length = end.checked_sub(start).filter(|&length| length >= 0);
        let (Some(contig), Some(length)) = (contig, length) else {
            return Err(Error::Argument(format!("window {row} or its contig cannot be")));
        };
        let (first, last) = (start.clamp(0, contig.length), end.clamp(0, contig.length));
        let (from, to) = if first < last {
            (contig.place(first), contig.place(last - 1) + 1)
        } else {
            (0, 0)
        };
        let size = unit * length as usize;
        if size > rest.len() {
            return Err(Error::Argument("out is smaller than the windows".into()));
        }
        let (target, tail) = rest.split_at_mut(size);
        jobs.push(Job {
            row,
            first,
            last,
            from,
            to,
            target,
        });
        rest = tail;
    }
    expect_len(rest.len(), 0)?;
    Ok(jobs)
}

/// A part of the file; kept between windows for its memory.
struct Reader<'a> {
    file: &'a File,
    buffer: Vec<u8>,
    at: i64,
    /// How many bytes of the buffer were read last.
    size: i64,
    letters: Vec<u8>,
    turned: Vec<u8>,
}

impl<'a> Reader<'a> {
    fn new(file: &'a File) -> Self {
        Self {
            file,
            buffer: Vec::new(),
            at: 0,
            size: 0,
            letters: Vec::new(),
            turned: Vec::new(),
        }
    }

    fn all(
        &mut self,
        contigs: &[Contig],
        windows: Windows<'_>,
        form: Option<OneHot>,
        jobs: &mut [Job<'_>],
    ) -> Result<()> {
        for index in 0..jobs.len() {
            self.reach(&jobs[index..])?;
            let job = &mut jobs[index];
            let (row, target) = (job.row, std::mem::take(&mut job.target));
            let (contig, start) = (&contigs[windows.contig[row] as usize], windows.start[row]);
            if form.is_none() && !windows.minus[row] {
                self.window(contig, start, job, target)?;
                continue;
            }
            let mut letters = std::mem::take(&mut self.letters);
            letters.resize((windows.end[row] - start) as usize, 0);
            self.window(contig, start, job, &mut letters)?;
            self.write(&letters, windows.minus[row], form, target)?;
            self.letters = letters;
        }
        Ok(())
    }

    fn write(&mut self, letters: &[u8], minus: bool, form: Option<OneHot>, target: &mut [u8]) -> Result<()> {
        let Some(form) = form else {
            complement::row(letters, target);
            return Ok(());
        };
        let offsets = [0, letters.len() as i64];
        if minus {
            self.turned.resize(letters.len(), 0);
            complement::row(letters, &mut self.turned);
        }
        let letters = if minus { &self.turned } else { letters };
        onehot::encode(Packed::new(letters, &offsets)?, form, target, 1)
    }

    /// Reads the bytes of the first job, and with them those of the next that are near.
    fn reach(&mut self, jobs: &[Job<'_>]) -> Result<()> {
        let (from, mut to) = (jobs[0].from, jobs[0].to);
        if from >= self.at && to <= self.at + self.size {
            return Ok(());
        }
        for job in &jobs[1..] {
            if job.from > to + GAP || job.to - from > BLOCK {
                break;
            }
            to = to.max(job.to);
        }
        (self.at, self.size) = (from, to - from);
        let size = self.size as usize;
        if self.buffer.len() < size {
            self.buffer.resize(size, 0);
        }
        self.file.read_exact_at(&mut self.buffer[..size], from as u64)?;
        Ok(())
    }

    /// Puts the letters of a window together: lines without their ends, N where the contig has none.
    fn window(&self, contig: &Contig, start: i64, job: &Job<'_>, letters: &mut [u8]) -> Result<()> {
        let (first, last) = if job.first < job.last {
            ((job.first - start) as usize, (job.last - start) as usize)
        } else {
            (0, 0)
        };
        letters[..first].fill(b'N');
        letters[last..].fill(b'N');
        let known = &mut letters[first..last];
        let (mut place, mut column) = ((job.from - self.at) as usize, job.first % contig.bases);
        let mut rest = &mut known[..];
        while !rest.is_empty() {
            let count = rest.len().min((contig.bases - column) as usize);
            let (line, after) = rest.split_at_mut(count);
            line.copy_from_slice(&self.buffer[place..place + count]);
            place += count + (contig.width - contig.bases) as usize;
            (rest, column) = (after, 0);
        }
        if simd::normalise(Level::detect(), known) {
            return Ok(());
        }
        let place = known
            .iter()
            .position(|&letter| !simd::is_iupac(letter))
            .unwrap_or(0);
        let letter = known[place];
        Err(Error::Letter {
            row: job.row,
            position: job.first as usize + place,
            letter,
            name: None,
        })
    }
}

#[cfg(test)]
#[path = "windows_tests.rs"]
mod tests;
