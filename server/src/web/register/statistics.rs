//! Statistics of the register, each figure in a table and the main ones drawn, and a table of counts that may be published.

use actix_web::HttpRequest;
use actix_web::web::{ServiceConfig, resource};
use askama::Template;
use chrono::Datelike as _;
use domain::incident::costs::pounds;
use domain::values::{Moment, PartnerId};
use serde_json::json;

use super::{attachment, day};
use crate::documents::csv;
use crate::documents::register::aggregate;
use crate::documents::register::costs::{self as amounts, Costs, OfKind};
use crate::documents::register::query::{YEAR_NOT_OVER, year_of, year_over};
use crate::documents::register::statistics::{Compared, Counted, Spread, Statistics, share};
use crate::problem::Problem;
use crate::store::queries::register::figures::{self, Months, YearCost};
use crate::web::chart::{Bars, Columns};
use crate::web::field::{Field, Summary};
use crate::web::form::{FieldError, Form};
use crate::web::page::{self, Answer, Chrome, Posted, Visit};
use crate::web::partners::reader;
use crate::web::words::{counted, grouped};

/// Partners in the table.
const PARTNERS_SHOWN: usize = 100;
/// Years that can be chosen.
const YEARS: i32 = 10;

/// The addresses of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/register/statistics").get(show))
        .service(resource("/register/statistics/counts").post(counts))
        .service(resource("/register/statistics/costs").post(costs));
}

#[derive(Template)]
#[template(path = "register_statistics.html")]
struct StatisticsPage {
    chrome: Chrome,
    summary: Summary,
    period: Field,
    strip: Vec<(String, &'static str)>,
    volumes: Option<Columns>,
    promptness: Option<Columns>,
    months: Vec<[String; 5]>,
    notices: SpreadPart,
    acknowledgements: SpreadPart,
    ico: String,
    ico_bands: Table,
    decided: Table,
    people_decided: Table,
    people_told: String,
    types: Table,
    causes: Table,
    categories: Table,
    data: Table,
    people: Table,
    costs: CostsPart,
    partners: Vec<(String, String, [String; 3])>,
    partners_more: usize,
    field: Vec<Beside>,
    field_note: &'static str,
    /// The year of the counts that may be published.
    year: Field,
}

/// A table with its chart.
struct Table {
    chart: Option<Bars>,
    rows: Vec<(String, String, String)>,
}

impl Table {
    fn of(id: &'static str, title: &str, values: &[Counted]) -> Self {
        let all: i64 = values.iter().map(|(_, n)| *n).sum();
        Self {
            chart: Bars::of(id, title, values),
            rows: values.iter().map(|(label, n)| (label.clone(), grouped(*n), share(*n, all))).collect(),
        }
    }
}

/// How long something took, in words, with its table.
struct SpreadPart {
    words: String,
    table: Table,
}

impl SpreadPart {
    fn of(id: &'static str, title: &str, spread: &Spread, none: &str) -> Self {
        let all = spread.in_time.saturating_add(spread.late);
        let mut words = if all == 0 {
            none.to_owned()
        } else {
            format!("{} of {} in time ({}).", grouped(spread.in_time), grouped(all), share(spread.in_time, all))
        };
        if let Some((median, ninetieth)) = spread.median.as_ref().zip(spread.ninetieth.as_ref()) {
            words.push_str(&format!(" Half took {median}, nine in ten took {ninetieth}."));
        }
        if spread.outstanding > 0 {
            words.push_str(&format!(" Late and still outstanding: {}.", grouped(spread.outstanding)));
        }
        Self { words, table: Table::of(id, title, &spread.classes) }
    }
}

/// What incidents cost, in words, with its tables.
struct CostsPart {
    words: String,
    chart: Option<Bars>,
    /// Kind, amount, share, in how many incidents.
    kinds: Vec<[String; 4]>,
    years_chart: Option<Bars>,
    /// Year, amount, of it estimated, in how many incidents.
    years: Vec<[String; 4]>,
}

impl CostsPart {
    fn of(costs: &Costs, years: &[YearCost]) -> Self {
        let words = match costs.incidents {
            0 => "No cost is recorded in this period.".to_owned(),
            many => format!(
                "{} in {}, of which {} is estimated.",
                pounds(costs.pence),
                counted(many, "incident"),
                pounds(costs.estimated)
            ),
        };
        let of_kind = |of: &OfKind| {
            [of.kind.label().to_owned(), pounds(of.pence), share(of.pence, costs.pence), grouped(of.incidents)]
        };
        let of_year =
            |of: &YearCost| [of.year.to_string(), pounds(of.pence), pounds(of.estimated), grouped(of.incidents)];
        let values: Vec<Counted> = costs.kinds.iter().map(|of| (of.kind.label().to_owned(), of.pence)).collect();
        let by_year: Vec<Counted> = years.iter().map(|of| (of.year.to_string(), of.pence)).collect();
        Self {
            words,
            chart: Bars::in_words("costs-by-kind", "Costs by kind", &values, pounds),
            kinds: costs.kinds.iter().map(of_kind).collect(),
            years_chart: Bars::in_words("costs-by-year", "Costs by year", &by_year, pounds),
            years: years.iter().map(of_year).collect(),
        }
    }
}

/// A share of ours beside a published one.
struct Beside {
    what: &'static str,
    ours: String,
    theirs: String,
    from: String,
}

impl Beside {
    fn of(compared: &Compared) -> Self {
        let (part, of) = compared.ours;
        Self {
            what: compared.what,
            ours: match share(part, of) {
                none if none.is_empty() => "\u{2013}".to_owned(),
                share => format!("{share} ({} of {})", grouped(part), grouped(of)),
            },
            theirs: format!("{}\u{a0}%, {}", compared.theirs, compared.period),
            from: format!("{}; {}", compared.source, compared.confidence),
        }
    }
}

/// What the address asks for: the last twelve months, a year, or all.
fn asked(form: &Form, now: Moment) -> Result<(String, Months), Problem> {
    let unknown = Problem::Malformed("Choose the last 12 months, a year, or all.");
    match form.first("period") {
        "" | "12" => Ok(("12".to_owned(), Months::up_to(now, 12))),
        "all" => Ok(("all".to_owned(), Months::ALL)),
        year => year_of(year).map(|months| (year.to_owned(), months)).ok_or(unknown),
    }
}

/// `GET /register/statistics`
///
/// # Errors
/// [`Problem`]
pub async fn show(visit: Visit, request: HttpRequest) -> Answer {
    let form = Form::parse(request.query_string().as_bytes())?;
    shown(&visit, &form, Vec::new()).await
}

async fn shown(visit: &Visit, given: &Form, errors: Vec<FieldError>) -> Answer {
    let (period, months) = asked(given, visit.now())?;
    let now = visit.now();
    let (found, years) = visit.node.store().read(move |rows| figures::with_cost_years(rows, months, now)).await?;
    let made = Statistics::of(&found, months);
    let page = StatisticsPage {
        chrome: visit.chrome(crate::web::log::title("Statistics", &errors), "/register"),
        period: period_field(period, visit.now()),
        strip: vec![
            (grouped(made.incidents), if made.incidents == 1 { "incident" } else { "incidents" }),
            (grouped(made.not_a_breach), "of them not a breach"),
            (grouped(made.received), if made.received == 1 { "notice received" } else { "notices received" }),
        ],
        volumes: volumes(&made),
        promptness: promptness(&made),
        months: made.months.iter().map(month_row).collect(),
        notices: SpreadPart::of("told", "Time to tell a partner", &made.notices, "No partner was to be told."),
        acknowledgements: SpreadPart::of(
            "read",
            "Time until a partner\u{2019}s person had read it",
            &made.acknowledgements,
            "No acknowledgement was due.",
        ),
        ico: ico_words(&made),
        ico_bands: Table::of("ico", "Time from awareness to the report", &made.ico.bands),
        decided: Table::of("decided", "Decided about reporting", &made.decided),
        people_decided: Table::of("people-decided", "Decided about telling people", &made.people_decided),
        people_told: match made.people_told {
            0 => "In no incident were the people affected told.".to_owned(),
            1 => "In one incident the people affected, or some of them, were told.".to_owned(),
            many => format!("In {} incidents the people affected, or some of them, were told.", grouped(many)),
        },
        types: Table::of("types", "Types of incident", &made.types),
        causes: Table::of("causes", "Causes", &made.causes),
        categories: Table::of("categories", "Cyber or not", &made.categories),
        data: Table::of("data", "Kinds of data", &made.data),
        people: Table::of("people", "People affected", &made.people),
        costs: CostsPart::of(&made.costs, &years),
        partners_more: made.partners.len().saturating_sub(PARTNERS_SHOWN),
        partners: worst_first(&made),
        field: made.field.iter().map(Beside::of).collect(),
        field_note: &domain::benchmarks::benchmarks().note,
        year: year_field(given, visit.now()).faults(&errors),
        summary: Summary { errors },
    };
    page::html_as(page::form_status(&page.summary.errors), &page)
}

/// Years, the newest first, beginning so many before this one.
fn years(now: Moment, back: i32) -> Vec<String> {
    let last = now.to_chrono().year().saturating_sub(back);
    (0..YEARS).map(|earlier| last.saturating_sub(earlier).to_string()).collect()
}

fn period_field(period: String, now: Moment) -> Field {
    let mut form = Form::default();
    form.set("period", period);
    let years = years(now, 0);
    let years = years.iter().map(|year| (year.as_str(), year.as_str()));
    let options = [("12", "The last 12 months"), ("all", "All there is")].into_iter().chain(years);
    Field::select(&form, "period", "Period", options)
}

/// The year of the counts that may be published: one that is over.
fn year_field(given: &Form, now: Moment) -> Field {
    let years = years(now, 1);
    Field::select(given, "year", "Year", years.iter().map(|year| (year.as_str(), year.as_str())))
}

fn volumes(made: &Statistics) -> Option<Columns> {
    let values: Vec<(String, Vec<i64>)> = made.months.iter().map(|(label, n, ..)| (label.clone(), vec![*n])).collect();
    Columns::of("volumes", "Incidents by month", &["incidents"], &values)
}

fn promptness(made: &Statistics) -> Option<Columns> {
    let values: Vec<(String, Vec<i64>)> =
        made.months.iter().map(|(label, _, met, late)| (label.clone(), vec![*met, *late])).collect();
    Columns::of("promptness", "Notices to partners by month", &["in time", "late"], &values)
}

fn month_row((label, incidents, met, late): &(String, i64, i64, i64)) -> [String; 5] {
    let rate = share(*met, met.saturating_add(*late));
    [
        label.clone(),
        grouped(*incidents),
        grouped(*met),
        grouped(*late),
        if rate.is_empty() { "\u{2013}".to_owned() } else { rate },
    ]
}

fn ico_words(made: &Statistics) -> String {
    let ico = &made.ico;
    let reported = ico.in_time.saturating_add(ico.late);
    let mut words = match reported {
        0 => "Nothing was reported to the ICO.".to_owned(),
        _ => format!(
            "{} of {} within 72 hours ({}).",
            grouped(ico.in_time),
            grouped(reported),
            share(ico.in_time, reported)
        ),
    };
    words.push_str(&format!(
        " {} not required; {} still to be decided, {} of them past 72 hours.",
        grouped(ico.not_required),
        grouped(ico.running.saturating_add(ico.overdue)),
        grouped(ico.overdue)
    ));
    words
}

/// Partners told late most often first.
fn worst_first(made: &Statistics) -> Vec<(String, String, [String; 3])> {
    let mut partners: Vec<_> = made.partners.iter().collect();
    partners.sort_by(|a, b| (b.3, &a.1).cmp(&(a.3, &b.1)));
    let row = |(id, name, met, late): &(PartnerId, String, i64, i64)| {
        let figures = [grouped(*met), grouped(*late), share(*met, met.saturating_add(*late))];
        (format!("/partners/{id}"), name.clone(), figures)
    };
    partners.into_iter().take(PARTNERS_SHOWN).map(row).collect()
}

/// `POST /register/statistics/counts`: incidents of a year by cause and number of people, as may be published.
///
/// # Errors
/// [`Problem`]
pub async fn counts(posted: Posted) -> Answer {
    let Posted { visit, form } = posted;
    let by = reader(&visit)?;
    let year = form.first("year").to_owned();
    let Some(months) = year_over(&year, visit.now()) else {
        return shown(&visit, &form, vec![FieldError::from(YEAR_NOT_OVER)]).await;
    };
    let found = visit.node.store().read(move |rows| figures::figures(rows, months)).await?;
    let table = aggregate::by_cause_and_people(&found);
    visit.node.note_export(&by, "register_counts_exported", json!({ "period": year })).await?;
    let name = format!("register-counts-{year}-{}.csv", day(visit.now()));
    Ok(attachment(&name, csv::MEDIA_TYPE).body(aggregate::to_csv(&table)))
}

/// `POST /register/statistics/costs`: what incidents of a year cost by kind, as may be published.
///
/// # Errors
/// [`Problem`]
pub async fn costs(posted: Posted) -> Answer {
    let Posted { visit, form } = posted;
    let by = reader(&visit)?;
    let year = form.first("year").to_owned();
    let Some(months) = year_over(&year, visit.now()) else {
        return shown(&visit, &form, vec![FieldError::from(YEAR_NOT_OVER)]).await;
    };
    let found = visit.node.store().read(move |rows| figures::figures(rows, months)).await?;
    let published = amounts::publishable(&found);
    visit.node.note_export(&by, "register_costs_exported", json!({ "period": year })).await?;
    let name = format!("register-costs-{year}-{}.csv", day(visit.now()));
    Ok(attachment(&name, csv::MEDIA_TYPE).body(amounts::to_csv(&published)))
}
