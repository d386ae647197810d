//! `genotool._native`: converts, releases the GIL, maps errors. No algorithm lives here.
//!
//! Arrays that are written come from Python, where NumPy has allocated them: memory that Rust zeroes and hands over costs
//! several times the time of a kernel.

mod augmenting;
mod clustering;
mod errors;
mod kernels;
mod reading;
mod searching;

use pyo3::prelude::*;

/// The kernels of genotool; `genotool.sequences` and `genotool.readers.fasta` are the way to them.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::augmenting::{
        augment_letters, augment_one_hot, choose_orthologs, fetch_windows, gather_one_hot, index_fasta,
    };
    #[pymodule_export]
    use crate::clustering::kmeans;
    #[pymodule_export]
    use crate::errors::KernelError;
    #[pymodule_export]
    use crate::kernels::{
        dinucleotide_shuffle, kmers, normalise, one_hot, reverse_complement, row_hashes, take, validate,
    };
    #[pymodule_export]
    use crate::reading::{pack_texts, read_fasta};
    #[pymodule_export]
    use crate::searching::{homologs, overlaps, sites};
    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
