//! Evolution-inspired augmentations, EvoAug (Lee, Tang and Koo 2023, Genome Biol 24:105), of rows that keep their length.
//!
//! A row's deletion, reverse complement, insertion, translocation and inversion are composed into one list of pieces and
//! copied once; mutations and noise come on top. All of a row's numbers depend on (seed, epoch, row number) alone: neither the
//! threads nor the other rows of a batch matter.

use rayon::prelude::*;

use crate::augment_pieces::{Kind, Pieces};
use crate::onehot::{BASES, Layout};
use crate::random::Random;
use crate::sequences::expect_len;
use crate::simd::{self, Level};
use crate::{Error, Packed, Result, complement, hashing, threads};

/// A smallest and a largest number of letters; a largest one of 0 turns an augmentation off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The smallest number.
    pub min: u32,
    /// The largest number, included.
    pub max: u32,
}

/// What is done to rows, in the order in which it is done.
#[derive(Clone, Copy, Debug, Default)]
pub struct EvoAug {
    /// How many of the augmentations that are on a row gets, at most.
    pub per_row: u32,
    /// Whether a row gets exactly that many, else 1 to that many.
    pub hard: bool,
    /// A stretch is taken out; random letters come in at both ends.
    pub deletion: Span,
    /// The probability that the row becomes its reverse complement.
    pub reverse_complement: f64,
    /// Random letters come in; both ends are cut.
    pub insertion: Span,
    /// The row is rolled, either way.
    pub translocation: Span,
    /// A stretch becomes its reverse complement.
    pub inversion: Span,
    /// The share of letters that become another one.
    pub mutation: f64,
    /// Mean and standard deviation of what is added to every value.
    pub noise: (f32, f32),
}

/// The augmentations, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Deletion,
    ReverseComplement,
    Insertion,
    Translocation,
    Inversion,
    Mutation,
    Noise,
}

const STEPS: [Step; 7] = [
    Step::Deletion,
    Step::ReverseComplement,
    Step::Insertion,
    Step::Translocation,
    Step::Inversion,
    Step::Mutation,
    Step::Noise,
];

impl EvoAug {
    fn is_on(&self, step: Step) -> bool {
        match step {
            Step::Deletion => self.deletion.max > 0,
            Step::ReverseComplement => self.reverse_complement > 0.0,
            Step::Insertion => self.insertion.max > 0,
            Step::Translocation => self.translocation.max > 0,
            Step::Inversion => self.inversion.max > 0,
            Step::Mutation => self.mutation > 0.0,
            Step::Noise => self.noise != (0.0, 0.0),
        }
    }

    fn check(&self, length: usize) -> Result<()> {
        for (name, span) in [
            ("deletion", self.deletion),
            ("insertion", self.insertion),
            ("translocation", self.translocation),
            ("inversion", self.inversion),
        ] {
            if span.min > span.max || span.max as usize > length {
                let message = format!(
                    "{name} of {} to {} letters in rows of {length}",
                    span.min, span.max
                );
                return Err(Error::Argument(message));
            }
        }
        let shares = (0.0..=1.0).contains(&self.reverse_complement) && (0.0..=0.75).contains(&self.mutation);
        if !shares || !self.noise.0.is_finite() || !self.noise.1.is_finite() || self.noise.1 < 0.0 {
            return Err(Error::Argument(
                "a probability, share or deviation that cannot be".into(),
            ));
        }
        Ok(())
    }

    /// Draws which of the augmentations that are on a row gets.
    fn draw(&self, random: &mut Random) -> [bool; 7] {
        let (mut on, mut count) = ([0_usize; 7], 0);
        for (index, &step) in STEPS.iter().enumerate() {
            if self.is_on(step) {
                on[count] = index;
                count += 1;
            }
        }
        let most = count.min(self.per_row as usize);
        let wanted = match most {
            0 => 0,
            _ if self.hard => most,
            _ => 1 + random.below(most as u32) as usize,
        };
        let mut chosen = [false; 7];
        for index in 0..wanted {
            on.swap(index, index + random.below((count - index) as u32) as usize);
            chosen[on[index]] = true;
        }
        chosen
    }

    /// The letters that a row of this length has mutated; the share counts those that become another letter.
    fn mutations(&self, length: usize) -> usize {
        (self.mutation / 0.75 * length as f64).round_ties_even() as usize
    }
}

/// The rows of a batch by the numbers that they have in the data, and what else decides their random numbers.
#[derive(Clone, Copy, Debug)]
pub struct Draw<'a> {
    /// The seed of the run.
    pub seed: u64,
    /// The pass over the data.
    pub epoch: u64,
    /// The number of each row.
    pub rows: &'a [i64],
}

impl Draw<'_> {
    /// The random numbers of one row of the batch; `purpose` keeps those of different kernels apart.
    #[must_use]
    pub fn random(&self, purpose: u64, index: usize) -> Random {
        let epoch = hashing::finish(hashing::step(hashing::step(purpose, self.seed), self.epoch));
        Random::new(epoch, self.rows[index] as u64)
    }
}

const PURPOSE: u64 = 0x6576_6f61_7567;

/// Where a row is written: the three forms that a batch has.
trait Target {
    type Value: Copy + Send + Sync;
    fn copy(&self, source: &[Self::Value], target: &mut [Self::Value], pieces: &Pieces, random: &mut Random);
    fn set(&self, target: &mut [Self::Value], place: usize, base: usize);
    fn noise(&self, _target: &mut [Self::Value], _noise: (f32, f32), _random: &mut Random) {}
}

/// One-hot values.
struct Channels {
    layout: Layout,
    length: usize,
    level: Level,
}

impl Target for Channels {
    type Value = f32;

    fn copy(&self, source: &[f32], target: &mut [f32], pieces: &Pieces, random: &mut Random) {
        match self.layout {
            Layout::ChannelsLast => pieces.each(|from, to, kind| {
                let target = &mut target[4 * to.start..4 * to.end];
                match kind {
                    Kind::Forward => target.copy_from_slice(&source[4 * from.start..4 * from.end]),
                    // Positions and channels both turn round: so does the stretch as a whole.
                    Kind::Reverse => reversed(&source[4 * from.start..4 * from.end], target),
                    Kind::Random => bases(target.len() / 4, random, |place, base| {
                        target[4 * place..4 * place + 4].copy_from_slice(&EYE[base]);
                    }),
                }
            }),
            Layout::ChannelsFirst => pieces.each(|from, to, kind| {
                for channel in 0..4 {
                    let target = &mut target[channel * self.length..][to.clone()];
                    match kind {
                        Kind::Forward => {
                            target.copy_from_slice(&source[channel * self.length..][from.clone()])
                        }
                        Kind::Reverse => {
                            reversed(&source[(3 - channel) * self.length..][from.clone()], target)
                        }
                        Kind::Random => target.fill(0.0),
                    }
                }
                if kind == Kind::Random {
                    bases(to.len(), random, |place, base| {
                        self.set_channel(target, to.start + place, base)
                    });
                }
            }),
        }
    }

    fn set(&self, target: &mut [f32], place: usize, base: usize) {
        match self.layout {
            Layout::ChannelsLast => target[4 * place..4 * place + 4].copy_from_slice(&EYE[base]),
            Layout::ChannelsFirst => {
                (0..4).for_each(|channel| target[channel * self.length + place] = 0.0);
                self.set_channel(target, place, base);
            }
        }
    }

    fn noise(&self, target: &mut [f32], (mean, deviation): (f32, f32), random: &mut Random) {
        let mut states = [[0; simd::LANES]; 2];
        states
            .iter_mut()
            .flatten()
            .for_each(|state| *state = random.bits());
        simd::add_noise(self.level, target, &mut states, mean, deviation);
    }
}

impl Channels {
    fn set_channel(&self, target: &mut [f32], place: usize, base: usize) {
        target[base * self.length + place] = 1.0;
    }
}

const EYE: [[f32; 4]; 4] = {
    let mut eye = [[0.0; 4]; 4];
    let mut base = 0;
    while base < 4 {
        eye[base][base] = 1.0;
        base += 1;
    }
    eye
};

fn reversed(source: &[f32], target: &mut [f32]) {
    target
        .iter_mut()
        .zip(source.iter().rev())
        .for_each(|(value, &from)| *value = from);
}

/// Draws bases, 32 from each number.
fn bases(count: usize, random: &mut Random, mut write: impl FnMut(usize, usize)) {
    let mut bits = 0;
    for place in 0..count {
        if place % 32 == 0 {
            bits = random.bits();
        }
        write(place, (bits & 3) as usize);
        bits >>= 2;
    }
}

/// Letters.
struct Letters;

impl Target for Letters {
    type Value = u8;

    fn copy(&self, source: &[u8], target: &mut [u8], pieces: &Pieces, random: &mut Random) {
        pieces.each(|from, to, kind| {
            let target = &mut target[to];
            match kind {
                Kind::Forward => target.copy_from_slice(&source[from]),
                Kind::Reverse => complement::row(&source[from], target),
                Kind::Random => bases(target.len(), random, |place, base| target[place] = BASES[base]),
            }
        });
    }

    fn set(&self, target: &mut [u8], place: usize, base: usize) {
        target[place] = BASES[base];
    }
}

/// What a thread keeps between rows for its memory.
#[derive(Default)]
struct Scratch {
    pieces: Pieces,
    taken: Vec<u64>,
}

impl Scratch {
    fn row<T: Target>(
        &mut self,
        form: &T,
        what: &EvoAug,
        length: usize,
        source: &[T::Value],
        target: &mut [T::Value],
        random: &mut Random,
    ) {
        let chosen = what.draw(random);
        self.pieces.start(length as u32);
        for (&step, _) in STEPS.iter().zip(chosen).filter(|(_, chosen)| *chosen) {
            match step {
                Step::Deletion => self.pieces.delete(what.deletion, random),
                Step::ReverseComplement if random.chance(what.reverse_complement) => self.pieces.reverse(),
                Step::Insertion => self.pieces.insert(what.insertion, random),
                Step::Translocation => self.pieces.roll(what.translocation, random),
                Step::Inversion => self.pieces.invert(what.inversion, random),
                _ => {}
            }
        }
        form.copy(source, target, &self.pieces, random);
        if chosen[Step::Mutation as usize] {
            self.mutate(length, what.mutations(length), random, |place, base| {
                form.set(target, place, base)
            });
        }
        if chosen[Step::Noise as usize] {
            form.noise(target, what.noise, random);
        }
    }

    /// Sets so many places to a random base each, every set of places as likely as the others (Floyd's algorithm).
    fn mutate(
        &mut self,
        length: usize,
        count: usize,
        random: &mut Random,
        mut set: impl FnMut(usize, usize),
    ) {
        self.taken.clear();
        self.taken.resize(length.div_ceil(64), 0);
        for last in length - count..length {
            let drawn = random.below(last as u32 + 1) as usize;
            let is_taken = self.taken[drawn / 64] >> (drawn % 64) & 1 == 1;
            let place = if is_taken { last } else { drawn };
            self.taken[place / 64] |= 1 << (place % 64);
            set(place, (random.bits() >> 62) as usize);
        }
    }
}

/// Writes the augmented rows of a one-hot batch (n, length, 4) or (n, 4, length) into `out`.
///
/// # Errors
/// [`Error::Argument`] for a span that does not fit the length, a share that cannot be, or an `out` of another size.
pub fn augment(
    values: &[f32],
    layout: Layout,
    what: &EvoAug,
    draw: Draw<'_>,
    out: &mut [f32],
    count: usize,
) -> Result<()> {
    expect_len(out.len(), values.len())?;
    let rows = draw.rows.len();
    let size = values.len().checked_div(rows).unwrap_or(0);
    expect_len(values.len(), size * rows)?;
    if size == 0 {
        return Ok(());
    }
    let length = size / 4;
    what.check(length)?;
    let form = Channels {
        layout,
        length,
        level: Level::detect(),
    };
    let work = |scratch: &mut Scratch, (index, target): (usize, &mut [f32])| {
        let source = &values[index * size..(index + 1) * size];
        scratch.row(
            &form,
            what,
            length,
            source,
            target,
            &mut draw.random(PURPOSE, index),
        );
    };
    if count == 1 {
        let mut scratch = Scratch::default();
        out.chunks_mut(size)
            .enumerate()
            .for_each(|job| work(&mut scratch, job));
        return Ok(());
    }
    threads::with(count, || {
        out.par_chunks_mut(size)
            .enumerate()
            .with_min_len(16)
            .for_each_init(Scratch::default, work);
    })
}

/// Writes augmented letters into `out`; the offsets stay. Noise is for numbers: it must be off.
///
/// # Errors
/// As [`augment`].
pub fn augment_letters(
    sequences: Packed<'_>,
    what: &EvoAug,
    draw: Draw<'_>,
    out: &mut [u8],
    count: usize,
) -> Result<()> {
    expect_len(out.len(), sequences.data().len())?;
    expect_len(draw.rows.len(), sequences.rows())?;
    if what.is_on(Step::Noise) {
        return Err(Error::Argument("letters take no noise".into()));
    }
    for row in 0..sequences.rows() {
        what.check(sequences.length(row))?;
    }
    let jobs = sequences.split(out);
    threads::with(count, || {
        jobs.into_par_iter().enumerate().with_min_len(16).for_each_init(
            Scratch::default,
            |scratch, (row, target)| {
                let random = &mut draw.random(PURPOSE, row);
                scratch.row(
                    &Letters,
                    what,
                    sequences.length(row),
                    sequences.row(row),
                    target,
                    random,
                );
            },
        );
    })
}

#[cfg(test)]
#[path = "augment_tests.rs"]
mod tests;
