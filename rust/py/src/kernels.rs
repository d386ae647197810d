//! The kernels that write into arrays.

use genotool_core::kmer::Tokens;
use genotool_core::onehot::{Align, Layout, OneHot};
use genotool_core::{Error, Packed, complement, kmer, onehot, sequences, shuffle, threads};
use numpy::{Element, PyArrayDyn, PyArrayMethods, PyReadonlyArray1, PyReadwriteArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::errors::raised;

/// The rows that two arrays describe.
pub fn packed<'a>(
    data: &'a PyReadonlyArray1<'_, u8>,
    offsets: &'a PyReadonlyArray1<'_, i64>,
) -> PyResult<Packed<'a>> {
    Packed::new(data.as_slice()?, offsets.as_slice()?).map_err(raised)
}

/// Runs a kernel that writes into `out`, without the GIL.
pub fn write<T: Element + Send>(
    out: &Bound<'_, PyAny>,
    kernel: impl FnOnce(&mut [T]) -> genotool_core::Result<()> + Send,
) -> PyResult<()> {
    let array = out.cast::<PyArrayDyn<T>>()?;
    let mut guard = array.try_readwrite()?;
    let slice = guard.as_slice_mut()?;
    out.py().detach(|| kernel(slice)).map_err(raised)
}

fn unknown(what: &str, word: &str) -> PyErr {
    raised(Error::Argument(format!("unknown {what}: {word}")))
}

/// The layout that a word names.
pub fn layout_of(word: &str) -> PyResult<Layout> {
    match word {
        "nlc" => Ok(Layout::ChannelsLast),
        "ncl" => Ok(Layout::ChannelsFirst),
        other => Err(unknown("layout", other)),
    }
}

/// The alignment that a word names.
pub fn alignment(word: &str) -> PyResult<Align> {
    match word {
        "left" => Ok(Align::Left),
        "right" => Ok(Align::Right),
        other => Err(unknown("align", other)),
    }
}

/// One-hot encoding into `out`, uint8 or float32.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn one_hot(
    data: PyReadonlyArray1<'_, u8>,
    offsets: PyReadonlyArray1<'_, i64>,
    out: &Bound<'_, PyAny>,
    layout: &str,
    length: usize,
    align: &str,
    strict: bool,
    threads: Option<i64>,
) -> PyResult<()> {
    let rows = packed(&data, &offsets)?;
    let form = OneHot {
        layout: layout_of(layout)?,
        length,
        align: alignment(align)?,
        strict,
    };
    let count = threads::resolve(threads).map_err(raised)?;
    if out.cast::<PyArrayDyn<u8>>().is_ok() {
        write::<u8>(out, |out| onehot::encode(rows, form, out, count))
    } else if out.cast::<PyArrayDyn<f32>>().is_ok() {
        write::<f32>(out, |out| onehot::encode(rows, form, out, count))
    } else {
        Err(PyTypeError::new_err("out must be a uint8 or float32 array"))
    }
}

/// DNABERT token ids into `out`, int64, int32 or uint16.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn kmers(
    data: PyReadonlyArray1<'_, u8>,
    offsets: PyReadonlyArray1<'_, i64>,
    out: &Bound<'_, PyAny>,
    k: usize,
    length: usize,
    special: bool,
    truncate: bool,
    threads: Option<i64>,
) -> PyResult<()> {
    let rows = packed(&data, &offsets)?;
    let form = Tokens {
        k,
        length,
        special,
        truncate,
    };
    let count = threads::resolve(threads).map_err(raised)?;
    if out.cast::<PyArrayDyn<i64>>().is_ok() {
        write::<i64>(out, |out| kmer::encode(rows, form, out, count))
    } else if out.cast::<PyArrayDyn<i32>>().is_ok() {
        write::<i32>(out, |out| kmer::encode(rows, form, out, count))
    } else if out.cast::<PyArrayDyn<u16>>().is_ok() {
        write::<u16>(out, |out| kmer::encode(rows, form, out, count))
    } else {
        Err(PyTypeError::new_err(
            "out must be an int64, int32 or uint16 array",
        ))
    }
}

/// Reverse complements into `out`; the offsets stay.
#[pyfunction]
pub fn reverse_complement(
    data: PyReadonlyArray1<'_, u8>,
    offsets: PyReadonlyArray1<'_, i64>,
    out: &Bound<'_, PyAny>,
    threads: Option<i64>,
) -> PyResult<()> {
    let rows = packed(&data, &offsets)?;
    let count = threads::resolve(threads).map_err(raised)?;
    write::<u8>(out, |out| complement::reverse_complement(rows, out, count))
}

/// Shuffles that keep the dinucleotides into `out`; the offsets stay.
#[pyfunction]
pub fn dinucleotide_shuffle(
    data: PyReadonlyArray1<'_, u8>,
    offsets: PyReadonlyArray1<'_, i64>,
    out: &Bound<'_, PyAny>,
    seed: u64,
    threads: Option<i64>,
) -> PyResult<()> {
    let rows = packed(&data, &offsets)?;
    let count = threads::resolve(threads).map_err(raised)?;
    write::<u8>(out, |out| shuffle::dinucleotides(rows, seed, out, count))
}

/// One 64-bit hash a row into `out`.
#[pyfunction]
pub fn row_hashes(
    data: PyReadonlyArray1<'_, u8>,
    offsets: PyReadonlyArray1<'_, i64>,
    out: &Bound<'_, PyAny>,
    threads: Option<i64>,
) -> PyResult<()> {
    let rows = packed(&data, &offsets)?;
    let count = threads::resolve(threads).map_err(raised)?;
    write::<u64>(out, |out| rows.row_hashes(out, count))
}

/// Copies rows into `out`, whose offsets the caller has computed.
#[pyfunction]
pub fn take(
    data: PyReadonlyArray1<'_, u8>,
    offsets: PyReadonlyArray1<'_, i64>,
    rows: PyReadonlyArray1<'_, i64>,
    out: &Bound<'_, PyAny>,
    out_offsets: PyReadonlyArray1<'_, i64>,
) -> PyResult<()> {
    let source = packed(&data, &offsets)?;
    let (rows, ends) = (rows.as_slice()?, out_offsets.as_slice()?);
    write::<u8>(out, |out| source.take(rows, out, ends))
}

/// Makes letters upper case and U to T, in place; raises for a letter outside the IUPAC alphabet.
#[pyfunction]
pub fn normalise(mut data: PyReadwriteArray1<'_, u8>, offsets: PyReadonlyArray1<'_, i64>) -> PyResult<()> {
    packed_check(&data, &offsets)?;
    let py = data.py();
    let (letters, offsets) = (data.as_slice_mut()?, offsets.as_slice()?);
    py.detach(|| sequences::normalise(letters, offsets))
        .map_err(raised)
}

fn packed_check(data: &PyReadwriteArray1<'_, u8>, offsets: &PyReadonlyArray1<'_, i64>) -> PyResult<()> {
    Packed::new(data.as_slice()?, offsets.as_slice()?)
        .map(|_| ())
        .map_err(raised)
}

/// Raises for the first letter that is not one of `allowed`.
#[pyfunction]
pub fn validate(
    py: Python<'_>,
    data: PyReadonlyArray1<'_, u8>,
    offsets: PyReadonlyArray1<'_, i64>,
    allowed: &str,
) -> PyResult<()> {
    let rows = packed(&data, &offsets)?;
    py.detach(|| rows.validate(allowed.as_bytes())).map_err(raised)
}
