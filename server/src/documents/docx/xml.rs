//! The few shapes of WordprocessingML that a paper needs, with everything that somebody typed escaped.

use domain::values::hidden::turns;

use crate::documents::paper::{Orientation, Table};

/// The width between the margins, in twentieths of a point.
const fn width(lies: Orientation) -> u32 {
    match lies {
        Orientation::Portrait => 9_638,
        Orientation::Landscape => 14_570,
    }
}

/// A row of at most so many octets is not divided between pages.
const ROW_KEPT_WHOLE_OCTETS: usize = 1_000;

/// Whether XML 1.0 can hold a character (section 2.2), and the page may: what turns the text around it is left out.
const fn can_be_held(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..) && !turns(c)
}

/// A text between tags, or in an attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars().filter(|c| can_be_held(*c)) {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            c => safe.push(c),
        }
    }
    safe
}

/// A text as a run; line breaks and tabs stay what they are.
fn run(body: &mut String, bold: bool, text: &str) {
    body.push_str(if bold { "<w:r><w:rPr><w:b/></w:rPr>" } else { "<w:r>" });
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            body.push_str("<w:br/>");
        }
        for (number, piece) in line.split('\t').enumerate() {
            if number > 0 {
                body.push_str("<w:tab/>");
            }
            if !piece.is_empty() {
                body.push_str("<w:t xml:space=\"preserve\">");
                body.push_str(&escaped(piece));
                body.push_str("</w:t>");
            }
        }
    }
    body.push_str("</w:r>");
}

/// A paragraph in a style, of runs that are bold or not.
pub(super) fn paragraph(body: &mut String, style: &str, runs: &[(bool, &str)]) {
    body.push_str(&format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr>"));
    for (bold, text) in runs {
        if !text.is_empty() {
            run(body, *bold, text);
        }
    }
    body.push_str("</w:p>");
}

/// A table whose heading row is repeated on every page that it reaches.
pub(super) fn table(body: &mut String, table: &Table, lies: Orientation) {
    paragraph(body, "Caption", &[(false, &table.caption)]);
    let caption = escaped(&table.caption);
    let names_rows = u8::from(table.names_rows);
    body.push_str(&format!(
        "<w:tbl><w:tblPr><w:tblStyle w:val=\"TableGrid\"/><w:tblW w:w=\"5000\" w:type=\"pct\"/><w:tblLayout \
         w:type=\"fixed\"/><w:tblLook w:val=\"0020\" w:firstRow=\"1\" w:lastRow=\"0\" w:firstColumn=\"{names_rows}\" \
         w:lastColumn=\"0\" w:noHBand=\"1\" w:noVBand=\"1\"/><w:tblCaption w:val=\"{caption}\"/></w:tblPr><w:tblGrid>"
    ));
    let shares = table.shares();
    let all: u32 = shares.iter().map(|share| u32::from(*share)).sum();
    let widths: Vec<u32> = shares.iter().map(|share| width(lies) * u32::from(*share) / all.max(1)).collect();
    for width in &widths {
        body.push_str(&format!("<w:gridCol w:w=\"{width}\"/>"));
    }
    body.push_str("</w:tblGrid>");
    row(body, &widths, &table.headings, Some("<w:cantSplit/><w:tblHeader/>"), |_| true);
    for cells in &table.rows {
        let whole = cells.iter().map(String::len).sum::<usize>() <= ROW_KEPT_WHOLE_OCTETS;
        row(body, &widths, cells, whole.then_some("<w:cantSplit/>"), |column| table.names_rows && column == 0);
    }
    // What follows a table has to be a paragraph, or two tables would become one.
    body.push_str("</w:tbl>");
    paragraph(body, "Gap", &[]);
}

fn row(body: &mut String, widths: &[u32], cells: &[String], rules: Option<&str>, bold: impl Fn(usize) -> bool) {
    body.push_str("<w:tr>");
    if let Some(rules) = rules {
        body.push_str(&format!("<w:trPr>{rules}</w:trPr>"));
    }
    for (column, width) in widths.iter().enumerate() {
        body.push_str(&format!("<w:tc><w:tcPr><w:tcW w:w=\"{width}\" w:type=\"dxa\"/></w:tcPr>"));
        let text = cells.get(column).map_or("", |cell| cell.trim());
        paragraph(body, "Cell", &[(bold(column), text)]);
        body.push_str("</w:tc>");
    }
    body.push_str("</w:tr>");
}
