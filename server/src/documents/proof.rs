//! The file that proves a submission: what it is, by its content and never by its name, and whether it may come in.
//!
//! Whoever opens it later trusts it because it comes from the record. So that files that say they carry a program are
//! refused:
//!
//! - A PDF file in which the names `JavaScript`, `JS` or `Launch` stand as plain octets. Compressed object streams, and
//!   names written with `#` escapes, are not looked into.
//! - A Word document with a part, or a type of part, for macros or controls or old embedded files, or with a template
//!   fetched from elsewhere. Files embedded under other names are not opened.
//! - A mail with a part that says it is anything but text, HTML, PNG, JPEG, PDF, a delivery report or another mail. What
//!   such a part holds is not decoded.
//! - Files of the old Office formats.
//!
//! What is taken is given back as an attachment only.

use std::collections::BTreeSet;
use std::io::{Cursor, Read as _};

use domain::values::Line;
use zip::ZipArchive;

/// The longest file that is taken.
pub const PROOF_OCTETS_MAX: usize = 10 * 1024 * 1024;
/// Entries of one DOCX file.
const PARTS_MAX: usize = 5_000;
/// Octets of the list of parts and of all lists of relations, unpacked.
const LISTS_OCTETS_MAX: u64 = 4 * 1024 * 1024;
/// Where the mark of a PDF file may begin.
const PDF_MARK_WITHIN: usize = 1_024;
/// How the old Office formats, and mails saved by Outlook, begin (OLE compound files).
const OLE_MARK: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
/// Words in the list of parts of a DOCX file that name what can carry a program.
const ACTIVE: [&str; 5] = ["macroenabled", "vbaproject", "activex", "oleobject", "vnd.ms-office.vbadata"];
/// Ends of the names of parts that can carry a program: macros, controls and old embedded files are `.bin`.
const ACTIVE_ENDINGS: [&str; 8] = [".bin", ".vbs", ".ole", ".docm", ".dotm", ".xlsm", ".xlam", ".pptm"];
/// What a part of a mail may say that it is, beside `multipart/...`.
const MAIL_PARTS: [&str; 7] = [
    "text/plain",
    "text/html",
    "message/rfc822",
    "message/delivery-status",
    "image/png",
    "image/jpeg",
    "application/pdf",
];
/// How what holds further parts may be coded: under any other coding they could not be seen.
const PLAIN_CODINGS: [&str; 3] = ["7bit", "8bit", "binary"];

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
    /// A PDF file that does more than show something.
    #[error("This PDF holds a script or starts a program: print it to PDF again and send that")]
    Script,
    /// A mail with something attached that is not looked into.
    #[error(
        "This mail has an attachment other than text, PNG, JPEG or PDF, which cannot be taken: save the mail as PDF \
         and send that"
    )]
    Attachment,
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
        return if has_script(octets) { Err(ProofFault::Script) } else { Ok(ProofKind::Pdf) };
    }
    examine_text(octets)
}

/// Whether a PDF file names a script or a program to start, in what can be read without unpacking it. In a compressed
/// picture these octets stand by chance about once in thousands of files of the largest size.
fn has_script(octets: &[u8]) -> bool {
    let delimits = |octet: &u8| octet.is_ascii_whitespace() || b"\0()<>[]{}%".contains(octet);
    let ends = |rest: &[u8]| rest.first().is_none_or(delimits);
    octets.split(|octet| *octet == b'/').skip(1).any(|name| {
        name.starts_with(b"JavaScript") || name.starts_with(b"Launch") || name.strip_prefix(b"JS").is_some_and(ends)
    })
}

/// A package of Office parts. The list of parts says what each is, whatever its name; old files inside, whose contents
/// nobody looks through, are not taken either, and no template that Word would fetch from elsewhere.
fn examine_package(octets: &[u8]) -> Result<ProofKind, ProofFault> {
    let mut package = ZipArchive::new(Cursor::new(octets)).map_err(|_| ProofFault::Unknown)?;
    if package.len() > PARTS_MAX {
        return Err(ProofFault::Unknown);
    }
    let names: Result<Vec<String>, _> = package.file_names().map(|name| name.map(|name| name.into_owned())).collect();
    let names = names.map_err(|_| ProofFault::Unknown)?;
    let lower: BTreeSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
    // Word takes no account of capitals in names: of two such parts it might open the one that was not looked at.
    if lower.len() != names.len() {
        return Err(ProofFault::Unknown);
    }
    if lower.iter().any(|name| ACTIVE_ENDINGS.iter().any(|ending| name.ends_with(ending))) {
        return Err(ProofFault::Macros);
    }
    let mut left = LISTS_OCTETS_MAX;
    let types = list(&mut package, "[Content_Types].xml", &mut left)?;
    if ACTIVE.iter().any(|word| types.contains(word)) {
        return Err(ProofFault::Macros);
    }
    for name in names.iter().filter(|name| name.to_lowercase().ends_with(".rels")) {
        let relations = list(&mut package, name, &mut left)?;
        let fetches = |element: &str| element.contains("attachedtemplate") && element.contains("external");
        if relations.split('<').any(fetches) {
            return Err(ProofFault::Macros);
        }
    }
    let is_word = lower.contains("word/document.xml") && types.contains("wordprocessingml.document");
    if is_word { Ok(ProofKind::Docx) } else { Err(ProofFault::Unknown) }
}

/// A list in a package, in lower case, so that words can be looked for in it. `left` is what all lists of the package
/// may still come to.
fn list(package: &mut ZipArchive<Cursor<&[u8]>>, name: &str, left: &mut u64) -> Result<String, ProofFault> {
    let part = package.by_name(name).map_err(|_| ProofFault::Unknown)?;
    let mut octets = Vec::new();
    part.take(left.saturating_add(1)).read_to_end(&mut octets).map_err(|_| ProofFault::Unknown)?;
    let read = u64::try_from(octets.len()).map_err(|_| ProofFault::TooLarge)?;
    *left = left.checked_sub(read).ok_or(ProofFault::Unknown)?;
    // Other encodings than UTF-8, characters by number and declared names would hide the words looked for.
    let text = String::from_utf8(octets).map_err(|_| ProofFault::Unknown)?.to_lowercase();
    if text.contains("&#") || text.contains("<!doctype") { Err(ProofFault::Macros) } else { Ok(text) }
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
    // Some programs take a lone carriage return for the end of a line too.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    if !is_mail(&text) {
        return Ok(ProofKind::Text);
    }
    if has_only_known_parts(&text) { Ok(ProofKind::Eml) } else { Err(ProofFault::Attachment) }
}

/// Whether a mail's own head, and the head of every part in it, name a kind that is taken. A part is taken to begin at
/// every line that begins as a boundary does, whichever boundary the mail declares: mail programs differ about those.
fn has_only_known_parts(text: &str) -> bool {
    let mut head = Some(Head::default());
    for line in text.lines() {
        if line.starts_with("--") {
            if head.replace(Head::default()).is_some_and(|before| !before.is_known()) {
                return false;
            }
        } else if line.is_empty() {
            let Some(ended) = head.take() else { continue };
            if !ended.is_known() {
                return false;
            }
            head = ended.may_lead_to_another().then(Head::default);
        } else if let Some(head) = head.as_mut() {
            head.add(line);
        }
    }
    head.is_none_or(|head| head.is_known())
}

/// The head of a mail or of a part: its fields in lower case, each with the lines folded under it.
#[derive(Default)]
struct Head(Vec<String>);

impl Head {
    fn add(&mut self, line: &str) {
        let line = line.to_lowercase();
        match self.0.last_mut() {
            Some(field) if line.starts_with([' ', '\t']) => field.push_str(&line),
            Some(_) | None => self.0.push(line),
        }
    }

    /// The values of a field, without what follows the first semicolon.
    fn values(&self, name: &str) -> Vec<&str> {
        let fields = self.0.iter().filter_map(|field| field.split_once(':'));
        let named = fields.filter(|(found, _)| found.trim() == name);
        named.map(|(_, value)| value.split(';').next().unwrap_or_default().trim()).collect()
    }

    fn is_known(&self) -> bool {
        match self.values("content-type").as_slice() {
            [] => true,
            [kind] if kind.starts_with("multipart/") || kind.starts_with("message/") => {
                let codings = self.values("content-transfer-encoding");
                let is_plain = codings.iter().all(|coding| PLAIN_CODINGS.contains(coding));
                is_plain && (kind.starts_with("multipart/") || MAIL_PARTS.contains(kind))
            }
            [kind] => MAIL_PARTS.contains(kind),
            // Of two kinds one program reads the first, another the last.
            _ => false,
        }
    }

    /// A mail in a mail has a head of its own after the empty line; where no kind is said, it may be one.
    fn may_lead_to_another(&self) -> bool {
        self.values("content-type").iter().all(|kind| *kind == "message/rfc822")
    }
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
    const FETCHED: &str = "<Relationship Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/\
                           attachedTemplate\" Target=\"https://example.org/t\" TargetMode=\"External\"/>";

    fn package(types: &str, parts: &[&str]) -> Vec<u8> {
        let parts: Vec<(&str, &str)> = parts.iter().map(|name| (*name, "x")).collect();
        package_of(types, &parts)
    }

    fn package_of(types: &str, parts: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default();
        for (name, text) in [("[Content_Types].xml", types)].into_iter().chain(parts.iter().copied()) {
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

    /// Aim: an Office file that says it carries a program is refused under any name: by its parts, by the list of them,
    /// however that is written, by its template, by its old format.
    #[test]
    fn what_can_carry_macros_is_refused() {
        let old = [OLE_MARK.as_slice(), &[0; 600]].concat();
        let cases = [
            package(WORD, &["word/document.xml", "word/vbaProject.bin"]),
            package(WORD, &["word/document.xml", "word/embeddings/oleObject1.bin"]),
            package("application/vnd.ms-word.document.macroEnabled.main+xml", &["word/document.xml"]),
            package(&format!("{WORD} application/vnd.ms-office.vbaProject"), &["word/document.xml", "word/other.xml"]),
            package(&format!("{WORD} application/vnd.ms-office.vba&#80;roject"), &["word/document.xml", "word/o.xml"]),
            package(&format!("<!DOCTYPE t [<!ENTITY p \"P\">]>{WORD}"), &["word/document.xml"]),
            package(WORD, &["word/document.xml", "word/embeddings/Plan.DOCM"]),
            package_of(WORD, &[("word/document.xml", "x"), ("word/_rels/settings.xml.rels", FETCHED)]),
            package_of(WORD, &[("word/document.xml", "x"), ("word/_rels/a.rels", "<R Type=\"attached&#84;\"/>")]),
            old,
        ];
        for octets in cases {
            assert_eq!(examine(&octets), Err(ProofFault::Macros));
        }
        let long = format!("{WORD}{}", " ".repeat(4 * 1024 * 1024));
        assert_eq!(examine(&package(&long, &["word/document.xml"])), Err(ProofFault::Unknown), "not read to its end");
        let twice = package(WORD, &["word/document.xml", "[content_types].xml"]);
        assert_eq!(examine(&twice), Err(ProofFault::Unknown), "two lists of parts");
        let own = FETCHED.replace("External", "Internal");
        let with_own = package_of(WORD, &[("word/document.xml", "x"), ("word/_rels/settings.xml.rels", &own)]);
        assert_eq!(examine(&with_own), Ok(ProofKind::Docx));
    }

    /// Aim: a PDF file that names a script or a program in plain octets is refused, and one that does not is taken.
    #[test]
    fn scripts_in_pdf_are_refused() {
        for object in ["/S /JavaScript", "<</JS(app.alert)>>", "/JS 12 0 R", "/S/JS", "/S/Launch/F(a.exe)"] {
            let octets = format!("%PDF-1.7\n1 0 obj <</Type/Action {object}>>");
            assert_eq!(examine(octets.as_bytes()), Err(ProofFault::Script), "{object}");
        }
        for object in ["/JSomething 1", "/Subtype/Link", "JavaScript in a sentence", "/FontName/ABJS+Sans"] {
            let octets = format!("%PDF-1.7\n1 0 obj <</Type/Page {object}>>");
            assert_eq!(examine(octets.as_bytes()), Ok(ProofKind::Pdf), "{object}");
        }
    }

    /// A mail with a part that has this head.
    fn mail_with(head: &str) -> Vec<u8> {
        format!(
            "From: ICO <a@example.org>\r\nDate: Tue, 3 Mar 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/mixed;\r\n boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n\
             Received.\r\n--b\r\n{head}\r\n\r\nUEsDBBQA\r\n--b--\r\n"
        )
        .into_bytes()
    }

    /// Aim: a mail is taken with parts that say they are text, pictures or PDF, and with no others, however the kind is
    /// written and however deep the part lies.
    #[test]
    fn mails_with_other_parts_are_refused() {
        for head in [
            "Content-Type: application/pdf; name=\"receipt.pdf\"\r\nContent-Transfer-Encoding: base64",
            "content-type:\r\n IMAGE/PNG;\r\n name=a.png",
            "Content-Type: text/html; charset=utf-8",
            "Content-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\nContent-Type: text/html\r\n\r\n<p>--c--",
            "Content-Type: message/rfc822\r\n\r\nFrom: b@example.org\r\nContent-Type: text/plain",
            "Content-Disposition: inline",
        ] {
            assert_eq!(examine(&mail_with(head)), Ok(ProofKind::Eml), "{head}");
        }
        for head in [
            "Content-Type: application/vnd.ms-word.document.macroEnabled.12; name*0*=utf-8''plan%2Ed; name*1=ocm",
            "Content-Type: application/octet-stream; name=\"=?utf-8?B?cGxhbi5leGU=?=\"",
            "Content-Transfer-Encoding: base64\r\ncontent-TYPE :\r\n\tapplication/x-msdownload",
            "Content-Type: text/javascript",
            "Content-Type: text/plain\r\nContent-Type: application/zip",
            "Content-Type: message/rfc822\r\n\r\nFrom: b@example.org\r\nContent-Type: application/zip",
            "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64",
            "Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\rContent-Type: application/zip\r\rUEsD",
            "Content-Type: multipart/digest; boundary=c\r\n\r\n--c\r\n\r\nFrom: b@example.org\r\nContent-Type: a/b",
            "Content-Type: (a comment) application/pdf",
            "Content-Type:",
        ] {
            assert_eq!(examine(&mail_with(head)), Err(ProofFault::Attachment), "{head}");
        }
        let alone = b"From: a@example.org\nDate: now\nContent-Type: application/zip\n\nUEsD";
        assert_eq!(examine(alone), Err(ProofFault::Attachment));
        assert!(ProofFault::Attachment.to_string().contains("save the mail as PDF"));
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
