//! Kernels for genomic sequences: packed sequences, encodings, augmentations, FASTA, windows of a genome, guide sites and the
//! leak audit; and k-means from many starts.
//!
//! Pure Rust, no Python. Every kernel writes into a buffer that the caller owns, gives the same bytes for any number of
//! threads, and returns an [`Error`] that names the row, the position and the letter.

pub mod augment;
mod augment_pieces;
pub mod canonical;
pub mod complement;
pub mod error;
pub mod fai;
pub mod fasta;
pub mod hashing;
pub mod homology;
mod homology_index;
pub mod kmeans;
pub mod kmer;
pub mod onehot;
pub mod overlap;
mod overlap_form;
mod overlap_table;
pub mod pam;
pub mod phylo;
pub mod random;
mod scratch;
pub mod sequences;
pub mod shuffle;
pub mod simd;
pub mod threads;
pub mod windows;

pub use error::{Error, Result};
pub use sequences::{Packed, PackedBuf};
