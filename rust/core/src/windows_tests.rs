//! Tests of windows and of the index.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::fai::index;

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, text: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("genotool-windows-{}-{name}", std::process::id()));
        assert!(fs::write(&path, text).is_ok());
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn refusal(name: &str, text: &[u8]) -> String {
    let file = Scratch::new(name, text);
    index(&file.0).map_or_else(|error| error.to_string(), |_| String::new())
}

#[test]
fn the_index_is_that_of_samtools() {
    let file = Scratch::new(
        "index",
        b">one two\nACGT\nACGT\nAC\n>b\r\nACG\r\nAC\r\n>empty\n>c\nACGTACG",
    );
    let Ok((names, contigs)) = index(&file.0) else {
        unreachable!()
    };
    assert_eq!(names, ["one", "b", "empty", "c"]);
    let lines: Vec<_> = contigs
        .iter()
        .map(|c| (c.length, c.offset, c.bases, c.width))
        .collect();
    assert_eq!(
        lines,
        [(10, 9, 4, 5), (5, 26, 3, 5), (0, 42, 1, 2), (7, 45, 7, 8)]
    );
}

#[test]
fn what_is_no_genome_is_named() {
    assert!(refusal("a", b">a\nACGT\nAC\nACGT\n").contains("lines of different length"));
    assert!(refusal("b", b">a\nAC\nACGT\n").contains("lines of different length"));
    assert!(refusal("c", b">a\nACGT\n\nACGT\n").contains("lines of different length"));
    assert!(refusal("d", b"\x1f\x8b\x08\x04").contains("compressed"));
    assert!(refusal("e", b">a\nAC\n>a\nAC\n").contains("twice"));
    assert!(refusal("f", b"").contains("no record"));
    assert!(refusal("i", b">a\rACGT\rAC\r").contains("carriage return"));
    assert!(refusal("g", b"ACGT\n").contains("before the first"));
    assert!(refusal("h", b">a\nACGT\n\n\n>b\nAC\n").is_empty());
}

proptest! {
    #[test]
    fn windows_are_the_letters_of_the_contigs(
        contigs in prop::collection::vec(prop::collection::vec(prop::sample::select(&b"ACGTNacgtRu"[..]), 0..300), 1..5),
        width in 1_usize..70, crlf: bool,
        asked in prop::collection::vec((0_usize..5, -40_i64..340, 0_i64..90, any::<bool>()), 0..60),
    ) {
        let end = if crlf { "\r\n" } else { "\n" };
        let mut text = Vec::new();
        for (number, contig) in contigs.iter().enumerate() {
            text.extend(format!(">c{number}{end}").bytes());
            for line in contig.chunks(width) {
                text.extend_from_slice(line);
                text.extend(end.bytes());
            }
        }
        let path = Scratch::new("random", &text);
        let Ok((_, index)) = index(&path.0) else { unreachable!() };
        let contig: Vec<i64> = asked.iter().map(|window| (window.0 % contigs.len()) as i64).collect();
        let start: Vec<i64> = asked.iter().map(|window| window.1).collect();
        let stop: Vec<i64> = asked.iter().map(|window| window.1 + window.2).collect();
        let minus: Vec<bool> = asked.iter().map(|window| window.3).collect();
        let windows = Windows { contig: &contig, start: &start, end: &stop, minus: &minus };
        let genome = Genome { file: &text, contigs: &index };
        let mut expected = Vec::new();
        for row in 0..asked.len() {
            let letters: Vec<u8> = (start[row]..stop[row])
                .map(|place| usize::try_from(place).ok().and_then(|place| contigs[contig[row] as usize].get(place)))
                .map(|letter| letter.map_or(b'N', |letter| match letter.to_ascii_uppercase() { b'U' => b'T', other => other }))
                .collect();
            if minus[row] {
                expected.extend(letters.iter().rev().map(|&letter| complement::letter(letter)));
            } else {
                expected.extend(letters);
            }
        }
        for count in 1..=2 {
            let mut out = vec![0; expected.len()];
            prop_assert!(fetch(genome, windows, &mut out, count).is_ok());
            prop_assert_eq!(&out, &expected);
        }
        prop_assert!(fetch(genome, windows, &mut vec![0; expected.len() + 1], 1).is_err());
    }
}

#[test]
fn a_letter_that_is_none_is_named_with_its_place() {
    let text = b">a\nACGT\nAC*T\n";
    let path = Scratch::new("letter", text);
    let Ok((_, index)) = index(&path.0) else {
        unreachable!()
    };
    let windows = Windows {
        contig: &[0, 0],
        start: &[0, 3],
        end: &[3, 8],
        minus: &[false, true],
    };
    let result = fetch(
        Genome {
            file: text,
            contigs: &index,
        },
        windows,
        &mut [0; 8],
        1,
    );
    assert!(matches!(
        result,
        Err(Error::Letter {
            row: 1,
            position: 6,
            letter: b'*',
            ..
        })
    ));
}

#[test]
fn a_file_that_ends_before_its_index_is_an_error() {
    let contigs = [Contig {
        length: 8,
        offset: 3,
        bases: 4,
        width: 5,
    }];
    let windows = |end: &'static [i64]| Windows {
        contig: &[0],
        start: &[0],
        end,
        minus: &[false],
    };
    let genome = Genome {
        file: b">a\nACGT\nAC",
        contigs: &contigs,
    };
    assert!(fetch(genome, windows(&[6]), &mut [0; 6], 1).is_ok());
    assert!(matches!(
        fetch(genome, windows(&[7]), &mut [0; 7], 1),
        Err(Error::Fasta { .. })
    ));
}
