//! The kernels that change training rows, and those that cut windows out of a genome.

use std::path::PathBuf;

use genotool_core::augment::{self, Draw, EvoAug, Span};
use genotool_core::fai::{self, Contig};
use genotool_core::onehot::OneHot;
use genotool_core::windows::{self, Genome, Windows};
use genotool_core::{phylo, threads};
use numpy::{PyArrayDyn, PyReadonlyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::errors::raised;
use crate::kernels::{alignment, layout_of, packed, write};

type Ints<'py> = PyReadonlyArray1<'py, i64>;

/// (per row, hard, deletion, reverse complement, insertion, translocation, inversion, mutation, noise)
type Settings = (
    u32,
    bool,
    (u32, u32),
    f64,
    (u32, u32),
    (u32, u32),
    (u32, u32),
    f64,
    (f32, f32),
);

fn settings(given: Settings) -> EvoAug {
    let span = |(min, max)| Span { min, max };
    EvoAug {
        per_row: given.0,
        hard: given.1,
        deletion: span(given.2),
        reverse_complement: given.3,
        insertion: span(given.4),
        translocation: span(given.5),
        inversion: span(given.6),
        mutation: given.7,
        noise: given.8,
    }
}

/// Augments one-hot rows into `out`.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn augment_one_hot(
    values: PyReadonlyArray1<'_, f32>,
    rows: Ints<'_>,
    out: &Bound<'_, PyAny>,
    layout: &str,
    given: Settings,
    seed: u64,
    epoch: u64,
    threads: Option<i64>,
) -> PyResult<()> {
    let (values, rows) = (values.as_slice()?, rows.as_slice()?);
    let (what, layout) = (settings(given), layout_of(layout)?);
    let count = threads::resolve(threads).map_err(raised)?;
    let draw = Draw { seed, epoch, rows };
    write::<f32>(out, |out| {
        augment::augment(values, layout, &what, draw, out, count)
    })
}

/// Augments letters into `out`; the offsets stay.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn augment_letters(
    data: PyReadonlyArray1<'_, u8>,
    offsets: Ints<'_>,
    rows: Ints<'_>,
    out: &Bound<'_, PyAny>,
    given: Settings,
    seed: u64,
    epoch: u64,
    threads: Option<i64>,
) -> PyResult<()> {
    let (sequences, rows) = (packed(&data, &offsets)?, rows.as_slice()?);
    let what = settings(given);
    let count = threads::resolve(threads).map_err(raised)?;
    let draw = Draw { seed, epoch, rows };
    write::<u8>(out, |out| {
        augment::augment_letters(sequences, &what, draw, out, count)
    })
}

/// Writes the row of the pool that stands in for each row.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn choose_orthologs(
    offsets: Ints<'_>,
    members: Ints<'_>,
    rows: Ints<'_>,
    out: &Bound<'_, PyAny>,
    rate: f64,
    seed: u64,
    epoch: u64,
) -> PyResult<()> {
    let orthologs = phylo::Orthologs::new(offsets.as_slice()?, members.as_slice()?).map_err(raised)?;
    let rows = rows.as_slice()?;
    write::<i64>(out, |out| {
        phylo::choose(orthologs, rate, Draw { seed, epoch, rows }, out)
    })
}

/// One-hot encoding of given rows into `out`, uint8 or float32.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn gather_one_hot(
    data: PyReadonlyArray1<'_, u8>,
    offsets: Ints<'_>,
    rows: Ints<'_>,
    out: &Bound<'_, PyAny>,
    layout: &str,
    length: usize,
    align: &str,
    threads: Option<i64>,
) -> PyResult<()> {
    let (pool, rows) = (packed(&data, &offsets)?, rows.as_slice()?);
    let form = OneHot {
        layout: layout_of(layout)?,
        length,
        align: alignment(align)?,
        strict: false,
    };
    let count = threads::resolve(threads).map_err(raised)?;
    if out.cast::<PyArrayDyn<u8>>().is_ok() {
        write::<u8>(out, |out| phylo::gather(pool, rows, form, out, count))
    } else if out.cast::<PyArrayDyn<f32>>().is_ok() {
        write::<f32>(out, |out| phylo::gather(pool, rows, form, out, count))
    } else {
        Err(PyTypeError::new_err("out must be a uint8 or float32 array"))
    }
}

/// The index of a FASTA file: (name, length, offset, letters of a line, bytes of a line) of each record.
#[pyfunction]
#[allow(clippy::type_complexity)]
pub fn index_fasta(py: Python<'_>, path: PathBuf) -> PyResult<Vec<(String, i64, i64, i64, i64)>> {
    let (names, contigs) = py.detach(|| fai::index(&path)).map_err(raised)?;
    let line = |(name, at): (String, Contig)| (name, at.length, at.offset, at.bases, at.width);
    Ok(names.into_iter().zip(contigs).map(line).collect())
}

/// Windows of a genome into `out`: letters, or their one-hot encoding where there is a layout.
///
/// `file` holds the bytes of the FASTA file, `index` is (length, offset, letters of a line, bytes of a line) of each contig,
/// `contig`, `start`, `end` and `minus` are those of each window.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn fetch_windows(
    file: PyReadonlyArray1<'_, u8>,
    index: Vec<(i64, i64, i64, i64)>,
    contig: Ints<'_>,
    start: Ints<'_>,
    end: Ints<'_>,
    minus: PyReadonlyArray1<'_, bool>,
    out: &Bound<'_, PyAny>,
    layout: Option<&str>,
    threads: Option<i64>,
) -> PyResult<()> {
    let count = threads::resolve(threads).map_err(raised)?;
    let contigs: Vec<Contig> = index
        .into_iter()
        .map(|(length, offset, bases, width)| Contig {
            length,
            offset,
            bases,
            width,
        })
        .collect();
    let (contig, start, end) = (contig.as_slice()?, start.as_slice()?, end.as_slice()?);
    let asked = Windows {
        contig,
        start,
        end,
        minus: minus.as_slice()?,
    };
    let genome = Genome {
        file: file.as_slice()?,
        contigs: &contigs,
    };
    let Some(layout) = layout else {
        return write::<u8>(out, |out| windows::fetch(genome, asked, out, count));
    };
    let length = start
        .first()
        .zip(end.first())
        .map_or(0, |(start, end)| end.saturating_sub(*start));
    let form = OneHot {
        layout: layout_of(layout)?,
        length: usize::try_from(length).unwrap_or(0),
        align: genotool_core::onehot::Align::Left,
        strict: false,
    };
    write::<u8>(out, |out| windows::one_hot(genome, asked, form, out, count))
}
