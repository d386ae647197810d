//! The kernels that return as many rows as they find.

use genotool_core::overlap::{self, Question};
use genotool_core::{homology, pam, threads};
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::errors::raised;
use crate::kernels::packed;

type Array<'py, T> = Bound<'py, PyArray1<T>>;

/// Guide sites: (record, start, minus, letters, offsets, ambiguous).
#[pyfunction]
#[allow(clippy::type_complexity)]
pub fn sites<'py>(
    py: Python<'py>,
    data: PyReadonlyArray1<'py, u8>,
    offsets: PyReadonlyArray1<'py, i64>,
    pam: &str,
    spacer: usize,
    threads: Option<i64>,
) -> PyResult<(
    Array<'py, i64>,
    Array<'py, i64>,
    Array<'py, bool>,
    Array<'py, u8>,
    Array<'py, i64>,
    usize,
)> {
    let rows = packed(&data, &offsets)?;
    let count = threads::resolve(threads).map_err(raised)?;
    let found = py
        .detach(|| pam::find(rows, pam.as_bytes(), spacer, count))
        .map_err(raised)?;
    Ok((
        PyArray1::from_vec(py, found.record),
        PyArray1::from_vec(py, found.start),
        PyArray1::from_vec(py, found.minus),
        PyArray1::from_vec(py, found.guides.data),
        PyArray1::from_vec(py, found.guides.offsets),
        found.ambiguous,
    ))
}

/// Rows that meet: (query, reference, distance, strand). Without references, within the queries.
#[pyfunction]
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
pub fn overlaps<'py>(
    py: Python<'py>,
    data: PyReadonlyArray1<'py, u8>,
    offsets: PyReadonlyArray1<'py, i64>,
    references: Option<(PyReadonlyArray1<'py, u8>, PyReadonlyArray1<'py, i64>)>,
    mismatches: u32,
    reverse: bool,
    ignore: Vec<i64>,
    best: bool,
    threads: Option<i64>,
) -> PyResult<(Array<'py, i64>, Array<'py, i64>, Array<'py, u8>, Array<'py, i8>)> {
    let queries = packed(&data, &offsets)?;
    let others = references
        .as_ref()
        .map(|(data, offsets)| packed(data, offsets))
        .transpose()?;
    let question = Question {
        mismatches,
        reverse,
        ignore,
        best,
    };
    let count = threads::resolve(threads).map_err(raised)?;
    let hits = py
        .detach(|| overlap::search(queries, others, &question, count))
        .map_err(raised)?;
    Ok((
        PyArray1::from_vec(py, hits.query),
        PyArray1::from_vec(py, hits.reference),
        PyArray1::from_vec(py, hits.distance),
        PyArray1::from_vec(py, hits.strand),
    ))
}

/// Homologous rows: (query, reference, shared, cluster, capped, short). Without others, within the sequences.
#[pyfunction]
#[allow(clippy::type_complexity)]
pub fn homologs<'py>(
    py: Python<'py>,
    data: PyReadonlyArray1<'py, u8>,
    offsets: PyReadonlyArray1<'py, i64>,
    others: Option<(PyReadonlyArray1<'py, u8>, PyReadonlyArray1<'py, i64>)>,
    k: usize,
    shared: u32,
    threads: Option<i64>,
) -> PyResult<(
    Array<'py, i64>,
    Array<'py, i64>,
    Array<'py, i64>,
    Array<'py, i64>,
    usize,
    usize,
)> {
    let rows = packed(&data, &offsets)?;
    let others = others
        .as_ref()
        .map(|(data, offsets)| packed(data, offsets))
        .transpose()?;
    let count = threads::resolve(threads).map_err(raised)?;
    let found = py
        .detach(|| homology::search(rows, others, k, shared, count))
        .map_err(raised)?;
    Ok((
        PyArray1::from_vec(py, found.query),
        PyArray1::from_vec(py, found.reference),
        PyArray1::from_vec(py, found.shared),
        PyArray1::from_vec(py, found.cluster),
        found.capped,
        found.short,
    ))
}
