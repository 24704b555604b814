//! The register as a spreadsheet (XLSX).

use domain::incident::costs::decimal;
use rust_xlsxwriter::{Format, Workbook, XlsxError};

use super::{COLUMNS, Cell, cells};
use crate::store::queries::register::Entry;

/// The media type.
pub const MEDIA_TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
/// Lines of one sheet: it is built in memory.
pub const LINES_MAX: usize = 20_000;

/// Lines as a workbook of one sheet. Texts are written as texts, so nothing in them is a formula; with a drill in it, the
/// sheet's name and its first line say so.
///
/// # Errors
/// When the workbook can't be written.
pub fn to_xlsx(entries: &[Entry], note: &str) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let bold = Format::new().set_bold();
    let money = Format::new().set_num_format("#,##0.00");
    let drills = entries.iter().any(|entry| entry.exercise);
    let sheet = workbook.add_worksheet();
    sheet.set_name(if drills { "Register with EXERCISES" } else { "Register" })?;
    sheet.write_string_with_format(0, 0, note, &bold)?;
    for (column, name) in (0_u16..).zip(COLUMNS) {
        sheet.write_string_with_format(1, column, name, &bold)?;
    }
    for (line, entry) in (2_u32..).zip(entries.iter().take(LINES_MAX)) {
        for (column, cell) in (0_u16..).zip(cells(entry)) {
            match cell {
                Cell::Text(text) => sheet.write_string(line, column, text)?,
                Cell::Number(Some(number)) => sheet.write_number(line, column, number)?,
                Cell::Money(Some(pence)) => {
                    // A spreadsheet's numbers are such; of pounds and pence the sums stay right.
                    let pounds: f64 = decimal(pence).parse().unwrap_or_default();
                    sheet.write_number_with_format(line, column, pounds, &money)?
                }
                Cell::Number(None) | Cell::Money(None) => continue,
            };
        }
    }
    sheet.set_freeze_panes(2, 1)?;
    workbook.save_to_buffer()
}
