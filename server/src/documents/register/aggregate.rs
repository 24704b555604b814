//! Figures that may be published: counts in two ways at once, with every count under five left out, and as many others as
//! it takes that totals do not give it away.

use std::collections::BTreeMap;

use super::{band_label, cause_label};
use crate::store::queries::register::figures::Figures;

/// Counts below this are left out.
pub const FEWEST: i64 = 5;

/// A table of counts with its totals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Names of the rows.
    pub rows: Vec<String>,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// A count for each row and column; `None` is left out.
    pub cells: Vec<Vec<Option<i64>>>,
    /// The totals of the rows; `None` is left out.
    pub row_totals: Vec<Option<i64>>,
    /// The totals of the columns.
    pub column_totals: Vec<Option<i64>>,
    /// All of it.
    pub total: Option<i64>,
}

/// Incidents by cause and by the ICO's band of how many people, as may be published.
#[must_use]
pub fn by_cause_and_people(figures: &Figures) -> Table {
    let mut counts: BTreeMap<(String, String), i64> = BTreeMap::new();
    for (code, n) in figures.beginning("cause_by_people.") {
        let Some((cause, band)) = code.split_once('.') else { continue };
        let count = counts.entry((cause_label(cause).to_owned(), band_label(band).to_owned())).or_default();
        *count = count.saturating_add(n);
    }
    table(&counts)
}

/// A table of counts from single ones, by the names of row and column, in which nobody can be found.
///
/// A count from 1 to 4 is left out, and three others with it: one in its row, one in its column, and the one where these
/// two cross, so chosen that they take the least with them. None of the four is nought, so all could be one more or one
/// less, by turns, and every total would still be right: whoever adds up lines, however many, works out none of them.
/// Totals are cells of the same table, and go where they must.
#[must_use]
pub fn table(counts: &BTreeMap<(String, String), i64>) -> Table {
    let mut rows: Vec<String> = counts.keys().map(|(row, _)| row.clone()).collect();
    rows.dedup();
    let mut columns: Vec<String> = counts.keys().map(|(_, column)| column.clone()).collect();
    columns.sort();
    columns.dedup();
    let mut grid = Grid::of(counts, &rows, &columns);
    grid.suppress();
    let Grid { shown, .. } = grid;
    let mut lines = shown.into_iter();
    let mut cells: Vec<Vec<Option<i64>>> = lines.by_ref().take(rows.len()).collect();
    let mut column_totals = lines.next().unwrap_or_default();
    let total = column_totals.pop().flatten();
    let row_totals = cells.iter_mut().map(|line| line.pop().flatten()).collect();
    Table { rows, columns, cells, row_totals, column_totals, total }
}

/// Counts with a last column and a last line of totals.
struct Grid {
    counts: Vec<Vec<i64>>,
    shown: Vec<Vec<Option<i64>>>,
}

impl Grid {
    fn of(counts: &BTreeMap<(String, String), i64>, rows: &[String], columns: &[String]) -> Self {
        let mut lines: Vec<Vec<i64>> = rows
            .iter()
            .map(|row| {
                let of = |column: &String| counts.get(&(row.clone(), column.clone())).copied().unwrap_or_default();
                let mut line: Vec<i64> = columns.iter().map(of).collect();
                line.push(line.iter().sum());
                line
            })
            .collect();
        let width = columns.len().saturating_add(1);
        let totals = (0..width).map(|at| lines.iter().filter_map(|line| line.get(at)).sum()).collect();
        lines.push(totals);
        let shown = lines
            .iter()
            .map(|line| line.iter().map(|count| Some(*count).filter(|count| !(1..FEWEST).contains(count))).collect())
            .collect();
        Self { counts: lines, shown }
    }

    fn suppress(&mut self) {
        for (row, line) in (0..).zip(self.counts.clone()) {
            for (column, count) in (0..).zip(line) {
                if !(1..FEWEST).contains(&count) {
                    continue;
                }
                for place in self.taken_along((row, column)) {
                    if let Some(cell) = self.shown.get_mut(place.0).and_then(|line| line.get_mut(place.1)) {
                        *cell = None;
                    }
                }
            }
        }
    }

    /// The three that go with a small count: those that take the least with them. There always are such, because the totals
    /// of a count's row and column, and of all, are not nought.
    fn taken_along(&self, (row, column): (usize, usize)) -> [(usize, usize); 3] {
        let at = |(row, column): (usize, usize)| self.counts.get(row).and_then(|line| line.get(column)).copied();
        let left = |(row, column): (usize, usize)| {
            self.shown.get(row).and_then(|line| line.get(column)).copied().flatten().unwrap_or_default()
        };
        let width = self.counts.first().map_or(0, Vec::len);
        let others = (0..self.counts.len()).filter(|other| *other != row);
        others
            .flat_map(|down| (0..width).filter(|other| *other != column).map(move |across| (down, across)))
            .map(|(down, across)| [(row, across), (down, column), (down, across)])
            .filter(|corners| corners.iter().all(|corner| at(*corner).is_some_and(|count| count > 0)))
            .min_by_key(|corners| corners.iter().map(|corner| left(*corner)).sum::<i64>())
            .unwrap_or([(row, column); 3])
    }
}

/// The table as CSV; what is left out is a letter, which the last line explains.
#[must_use]
pub fn to_csv(table: &Table) -> String {
    let mut text = String::new();
    let said = |count: &Option<i64>| count.map_or_else(|| "c".to_owned(), |count| count.to_string());
    let mut heading = vec!["cause \\ people affected".to_owned()];
    heading.extend(table.columns.iter().cloned());
    heading.push("total".to_owned());
    super::csv::line(&mut text, heading.iter().map(String::as_str));
    for ((row, cells), total) in table.rows.iter().zip(&table.cells).zip(&table.row_totals) {
        let mut line = vec![row.clone()];
        line.extend(cells.iter().map(said));
        line.push(said(total));
        super::csv::line(&mut text, line.iter().map(String::as_str));
    }
    let mut last = vec!["total".to_owned()];
    last.extend(table.column_totals.iter().map(said));
    last.push(said(&table.total));
    super::csv::line(&mut text, last.iter().map(String::as_str));
    super::csv::line(&mut text, ["c: left out, so that nobody can be found"].into_iter());
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn counted(cells: &[&[i64]]) -> BTreeMap<(String, String), i64> {
        let mut counts = BTreeMap::new();
        for (row, line) in cells.iter().enumerate() {
            for (column, count) in line.iter().enumerate() {
                counts.insert((format!("r{row}"), format!("c{column}")), *count);
            }
        }
        counts
    }

    /// Aim: a small count goes, and with it another in its row and its column, so that no total gives it back.
    #[test]
    fn a_small_count_takes_others_along() {
        let made = table(&counted(&[&[3, 20, 30], &[40, 50, 60], &[70, 80, 90]]));
        assert_eq!(made.cells[0], [None, None, Some(30)]);
        assert_eq!(made.cells[1], [None, None, Some(60)]);
        assert_eq!((made.row_totals[0], made.total), (Some(53), Some(443)));
        let plain = table(&counted(&[&[5, 0], &[9, 7]]));
        assert!(plain.cells.iter().flatten().all(Option::is_some), "five and nought are told");
        assert!(to_csv(&plain).contains(",c0,c1,total\r\nr0,5,0,5\r\nr1,9,7,16\r\ntotal,14,7,21\r\n"));
        assert_eq!(table(&BTreeMap::new()).total, Some(0));
    }

    /// A place that is left out, and whether it counts for or against its line.
    type Gap = ((usize, usize), i64);

    /// Lines that add up, over the gaps only, each with what the shown cells leave of it: inner cells count once, the total
    /// against them.
    fn sums(grid: &[Vec<Option<i64>>]) -> Vec<(Vec<Gap>, i64)> {
        let (height, width) = (grid.len(), grid[0].len());
        let rows = (0..height).map(|row| (0..width).map(|column| (row, column)).collect::<Vec<_>>());
        let columns = (0..width).map(|column| (0..height).map(|row| (row, column)).collect::<Vec<_>>());
        let sum = |places: Vec<(usize, usize)>| {
            let last = places.len() - 1;
            let (mut gaps, mut rest) = (Vec::new(), 0);
            for (at, place) in places.into_iter().enumerate() {
                let sign = if at == last { -1 } else { 1 };
                match grid[place.0][place.1] {
                    Some(count) => rest -= sign * count,
                    None => gaps.push((place, sign)),
                }
            }
            (gaps, rest)
        };
        rows.chain(columns).map(sum).collect()
    }

    /// What somebody works out who adds and subtracts whole lines: gaps for which that leaves one value.
    fn solved(grid: &[Vec<Option<i64>>]) -> usize {
        let sums = sums(grid);
        let gaps: Vec<(usize, usize)> = sums.iter().flat_map(|(gaps, _)| gaps.iter().map(|gap| gap.0)).collect();
        let gaps: Vec<(usize, usize)> = std::collections::BTreeSet::from_iter(gaps).into_iter().collect();
        let sign = |line: &[Gap], gap| line.iter().find(|(of, _)| *of == gap).map_or(0, |(_, sign)| *sign);
        let mut lines: Vec<Vec<i64>> =
            sums.iter().map(|(line, _)| gaps.iter().map(|gap| sign(line, *gap)).collect()).collect();
        let mut used = 0;
        for gap in 0..gaps.len() {
            let Some(pivot) = (used..lines.len()).find(|line| lines[*line][gap] != 0) else { continue };
            lines.swap(used, pivot);
            let leading = lines[used].clone();
            for (at, line) in lines.iter_mut().enumerate().filter(|(_, line)| line[gap] != 0) {
                // Such a table's elimination never leaves -1, 0 and 1.
                let times = line[gap] * leading[gap];
                if at != used {
                    line.iter_mut().zip(&leading).for_each(|(cell, lead)| *cell -= times * lead);
                }
            }
            used += 1;
        }
        lines.iter().filter(|line| line.iter().filter(|sign| **sign != 0).count() == 1).count()
    }

    /// What somebody works out who knows that no count is below nought: the narrowest bounds of each gap.
    fn bounded(grid: &[Vec<Option<i64>>]) -> BTreeMap<(usize, usize), (i64, i64)> {
        const MANY: i64 = 1_000_000;
        let mut bounds: BTreeMap<(usize, usize), (i64, i64)> = BTreeMap::new();
        for _ in 0..20 {
            for (line, rest) in sums(grid) {
                for (gap, sign) in &line {
                    let others = line.iter().filter(|(other, _)| other != gap).map(|(other, sign)| {
                        let (least, most) = bounds.get(other).copied().unwrap_or((0, MANY));
                        if *sign > 0 { (least, most) } else { (-most, -least) }
                    });
                    let (least, most) = others.fold((0, 0), |sum, other| (sum.0 + other.0, sum.1 + other.1));
                    let (low, high) = if *sign > 0 { (rest - most, rest - least) } else { (least - rest, most - rest) };
                    let bound = bounds.entry(*gap).or_insert((0, MANY));
                    *bound = (bound.0.max(low), bound.1.min(high));
                }
            }
        }
        bounds
    }

    fn whole(made: &Table) -> Vec<Vec<Option<i64>>> {
        let mut grid: Vec<Vec<Option<i64>>> = made.cells.clone();
        for (line, total) in grid.iter_mut().zip(&made.row_totals) {
            line.push(*total);
        }
        let mut last = made.column_totals.clone();
        last.push(made.total);
        grid.push(last);
        grid
    }

    /// Aim: a gap that ties two groups of gaps together is not worked out by taking the rows of one from its columns, nor
    /// one whose neighbours can only be noughts.
    #[test]
    fn lines_taken_together_tell_nothing() {
        let tied: &[&[i64]] = &[&[3, 20, 90, 90], &[20, 20, 4, 90], &[90, 90, 20, 20], &[90, 90, 20, 3]];
        let noughts: &[&[i64]] = &[&[3, 0, 50], &[0, 0, 60], &[70, 80, 90]];
        for cells in [tied, noughts] {
            let grid = whole(&table(&counted(cells)));
            assert_eq!(solved(&grid), 0, "{grid:?}");
            assert!(bounded(&grid).values().all(|(least, most)| least < most), "{grid:?}");
        }
        // The attack itself works: of a lone gap it finds the value.
        let lone = [vec![None, Some(6), Some(9)], vec![Some(7), Some(8), Some(15)], vec![Some(10), Some(14), Some(24)]];
        assert_eq!((solved(&lone), bounded(&lone).get(&(0, 0))), (1, Some(&(3, 3))));
    }

    proptest! {
        /// Aim: no count from 1 to 4 is shown, what is shown is true, and nobody who adds, subtracts or bounds lines finds
        /// what is left out.
        #[test]
        fn nobody_can_be_found(cells in prop::collection::vec(prop::collection::vec(0_i64..12, 4), 1..6)) {
            let lines: Vec<&[i64]> = cells.iter().map(Vec::as_slice).collect();
            let made = table(&counted(&lines));
            for (row, line) in made.cells.iter().enumerate() {
                for (column, cell) in line.iter().enumerate() {
                    prop_assert!(cell.is_none_or(|cell| cell == cells[row][column] && !(1..FEWEST).contains(&cell)));
                }
            }
            let grid = whole(&made);
            prop_assert!(grid.iter().flatten().flatten().all(|count| !(1..FEWEST).contains(count)));
            prop_assert_eq!(solved(&grid), 0, "{:?}", &grid);
            prop_assert!(bounded(&grid).values().all(|(least, most)| least < most), "{:?}", &grid);
        }
    }
}
