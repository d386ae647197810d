//! The kernels that make rows: from Python texts and from FASTA.

use std::path::PathBuf;

use genotool_core::fasta::{self, Allow};
use genotool_core::{PackedBuf, sequences};
use numpy::PyArray1;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};

use crate::errors::raised;

type Letters<'py> = Bound<'py, PyArray1<u8>>;
type Offsets<'py> = Bound<'py, PyArray1<i64>>;

/// Hands rows over to NumPy.
fn handed<'py>(py: Python<'py>, rows: PackedBuf) -> (Letters<'py>, Offsets<'py>) {
    (
        PyArray1::from_vec(py, rows.data),
        PyArray1::from_vec(py, rows.offsets),
    )
}

/// Packs a list of texts: (letters, offsets), in upper case, U as T.
#[pyfunction]
pub fn pack_texts<'py>(texts: &Bound<'py, PyList>) -> PyResult<(Letters<'py>, Offsets<'py>)> {
    let py = texts.py();
    let mut rows = PackedBuf::default();
    rows.offsets.reserve_exact(texts.len());
    // Most lists hold texts of one length: room for that spares the copies of a growing buffer.
    let first = texts.get_item(0).and_then(|text| text.len()).unwrap_or(0);
    rows.data.reserve(first.saturating_mul(texts.len()).min(1 << 28));
    for (row, item) in texts.iter().enumerate() {
        let text = item.cast::<PyString>().map_err(|_| {
            let kind = item
                .get_type()
                .name()
                .map_or_else(|_| "object".into(), |name| name.to_string());
            PyTypeError::new_err((row, kind))
        })?;
        rows.push(text.to_str()?.as_bytes());
    }
    py.detach(|| sequences::normalise(&mut rows.data, &rows.offsets))
        .map_err(raised)?;
    Ok(handed(py, rows))
}

/// Reads FASTA: (names, descriptions, letters, offsets).
#[pyfunction]
#[allow(clippy::type_complexity)]
pub fn read_fasta(
    py: Python<'_>,
    path: PathBuf,
    duplicates: bool,
    empty: bool,
) -> PyResult<(Vec<String>, Vec<String>, Letters<'_>, Offsets<'_>)> {
    let records = py
        .detach(|| fasta::read(&path, Allow { duplicates, empty }))
        .map_err(raised)?;
    let (letters, offsets) = handed(py, records.sequences);
    Ok((records.names, records.descriptions, letters, offsets))
}
