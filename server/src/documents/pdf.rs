//! A paper as PDF, which everybody can read and keep: tagged for assistive technology (PDF/UA-1, ISO 14289-1) and fit for
//! archives (PDF/A-2a, ISO 19005-2), both checked when it is written. One that fails a check is an error, never a file.
//!
//! Headings, lists, tables with their heading cells, language and title are in the structure; page numbers, marks of every
//! page and rules are not, so that nobody has to listen to them. Fonts are embedded. The same paper always gives the same
//! octets.
//!
//! The typeface is DejaVu Sans: Latin with the letters of Welsh, Greek, Cyrillic, Armenian, Georgian, Hebrew, Arabic. A
//! character that it lacks is shown as U+FFFD, and the last line of the document says how many there are. Words are not
//! hyphenated.

mod draw;
mod flow;
mod layout;
mod table;
#[cfg(test)]
mod tests;
mod typeface;

use self::layout::Layout;
use self::typeface::Faces;
use super::paper::{Paper, TooLarge};

/// The media type.
pub const MEDIA_TYPE: &str = "application/pdf";

/// Why a document could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    /// It is more than a document may hold.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// A typeface that is compiled in could not be read.
    #[error("the typeface can't be read")]
    Typeface,
    /// The file would not be what it has to be.
    #[error("the document does not pass PDF/UA-1 and PDF/A-2a: {0}")]
    Refused(String),
}

/// Writes a paper.
///
/// # Errors
/// [`PdfError::TooLarge`] for more than a document may hold.
pub fn write(paper: &Paper) -> Result<Vec<u8>, PdfError> {
    paper.fits()?;
    let mut layout = Layout::new(Faces::load().ok_or(PdfError::Typeface)?, paper.lies());
    flow::lay_out(&mut layout, paper);
    draw::write(paper, layout.finish()?)
}
