//! How a state looks in the register: one line for each incident of ours, and for each notice received that no incident
//! took over. Codes, counts, references and instants only.

use std::collections::BTreeSet;

use diesel::prelude::*;
use domain::clock::{Clock, ClockState};
use domain::exchange::{Direction, Exchange};
use domain::facts::{Cause, DataCategory, IcoCategory, Nature, SubjectCategory};
use domain::ico_bands;
use domain::incident::register::{Figures, Outcome};
use domain::incident::{Incident, Stage, WithdrawalReason};
use domain::values::{Count, Known, Moment, Options, PartnerId, ServiceId};

use super::words;
use crate::store::schema::register;

/// The word for what is not known yet.
pub(in crate::store) const UNKNOWN: &str = "not_yet_known";

#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset, Identifiable)]
#[diesel(table_name = register, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(in crate::store) struct RegisterRow {
    pub id: Vec<u8>,
    pub source: String,
    pub reference: String,
    pub reference_key: Vec<u8>,
    pub kind: String,
    pub stage: String,
    pub exercise: bool,
    #[diesel(skip_update)]
    pub at: i64,
    pub aware_at: Option<i64>,
    pub category: String,
    pub cause: String,
    pub natures: i64,
    pub data: i64,
    pub subjects: i64,
    pub people_band: String,
    pub people: Option<i64>,
    pub records: Option<i64>,
    pub services: i32,
    pub owed: i32,
    pub ico: String,
    pub ico_due_at: Option<i64>,
    pub ico_ended_at: Option<i64>,
    pub report: String,
    pub partner_id: Option<Vec<u8>>,
    pub ico_type: Option<String>,
    pub cost: Option<i64>,
    pub cost_estimated: Option<i64>,
}

impl RegisterRow {
    /// The line of an incident. `at`, when it was entered, is no part of the state and is written once.
    pub(super) fn of(incident: &Incident, at: Option<Moment>) -> Self {
        let figures = incident.figures();
        let (ico, ico_due_at, ico_ended_at) = ico(incident);
        Self {
            id: incident.id.as_bytes().to_vec(),
            source: if incident.register.imported.is_some() { "imported" } else { "own" }.to_owned(),
            reference: incident.reference.to_string(),
            reference_key: reference_key(incident.reference.as_str()),
            kind: words::kind(incident.kind).to_owned(),
            stage: stage(&incident.stage).to_owned(),
            exercise: incident.exercise,
            at: entered_at(incident, at).map_or(0, Moment::micros),
            aware_at: incident.awareness.contract_anchor().map(|(_, at)| at.micros()),
            category: known(&figures.category, |category| IcoCategory::word(*category)),
            cause: known(&figures.cause, |cause| Cause::word(*cause)),
            natures: mask(&figures.nature, Nature::ALL),
            data: mask(&figures.data, DataCategory::ALL),
            subjects: mask(&figures.subjects, SubjectCategory::ALL),
            people_band: people_band(&figures).to_owned(),
            people: counted(figures.people),
            records: counted(figures.records),
            services: size(incident.services.len()),
            owed: size(incident.owed.len()),
            ico: ico.to_owned(),
            ico_due_at: ico_due_at.map(Moment::micros),
            ico_ended_at: ico_ended_at.map(Moment::micros),
            report: words::report(&incident.report).to_owned(),
            partner_id: None,
            ico_type: incident.lessons.kind().map(|kind| kind.word().to_owned()),
            cost: incident.costs.total(),
            cost_estimated: incident.costs.total().map(|_| incident.costs.estimated()),
        }
    }

    /// The line of a notice received, until an incident of ours takes it over.
    pub(super) fn of_notice(exchange: &Exchange, standing: &str, at: Option<Moment>) -> Option<Self> {
        is_entry(exchange).then(|| Self {
            id: exchange.id.as_bytes().to_vec(),
            source: "notice".to_owned(),
            reference: exchange.reference.to_string(),
            reference_key: reference_key(exchange.reference.as_str()),
            kind: words::kind(exchange.kind).to_owned(),
            stage: standing.to_owned(),
            exercise: exchange.exercise,
            at: at.map_or(0, Moment::micros),
            aware_at: None,
            category: UNKNOWN.to_owned(),
            cause: UNKNOWN.to_owned(),
            natures: 0,
            data: 0,
            subjects: 0,
            people_band: people_band(&Figures::default()).to_owned(),
            people: None,
            records: None,
            services: 0,
            owed: 0,
            ico: exchange.ico_clock.as_ref().map_or("none", |clock| clock.state.word()).to_owned(),
            ico_due_at: exchange.ico_clock.as_ref().map(|clock| clock.due().micros()),
            ico_ended_at: exchange.ico_clock.as_ref().and_then(ended_at).map(Moment::micros),
            report: "none".to_owned(),
            partner_id: Some(exchange.partner.as_bytes().to_vec()),
            ico_type: None,
            cost: None,
            cost_estimated: None,
        })
    }
}

/// Whether an exchange is a line of the register by itself.
pub(super) fn is_entry(exchange: &Exchange) -> bool {
    exchange.direction == Direction::Incoming && exchange.incident.is_none()
}

/// When an incident was entered in the register: of one taken over, when it was in the earlier one.
pub(super) fn entered_at(incident: &Incident, logged_at: Option<Moment>) -> Option<Moment> {
    incident.register.imported.as_ref().map(|imported| imported.recorded_at).or(logged_at)
}

/// The word of a stage: "not a breach" is told from other withdrawals.
const fn stage(stage: &Stage) -> &'static str {
    match stage {
        Stage::Withdrawn { reason: WithdrawalReason::NotABreach } => "not_a_breach",
        Stage::Withdrawn { .. } | Stage::Held | Stage::Active | Stage::Closed | Stage::Anonymised => {
            words::stage(stage)
        }
    }
}

/// How the duty to report to the ICO stands: word, due instant, end. Of an incident taken over, by the word of the earlier
/// register.
pub(super) fn ico(incident: &Incident) -> (&'static str, Option<Moment>, Option<Moment>) {
    if let Some(clock) = &incident.ico {
        return (clock.state.word(), Some(clock.due()), ended_at(clock));
    }
    let anchor = incident.awareness.contract_anchor();
    let due = anchor.map(|(anchor, at)| Clock::report(incident.rules.law, anchor, at).due());
    match incident.register.imported.as_ref().map(|imported| imported.outcome) {
        Some(Outcome::Reported { at }) if due.is_some_and(|due| at > due) => ("met_late", due, Some(at)),
        Some(Outcome::Reported { at }) => ("met", due, Some(at)),
        Some(Outcome::NotReported) => ("not_required", None, None),
        Some(Outcome::NotStated) | None => ("none", None, None),
    }
}

pub(super) const fn ended_at(clock: &Clock) -> Option<Moment> {
    match clock.state {
        ClockState::Met { at, .. } | ClockState::MetLate { at, .. } | ClockState::NotRequired { at, .. } => Some(at),
        ClockState::Running | ClockState::Overdue => None,
    }
}

/// A reference as it is looked for: letters in one case, so that the beginning of one finds it.
pub(in crate::store) fn reference_key(text: &str) -> Vec<u8> {
    text.trim().to_uppercase().into_bytes()
}

/// The ICO's band of how many people.
pub(super) fn people_band(figures: &Figures) -> &'static str {
    ico_bands::people(figures.people).map_or("none", |band| band.code.as_str())
}

fn known<T>(value: &Known<T>, word: impl Fn(&T) -> &'static str) -> String {
    value.as_option().map_or(UNKNOWN, word).to_owned()
}

fn counted(count: Known<Count>) -> Option<i64> {
    count.as_option().map(|count| i64::from(count.value))
}

/// One bit for each option, by its place in the list. A list may only grow at its end.
fn mask<T: Ord>(chosen: &Known<Options<T>>, all: &[T]) -> i64 {
    let Known::Known(chosen) = chosen else { return 0 };
    let bits = all.iter().take(62).enumerate().filter(|(_, option)| chosen.contains(option));
    bits.map(|(place, _)| 1_i64 << place).sum()
}

/// The bit of a kind of data in a line.
pub(in crate::store) fn data_bit(category: DataCategory) -> i64 {
    mask(&Known::Known(Options::from([category])), DataCategory::ALL)
}

fn size(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// What a line has several of. One octet says which kind it is.
pub(in crate::store) mod facet {
    use super::{DataCategory, PartnerId, ServiceId};

    fn of(kind: u8, which: &[u8]) -> Vec<u8> {
        let mut facet = vec![kind];
        facet.extend_from_slice(which);
        facet
    }

    /// A partner whom we told.
    pub(in crate::store) fn told(partner: PartnerId) -> Vec<u8> {
        of(b'p', partner.as_bytes())
    }

    /// A partner who told us.
    pub(in crate::store) fn told_us(partner: PartnerId) -> Vec<u8> {
        of(b'r', partner.as_bytes())
    }

    /// A service.
    pub(in crate::store) fn service(service: ServiceId) -> Vec<u8> {
        of(b's', service.as_bytes())
    }

    /// A kind of data.
    pub(in crate::store) fn data(category: DataCategory) -> Vec<u8> {
        of(b'd', category.word().as_bytes())
    }
}

/// The services and kinds of data of an incident. Its partners come with its exchanges.
pub(super) fn facets(incident: &Incident) -> BTreeSet<Vec<u8>> {
    let mut facets: BTreeSet<Vec<u8>> = incident.services.iter().map(|service| facet::service(*service)).collect();
    if let Known::Known(data) = incident.figures().data {
        facets.extend(data.into_iter().map(facet::data));
    }
    facets
}
