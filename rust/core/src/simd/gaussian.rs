//! Gaussian noise: the polar method's angle and radius (Box and Muller 1958) from xoroshiro128+ in lanes.
//!
//! The lanes are part of the result, not of the machine: every level gives the same bytes.

use super::{Features, Level};

/// The generators that run side by side.
pub const LANES: usize = 16;

/// The state of the generators: any numbers but zeros.
pub type States = [[u64; LANES]; 2];

for_levels! {
    /// Adds to each value a draw from a normal distribution.
    pub fn add_noise(values: &mut [f32], states: &mut States, mean: f32, deviation: f32) {
        let mut drawn = [0.0_f32; 2 * LANES];
        for chunk in values.chunks_mut(2 * LANES) {
            normals(states, &mut drawn);
            for (value, normal) in chunk.iter_mut().zip(&drawn) {
                *value += mean + deviation * normal;
            }
        }
    }
}

/// Draws one pair of independent normal numbers a lane.
#[inline(always)]
fn normals(states: &mut States, drawn: &mut [f32; 2 * LANES]) {
    let [first, second] = states;
    let (cosines, sines) = drawn.split_at_mut(LANES);
    for lane in 0..LANES {
        let (a, b) = (first[lane], second[lane]);
        let bits = a.wrapping_add(b);
        let mixed = a ^ b;
        first[lane] = a.rotate_left(24) ^ mixed ^ (mixed << 16);
        second[lane] = mixed.rotate_left(37);
        let radius = (-2.0 * logarithm(bits)).max(0.0).sqrt();
        let (cosine, sine) = eighth(bits as u32);
        // One bit swaps the two, one turns the first round: with the sine's own sign, the whole circle.
        let swap = bits & 0x80 != 0;
        let turned = f32::from_bits(cosine.to_bits() ^ ((bits as u32 & 0x40) << 25));
        cosines[lane] = radius * if swap { sine } else { turned };
        sines[lane] = radius * if swap { turned } else { sine };
    }
}

/// The natural logarithm of a uniform number in (0, 1], made of the upper 24 bits (the polynomial of Cephes' `logf`).
#[inline(always)]
fn logarithm(bits: u64) -> f32 {
    const ROOT: u32 = 0x3f35_04f3; // of a half
    let uniform = ((bits >> 40) as i32 + 1) as f32 * (1.0 / 16_777_216.0);
    let shifted = uniform.to_bits().wrapping_sub(ROOT);
    let exponent = (shifted as i32 >> 23) as f32;
    let x = f32::from_bits((shifted & 0x007f_ffff) + ROOT) - 1.0;
    let mut p = 7.037_683_6e-2_f32;
    for factor in [
        -1.151_461e-1,
        1.167_699_9e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_7e-1,
        2.000_071_4e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ] {
        p = p * x + factor;
    }
    let square = x * x;
    x + (x * square * p - 2.121_944_4e-4 * exponent - 0.5 * square) + 0.693_359_4 * exponent
}

/// Cosine and sine of a uniform angle within an eighth of the circle on either side of 0, made of bits 10 to 31.
#[inline(always)]
fn eighth(bits: u32) -> (f32, f32) {
    let share = (((bits >> 10) as i32) as f32 + 0.5) * (1.0 / 4_194_304.0) - 0.5;
    let angle = share * std::f32::consts::FRAC_PI_2;
    let z = angle * angle;
    let sine = ((-1.951_529_6e-4 * z + 8.332_161e-3) * z - 1.666_665_5e-1) * z * angle + angle;
    let cosine = ((2.443_315_7e-5 * z - 1.388_731_6e-3) * z + 4.166_664_6e-2) * z * z - 0.5 * z + 1.0;
    (cosine, sine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn drawn(level: Level, count: usize, seed: u64) -> Vec<f32> {
        let (mut random, mut states) = (Random::new(seed, 0), [[0; LANES]; 2]);
        states
            .iter_mut()
            .flatten()
            .for_each(|state| *state = random.bits());
        let mut values = vec![0.0; count];
        add_noise(level, &mut values, &mut states, 0.0, 1.0);
        values
    }

    #[test]
    fn every_level_gives_the_same_bytes() {
        for level in Level::all() {
            for count in [0, 1, 31, 32, 33, 1000] {
                let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
                assert_eq!(
                    bits(drawn(level, count, 3)),
                    bits(drawn(Level::BASELINE, count, 3))
                );
            }
        }
    }

    #[test]
    fn moments_are_those_of_a_normal_distribution() {
        let values = drawn(Level::detect(), 4_000_000, 8);
        let count = values.len() as f64;
        let moment = |power: i32| values.iter().map(|&x| f64::from(x).powi(power)).sum::<f64>() / count;
        // Five standard errors of each: the variance of x^p is m(2p) - m(p)^2.
        for (power, expected, variance) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0_f64)]
        {
            assert!(
                (moment(power) - expected).abs() < 5.0 * (variance / count).sqrt(),
                "{power}: {}",
                moment(power)
            );
        }
        let pairs: f64 = values
            .windows(2)
            .map(|pair| f64::from(pair[0] * pair[1]))
            .sum::<f64>()
            / count;
        let lanes: f64 = values
            .windows(17)
            .map(|run| f64::from(run[0] * run[16]))
            .sum::<f64>()
            / count;
        assert!(pairs.abs() < 5.0 / count.sqrt() && lanes.abs() < 5.0 / count.sqrt());
        assert!(values.iter().all(|value| value.abs() < 6.0) && values.iter().any(|value| value.abs() > 4.5));
    }
}
