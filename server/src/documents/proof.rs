//! The file that proves a submission: what it is, by its content and never by its name, and whether it may come in.
//!
//! A file that can carry a program is refused: whoever opens it later trusts it because it comes from the record. What is
//! taken is given back as an attachment only.

use std::io::{Cursor, Read as _};

use domain::values::Line;
use zip::ZipArchive;

/// The longest file that is taken.
pub const PROOF_OCTETS_MAX: usize = 10 * 1024 * 1024;
/// Entries of one DOCX file.
const PARTS_MAX: usize = 5_000;
/// Octets of the list of parts, unpacked.
const LIST_OCTETS_MAX: u64 = 4 * 1024 * 1024;
/// Where the mark of a PDF file may begin.
const PDF_MARK_WITHIN: usize = 1_024;
/// How the old Office formats, and mails saved by Outlook, begin (OLE compound files).
const OLE_MARK: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
/// Words in the list of parts of a DOCX file that name what can carry a program.
const ACTIVE: [&str; 5] = ["macroenabled", "vbaproject", "activex", "oleobject", "vnd.ms-office.vbadata"];

/// What a file was found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofKind {
    /// PDF.
    Pdf,
    /// A picture.
    Png,
    /// A picture.
    Jpeg,
    /// A mail.
    Eml,
    /// Plain text.
    Text,
    /// A Word document without macros.
    Docx,
}

impl ProofKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Pdf, Self::Png, Self::Jpeg, Self::Eml, Self::Text, Self::Docx];

    /// The word on the record.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Eml => "eml",
            Self::Text => "text",
            Self::Docx => "docx",
        }
    }

    /// The media type that it is given back as.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Eml => "message/rfc822",
            Self::Text => "text/plain; charset=utf-8",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        }
    }

    /// The end of a file name.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Eml => "eml",
            Self::Text => "txt",
            Self::Docx => "docx",
        }
    }

    /// The kind with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// Why a file is not taken. Public: each is a sentence for the person who chose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofFault {
    /// Nothing in it.
    #[error("This file is empty")]
    Empty,
    /// Too long.
    #[error("This file is larger than 10 MB: send a smaller one")]
    TooLarge,
    /// It can carry a program.
    #[error("This file can carry macros: save it as PDF, or as a Word document without macros, and send that")]
    Macros,
    /// It is something else.
    #[error(
        "This is none of the kinds that are taken: PDF, PNG, JPEG, a mail (EML), plain text, or a Word document (DOCX)"
    )]
    Unknown,
}

/// What a proof is called on the record: the end of the name that was sent, however it was written there.
#[must_use]
pub fn name(sent: &str, kind: ProofKind) -> Option<Line> {
    // A browser may send a whole path; only what the file is called is kept.
    let name: String = sent.rsplit(['/', '\\']).next().unwrap_or_default().chars().take(150).collect();
    Line::parse(&name).or_else(|_| Line::parse(&format!("proof.{}", kind.ending()))).ok()
}

/// What a file is.
///
/// # Errors
/// [`ProofFault`] when it is not taken.
pub fn examine(octets: &[u8]) -> Result<ProofKind, ProofFault> {
    if octets.is_empty() {
        return Err(ProofFault::Empty);
    }
    if octets.len() > PROOF_OCTETS_MAX {
        return Err(ProofFault::TooLarge);
    }
    if octets.starts_with(&OLE_MARK) {
        return Err(ProofFault::Macros);
    }
    if octets.starts_with(b"PK") {
        return examine_package(octets);
    }
    if octets.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Ok(ProofKind::Png);
    }
    if octets.starts_with(&[0xff, 0xd8, 0xff]) {
        return Ok(ProofKind::Jpeg);
    }
    let beginning = octets.get(..PDF_MARK_WITHIN).unwrap_or(octets);
    if beginning.windows(5).any(|five| five == b"%PDF-") {
        return Ok(ProofKind::Pdf);
    }
    examine_text(octets)
}

/// A package of Office parts. The list of parts says what each is, whatever its name; old files inside, whose contents
/// nobody looks through, are not taken either.
fn examine_package(octets: &[u8]) -> Result<ProofKind, ProofFault> {
    let mut package = ZipArchive::new(Cursor::new(octets)).map_err(|_| ProofFault::Unknown)?;
    if package.len() > PARTS_MAX {
        return Err(ProofFault::Unknown);
    }
    let names: Result<Vec<String>, _> = package.file_names().map(|name| name.map(|name| name.to_lowercase())).collect();
    let names = names.map_err(|_| ProofFault::Unknown)?;
    if names.iter().any(|name| name.ends_with(".bin") || name.ends_with(".vbs") || name.ends_with(".ole")) {
        return Err(ProofFault::Macros);
    }
    let list = package.by_name("[Content_Types].xml").map_err(|_| ProofFault::Unknown)?;
    let mut types = Vec::new();
    list.take(LIST_OCTETS_MAX).read_to_end(&mut types).map_err(|_| ProofFault::Unknown)?;
    // Other encodings than UTF-8 would hide the words looked for.
    let types = String::from_utf8(types).map_err(|_| ProofFault::Unknown)?.to_lowercase();
    if ACTIVE.iter().any(|word| types.contains(word)) {
        return Err(ProofFault::Macros);
    }
    let is_word = names.iter().any(|name| name == "word/document.xml") && types.contains("wordprocessingml.document");
    if is_word { Ok(ProofKind::Docx) } else { Err(ProofFault::Unknown) }
}

/// Text that people can read; a mail when it begins with headers.
fn examine_text(octets: &[u8]) -> Result<ProofKind, ProofFault> {
    let text = std::str::from_utf8(octets).map_err(|_| ProofFault::Unknown)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}')) {
        return Err(ProofFault::Unknown);
    }
    let start = text.trim_start().to_lowercase();
    if start.starts_with("<!doctype")
        || start.starts_with("<html")
        || start.starts_with("<svg")
        || start.starts_with("<?xml")
    {
        return Err(ProofFault::Unknown);
    }
    if !is_mail(text) {
        return Ok(ProofKind::Text);
    }
    // Attachments are coded as base64: an old Office file and a list of macro parts begin alike in every mail.
    let carries = ["0M8R4KGxGu", "vbaProject.bin"].iter().any(|mark| text.contains(mark))
        || [".docm", ".xlsm", ".pptm", ".dotm", ".xlam"].iter().any(|ending| start.contains(ending));
    if carries { Err(ProofFault::Macros) } else { Ok(ProofKind::Eml) }
}

/// Header lines up to the first empty one, among them one that every mail has (RFC 5322).
fn is_mail(text: &str) -> bool {
    let headers: Vec<&str> = text.lines().take_while(|line| !line.trim().is_empty()).collect();
    let names = headers.iter().filter(|line| !line.starts_with([' ', '\t']));
    let named: Option<Vec<String>> = names
        .map(|line| {
            let (name, _) = line.split_once(':')?;
            let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_graphic());
            is_name.then(|| name.to_lowercase())
        })
        .collect();
    named.is_some_and(|names| names.iter().any(|name| name == "from") && names.iter().any(|name| name == "date"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::io::Write as _;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    const WORD: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";

    fn package(types: &str, parts: &[&str]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default();
        for (name, text) in [("[Content_Types].xml", types)].into_iter().chain(parts.iter().map(|name| (*name, "x"))) {
            writer.start_file(name, options).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    /// Aim: each kind that is taken is known by its content.
    #[test]
    fn kinds_are_known_by_content() {
        let docx = package(WORD, &["word/document.xml"]);
        let mail =
            b"From: ICO <a@example.org>\r\nDate: Tue, 3 Mar 2026 10:00:00 +0000\r\nSubject: Yours\r\n\r\nReceived.";
        let cases: [(&[u8], ProofKind); 6] = [
            (b"%PDF-1.7 ...", ProofKind::Pdf),
            (b"\x89PNG\r\n\x1a\n....", ProofKind::Png),
            (&[0xff, 0xd8, 0xff, 0xe0], ProofKind::Jpeg),
            (mail, ProofKind::Eml),
            ("Received with thanks: IC-1.\n".as_bytes(), ProofKind::Text),
            (&docx, ProofKind::Docx),
        ];
        for (octets, kind) in cases {
            assert_eq!(examine(octets), Ok(kind));
            assert_eq!(ProofKind::from_word(kind.word()), Some(kind));
        }
    }

    /// Aim: whatever can carry a program is refused under any name: by its parts, by the list of them, by its old format,
    /// or inside a mail.
    #[test]
    fn what_can_carry_macros_is_refused() {
        let old = [OLE_MARK.as_slice(), &[0; 600]].concat();
        let cases = [
            package(WORD, &["word/document.xml", "word/vbaProject.bin"]),
            package(WORD, &["word/document.xml", "word/embeddings/oleObject1.bin"]),
            package("application/vnd.ms-word.document.macroEnabled.main+xml", &["word/document.xml"]),
            package(&format!("{WORD} application/vnd.ms-office.vbaProject"), &["word/document.xml", "word/other.xml"]),
            old,
            b"From: a@example.org\nDate: now\n\nname=plan.docm\n".to_vec(),
        ];
        for octets in cases {
            assert_eq!(examine(&octets), Err(ProofFault::Macros));
        }
    }

    /// Aim: anything else, nothing, and too much are refused, each in its own words.
    #[test]
    fn other_files_are_refused() {
        assert_eq!(examine(b""), Err(ProofFault::Empty));
        assert_eq!(examine(&vec![b'a'; PROOF_OCTETS_MAX + 1]), Err(ProofFault::TooLarge));
        let sheet = package("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", &["xl/workbook.xml"]);
        for octets in
            [b"MZ\x90\0".to_vec(), b"<html><script>".to_vec(), b"PK nothing".to_vec(), vec![0xff, 0xfe, 0x41], sheet]
        {
            assert_eq!(examine(&octets), Err(ProofFault::Unknown));
        }
    }
}
