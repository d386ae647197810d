//! The index of a FASTA file (`.fai`): where in the file the letters of each contig are.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::{Error, Result};

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
    pub(crate) fn place(&self, letter: i64) -> i64 {
        self.offset + letter / self.bases * self.width + letter % self.bases
    }

    /// Whether the numbers can be those of a contig, and every place fits into them.
    pub(crate) fn is_sound(&self) -> bool {
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
            if text.contains(&b'\r') {
                return Err(old_lines(&names));
            }
            let name = text[1..]
                .split(u8::is_ascii_whitespace)
                .find(|word| !word.is_empty());
            names.push(String::from_utf8_lossy(name.unwrap_or_default()).into_owned());
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

fn old_lines(names: &[String]) -> Error {
    let message = "lines end in a carriage return alone".into();
    fault(message, Some(names.len()), "write it anew: tr '\\r' '\\n'")
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
