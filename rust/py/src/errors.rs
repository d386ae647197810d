//! Errors of the kernels as Python exceptions.

use std::io::ErrorKind;

use genotool_core::Error;
use pyo3::create_exception;
use pyo3::exceptions::{PyIndexError, PyOSError, PyValueError};
use pyo3::prelude::*;

create_exception!(
    genotool._native,
    KernelError,
    PyValueError,
    "What a kernel refused: args are (kind, message, row, value, hint); kind is input or usage, row counts from zero."
);

/// Returns the Python exception of an error.
pub fn raised(error: Error) -> PyErr {
    let message = error.to_string();
    let input = |message: String, row: Option<usize>, value: Option<String>, hint: Option<&str>| {
        KernelError::new_err(("input", message, row, value, hint.map(str::to_owned)))
    };
    match error {
        Error::Letter {
            row, letter, name, ..
        } => {
            let place = name.map_or_else(String::new, |name| format!("record '{name}': "));
            input(
                format!("{place}{message}"),
                Some(row),
                text_of(letter),
                Some(LETTERS),
            )
        }
        Error::NotAllowed { row, letter, .. } => input(message, Some(row), text_of(letter), None),
        Error::Length { row, .. } => input(
            message,
            Some(row),
            None,
            Some("give length=, or sequences of one length"),
        ),
        Error::TooLong { row, .. } => input(
            message,
            Some(row),
            None,
            Some("give a larger length=, or truncate=True"),
        ),
        Error::Fasta { record, hint, .. } => input(message, record, None, Some(hint)),
        Error::Offsets { row } => input(message, Some(row), None, None),
        Error::Row { .. } => PyIndexError::new_err(message),
        Error::Argument(_) => {
            KernelError::new_err(("usage", message, None::<usize>, None::<String>, None::<String>))
        }
        Error::Io(error) => io(&error),
    }
}

const LETTERS: &str = "letters are A C G T (or U), N and the other IUPAC codes, in either case";

fn text_of(letter: u8) -> Option<String> {
    letter.is_ascii().then(|| (letter as char).to_string())
}

/// An `OSError` with its number, from which Python makes `FileNotFoundError` and its kin.
fn io(error: &std::io::Error) -> PyErr {
    let number = match (error.raw_os_error(), error.kind()) {
        (Some(number), _) => number,
        (None, ErrorKind::IsADirectory) => 21,
        (None, _) => 5,
    };
    PyOSError::new_err((number, error.to_string()))
}
