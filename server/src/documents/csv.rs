//! Tables that leave the node as CSV (RFC 4180), safe to open in a spreadsheet.

pub mod read;

/// The media type.
pub const MEDIA_TYPE: &str = "text/csv; charset=utf-8";
/// What a spreadsheet takes for the beginning of a formula; the wide forms count as the plain ones where East Asian letters
/// are written.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// A table with its heading, one line each.
#[must_use]
pub fn table<const N: usize>(heading: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut text = String::new();
    line(&mut text, heading.into_iter());
    for row in rows {
        line(&mut text, row.iter().map(String::as_str));
    }
    text
}

/// One line, for tables that are written as they are read.
pub fn line<'a>(text: &mut String, cells: impl Iterator<Item = &'a str>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            text.push(',');
        }
        self::cell(text, cell);
    }
    text.push_str("\r\n");
}

/// Quoted where it must be. A text that a spreadsheet would run is told to be text by an apostrophe.
fn cell(text: &mut String, cell: &str) {
    let formula = cell.starts_with(FORMULA) && cell.parse::<i64>().is_err();
    let quoted = formula || cell.contains([',', '"', '\n', '\r']);
    if !quoted {
        text.push_str(cell);
        return;
    }
    text.push('"');
    if formula {
        text.push('\'');
    }
    text.push_str(&cell.replace('"', "\"\""));
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Aim: what is told comes back as it was, and nothing in it runs in a spreadsheet.
    #[test]
    fn cells_are_quoted_and_never_run() {
        let rows = [["Plain".to_owned(), "a, b".to_owned()], ["=1+1".to_owned(), "-3".to_owned()]];
        let text = table(["name", "say \"what\""], rows);
        assert_eq!(text, "name,\"say \"\"what\"\"\"\r\nPlain,\"a, b\"\r\n\"'=1+1\",-3\r\n");
    }
}
