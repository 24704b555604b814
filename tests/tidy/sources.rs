//! The repository's files, and Rust text without what isn't code.

use std::fs;
use std::path::{Path, PathBuf};

/// One Rust file: its path from the root, and its lines.
pub(super) struct Source {
    pub(super) path: String,
    pub(super) lines: Vec<String>,
}

impl Source {
    /// Lines of product code: comments and strings blanked, and everything from the unit tests on left out.
    pub(super) fn product_code(&self) -> Vec<(usize, String)> {
        if self.path.ends_with("/tests.rs") || self.path.ends_with("/testing.rs") || self.path.contains("/tests/") {
            return Vec::new();
        }
        let end = self
            .lines
            .iter()
            .position(|line| line.trim_start().starts_with("#[cfg(test)]"))
            .unwrap_or(self.lines.len());
        self.code().into_iter().filter(|(number, _)| *number <= end).collect()
    }

    /// All lines with comments and strings blanked, numbered from 1.
    pub(super) fn code(&self) -> Vec<(usize, String)> {
        self.lines.iter().enumerate().map(|(index, line)| (index + 1, without_text(line))).collect()
    }
}

/// A line without its comment and with its string literals emptied. Good enough for code that rustfmt has laid out:
/// a string over several lines keeps its inner lines, which only makes a check stricter.
fn without_text(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut characters = line.chars().peekable();
    let mut in_string = false;
    while let Some(c) = characters.next() {
        match c {
            '\\' if in_string => {
                characters.next();
            }
            '"' => {
                in_string = !in_string;
                kept.push('"');
            }
            '\'' if !in_string && characters.peek() == Some(&'"') => {
                characters.next();
            }
            '/' if !in_string && characters.peek() == Some(&'/') => break,
            _ if in_string => {}
            _ => kept.push(c),
        }
    }
    kept
}

/// The repository's root.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests package lies in the repository").to_path_buf()
}

/// Every file under the root with this ending, leaving out what is built or fetched.
pub(super) fn files(ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the repository is readable") {
            let path = entry.expect("a folder of the repository is readable").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if path.is_dir() {
                if !["target", "node_modules", ".git", "screenshots"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Every Rust file.
pub(super) fn rust() -> Vec<Source> {
    let sources: Vec<Source> = files(".rs")
        .into_iter()
        .map(|path| Source {
            lines: fs::read_to_string(&path).expect("Rust sources are UTF-8").lines().map(str::to_owned).collect(),
            path: relative(&path),
        })
        .collect();
    assert!(sources.len() > 20, "the sources were not found");
    sources
}

/// A path as the repository names it.
pub(super) fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

#[test]
fn comments_and_strings_are_not_code() {
    assert_eq!(without_text(r#"let a = "x // y \" z"; // Utc::now()"#), r#"let a = ""; "#);
    assert_eq!(without_text("let quote = '\"'; let b = 1;"), "let quote = '; let b = 1;");
}
