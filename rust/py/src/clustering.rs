//! K-means.

use genotool_core::kmeans::{Question, cluster};
use genotool_core::threads;
use numpy::{PyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::errors::raised;

/// K-means of many starts: (label of each point in the best start, inertia of each start).
#[pyfunction]
#[allow(clippy::type_complexity)]
pub fn kmeans<'py>(
    py: Python<'py>,
    values: PyReadonlyArray2<'py, f64>,
    draws: PyReadonlyArray2<'py, f64>,
    clusters: usize,
    tolerance: f64,
    iterations: usize,
    threads: Option<i64>,
) -> PyResult<(Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<f64>>)> {
    let question = Question {
        clusters,
        tolerance,
        iterations,
    };
    let width = values.shape()[1];
    let (values, draws) = (values.as_slice()?, draws.as_slice()?);
    let count = threads::resolve(threads).map_err(raised)?;
    let found = py
        .detach(|| cluster(values, width, draws, question, count))
        .map_err(raised)?;
    Ok((
        PyArray1::from_vec(py, found.labels),
        PyArray1::from_vec(py, found.inertia),
    ))
}
