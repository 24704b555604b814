//! The register: its lines, statistics, and tables to take away.

use std::collections::BTreeMap;

use actix_web::web::block;
use domain::facts::{DataCategory, IncidentKind, Nature, SubjectCategory};
use domain::incident::costs::Kind;
use domain::values::{Moment, PartnerId};
use serde_json::json;
use uuid::Uuid;

use super::call::{Call, Page, Reply, instant_key};
use super::operation::{Group, Parameter, get, run};
use super::shape::answer;
use crate::access::Reader;
use crate::documents::csv;
use crate::documents::print::{Format, print};
use crate::documents::register::costs::{self as amounts, Costs, OfKind};
use crate::documents::register::labels::chosen;
use crate::documents::register::statistics::{Compared, Counted, Spread, Statistics};
use crate::documents::register::{self as document, aggregate, paper, query};
use crate::problem::{FieldFault, Problem};
use crate::store::queries::register::figures::{self, Months, YearCost};
use crate::store::queries::register::{self as lines, Entry, Filter, Of};

/// Lines of one file.
const FILE_MAX: usize = 5_000;

const FILTER: &[Parameter] = &[
    Parameter {
        name: "text",
        about: "The beginning of a reference, or a part of a partner's name; refused when it fits more than 20 partners.",
    },
    Parameter {
        name: "state",
        about: "held, active, closed, not_a_breach, withdrawn, anonymised; of notices received, read.",
    },
    Parameter { name: "kind", about: "breach, likely_to_give_rise or under_investigation." },
    Parameter {
        name: "ico",
        about: "The duty to report to the ICO: none, running, overdue, met, met_late, not_required.",
    },
    Parameter { name: "source", about: "own, notice or imported." },
    Parameter { name: "partner", about: "A partner's id: those told, and those who told us." },
    Parameter { name: "service", about: "A service's id." },
    Parameter { name: "data", about: "The word of a kind of data." },
    Parameter { name: "cause", about: "The word of a cause, or not_yet_known." },
    Parameter { name: "category", about: "Cyber, Non Cyber or not_yet_known." },
    Parameter { name: "type", about: "The word of the ICO's type of incident, as the root cause was found to be." },
    Parameter { name: "from", about: "The first day on which it was entered, as 2026-03-01, in the zone of the node." },
    Parameter { name: "to", about: "The last day." },
    Parameter { name: "exercise", about: "no (unless asked otherwise), only or all." },
];
const PERIOD: &[Parameter] = &[Parameter {
    name: "period",
    about: "12 (the last 12 months, unless asked otherwise), a year such as 2026, or all.",
}];

const YEAR: &[Parameter] =
    &[Parameter { name: "year", about: "A year that is over, such as 2025; needed. Years begin and end in UTC." }];

/// Operations on the register.
pub const GROUP: Group = Group {
    name: "Register",
    about: "Every incident of ours and every notice received, whatever became of it (Article 33(5)). What is taken away is \
            noted with who took it.",
    operations: &[
        get("/register", "list_register", "Lines of the register, the newest first", run!(list))
            .asks(FILTER)
            .lists::<RegisterEntry>(),
        get("/register/export", "export_register", "Lines of the register as CSV, at most 5,000", run!(export))
            .asks(FILTER)
            .writes(csv::MEDIA_TYPE),
        get("/register.pdf", "print_register", "Lines of the register as PDF, the newest 500", run!(printed))
            .asks(FILTER)
            .writes(Format::Pdf.media_type()),
        get(
            "/register/statistics",
            "get_register_statistics",
            "Rates, distributions and shares; no exercises",
            run!(statistics),
        )
        .asks(PERIOD)
        .gives::<RegisterStatistics>(),
        get(
            "/register/counts",
            "export_register_counts",
            "Counts of a past year that may be published, as CSV: small ones are left out, and others so that totals do not \
             tell them",
            run!(publishable),
        )
        .asks(YEAR)
        .writes(csv::MEDIA_TYPE),
        get(
            "/register/costs",
            "export_register_costs",
            "What incidents of a past year cost by kind, as may be published, as CSV: amounts of fewer than five incidents are \
             left out, and another so that the total does not tell them",
            run!(publishable_costs),
        )
        .asks(YEAR)
        .writes(csv::MEDIA_TYPE),
        get(
            "/services/{id}/incidents",
            "export_service_incidents",
            "Incidents of a service, for an assessment of its risks",
            run!(of_service),
        )
        .writes("application/json"),
    ],
};

answer! {
    /// A line of the register.
    RegisterEntry {
        /// The incident's id, or of a notice the exchange's.
        id: Uuid,
        /// own, notice or imported.
        source: String,
        /// Our reference; of a notice the partner's.
        reference: String,
        /// A few words; null after erasure, and of a notice.
        title: Option<String>,
        /// Breach or circumstances.
        kind: IncidentKind,
        /// Where it stands.
        state: String,
        /// A drill.
        exercise: bool,
        /// When it was entered.
        entered_at: Moment,
        /// When we became aware.
        aware_at: Option<Moment>,
        /// Cyber, Non Cyber or not_yet_known.
        ico_category: String,
        /// The cause, or not_yet_known.
        cause: String,
        /// What was lost.
        nature: Vec<Nature>,
        /// Kinds of data.
        data_categories: Vec<DataCategory>,
        /// Kinds of people.
        subject_categories: Vec<SubjectCategory>,
        /// How many people.
        people: Option<u32>,
        /// How many records.
        records: Option<u32>,
        /// The ICO's type of incident, once the root cause is found.
        ico_type: Option<String>,
        /// What it cost, in whole pence; null when no cost stands.
        cost_pence: Option<i64>,
        /// How much of that is estimated.
        cost_estimated_pence: Option<i64>,
        /// Partners owed a notice.
        partners_owed: u32,
        /// How the duty to report to the ICO stands.
        ico: String,
        /// Until when.
        ico_due_at: Option<Moment>,
        /// When it ended.
        ico_ended_at: Option<Moment>,
        /// Where the report stands.
        report: String,
        /// Who told us, of a notice.
        told_by: Option<PartnerId>,
    }
}

answer! {
    /// A label and how many.
    RegisterCount {
        /// What.
        label: String,
        /// How many.
        count: u32,
    }
}

answer! {
    /// How long something took.
    RegisterLengths {
        /// How many were in time.
        in_time: u32,
        /// How many were late, those still outstanding included.
        late: u32,
        /// How many of those are still outstanding.
        outstanding: u32,
        /// Half of those done took no longer.
        median: Option<String>,
        /// Nine in ten took no longer.
        ninetieth: Option<String>,
        /// How many in each class of length.
        classes: Vec<RegisterCount>,
    }
}

answer! {
    /// One month, or one year where there are many.
    RegisterPeriod {
        /// 2026-03, or 2026.
        label: String,
        /// Incidents.
        incidents: u32,
        /// Notices to partners in time.
        notices_in_time: u32,
        /// Late.
        notices_late: u32,
    }
}

answer! {
    /// Notices to one partner.
    RegisterPartner {
        /// Which.
        partner: PartnerId,
        /// In time.
        in_time: u32,
        /// Late.
        late: u32,
    }
}

answer! {
    /// A share of ours beside a published one.
    RegisterBenchmark {
        /// What.
        what: &'static str,
        /// How many of ours.
        ours: u32,
        /// Of how many.
        of: u32,
        /// Theirs, in per cent.
        theirs: String,
        /// When.
        period: String,
        /// Where it was published.
        source: String,
        /// How sure it is.
        confidence: &'static str,
    }
}

answer! {
    /// What incidents cost.
    RegisterCosts {
        /// In how many a cost stands.
        incidents: u32,
        /// What they come to, in whole pence.
        pence: i64,
        /// How much of that is estimated.
        estimated_pence: i64,
        /// By kind, the largest first.
        kinds: Vec<RegisterCostsOfKind>,
        /// Of the last ten years, whatever period was asked for, the oldest first.
        years: Vec<RegisterCostsOfYear>,
    }
}

answer! {
    /// What one kind of cost came to.
    RegisterCostsOfKind {
        /// Which.
        kind: Kind,
        /// In words.
        label: &'static str,
        /// In whole pence.
        pence: i64,
        /// In how many incidents; one can have several kinds.
        incidents: u32,
    }
}

answer! {
    /// What incidents of one year cost.
    RegisterCostsOfYear {
        /// The year in which we became aware of them.
        year: i32,
        /// In whole pence.
        pence: i64,
        /// How much of that is estimated.
        estimated_pence: i64,
        /// In how many a cost stands.
        incidents: u32,
    }
}

answer! {
    /// Statistics of the register.
    RegisterStatistics {
        /// Incidents.
        incidents: u32,
        /// How many of them turned out to be no breach.
        not_a_breach: u32,
        /// Notices received.
        notices_received: u32,
        /// Month by month.
        months: Vec<RegisterPeriod>,
        /// Telling partners.
        notices: RegisterLengths,
        /// Their acknowledgements.
        acknowledgements: RegisterLengths,
        /// Reports to the ICO within 72 hours of awareness.
        ico_in_time: u32,
        /// Later.
        ico_late: u32,
        /// Past 72 hours and undecided.
        ico_overdue: u32,
        /// Undecided, in time.
        ico_running: u32,
        /// Decided not to be required.
        ico_not_required: u32,
        /// By the ICO's bands of time.
        ico_bands: Vec<RegisterCount>,
        /// What was decided about reporting.
        decided: Vec<RegisterCount>,
        /// What was decided about telling the people affected.
        people_decided: Vec<RegisterCount>,
        /// In how many incidents they, or some of them, were told.
        people_told: u32,
        /// Types of root causes, by the ICO's labels.
        types: Vec<RegisterCount>,
        /// Causes.
        causes: Vec<RegisterCount>,
        /// Cyber or not.
        categories: Vec<RegisterCount>,
        /// Kinds of data; an incident can have several.
        data: Vec<RegisterCount>,
        /// How many people, in the ICO's bands.
        people: Vec<RegisterCount>,
        /// What they cost.
        costs: RegisterCosts,
        /// Partner by partner.
        partners: Vec<RegisterPartner>,
        /// Beside published figures.
        benchmarks: Vec<RegisterBenchmark>,
    }
}

/// The filter of a request, and its words.
async fn filter(call: &Call) -> Result<(Filter, String), Problem> {
    let (filter, words) = asked(call)?;
    let wanted = filter.clone();
    if call.node.store().read(move |rows| lines::is_too_wide(rows, &wanted)).await? {
        return Err(refused(vec![query::TEXT_TOO_WIDE]));
    }
    Ok((filter, words))
}

fn refused(faults: Vec<query::Fault>) -> Problem {
    let fault = |fault: query::Fault| FieldFault { field: fault.name.to_owned(), message: fault.message.to_owned() };
    Problem::Fields(faults.into_iter().map(fault).collect())
}

fn asked(call: &Call) -> Result<(Filter, String), Problem> {
    let given: BTreeMap<&str, String> =
        query::NAMES.into_iter().filter_map(|name| Some((name, call.asked(name)?))).collect();
    let of = |name: &str| given.get(name).map_or("", String::as_str);
    let filter = query::read(of, call.node.zone()).map_err(refused)?;
    Ok((filter, query::write(of)))
}

fn reader(call: &Call) -> Result<Reader, Problem> {
    Reader::of(call.person()).ok_or(Problem::NotAllowed("people who may read the record"))
}

async fn list(call: Call) -> Result<Reply, Problem> {
    let (filter, _) = filter(&call).await?;
    let (after, limit) = (call.after(instant_key::<Uuid>)?, call.limit()?);
    let page = call.node.store().read(move |rows| lines::page(rows, &filter, after, limit)).await?;
    let next = page.next.map(|(at, id)| format!("{}.{id}", at.micros()));
    Ok(Page { items: page.items, next }.reply(RegisterEntry::of))
}

async fn export(call: Call) -> Result<Reply, Problem> {
    let by = reader(&call)?;
    let (filter, words) = filter(&call).await?;
    let page = call.node.store().read(move |rows| lines::page(rows, &filter, None, FILE_MAX)).await?;
    if page.next.is_some() {
        return Err(Problem::Refused(
            "More than 5,000 lines: filter the register, or list it page by page.".to_owned(),
        ));
    }
    call.node.note_export(&by, "register_exported", json!({ "filter": words, "format": "csv" })).await?;
    Ok(Reply::document(csv::MEDIA_TYPE, document::heading() + &document::to_csv(&page.items)))
}

async fn printed(call: Call) -> Result<Reply, Problem> {
    let by = reader(&call)?;
    let (filter, words) = filter(&call).await?;
    let drills = filter.exercise == Some(true);
    let (page, choices) = call
        .node
        .store()
        .read(move |rows| Ok((lines::page(rows, &filter, None, paper::LINES_MAX)?, lines::choices(rows)?)))
        .await?;
    let given: BTreeMap<&str, String> =
        query::NAMES.into_iter().filter_map(|name| Some((name, call.asked(name)?))).collect();
    let asked = paper::Asked {
        filter: chosen(|name| given.get(name).map_or("", String::as_str), &choices),
        more: page.next.is_some(),
        drills,
        now: call.node.now(),
        zone: call.node.zone(),
    };
    let made = paper::paper(&page.items, &asked, call.node.organisation().name.as_str());
    let stem = paper::stem(&asked);
    let file = block(move || print(&made, &stem, Format::Pdf)).await.map_err(Problem::internal)??;
    call.node.note_export(&by, "register_exported", json!({ "filter": words, "format": "pdf" })).await?;
    Ok(Reply::file(file))
}

async fn statistics(call: Call) -> Result<Reply, Problem> {
    let months = match call.asked("period").as_deref() {
        None | Some("" | "12") => Months::up_to(call.node.now(), 12),
        Some("all") => Months::ALL,
        Some(year) => query::year_of(year).ok_or(Problem::Malformed("period is 12, a year, or all."))?,
    };
    let now = call.node.now();
    let (found, years) = call.node.store().read(move |rows| figures::with_cost_years(rows, months, now)).await?;
    Ok(Reply::one(&RegisterStatistics::of(Statistics::of(&found, months), &years)))
}

async fn publishable(call: Call) -> Result<Reply, Problem> {
    let by = reader(&call)?;
    let year = call.asked("year").unwrap_or_default();
    let months = query::year_over(&year, call.node.now()).ok_or_else(|| refused(vec![query::YEAR_NOT_OVER]))?;
    let found = call.node.store().read(move |rows| figures::figures(rows, months)).await?;
    call.node.note_export(&by, "register_counts_exported", json!({ "period": year })).await?;
    Ok(Reply::document(csv::MEDIA_TYPE, aggregate::to_csv(&aggregate::by_cause_and_people(&found))))
}

async fn publishable_costs(call: Call) -> Result<Reply, Problem> {
    let by = reader(&call)?;
    let year = call.asked("year").unwrap_or_default();
    let months = query::year_over(&year, call.node.now()).ok_or_else(|| refused(vec![query::YEAR_NOT_OVER]))?;
    let found = call.node.store().read(move |rows| figures::figures(rows, months)).await?;
    call.node.note_export(&by, "register_costs_exported", json!({ "period": year })).await?;
    Ok(Reply::document(csv::MEDIA_TYPE, amounts::to_csv(&amounts::publishable(&found))))
}

async fn of_service(call: Call) -> Result<Reply, Problem> {
    let by = reader(&call)?;
    let found = call.node.incidents_of_service(&by, call.id()?, "json").await?;
    Ok(Reply::document("application/json", document::service_json(&found).to_string()))
}

impl RegisterEntry {
    fn of(entry: Entry) -> Self {
        Self {
            id: match entry.of {
                Of::Incident(id) => id.uuid(),
                Of::Notice(id) => id.uuid(),
            },
            source: entry.source,
            reference: entry.reference,
            title: Some(entry.title).filter(|title| !title.is_empty()),
            kind: entry.kind,
            state: entry.stage,
            exercise: entry.exercise,
            entered_at: entry.at,
            aware_at: entry.aware_at,
            ico_category: entry.category,
            cause: entry.cause,
            nature: entry.natures,
            data_categories: entry.data,
            subject_categories: entry.subjects,
            people: entry.people,
            records: entry.records,
            ico_type: entry.ico_type.map(|kind| kind.word().to_owned()),
            cost_pence: entry.cost,
            cost_estimated_pence: entry.cost_estimated,
            partners_owed: entry.owed,
            ico: entry.ico,
            ico_due_at: entry.ico_due_at,
            ico_ended_at: entry.ico_ended_at,
            report: entry.report,
            told_by: entry.partner.map(|(id, _)| id),
        }
    }
}

fn number(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(0)
}

fn counts(counted: Vec<Counted>) -> Vec<RegisterCount> {
    counted.into_iter().map(|(label, n)| RegisterCount { label, count: number(n) }).collect()
}

impl RegisterLengths {
    fn of(spread: Spread) -> Self {
        Self {
            in_time: number(spread.in_time),
            late: number(spread.late),
            outstanding: number(spread.outstanding),
            median: spread.median,
            ninetieth: spread.ninetieth,
            classes: counts(spread.classes),
        }
    }
}

impl RegisterBenchmark {
    fn of(compared: Compared) -> Self {
        Self {
            what: compared.what,
            ours: number(compared.ours.0),
            of: number(compared.ours.1),
            theirs: compared.theirs,
            period: compared.period,
            source: compared.source,
            confidence: compared.confidence,
        }
    }
}

impl RegisterCosts {
    fn of(costs: &Costs, years: &[YearCost]) -> Self {
        let kind = |of: &OfKind| RegisterCostsOfKind {
            kind: of.kind,
            label: of.kind.label(),
            pence: of.pence,
            incidents: number(of.incidents),
        };
        let year = |of: &YearCost| RegisterCostsOfYear {
            year: of.year,
            pence: of.pence,
            estimated_pence: of.estimated,
            incidents: number(of.incidents),
        };
        Self {
            incidents: number(costs.incidents),
            pence: costs.pence,
            estimated_pence: costs.estimated,
            kinds: costs.kinds.iter().map(kind).collect(),
            years: years.iter().map(year).collect(),
        }
    }
}

impl RegisterStatistics {
    fn of(made: Statistics, years: &[YearCost]) -> Self {
        let month = |(label, incidents, met, late): (String, i64, i64, i64)| RegisterPeriod {
            label,
            incidents: number(incidents),
            notices_in_time: number(met),
            notices_late: number(late),
        };
        let partner = |(partner, _, met, late): (PartnerId, String, i64, i64)| RegisterPartner {
            partner,
            in_time: number(met),
            late: number(late),
        };
        Self {
            incidents: number(made.incidents),
            not_a_breach: number(made.not_a_breach),
            notices_received: number(made.received),
            months: made.months.into_iter().map(month).collect(),
            notices: RegisterLengths::of(made.notices),
            acknowledgements: RegisterLengths::of(made.acknowledgements),
            ico_in_time: number(made.ico.in_time),
            ico_late: number(made.ico.late),
            ico_overdue: number(made.ico.overdue),
            ico_running: number(made.ico.running),
            ico_not_required: number(made.ico.not_required),
            ico_bands: counts(made.ico.bands),
            decided: counts(made.decided),
            people_decided: counts(made.people_decided),
            people_told: number(made.people_told),
            types: counts(made.types),
            causes: counts(made.causes),
            categories: counts(made.categories),
            data: counts(made.data),
            people: counts(made.people),
            costs: RegisterCosts::of(&made.costs, years),
            partners: made.partners.into_iter().map(partner).collect(),
            benchmarks: made.field.into_iter().map(RegisterBenchmark::of).collect(),
        }
    }
}
