//! Figures for statistics: sums of what was counted as it happened, never of the history itself.

use std::collections::BTreeMap;

use diesel::prelude::*;
use domain::values::{Moment, PartnerId};

use crate::store::projections::tally;
use crate::store::queries::partners;
use crate::store::schema::register_tallies;
use crate::store::{Rows, StoreError};

/// Upper ends, in minutes, of the classes in which lengths of time are counted; the last class has none.
pub const SPREAD_MINUTES: [i64; 14] = tally::SPREAD_MINUTES;
/// Years in which costs are shown.
const COST_YEARS: i32 = 10;
/// Partners named.
const PARTNERS_MAX: usize = 2_000;

/// Months from one to another, both in it: twelve times the year, and the month from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Months {
    /// The first.
    pub first: i32,
    /// The last.
    pub last: i32,
}

impl Months {
    /// The months that end with that of an instant.
    #[must_use]
    pub fn up_to(now: Moment, count: i32) -> Self {
        let last = tally::month(now);
        Self { first: last.saturating_sub(count.saturating_sub(1)), last }
    }

    /// A year.
    #[must_use]
    pub const fn of_year(year: i32) -> Self {
        let first = year.saturating_mul(12);
        Self { first, last: first.saturating_add(11) }
    }

    /// All there are.
    pub const ALL: Self = Self { first: i32::MIN, last: i32::MAX };
}

/// The month of an instant.
#[must_use]
pub fn month(at: Moment) -> i32 {
    tally::month(at)
}

/// What was counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// How many of what, in all.
    pub sums: BTreeMap<String, i64>,
    /// How many of what, by month. Codes are: `incidents`, `notice` and `ico` with `.met` or `.late`, and `received`.
    pub months: BTreeMap<i32, BTreeMap<String, i64>>,
    /// Notices to each partner: name, in time, late. By name.
    pub partners: Vec<(PartnerId, String, i64, i64)>,
}

impl Figures {
    /// How many of a code.
    #[must_use]
    pub fn of(&self, code: &str) -> i64 {
        self.sums.get(code).copied().unwrap_or_default()
    }

    /// How many of all codes that begin so, by the rest.
    pub fn beginning<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, i64)> {
        self.sums.iter().filter_map(move |(code, n)| Some((code.strip_prefix(prefix)?, *n)))
    }
}

/// The figures of some months.
///
/// # Errors
/// Those of the database.
pub fn figures(rows: &mut Rows<'_>, months: Months) -> Result<Figures, StoreError> {
    let found: Vec<(i32, Vec<u8>, String, i64)> = register_tallies::table
        .filter(register_tallies::month.ge(months.first))
        .filter(register_tallies::month.le(months.last))
        .filter(register_tallies::n.gt(0))
        .load(rows.db)?;
    let mut figures = Figures::default();
    let mut partners_of: BTreeMap<Vec<u8>, (i64, i64)> = BTreeMap::new();
    for (month, partner, code, n) in found {
        if partner.is_empty() {
            add(figures.months.entry(month).or_default(), short(&code), n);
            add(&mut figures.sums, &code, n);
            continue;
        }
        let (met, late) = partners_of.entry(partner).or_default();
        let which = if code.starts_with("notice.met") { met } else { late };
        *which = which.saturating_add(n);
    }
    for (id, (met, late)) in partners_of.into_iter().take(PARTNERS_MAX) {
        let id = PartnerId::from_slice(&id).map_err(StoreError::corrupt("register_tallies", "a partner"))?;
        let name = partners::name(rows, id)?;
        figures.partners.push((id, name, met, late));
    }
    figures.partners.sort_by(|a, b| a.1.cmp(&b.1));
    Ok(figures)
}

/// What incidents of one year cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct YearCost {
    /// Which year.
    pub year: i32,
    /// In how many incidents a cost stands.
    pub incidents: i64,
    /// What they come to, in pence.
    pub pence: i64,
    /// How much of that is estimated, in pence.
    pub estimated: i64,
}

/// The figures of some months, and what incidents of the last years cost.
///
/// # Errors
/// Those of the database.
pub fn with_cost_years(
    rows: &mut Rows<'_>,
    months: Months,
    now: Moment,
) -> Result<(Figures, Vec<YearCost>), StoreError> {
    Ok((figures(rows, months)?, cost_years(rows, now)?))
}

/// What incidents of the last years cost, the oldest year first, without years that have nothing. A few keys are looked up for
/// each month.
///
/// # Errors
/// Those of the database.
pub fn cost_years(rows: &mut Rows<'_>, now: Moment) -> Result<Vec<YearCost>, StoreError> {
    let this = tally::month(now).div_euclid(12);
    let first = this.saturating_sub(COST_YEARS.saturating_sub(1));
    let months: Vec<i32> = (Months::of_year(first).first..=Months::of_year(this).last).collect();
    let everybody: &[u8] = &[];
    // Each of these begins so, and nothing else does.
    let found: Vec<(i32, String, i64)> = register_tallies::table
        .filter(register_tallies::month.eq_any(months))
        .filter(register_tallies::partner_id.eq(everybody))
        .filter(register_tallies::code.ge("cost"))
        .filter(register_tallies::code.lt("cosu"))
        .filter(register_tallies::n.gt(0))
        .select((register_tallies::month, register_tallies::code, register_tallies::n))
        .load(rows.db)?;
    let mut years: BTreeMap<i32, YearCost> = BTreeMap::new();
    for (month, code, n) in found {
        let year = month.div_euclid(12);
        let cost = years.entry(year).or_insert(YearCost { year, incidents: 0, pence: 0, estimated: 0 });
        let of = match code.as_str() {
            "cost_incidents" => &mut cost.incidents,
            "cost_estimated" => &mut cost.estimated,
            code if code.starts_with("cost.") => &mut cost.pence,
            _ => continue,
        };
        *of = of.saturating_add(n);
    }
    Ok(years.into_values().collect())
}

/// A code without what is of no interest month by month.
fn short(code: &str) -> &str {
    let mut dots = code.match_indices('.').map(|(at, _)| at);
    match (dots.next(), dots.next()) {
        (Some(_), Some(second)) => code.get(..second).unwrap_or(code),
        (Some(_) | None, _) => code,
    }
}

fn add(sums: &mut BTreeMap<String, i64>, code: &str, n: i64) {
    let sum = sums.entry(code.to_owned()).or_default();
    *sum = sum.saturating_add(n);
}
