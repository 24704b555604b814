//! A file that leaves the node: its name, what it is, and its octets.

/// The longest file name, in letters, without its ending.
const STEM_MAX: usize = 100;

/// A file to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name: ASCII letters, digits, `-`, `_` and `.` only, so that it fits into a header and onto every disk.
    pub name: String,
    /// The media type.
    pub media_type: &'static str,
    /// The octets.
    pub octets: Vec<u8>,
}

impl File {
    /// A file named after `stem`. Whatever a header or a disk could misread becomes a hyphen.
    #[must_use]
    pub fn new(stem: &str, ending: &str, media_type: &'static str, octets: Vec<u8>) -> Self {
        let mut name = String::new();
        for letter in stem.chars().take(STEM_MAX) {
            let kept = if letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.') { letter } else { '-' };
            // No run of hyphens, and nothing that hides a file or looks like an option.
            if !(matches!(kept, '-' | '.') && (name.is_empty() || name.ends_with(['-', '.']))) {
                name.push(kept);
            }
        }
        let stem = name.trim_end_matches(['-', '.']);
        let stem = if stem.is_empty() { "document" } else { stem };
        Self { name: format!("{stem}.{ending}"), media_type, octets }
    }

    /// The value of a `Content-Disposition` header (RFC 6266): it is kept, not shown.
    #[must_use]
    pub fn disposition(&self) -> String {
        format!("attachment; filename=\"{}\"", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Aim: a name that somebody typed can neither end a header nor lead out of a folder.
    #[test]
    fn names_are_harmless() {
        for (stem, name) in [
            ("TC-2026-0042-ICO-report", "TC-2026-0042-ICO-report.pdf"),
            ("../../etc/passwd", "etc-passwd.pdf"),
            ("a\"\r\nX: b", "a-X-b.pdf"),
            ("-rf ..", "rf.pdf"),
            ("Tŷ'r Cyngor", "T-r-Cyngor.pdf"),
            ("", "document.pdf"),
        ] {
            assert_eq!(File::new(stem, "pdf", "application/pdf", Vec::new()).name, name);
        }
        assert!(File::new(&"a".repeat(1_000), "pdf", "application/pdf", Vec::new()).name.len() < 110);
    }
}
