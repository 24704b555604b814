//! Statistics as pages and programs show them: rates, distributions and shares from what was counted, beside published
//! figures. Exercises are in none of them.

use std::cmp::Reverse;

use domain::benchmarks;
use domain::facts::{Cause, DataCategory, IcoCategory};
use domain::ico_bands;
use domain::incident::decision::People;
use domain::incident::register::Reporting;
use domain::incident_type::TypeCode;
use domain::values::PartnerId;

use super::costs::Costs;
use super::{band_label, category_label, cause_label, data_label, people_label};
use crate::store::queries::register::UNKNOWN;
use crate::store::queries::register::figures::{Figures, Months, SPREAD_MINUTES};

/// A label and how many.
pub type Counted = (String, i64);

/// Statistics of some months.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Incidents of which we became aware then.
    pub incidents: i64,
    /// How many of them turned out to be no breach.
    pub not_a_breach: i64,
    /// Notices received then.
    pub received: i64,
    /// Month by month: year and month, incidents, notices in time, notices late.
    pub months: Vec<(String, i64, i64, i64)>,
    /// Telling partners.
    pub notices: Spread,
    /// Their acknowledgements.
    pub acknowledgements: Spread,
    /// Reporting to the ICO.
    pub ico: Reported,
    /// What was decided about reporting.
    pub decided: Vec<Counted>,
    /// What was decided about telling the people affected.
    pub people_decided: Vec<Counted>,
    /// In how many the people affected, or some of them, were told.
    pub people_told: i64,
    /// Types of root causes, by the ICO's labels.
    pub types: Vec<Counted>,
    /// Causes.
    pub causes: Vec<Counted>,
    /// Cyber or not.
    pub categories: Vec<Counted>,
    /// Kinds of data, by the ICO's labels; an incident can have several.
    pub data: Vec<Counted>,
    /// How many people, in the ICO's bands.
    pub people: Vec<Counted>,
    /// What they cost.
    pub costs: Costs,
    /// Each partner: in time, late.
    pub partners: Vec<(PartnerId, String, i64, i64)>,
    /// Beside published figures.
    pub field: Vec<Compared>,
}

/// How long something took.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spread {
    /// How many were in time.
    pub in_time: i64,
    /// How many were late, those that are still outstanding included.
    pub late: i64,
    /// How many of those are still outstanding.
    pub outstanding: i64,
    /// How many in each class of length.
    pub classes: Vec<Counted>,
    /// Half of those that are done took no longer than this.
    pub median: Option<String>,
    /// Nine in ten took no longer than this.
    pub ninetieth: Option<String>,
}

/// How the duty to report to the ICO went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reported {
    /// Within 72 hours.
    pub in_time: i64,
    /// Later.
    pub late: i64,
    /// Past 72 hours and undecided.
    pub overdue: i64,
    /// Undecided, in time.
    pub running: i64,
    /// Decided not to be required.
    pub not_required: i64,
    /// By the ICO's bands of time.
    pub bands: Vec<Counted>,
}

/// A share of ours beside a published one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// What.
    pub what: &'static str,
    /// Ours: how many of how many.
    pub ours: (i64, i64),
    /// Theirs, in per cent.
    pub theirs: String,
    /// When.
    pub period: String,
    /// Where it was published.
    pub source: String,
    /// How sure it is.
    pub confidence: &'static str,
}

impl Statistics {
    /// From what was counted. Years stand for months where there are more than two of them.
    #[must_use]
    pub fn of(figures: &Figures, months: Months) -> Self {
        let shares =
            |prefix: &'static str, words: Vec<&'static str>, label: fn(&str) -> &'static str| -> Vec<Counted> {
                let count = |word: &&'static str| (label(word).to_owned(), figures.of(&format!("{prefix}.{word}")));
                words.iter().map(count).filter(|(_, n)| *n > 0).collect()
            };
        let unknown = [UNKNOWN];
        let people = ico_bands::bands().people.bands.iter().map(|row| row.band.code.as_str());
        let mut made = Self {
            incidents: figures.of("incidents"),
            not_a_breach: figures.of("not_a_breach"),
            received: figures.of("received"),
            months: by_month(figures, months),
            notices: Spread::of(figures, "notice"),
            acknowledgements: Spread::of(figures, "read"),
            ico: Reported::of(figures),
            decided: Reporting::ALL
                .iter()
                .map(|it| (it.label().to_owned(), figures.of(&format!("decided.{}", it.word()))))
                .filter(|(_, n)| *n > 0)
                .collect(),
            people_decided: shares("people_decided", People::WORDS.to_vec(), people_label),
            people_told: figures.of("people_told"),
            types: figures.beginning("type.").map(|(word, n)| (type_label(word), n)).collect(),
            causes: shares("cause", Cause::ALL.iter().map(|it| it.word()).chain(unknown).collect(), cause_label),
            categories: shares(
                "category",
                IcoCategory::ALL.iter().map(|it| it.word()).chain(unknown).collect(),
                category_label,
            ),
            data: shares("data", DataCategory::ALL.iter().map(|it| it.word()).chain(unknown).collect(), data_label),
            people: shares(
                "people",
                people.chain([ico_bands::bands().people.unknown.code.as_str()]).collect(),
                band_label,
            ),
            costs: Costs::of(figures),
            partners: figures.partners.clone(),
            field: Vec::new(),
        };
        made.types.sort_by_key(|(_, n)| Reverse(*n));
        made.data.sort_by_key(|(_, n)| Reverse(*n));
        made.causes.sort_by_key(|(_, n)| Reverse(*n));
        made.field = made.compared(figures);
        made
    }

    fn compared(&self, figures: &Figures) -> Vec<Compared> {
        let reported = self.ico.in_time.saturating_add(self.ico.late);
        let small = figures.of("people.1_to_9");
        let counted: i64 = self.people.iter().map(|(_, n)| *n).sum::<i64>() - figures.of("people.unknown");
        let non_cyber = figures.of("category.Non Cyber");
        let known = non_cyber.saturating_add(figures.of("category.Cyber"));
        [
            ("Reported to the ICO within 72 hours", "reported_within_72h_share", (self.ico.in_time, reported)),
            ("Fewer than 10 people affected", "affecting_under_10_people_share", (small, counted)),
            ("Not a cyber incident", "non_cyber_share", (non_cyber, known)),
        ]
        .into_iter()
        .filter_map(|(what, measure, ours)| {
            let theirs = benchmarks::newest(measure)?;
            Some(Compared {
                what,
                ours,
                theirs: theirs.value.clone(),
                period: theirs.period.clone(),
                source: theirs.source.clone(),
                confidence: theirs.confidence.word(),
            })
        })
        .collect()
    }
}

fn type_label(word: &str) -> String {
    TypeCode::from_word(word).map_or_else(|| word.to_owned(), |kind| kind.label().to_owned())
}

fn by_month(figures: &Figures, asked: Months) -> Vec<(String, i64, i64, i64)> {
    let known = figures.months.keys().next().copied().zip(figures.months.keys().next_back().copied());
    let Some((first, last)) = known else { return Vec::new() };
    let (first, last) = if asked == Months::ALL { (first, last) } else { (asked.first, asked.last) };
    let years = last.saturating_sub(first) > 24;
    let mut shown: Vec<(String, i64, i64, i64)> = Vec::new();
    for month in first..=last {
        let of = |code: &str| figures.months.get(&month).and_then(|sums| sums.get(code)).copied().unwrap_or_default();
        let (incidents, met, late) = (of("incidents"), of("notice.met"), of("notice.late"));
        let year = month.div_euclid(12);
        let label = if years { year.to_string() } else { format!("{year}-{:02}", month.rem_euclid(12) + 1) };
        match shown.last_mut().filter(|last| last.0 == label) {
            Some(last) => {
                last.1 = last.1.saturating_add(incidents);
                last.2 = last.2.saturating_add(met);
                last.3 = last.3.saturating_add(late);
            }
            None => shown.push((label, incidents, met, late)),
        }
    }
    shown
}

impl Spread {
    fn of(figures: &Figures, duty: &str) -> Self {
        let (met, late) = (format!("{duty}.met."), format!("{duty}.late."));
        let sum = |prefix: &str| figures.beginning(prefix).map(|(_, n)| n).sum::<i64>();
        let counts: Vec<i64> = (0..=SPREAD_MINUTES.len())
            .map(|class| figures.of(&format!("{met}{class}")).saturating_add(figures.of(&format!("{late}{class}"))))
            .collect();
        Self {
            in_time: sum(&met),
            late: sum(&late),
            outstanding: figures.of(&format!("{late}open")),
            median: within(&counts, 50),
            ninetieth: within(&counts, 90),
            classes: (0..).zip(&counts).map(|(class, n)| (class_label(class), *n)).filter(|(_, n)| *n > 0).collect(),
        }
    }
}

/// The class in which so many per cent are done.
fn within(counts: &[i64], per_cent: i64) -> Option<String> {
    let all: i64 = counts.iter().sum();
    let mut seen: i64 = 0;
    for (class, n) in counts.iter().enumerate().filter(|_| all > 0) {
        seen = seen.saturating_add(*n);
        if seen.saturating_mul(100) >= all.saturating_mul(per_cent) {
            return Some(class_label(class));
        }
    }
    None
}

/// "up to 30 minutes", "up to 48 hours", "more than 30 days".
fn class_label(class: usize) -> String {
    let length = |minutes: i64| match minutes {
        ..60 => format!("{minutes} minutes"),
        60 => "1 hour".to_owned(),
        61..=4_320 => format!("{} hours", minutes / 60),
        _ => format!("{} days", minutes / 1_440),
    };
    match (SPREAD_MINUTES.get(class), SPREAD_MINUTES.last()) {
        (Some(minutes), _) => format!("up to {}", length(*minutes)),
        (None, Some(longest)) => format!("more than {}", length(*longest)),
        (None, None) => String::new(),
    }
}

impl Reported {
    fn of(figures: &Figures) -> Self {
        let sum = |state: &str| figures.beginning(&format!("ico.{state}.")).map(|(_, n)| n).sum::<i64>();
        let bands = ico_bands::bands().time_to_report.bands.iter().map(|row| {
            let of = |state: &str| figures.of(&format!("ico.{state}.{}", row.band.code));
            (row.band.label.clone(), of("met").saturating_add(of("met_late")))
        });
        Self {
            in_time: sum("met"),
            late: sum("met_late"),
            overdue: sum("overdue"),
            running: sum("running"),
            not_required: sum("not_required"),
            bands: bands.filter(|(_, n)| *n > 0).collect(),
        }
    }
}

/// "62 %", or nothing of nothing.
#[must_use]
pub fn share(part: i64, of: i64) -> String {
    if of <= 0 {
        return String::new();
    }
    // To the nearest whole, halves up.
    let rounded = part.saturating_mul(200).saturating_add(of) / of.saturating_mul(2);
    format!("{rounded}\u{a0}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Aim: a median is the class in which the middle one is, told by its upper end, and of nothing there is none.
    #[test]
    fn medians_are_told_by_classes() {
        let mut counts = vec![0; SPREAD_MINUTES.len() + 1];
        assert_eq!(within(&counts, 50), None);
        counts.splice(0..4, [1, 3, 0, 1]);
        assert_eq!(within(&counts, 50).as_deref(), Some("up to 15 minutes"));
        assert_eq!(within(&counts, 90).as_deref(), Some("up to 1 hour"));
        counts.splice(14..15, [100]);
        assert_eq!(within(&counts, 50).as_deref(), Some("more than 30 days"));
        assert_eq!((share(2, 3), share(0, 0)), ("67\u{a0}%".to_owned(), String::new()));
    }
}
