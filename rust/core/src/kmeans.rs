//! K-means from many starts over one set of points: the starts share every distance.
//!
//! What scikit-learn's `KMeans(init="k-means++", algorithm="lloyd")` does (Arthur and Vassilvitskii 2007 SODA; Lloyd 1982),
//! start for start, from inner products of points alone: a centre is a mean of points, so what it has in common with a point
//! is a mean of inner products, and only points that change their cluster change it. An iteration is thereby free of the number
//! of dimensions. Sums are taken in one fixed order: the same bytes for any number of threads.

use rayon::prelude::*;

use crate::sequences::expect_len;
use crate::{Error, Result, threads};

/// How to cluster.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// Clusters.
    pub clusters: usize,
    /// The squared movement of all centres that counts as none.
    pub tolerance: f64,
    /// Iterations of a start, at most.
    pub iterations: usize,
}

impl Question {
    /// The candidates for each centre but the first, as scikit-learn has them.
    #[must_use]
    pub fn trials(&self) -> usize {
        2 + (self.clusters as f64).ln() as usize
    }

    /// The random numbers that a start takes.
    #[must_use]
    pub fn draws(&self) -> usize {
        1 + (self.clusters - 1) * self.trials()
    }
}

/// The best start.
#[derive(Debug)]
pub struct Found {
    /// The cluster of each point.
    pub labels: Vec<i64>,
    /// The sum of squared distances to the centres, by start.
    pub inertia: Vec<f64>,
}

/// Clusters points, each start with its own random numbers in [0, 1), and returns the start of least inertia.
///
/// `values` holds points of `width` numbers, centred on their mean; `draws` holds [`Question::draws`] numbers a start.
///
/// # Errors
/// [`Error::Argument`] for no start, for clusters that are none or more than the points, for numbers that are not finite.
pub fn cluster(
    values: &[f64],
    width: usize,
    draws: &[f64],
    question: Question,
    count: usize,
) -> Result<Found> {
    let points = values.len() / width.max(1);
    expect_len(values.len(), points * width)?;
    if question.clusters == 0 || question.clusters > points {
        let said = format!("{} clusters of {points} points cannot be", question.clusters);
        return Err(Error::Argument(said));
    }
    if draws.is_empty()
        || !draws.len().is_multiple_of(question.draws())
        || values.iter().any(|value| !value.is_finite())
    {
        return Err(Error::Argument(
            "k-means needs finite points and whole starts".into(),
        ));
    }
    let shared = Shared::new(values, width, points, question);
    let start = |draws: &[f64]| Start::new(&shared).run(draws);
    let starts: Vec<(Vec<u64>, f64)> = if count == 1 {
        draws.chunks(question.draws()).map(start).collect()
    } else {
        threads::with(count, || draws.par_chunks(question.draws()).map(start).collect())?
    };
    Ok(best(&starts, question.clusters))
}

/// Takes the first start of least inertia; one that finds the same clusters again is no better, whatever its last bit.
fn best(starts: &[(Vec<u64>, f64)], clusters: usize) -> Found {
    let mut best = &starts[0];
    for other in &starts[1..] {
        if other.1 < best.1 && !same(&other.0, &best.0, clusters) {
            best = other;
        }
    }
    Found {
        labels: best.0.iter().map(|&label| label as i64).collect(),
        inertia: starts.iter().map(|start| start.1).collect(),
    }
}

/// Whether two clusterings are one, but for the numbers of the clusters.
fn same(a: &[u64], b: &[u64], clusters: usize) -> bool {
    let mut known = vec![u64::MAX; clusters];
    a.iter().zip(b).all(|(&a, &b)| {
        let held = &mut known[a as usize];
        if *held == u64::MAX {
            *held = b;
        }
        *held == b
    })
}

/// A sum in eight parts, which a compiler can keep in registers, added in one order.
fn sum(terms: impl ExactSizeIterator<Item = f64>) -> f64 {
    let mut parts = [0.0; 8];
    for (index, term) in terms.enumerate() {
        parts[index % 8] += term;
    }
    ((parts[0] + parts[1]) + (parts[2] + parts[3])) + ((parts[4] + parts[5]) + (parts[6] + parts[7]))
}

/// What all starts read: (points, points) inner products and squared distances.
struct Shared {
    points: usize,
    products: Vec<f64>,
    distances: Vec<f64>,
    question: Question,
}

impl Shared {
    fn new(values: &[f64], width: usize, points: usize, question: Question) -> Self {
        let mut products = vec![0.0; points * points];
        for a in 0..points {
            let one = &values[a * width..(a + 1) * width];
            for b in 0..=a {
                let product = dot(one, &values[b * width..(b + 1) * width]);
                products[a * points + b] = product;
                products[b * points + a] = product;
            }
        }
        let mut distances = vec![0.0; points * points];
        for a in 0..points {
            for b in (0..points).filter(|&b| b != a) {
                let norms = products[a * points + a] + products[b * points + b];
                distances[a * points + b] = (norms - 2.0 * products[a * points + b]).max(0.0);
            }
        }
        Self {
            points,
            products,
            distances,
            question,
        }
    }

    fn products_of(&self, point: usize) -> &[f64] {
        &self.products[point * self.points..(point + 1) * self.points]
    }

    fn distances_of(&self, point: usize) -> &[f64] {
        &self.distances[point * self.points..(point + 1) * self.points]
    }

    fn norm(&self, point: usize) -> f64 {
        self.products[point * self.points + point]
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut parts = [0.0; 8];
    let (heads, tails) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest = sum(heads
        .remainder()
        .iter()
        .zip(tails.remainder())
        .map(|(a, b)| a * b));
    for (a, b) in heads.zip(tails) {
        for lane in 0..8 {
            parts[lane] += a[lane] * b[lane];
        }
    }
    sum(parts.iter().copied()) + rest
}

/// One start: which points make each centre, and what a centre has in common with each point.
struct Start<'a> {
    shared: &'a Shared,
    /// (clusters, points): the sum of the inner products of a point with the points of a centre.
    sums: Vec<f64>,
    /// The cluster to whose centre a point belongs.
    owner: Vec<u64>,
    size: Vec<f64>,
    /// Squared length of each centre; infinite for a centre of no points.
    norm: Vec<f64>,
    label: Vec<u64>,
    nearest: Vec<f64>,
}

impl<'a> Start<'a> {
    fn new(shared: &'a Shared) -> Self {
        let (points, clusters) = (shared.points, shared.question.clusters);
        Self {
            shared,
            sums: vec![0.0; clusters * points],
            owner: vec![u64::MAX; points],
            size: vec![0.0; clusters],
            norm: vec![f64::INFINITY; clusters],
            label: vec![0; points],
            nearest: vec![0.0; points],
        }
    }

    fn run(mut self, draws: &[f64]) -> (Vec<u64>, f64) {
        let seeds = self.seeds(draws);
        self.label_by_seeds(&seeds);
        let mut moved = self.update(self.owners(), Some(&seeds));
        for _ in 1..self.shared.question.iterations {
            if moved <= self.shared.question.tolerance {
                break;
            }
            let before = self.label.clone();
            self.label_by_centres();
            if self.label == before {
                return self.ended();
            }
            moved = self.update(self.owners(), None);
        }
        self.label_by_centres();
        self.ended()
    }

    /// Chooses the first centres among the points: k-means++, of some candidates the one that leaves least.
    fn seeds(&self, draws: &[f64]) -> Vec<usize> {
        let (points, trials) = (self.shared.points, self.shared.question.trials());
        let first = ((draws[0] * points as f64) as usize).min(points - 1);
        let mut closest = self.shared.distances_of(first).to_vec();
        let (mut seeds, mut left) = (vec![first], sum(closest.iter().copied()));
        for draws in draws[1..].chunks(trials) {
            let reached = closest.iter().scan(0.0, |total, distance| {
                *total += distance;
                Some(*total)
            });
            let reached: Vec<f64> = reached.collect();
            let mut chosen = (f64::INFINITY, 0);
            for draw in draws {
                let candidate = reached
                    .partition_point(|&total| total < draw * left)
                    .min(points - 1);
                let to = self.shared.distances_of(candidate).iter();
                let leaves = sum(closest.iter().zip(to).map(|(a, b)| a.min(*b)));
                if leaves < chosen.0 {
                    chosen = (leaves, candidate);
                }
            }
            left = chosen.0;
            for (held, other) in closest.iter_mut().zip(self.shared.distances_of(chosen.1)) {
                *held = held.min(*other);
            }
            seeds.push(chosen.1);
        }
        seeds
    }

    fn label_by_seeds(&mut self, seeds: &[usize]) {
        self.nearest.fill(f64::INFINITY);
        for (cluster, &seed) in seeds.iter().enumerate() {
            let far = self.shared.distances_of(seed).iter().copied();
            take_nearer(&mut self.nearest, &mut self.label, cluster as u64, far);
        }
    }

    /// Labels each point by its nearest centre; `nearest` is then the squared distance less the point's own norm.
    fn label_by_centres(&mut self) {
        self.nearest.fill(f64::INFINITY);
        let points = self.shared.points;
        for (cluster, sums) in self.sums.chunks(points).enumerate() {
            if self.size[cluster] > 0.0 {
                let (norm, scale) = (self.norm[cluster], -2.0 / self.size[cluster]);
                let far = sums.iter().map(|sum| norm + scale * sum);
                take_nearer(&mut self.nearest, &mut self.label, cluster as u64, far);
            }
        }
        for point in 0..points {
            self.nearest[point] = (self.nearest[point] + self.shared.norm(point)).max(0.0);
        }
    }

    /// Returns the points of each new centre: the labels, but a cluster without points gets the one farthest from its own.
    fn owners(&self) -> Vec<u64> {
        let mut owners = self.label.clone();
        let mut held = vec![false; self.shared.question.clusters];
        for &label in &self.label {
            held[label as usize] = true;
        }
        if held.iter().all(|&held| held) {
            return owners;
        }
        let mut far: Vec<usize> = (0..owners.len())
            .filter(|&point| self.nearest[point] > 0.0)
            .collect();
        far.sort_by(|&a, &b| self.nearest[b].total_cmp(&self.nearest[a]).then(b.cmp(&a)));
        let empty = (0..held.len()).filter(|&cluster| !held[cluster]);
        for (cluster, point) in empty.zip(far) {
            owners[point] = cluster as u64;
        }
        owners
    }

    /// Moves the centres to their points; returns the squared movement of all, from the seeds where there are any.
    fn update(&mut self, owners: Vec<u64>, seeds: Option<&[usize]>) -> f64 {
        let points = self.shared.points;
        let common = self.within(&owners);
        let old = (self.norm.clone(), self.size.clone());
        self.take_points(owners);
        self.norm = self.within(&self.owner);
        let mut moved = 0.0;
        for cluster in (0..self.size.len()).filter(|&cluster| self.size[cluster] > 0.0) {
            self.norm[cluster] /= self.size[cluster] * self.size[cluster];
            let (before, product) = match seeds {
                Some(seeds) => {
                    let seed = seeds[cluster];
                    (
                        self.shared.norm(seed),
                        self.sums[cluster * points + seed] / self.size[cluster],
                    )
                }
                None => {
                    let sizes = self.size[cluster] * old.1[cluster].max(1.0);
                    (old.0[cluster], common[cluster] / sizes)
                }
            };
            moved += self.norm[cluster] + before - 2.0 * product;
        }
        moved
    }

    /// Returns for each cluster the sum of what its points, as `owners` has them, have in common with its present centre.
    fn within(&self, owners: &[u64]) -> Vec<f64> {
        let mut total = vec![0.0; self.size.len()];
        for (point, &owner) in owners.iter().enumerate() {
            total[owner as usize] += self.sums[owner as usize * self.shared.points + point];
        }
        total
    }

    /// Takes the points that change their centre out of the sums of the old and into those of the new one.
    fn take_points(&mut self, owners: Vec<u64>) {
        let points = self.shared.points;
        for (point, (&to, &from)) in owners.iter().zip(&self.owner).enumerate() {
            if to == from {
                continue;
            }
            for (cluster, sign) in [(to, 1.0), (from, -1.0)] {
                if cluster != u64::MAX {
                    let sums = &mut self.sums[cluster as usize * points..][..points];
                    let products = self.shared.products_of(point);
                    sums.iter_mut()
                        .zip(products)
                        .for_each(|(sum, product)| *sum += sign * product);
                    self.size[cluster as usize] += sign;
                }
            }
        }
        self.owner = owners;
    }

    /// Returns the labels and the sum of squared distances to the centres.
    fn ended(&mut self) -> (Vec<u64>, f64) {
        let points = self.shared.points;
        let far = (0..points).map(|point| {
            let cluster = self.label[point] as usize;
            let shared = self.sums[cluster * points + point] / self.size[cluster];
            (self.shared.norm(point) + self.norm[cluster] - 2.0 * shared).max(0.0)
        });
        let inertia = sum(far.collect::<Vec<f64>>().into_iter());
        (std::mem::take(&mut self.label), inertia)
    }
}

/// Gives a cluster the points that are nearer to it than to any before.
fn take_nearer(nearest: &mut [f64], label: &mut [u64], cluster: u64, far: impl Iterator<Item = f64>) {
    for ((nearest, label), far) in nearest.iter_mut().zip(label).zip(far) {
        let closer = far < *nearest;
        *nearest = if closer { far } else { *nearest };
        *label = if closer { cluster } else { *label };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: Question = Question {
        clusters: 3,
        tolerance: 1e-9,
        iterations: 300,
    };

    fn draws(starts: usize) -> Vec<f64> {
        let numbers = (0..starts * QUESTION.draws()).map(|index| (index as f64 * 0.618_033_988_75).fract());
        numbers.collect()
    }

    /// Three heaps of five points on a line, far from each other.
    fn heaps() -> Vec<f64> {
        let points = (0..15).map(|point| f64::from(point % 3) * 100.0 + f64::from(point / 3) - 102.0);
        points.collect()
    }

    #[test]
    fn heaps_are_found_for_any_number_of_threads() {
        let alone =
            cluster(&heaps(), 1, &draws(7), QUESTION, 1).unwrap_or_else(|error| unreachable!("{error}"));
        assert!((0..15).all(|point| alone.labels[point] == alone.labels[point % 3]));
        // Each heap: 4 + 1 + 0 + 1 + 4.
        assert!(alone.inertia.iter().any(|inertia| (inertia - 30.0).abs() < 1e-9));
        let many =
            cluster(&heaps(), 1, &draws(7), QUESTION, 3).unwrap_or_else(|error| unreachable!("{error}"));
        assert_eq!((alone.labels, alone.inertia), (many.labels, many.inertia));
    }

    #[test]
    fn equal_points_leave_clusters_empty() {
        let found = cluster(&[1.0, 1.0, 1.0, -3.0], 1, &draws(2), QUESTION, 1);
        let found = found.unwrap_or_else(|error| unreachable!("{error}"));
        assert_eq!(found.labels[0], found.labels[2]);
        assert_ne!(found.labels[0], found.labels[3]);
        assert_eq!(found.inertia, [0.0, 0.0]);
    }

    #[test]
    fn what_cannot_be_clustered_is_refused() {
        assert!(cluster(&[1.0, 2.0], 1, &draws(1), QUESTION, 1).is_err());
        assert!(cluster(&heaps(), 1, &[0.5], QUESTION, 1).is_err());
        assert!(cluster(&[f64::NAN; 4], 1, &draws(1), QUESTION, 1).is_err());
    }
}
