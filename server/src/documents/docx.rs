//! A paper as a word processor's file: Office Open XML (ISO/IEC 29500, transitional), which Word and LibreOffice open.
//!
//! Headings, lists, tables and the title are what they are, not what they look like, so that people can walk through them
//! with a keyboard or a screen reader: styles with outline levels, real lists, heading rows that repeat on each page, a
//! title and a language in the file's properties. There are no macros, no fields but page numbers, and no links to
//! anything outside. The same paper always gives the same octets.

mod parts;
#[cfg(test)]
mod tests;
mod xml;

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use self::xml::{paragraph, table};
use super::paper::{Answer, Block, Level, Paper, TooLarge, paragraphs};

/// The media type.
pub const MEDIA_TYPE: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// Why a document could not be written.
#[derive(Debug, thiserror::Error)]
pub enum DocxError {
    /// It is more than a document may hold.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The archive could not be written.
    #[error("the document's archive could not be written")]
    Archive(#[from] zip::result::ZipError),
    /// A part could not be written into it.
    #[error("a part of the document could not be written")]
    Part(#[from] std::io::Error),
}

/// Writes a paper.
///
/// # Errors
/// [`DocxError::TooLarge`] for more than a document may hold.
pub fn write(paper: &Paper) -> Result<Vec<u8>, DocxError> {
    paper.fits()?;
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts::all(paper, &body(paper)) {
        archive.start_file(name, options)?;
        archive.write_all(text.as_bytes())?;
    }
    Ok(archive.finish()?.into_inner())
}

/// What is printed, as WordprocessingML.
fn body(paper: &Paper) -> String {
    let mut body = String::new();
    paragraph(&mut body, "Title", &[(false, paper.title())]);
    paragraph(&mut body, "Subtitle", &[(false, &paper.byline())]);
    for mark in paper.marks() {
        paragraph(&mut body, "Mark", &[(true, mark.word()), (false, ". "), (false, mark.sentence())]);
    }
    for block in paper.blocks() {
        match block {
            Block::Heading { level, text } => paragraph(&mut body, heading(*level), &[(false, text)]),
            Block::Text(text) => texts(&mut body, "Normal", text),
            Block::Answer { level, answer } => question(&mut body, *level, answer),
            Block::Table(found) => table(&mut body, found, paper.lies()),
            Block::List(items) => {
                items.iter().for_each(|item| paragraph(&mut body, "ListBullet", &[(false, item.trim())]))
            }
            Block::Facts(facts) => facts.iter().for_each(|(name, value)| {
                paragraph(&mut body, "Fact", &[(true, name), (true, ": "), (false, value.trim())]);
            }),
            Block::PageBreak => body.push_str("<w:p><w:r><w:br w:type=\"page\"/></w:r></w:p>"),
        }
    }
    body
}

const fn heading(level: Level) -> &'static str {
    match level {
        Level::One => "Heading1",
        Level::Two => "Heading2",
        Level::Three => "Heading3",
    }
}

fn texts(body: &mut String, style: &str, text: &str) {
    for text in paragraphs(text) {
        paragraph(body, style, &[(false, &text)]);
    }
}

fn question(body: &mut String, level: Level, answer: &Answer) {
    paragraph(body, heading(level), &[(false, &answer.question)]);
    let (state, text) = answer.said.parts();
    let mut texts = paragraphs(text).into_iter();
    let first = texts.next().unwrap_or_default();
    let style = if answer.said.is_open() { "Open" } else { "Aside" };
    match (state.is_empty(), first.is_empty()) {
        (true, _) => paragraph(body, "Normal", &[(false, &first)]),
        (false, true) => paragraph(body, style, &[(true, state)]),
        (false, false) => paragraph(body, style, &[(true, state), (false, " "), (false, &first)]),
    }
    for text in texts {
        paragraph(body, "Normal", &[(false, &text)]);
    }
    let origin = answer.origin();
    if !origin.is_empty() {
        paragraph(body, "Origin", &[(false, &origin)]);
    }
}
