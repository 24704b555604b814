//! The files that a paper can become.

use super::docx::{self, DocxError};
use super::file::File;
use super::paper::{Paper, TooLarge};
use super::pdf::{self, PdfError};

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a word processor, to go on writing.
    Docx,
    /// To read, to keep, to have read out.
    Pdf,
}

impl Format {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Docx, Self::Pdf];

    /// What its name ends with.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Docx => "docx",
            Self::Pdf => "pdf",
        }
    }

    /// The media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Docx => docx::MEDIA_TYPE,
            Self::Pdf => pdf::MEDIA_TYPE,
        }
    }
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    /// It is more than a document may hold.
    #[error(transparent)]
    TooLarge(TooLarge),
    /// A writer failed, which is a fault of ours.
    #[error("the document could not be written")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Prints a paper to a file named after `stem`. It takes some tenths of a second at most, and waits for nothing.
///
/// # Errors
/// [`PrintError`]
pub fn print(paper: &Paper, stem: &str, format: Format) -> Result<File, PrintError> {
    let octets = match format {
        Format::Docx => docx::write(paper).map_err(|error| match error {
            DocxError::TooLarge(what) => PrintError::TooLarge(what),
            DocxError::Archive(_) | DocxError::Part(_) => PrintError::Failed(error.into()),
        }),
        Format::Pdf => pdf::write(paper).map_err(|error| match error {
            PdfError::TooLarge(what) => PrintError::TooLarge(what),
            PdfError::Typeface | PdfError::Refused(_) => PrintError::Failed(error.into()),
        }),
    }?;
    Ok(File::new(stem, format.ending(), format.media_type(), octets))
}
