//! Charts drawn by the server: SVG with title and description, every value beside its bar, at most five series. A table with
//! the same figures goes with each, so that nobody needs to see a picture; colours come from the stylesheet.

use askama::Template;

use super::words::grouped;

/// Width of every chart, in units of its own. Narrow, so that its letters stay readable on a telephone.
const WIDTH: i64 = 420;
/// Room for a bar with its label.
const BAR: i64 = 56;
/// Height of columns.
const COLUMN: i64 = 150;
/// Room above columns, for their figures, and below, for their labels.
const ABOVE: i64 = 28;
const BELOW: i64 = 30;
/// Bars, or columns, of one chart.
const SHOWN_MAX: usize = 36;
/// Letters of a label that fit beside the figure.
const LETTERS_MAX: usize = 34;

/// A chart of bars that lie: one value for each label.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/chart_bars.html")]
pub struct Bars {
    id: &'static str,
    title: String,
    description: String,
    height: i64,
    bars: Vec<Bar>,
}

impl askama::filters::HtmlSafe for Bars {}

#[derive(Debug, Clone)]
struct Bar {
    label: String,
    value: String,
    text_at: i64,
    bar_at: i64,
    width: i64,
}

impl Bars {
    /// Bars in the order given. `None` when there is nothing to draw.
    #[must_use]
    pub fn of(id: &'static str, title: &str, values: &[(String, i64)]) -> Option<Self> {
        Self::in_words(id, title, values, grouped)
    }

    /// The same of values that are written in their own way, such as amounts of money.
    #[must_use]
    pub fn in_words(id: &'static str, title: &str, values: &[(String, i64)], words: fn(i64) -> String) -> Option<Self> {
        let most = values.iter().map(|(_, value)| *value).max().filter(|most| *most > 0)?;
        let bars: Vec<Bar> = (0_i64..)
            .zip(values.iter().take(SHOWN_MAX))
            .map(|(at, (label, value))| Bar {
                label: short(label),
                value: words(*value),
                text_at: at.saturating_mul(BAR).saturating_add(20),
                bar_at: at.saturating_mul(BAR).saturating_add(28),
                width: scaled(*value, most, WIDTH),
            })
            .collect();
        let height = i64::try_from(bars.len()).unwrap_or(0).saturating_mul(BAR);
        let said: Vec<String> = values.iter().map(|(label, value)| format!("{label}: {}", words(*value))).collect();
        Some(Self { id, title: title.to_owned(), description: said.join("; "), height, bars })
    }
}

/// A chart of columns that stand, for times one after the other; one or two series, one on top of the other.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/chart_columns.html")]
pub struct Columns {
    id: &'static str,
    title: String,
    description: String,
    height: i64,
    floor: i64,
    labels_at: i64,
    series: Vec<&'static str>,
    columns: Vec<Column>,
}

impl askama::filters::HtmlSafe for Columns {}

#[derive(Debug, Clone)]
struct Column {
    label: String,
    /// The figure above it; empty where there is no room.
    value: String,
    value_at: i64,
    left: i64,
    middle: i64,
    width: i64,
    /// Top and height of each series' part, the first at the bottom.
    parts: Vec<(i64, i64)>,
}

impl Columns {
    /// Columns in the order given: a label and a value for each series. `None` when there is nothing to draw.
    #[must_use]
    pub fn of(id: &'static str, title: &str, series: &[&'static str], values: &[(String, Vec<i64>)]) -> Option<Self> {
        let from = values.len().saturating_sub(SHOWN_MAX);
        let values: Vec<&(String, Vec<i64>)> = values.iter().skip(from).collect();
        let sum = |values: &[i64]| values.iter().sum::<i64>();
        let most = values.iter().map(|(_, values)| sum(values)).max().filter(|most| *most > 0)?;
        let count = i64::try_from(values.len()).unwrap_or(1).max(1);
        let room = WIDTH / count;
        let (floor, every) = (ABOVE + COLUMN, (count + 5) / 6);
        let columns = (0_i64..).zip(&values).map(|(at, (label, values))| {
            let left = at.saturating_mul(room);
            let mut top = floor;
            let parts = values.iter().map(|value| {
                let height = scaled(*value, most, COLUMN);
                top = top.saturating_sub(height);
                (top, height)
            });
            let parts: Vec<(i64, i64)> = parts.collect();
            let all = sum(values);
            Column {
                // Counted from the newest, which always has its label.
                label: if (count - 1 - at) % every == 0 { short(label) } else { String::new() },
                value: if all > 0 && room >= 22 { grouped(all) } else { String::new() },
                value_at: top.saturating_sub(6),
                left: left.saturating_add(room / 10),
                middle: left.saturating_add(room / 2),
                width: (room * 8 / 10).max(2),
                parts,
            }
        });
        let said: Vec<String> = values
            .iter()
            .map(|(label, values)| {
                let named = series.iter().zip(values).map(|(name, value)| format!("{} {name}", grouped(*value)));
                format!("{label}: {}", named.collect::<Vec<_>>().join(", "))
            })
            .collect();
        Some(Self {
            id,
            title: title.to_owned(),
            description: said.join("; "),
            height: floor + BELOW,
            floor,
            labels_at: floor + 22,
            series: series.to_vec(),
            columns: columns.collect(),
        })
    }
}

/// A value's share of a length; something is never drawn as nothing.
fn scaled(value: i64, most: i64, length: i64) -> i64 {
    let drawn = value.saturating_mul(length) / most.max(1);
    if value > 0 { drawn.max(2) } else { 0 }
}

/// A label that fits.
fn short(label: &str) -> String {
    let label = label.split(", eg ").next().unwrap_or(label);
    if label.chars().count() <= LETTERS_MAX {
        return label.to_owned();
    }
    let mut cut: String = label.chars().take(LETTERS_MAX - 1).collect();
    cut.push('\u{2026}');
    cut
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Aim: a chart names itself, tells every figure in words, draws the largest longest, and lets no label out of its text.
    #[test]
    fn charts_say_what_they_show() {
        let values = [("<b>Many</b>".to_owned(), 1_200), ("Few".to_owned(), 1), ("None".to_owned(), 0)];
        let drawn = Bars::of("causes", "Causes", &values).unwrap().render().unwrap();
        assert!(drawn.contains("role=\"img\"") && drawn.contains("aria-labelledby=\"causes-title causes-desc\""));
        assert!(drawn.contains("Few: 1") && drawn.contains("1,200") && !drawn.contains("<b>"));
        assert!(drawn.contains("width=\"420\"") && drawn.contains("width=\"2\""));
        assert!(Bars::of("none", "None", &[("None".to_owned(), 0)]).is_none());
        let months: Vec<(String, Vec<i64>)> = (1..=12).map(|n| (format!("2026-{n:02}"), vec![n, 1])).collect();
        let drawn = Columns::of("months", "By month", &["in time", "late"], &months).unwrap().render().unwrap();
        assert!(drawn.contains("2026-12: 12 in time, 1 late") && drawn.contains(">13<"));
        assert_eq!(drawn.matches("class=\"series-1\"").count(), 12);
    }
}
