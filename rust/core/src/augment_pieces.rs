//! A row as a list of pieces of another: what augmentations that move letters are composed of.

use std::ops::Range;

use crate::augment::Span;
use crate::random::Random;

/// Where a piece's letters come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// From the row, as they stand there.
    Forward,
    /// From the row, as its reverse complement.
    Reverse,
    /// Drawn when the piece is written. Nothing is known of them before, so that cutting or turning them changes nothing.
    Random,
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    start: u32,
    length: u32,
    kind: Kind,
}

/// The pieces of a row, in their order.
#[derive(Debug, Default)]
pub struct Pieces {
    list: Vec<Piece>,
    length: u32,
}

impl Pieces {
    /// Begins with a row as it is.
    pub fn start(&mut self, length: u32) {
        self.list.clear();
        self.list.push(Piece {
            start: 0,
            length,
            kind: Kind::Forward,
        });
        self.length = length;
    }

    /// Calls `write` for each piece with its places in the row that it is from and in the one that is made.
    pub fn each(&self, mut write: impl FnMut(Range<usize>, Range<usize>, Kind)) {
        let mut at = 0;
        for piece in &self.list {
            let (start, length) = (piece.start as usize, piece.length as usize);
            write(start..start + length, at..at + length, piece.kind);
            at += length;
        }
    }

    /// Takes a stretch out and puts random letters at both ends: half of them, rounded down, at the start.
    pub fn delete(&mut self, span: Span, random: &mut Random) {
        let (start, length) = self.stretch(span, random);
        let (first, last) = (self.cut(start), self.cut(start + length));
        self.list.drain(first..last);
        self.list.insert(0, random_letters(length / 2));
        self.list.push(random_letters(length - length / 2));
    }

    /// Puts random letters somewhere and cuts both ends, about the half of their number each: what is left is the middle of
    /// the longer row that the authors' code returns.
    pub fn insert(&mut self, span: Span, random: &mut Random) {
        let length = drawn(span, random);
        let place = random.below(self.length);
        let at = self.cut(place);
        self.list.insert(at, random_letters(length));
        let left = span.max / 2 - (span.max - length) / 2;
        let first = self.cut(left);
        self.list.drain(..first);
        let last = self.cut(self.length);
        self.list.truncate(last);
    }

    /// Rolls the row by some letters, to the left or to the right.
    pub fn roll(&mut self, span: Span, random: &mut Random) {
        let shift = drawn(span, random) % self.length;
        let to_left = random.chance(0.5);
        let first = self.cut(if to_left { shift } else { self.length - shift });
        self.list.rotate_left(first);
    }

    /// Makes a stretch its reverse complement.
    pub fn invert(&mut self, span: Span, random: &mut Random) {
        let (start, length) = self.stretch(span, random);
        let (first, last) = (self.cut(start), self.cut(start + length));
        turn(&mut self.list[first..last]);
    }

    /// Makes the row its reverse complement.
    pub fn reverse(&mut self) {
        turn(&mut self.list);
    }

    /// Draws a length, and a start so that the longest stretch would fit.
    fn stretch(&self, span: Span, random: &mut Random) -> (u32, u32) {
        let length = drawn(span, random);
        (random.below(self.length - span.max + 1), length)
    }

    /// Makes a piece begin at a place; returns its number.
    fn cut(&mut self, place: u32) -> usize {
        let (mut index, mut left) = (0, place);
        while index < self.list.len() && left >= self.list[index].length {
            left -= self.list[index].length;
            index += 1;
        }
        if left == 0 {
            return index;
        }
        let piece = self.list[index];
        let (mut before, mut after) = (piece, piece);
        (before.length, after.length) = (left, piece.length - left);
        match piece.kind {
            Kind::Forward => after.start += left,
            Kind::Reverse => before.start += after.length,
            Kind::Random => {}
        }
        self.list[index] = after;
        self.list.insert(index, before);
        index + 1
    }
}

fn random_letters(length: u32) -> Piece {
    Piece {
        start: 0,
        length,
        kind: Kind::Random,
    }
}

fn drawn(span: Span, random: &mut Random) -> u32 {
    span.min + random.below(span.max - span.min + 1)
}

fn turn(pieces: &mut [Piece]) {
    pieces.reverse();
    for piece in pieces {
        piece.kind = match piece.kind {
            Kind::Forward => Kind::Reverse,
            Kind::Reverse => Kind::Forward,
            Kind::Random => Kind::Random,
        };
    }
}
