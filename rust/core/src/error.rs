//! What can be wrong with an input or an argument. Rows, records and positions count from zero here.

/// The result of a kernel.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a kernel refused its input.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An argument that no input could make right.
    #[error("{0}")]
    Argument(String),

    /// Offsets that do not describe the data.
    #[error("offsets do not describe the data at row {row}")]
    Offsets {
        /// The first row concerned.
        row: usize,
    },

    /// A letter outside the IUPAC nucleotide alphabet.
    #[error("{} at position {} is no nucleotide letter (IUPAC)", shown(*.letter), .position + 1)]
    Letter {
        /// The row or record.
        row: usize,
        /// The place in the sequence.
        position: usize,
        /// The byte found.
        letter: u8,
        /// The name of the record, where there is one.
        name: Option<String>,
    },

    /// A letter that is not in the alphabet asked for.
    #[error("{} at position {} is not one of {allowed}", shown(*.letter), .position + 1)]
    NotAllowed {
        /// The row.
        row: usize,
        /// The place in the sequence.
        position: usize,
        /// The byte found.
        letter: u8,
        /// The letters allowed.
        allowed: String,
    },

    /// Rows of different length where one length is needed.
    #[error("this sequence has {found} nt, those before it have {expected}")]
    Length {
        /// The first row that differs.
        row: usize,
        /// Its length.
        found: usize,
        /// The length of row 0.
        expected: usize,
    },

    /// A row with more tokens than there is room for.
    #[error("this sequence needs {tokens} tokens, there is room for {room}")]
    TooLong {
        /// The first row concerned.
        row: usize,
        /// The tokens that it needs.
        tokens: usize,
        /// The tokens that fit.
        room: usize,
    },

    /// A row that is missing or no text.
    #[error("row {row} is out of range: there are {rows} rows")]
    Row {
        /// The row asked for.
        row: i64,
        /// The number of rows.
        rows: usize,
    },

    /// Content that is no FASTA.
    #[error("{message}")]
    Fasta {
        /// What is wrong.
        message: String,
        /// The record concerned.
        record: Option<usize>,
        /// How to go on.
        hint: &'static str,
    },

    /// The file could not be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Returns a byte as a user would name it.
#[must_use]
pub fn shown(letter: u8) -> String {
    if letter.is_ascii_graphic() {
        format!("'{}'", letter as char)
    } else {
        format!("byte 0x{letter:02x}")
    }
}
