//! Tables. A row moves to the next page whole; only one that is higher than a page is divided. On each page that a table
//! reaches its headings stand again, for the eye only: who listens hears them once.

use krilla::tagging::{TableHeaderScope, Tag, TagKind};

use super::layout::{Colour, Element, Layout, MARGIN, Style};
use super::typeface::Weight;
use crate::documents::paper::Table;

const CAPTION: Style = Style::new(10.0, Weight::Bold, Colour::Ink);
const HEADING: Style = Style::new(9.0, Weight::Bold, Colour::Ink);
const CELL: Style = Style::new(9.0, Weight::Regular, Colour::Ink);
/// Between the text of a cell and its edges.
const PADDING: f32 = 4.0;
/// A row that has to be divided leaves at least so many lines on a page.
const LINES_KEPT: usize = 3;

/// Where a column is.
#[derive(Clone, Copy)]
struct Column {
    x: f32,
    width: f32,
}

/// A cell: its lines, how they look, and the element that they are.
struct Cell {
    column: Column,
    lines: std::vec::IntoIter<String>,
    style: Style,
    element: Option<Element>,
}

/// Lays out a table.
pub(super) fn lay_out(layout: &mut Layout, table: &Table) {
    let columns = columns(layout, table);
    let element = layout.element(Tag::Table, None);
    let caption = layout.element(Tag::Caption, Some(element));
    let (width, high) = (layout.width(), row_height(LINES_KEPT));
    let lines = layout.faces().lines(&table.caption, CAPTION.weight, CAPTION.size, width);
    layout.space(6.0);
    layout.room(2.0 * CAPTION.height() + 2.0 * high);
    if !table.caption.trim().is_empty() {
        layout.lines(MARGIN, lines, CAPTION, caption);
        layout.space(2.0);
    }
    let head = layout.element(Tag::THead, Some(element));
    let row = layout.element(Tag::TR, Some(head));
    let mut headings = cells(layout, &columns, &table.headings, Names::Columns, Some(row));
    let heading = tallest(&headings);
    draw(layout, &mut headings, heading);
    if table.rows.is_empty() {
        return layout.space(10.0);
    }
    let body = layout.element(Tag::TBody, Some(element));
    let names = if table.names_rows { Names::Row } else { Names::Nothing };
    for texts in &table.rows {
        let row = layout.element(Tag::TR, Some(body));
        let mut cells = cells(layout, &columns, texts, names, Some(row));
        row_over_pages(layout, &mut cells, &columns, table, heading);
    }
    layout.space(10.0);
}

/// Columns by their share of the width, but each wide enough for every word of its heading, where there is room for that.
fn columns(layout: &mut Layout, table: &Table) -> Vec<Column> {
    let shares: Vec<f32> = table.shares().into_iter().map(f32::from).collect();
    let (all, width): (f32, f32) = (shares.iter().sum(), layout.width());
    let least: Vec<f32> = table.headings.iter().map(|heading| widest_word(layout, heading)).collect();
    let room = width - least.iter().sum::<f32>();
    let beyond = |(share, least): (&f32, &f32)| (width * share / all - least).max(0.0);
    let wanted: f32 = shares.iter().zip(&least).map(beyond).sum();
    let mut x = MARGIN;
    let mut place = |(share, least): (&f32, &f32)| {
        let fits = room >= 0.0 && wanted > 0.0;
        let width = if fits { least + room * beyond((share, least)) / wanted } else { width * share / all };
        let column = Column { x, width };
        x += width;
        column
    };
    shares.iter().zip(&least).map(&mut place).collect()
}

/// How wide a column has to be for the longest word of its heading.
fn widest_word(layout: &mut Layout, heading: &str) -> f32 {
    let faces = layout.faces();
    let words = heading.split_whitespace().map(|word| faces.width(word, HEADING.weight, HEADING.size));
    words.fold(0.0, f32::max) + 2.0 * PADDING + 0.5
}

/// Which cells of a row name something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    /// Each names its column.
    Columns,
    /// The first names the row.
    Row,
    /// None does.
    Nothing,
}

impl Names {
    /// What a cell of this column names.
    const fn scope(self, column: usize) -> Option<TableHeaderScope> {
        match self {
            Self::Columns => Some(TableHeaderScope::Column),
            Self::Row if column == 0 => Some(TableHeaderScope::Row),
            Self::Row | Self::Nothing => None,
        }
    }
}

/// The cells of a row, as elements in it; as none for a row that only repeats what was said before.
fn cells(layout: &mut Layout, columns: &[Column], texts: &[String], names: Names, row: Option<Element>) -> Vec<Cell> {
    let mut cells = Vec::with_capacity(columns.len());
    for (number, column) in columns.iter().enumerate() {
        let scope = names.scope(number);
        let style = if scope.is_some() { HEADING } else { CELL };
        let tag: TagKind = scope.map_or_else(|| Tag::TD.into(), |scope| Tag::TH(scope).into());
        let element = row.map(|row| layout.element(tag, Some(row)));
        let text = texts.get(number).map_or("", |text| text.trim());
        let lines = layout.faces().lines(text, style.weight, style.size, column.width - 2.0 * PADDING);
        cells.push(Cell { column: *column, lines: lines.into_iter(), style, element });
    }
    cells
}

/// The lines of the tallest cell that are still to be drawn.
fn tallest(cells: &[Cell]) -> usize {
    cells.iter().map(|cell| cell.lines.len()).max().unwrap_or(0)
}

fn row_height(lines: usize) -> f32 {
    lines as f32 * CELL.height() + 2.0 * PADDING
}

/// How many lines of a row fit into a height.
fn fitting(height: f32) -> usize {
    (1..).take_while(|lines| row_height(*lines) <= height).count()
}

fn row_over_pages(layout: &mut Layout, cells: &mut [Cell], columns: &[Column], table: &Table, heading: usize) {
    loop {
        let lines = tallest(cells);
        if row_height(lines) <= layout.left() {
            return draw(layout, cells, lines);
        }
        let fits_on_a_page = row_height(lines) + row_height(heading) <= layout.whole();
        let here = fitting(layout.left());
        if !fits_on_a_page && here >= LINES_KEPT {
            draw(layout, cells, here);
        } else if layout.is_fresh() {
            // Not even the headings leave room: one line at a time, rather than never.
            draw(layout, cells, 1);
        }
        layout.turn();
        // Headings that fill half a page would leave no room for rows.
        if row_height(heading) * 2.0 < layout.whole() {
            let mut again = layout.again(|layout| self::cells(layout, columns, &table.headings, Names::Columns, None));
            draw(layout, &mut again, heading);
        }
    }
}

/// Draws so many lines of each cell, and the rule below them.
fn draw(layout: &mut Layout, cells: &mut [Cell], lines: usize) {
    let top = layout.y;
    for cell in cells {
        layout.y = top + PADDING;
        for line in cell.lines.by_ref().take(lines) {
            layout.set(cell.column.x + PADDING, line, cell.style, cell.element);
            layout.y += CELL.height();
        }
    }
    layout.y = top + row_height(lines);
    let width = layout.width();
    layout.rule(MARGIN, width);
}
