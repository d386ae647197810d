//! FASTA, plain or gzip (bgzip included), told apart by content and not by name.
//!
//! Letters are kept in upper case, U as T. The sequence is compacted in the buffer that was read: no second copy.

use std::collections::HashMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use memchr::memchr;

use crate::sequences::normalise;
use crate::{Error, PackedBuf, Result};

/// The empty block that every bgzip file ends with.
const BGZIP_END: [u8; 28] = [
    0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, 0x42, 0x43, 2, 0, 0x1b, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];

/// What is let through.
#[derive(Clone, Copy, Debug, Default)]
pub struct Allow {
    /// Two records of one name.
    pub duplicates: bool,
    /// Records without a letter.
    pub empty: bool,
}

/// The records of a file, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// The first word behind each `>`.
    pub names: Vec<String>,
    /// The rest of each header line.
    pub descriptions: Vec<String>,
    /// The letters.
    pub sequences: PackedBuf,
}

/// Reads a file.
///
/// # Errors
/// [`Error::Io`] for a path that cannot be read, [`Error::Fasta`] and [`Error::Letter`] for its content.
pub fn read(path: &Path, allow: Allow) -> Result<Records> {
    let mut file = File::open(path)?;
    let about = file.metadata()?;
    if about.is_dir() {
        return Err(Error::Io(ErrorKind::IsADirectory.into()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or(0) + 1);
    file.read_to_end(&mut bytes)?;
    parse(unpack(bytes)?, allow)
}

/// Decompresses gzip, all members of it; any other content is returned as it is.
///
/// # Errors
/// [`Error::Fasta`] for gzip that is cut off or damaged, and for other compressions.
pub fn unpack(bytes: Vec<u8>) -> Result<Vec<u8>> {
    if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
        || bytes.starts_with(b"BZh")
        || bytes.starts_with(b"\xfd7zXZ")
    {
        return Err(fault(
            "the file is compressed with zstd, bzip2 or xz",
            None,
            "decompress it, or use gzip or bgzip",
        ));
    }
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    // A bgzip file that is cut between two blocks is still valid gzip: only its last block tells.
    let blocked = bytes.get(3).is_some_and(|flags| flags & 4 != 0) && bytes.get(12..14) == Some(b"BC");
    if blocked && !bytes.ends_with(&BGZIP_END) {
        return Err(truncated());
    }
    let mut text = Vec::with_capacity(4 * bytes.len());
    match MultiGzDecoder::new(&bytes[..]).read_to_end(&mut text) {
        Ok(_) => Ok(text),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(truncated()),
        Err(error) => Err(fault(format!("the gzip data is damaged: {error}"), None, AGAIN)),
    }
}

const BEGIN: &str = "a FASTA file begins with '>' and the name of the first record";
const AGAIN: &str = "copy or download the file again";

fn truncated() -> Error {
    fault("the gzip data ends too early: the file is truncated", None, AGAIN)
}

fn fault(message: impl Into<String>, record: Option<usize>, hint: &'static str) -> Error {
    Error::Fasta {
        message: message.into(),
        record,
        hint,
    }
}

/// Reads records from text.
///
/// # Errors
/// [`Error::Fasta`] and [`Error::Letter`], as [`read`].
pub fn parse(mut bytes: Vec<u8>, allow: Allow) -> Result<Records> {
    let start = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    check_begin(&bytes[start..])?;
    let (mut names, mut descriptions, mut offsets) = (Vec::new(), Vec::new(), Vec::new());
    let (mut at, mut written) = (start, 0);
    while at < bytes.len() {
        let end = memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |length| at + length);
        if bytes[at] == b'>' {
            offsets.push(written as i64);
            let (name, description) = header(&bytes[at + 1..end]);
            names.push(name);
            descriptions.push(description);
        } else {
            let kept = bytes[at..end].trim_ascii_end().len();
            if kept > 0 && names.is_empty() {
                return Err(fault("there is text before the first '>'", None, BEGIN));
            }
            bytes.copy_within(at..at + kept, written);
            written += kept;
        }
        at = end + 1;
    }
    offsets.push(written as i64);
    bytes.truncate(written);
    check_records(&names, &offsets, allow)?;
    normalise(&mut bytes, &offsets).map_err(|error| match error {
        Error::Letter {
            row,
            position,
            letter,
            ..
        } => Error::Letter {
            row,
            position,
            letter,
            name: names.get(row).cloned(),
        },
        other => other,
    })?;
    Ok(Records {
        names,
        descriptions,
        sequences: PackedBuf { data: bytes, offsets },
    })
}

fn header(line: &[u8]) -> (String, String) {
    let text = String::from_utf8_lossy(line);
    let text = text.trim();
    let (name, description) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (name.to_owned(), description.trim_start().to_owned())
}

fn check_begin(bytes: &[u8]) -> Result<()> {
    let sample = &bytes[..bytes.len().min(1 << 16)];
    match sample.trim_ascii_start().first() {
        _ if sample.contains(&0) => Err(fault("this is a binary file, not FASTA", None, BEGIN)),
        None => Err(fault("the file is empty", None, BEGIN)),
        Some(b'>') => Ok(()),
        Some(byte) if !byte.is_ascii_graphic() => Err(fault("this is a binary file, not FASTA", None, BEGIN)),
        Some(_) => Err(fault("there is text before the first '>'", None, BEGIN)),
    }
}

fn check_records(names: &[String], offsets: &[i64], allow: Allow) -> Result<()> {
    let mut seen = HashMap::with_capacity(if allow.duplicates { 0 } else { names.len() });
    for (record, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(fault(
                "the record has no name",
                Some(record),
                "write a name behind each '>'",
            ));
        }
        if !allow.empty && offsets[record] == offsets[record + 1] {
            let message = format!("record '{name}' has no sequence");
            return Err(fault(message, Some(record), "remove the record from the file"));
        }
        if allow.duplicates {
            continue;
        }
        if let Some(first) = seen.insert(name.as_str(), record) {
            let message = format!(
                "records {} and {} are both called '{name}'",
                first + 1,
                record + 1
            );
            return Err(fault(message, Some(record), "rename or remove one of them"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    const STRICT: Allow = Allow {
        duplicates: false,
        empty: false,
    };

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder
            .write_all(text)
            .and_then(|()| encoder.finish())
            .unwrap_or_default()
    }

    fn message(text: &[u8]) -> String {
        parse(text.to_vec(), STRICT).map_or_else(|error| error.to_string(), |_| String::new())
    }

    #[test]
    fn lines_case_and_line_ends_do_not_matter() {
        let expected = Records {
            names: vec!["a".into(), "b".into()],
            descriptions: vec!["first one".into(), String::new()],
            sequences: PackedBuf::from_texts(["ACGTACGT", "NRY"]),
        };
        for text in [
            &b">a first one\nACGTACGT\n>b\nNRY\n"[..],
            b">a first one\r\nacgu\r\nACGT\r\n\r\n> b\r\nnry",
            b"\xef\xbb\xbf>a  first one \nACG\nTACGT  \n\n>b\nN\nR\nY\n\n",
        ] {
            assert_eq!(parse(text.to_vec(), STRICT).ok(), Some(expected.clone()));
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(message(b"").contains("empty"));
        assert!(message(b" \n\n").contains("empty"));
        assert!(message(b"hello\n>a\nACGT\n").contains("text before"));
        assert!(message(b">a\0\nAC\n").contains("binary"));
        assert!(message(b"\x89PNG\r\n").contains("binary"));
        assert!(message(b">a\nAC\n>b\nG\n>a\nT\n").contains("records 1 and 3 are both called 'a'"));
        assert!(message(b">a\nAC\n>b\n>c\nG\n").contains("'b' has no sequence"));
        assert!(message(b">a\nAC\n>\nG\n").contains("no name"));
        assert!(message(b">a\nAC\n>b\nGG\nG*\n").contains("'*' at position 4"));
        assert!(message(b">a\nAC GT\n").contains("byte 0x20 at position 3"));
    }

    #[test]
    fn duplicates_and_empty_records_are_kept_on_request() {
        let allow = Allow {
            duplicates: true,
            empty: true,
        };
        let records = parse(b">a\nAC\n>a\n>b\n".to_vec(), allow).unwrap_or_default();
        assert_eq!(records.names, ["a", "a", "b"]);
        assert_eq!(records.sequences, PackedBuf::from_texts(["AC", "", ""]));
    }

    #[test]
    fn gzip_is_read_to_its_end_or_refused() {
        let mut members = gzip(b">a\nAC");
        members.extend(gzip(b"GT\n"));
        assert_eq!(unpack(members.clone()).ok().as_deref(), Some(&b">a\nACGT\n"[..]));
        for cut in 4..members.len() {
            let first = gzip(b">a\nAC").len();
            assert_eq!(
                unpack(members[..cut].to_vec()).is_ok(),
                cut == first,
                "cut at {cut}"
            );
        }
        let mut damaged = members;
        damaged[12] ^= 0xff;
        assert!(unpack(damaged).is_err());
    }

    #[test]
    fn a_bgzip_file_without_its_last_block_is_truncated() {
        assert_eq!(unpack(BGZIP_END.to_vec()).ok(), Some(Vec::new()));
        let doubled = [BGZIP_END, BGZIP_END].concat();
        assert!(unpack(doubled.clone()).is_ok());
        assert!(unpack(doubled[..40].to_vec()).is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            texts in prop::collection::vec(prop::collection::vec(prop::sample::select(&b"ACGTRYSWKMBDHVN"[..]), 1..90), 1..12),
            width in 1_usize..80, crlf: bool,
        ) {
            let end = if crlf { "\r\n" } else { "\n" };
            let mut file = Vec::new();
            for (index, text) in texts.iter().enumerate() {
                file.extend(format!(">r{index} x{end}").bytes());
                for line in text.chunks(width) {
                    file.extend_from_slice(line);
                    file.extend(end.bytes());
                }
            }
            let records = parse(unpack(gzip(&file)).unwrap_or_default(), STRICT);
            prop_assert_eq!(records.unwrap_or_default().sequences, PackedBuf::from_texts(&texts));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(prop::sample::select(&b">\n\r aACGT\0\xff"[..]), 0..60)) {
            let _ = parse(bytes, STRICT);
        }
    }
}
