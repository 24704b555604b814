//! The home page: every running clock, the most pressing first; and the wall screen.

mod first_hour;

use std::str::FromStr as _;

use actix_web::HttpResponse;
use actix_web::web;
use askama::Template;
use domain::clock::ClockKind;
use domain::values::{ComplaintId, ExchangeId, IncidentId, Moment, PartnerId};
use serde::Deserialize;

use self::first_hour::GettingStarted;
use super::alerts::{self, AlertLine};
use super::clock::{ClockPart, Looker};
use super::duties::UndatedPart;
use super::field::Choice;
use super::page::{self, Answer, Anyone, Chrome, Posted, Visit};
use super::people::role_words;
use super::words::{Reader, counted, grouped};
use crate::access::{DutyHolder, Responder};
use crate::node::StreamId;
use crate::problem::Problem;
use crate::store::queries::clocks::{self, Filter, Group, Strip};
use crate::store::queries::complaints::Waiting;
use crate::store::queries::{self, duties, incidents, partners};

/// Groups of clocks on one page; further ones are counted.
const SHOWN_MAX: usize = 50;
/// Clocks on the wall.
const WALL_MAX: usize = 4;
const FILTER_INCIDENTS_MAX: i64 = 200;

/// What the filter asks for.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    partner: String,
    #[serde(default)]
    incident: String,
}

impl Asked {
    /// Values that can't be read filter nothing.
    fn filter(&self) -> Filter {
        Filter {
            kind: ClockKind::ALL.into_iter().find(|kind| kind.word() == self.kind),
            partner: PartnerId::from_str(&self.partner).ok(),
            incident: IncidentId::from_str(&self.incident).ok(),
        }
    }
}

fn query(filter: Filter) -> String {
    let mut parts = Vec::new();
    parts.extend(filter.kind.map(|kind| format!("kind={}", kind.word())));
    parts.extend(filter.partner.map(|partner| format!("partner={partner}")));
    parts.extend(filter.incident.map(|incident| format!("incident={incident}")));
    if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
}

/// One count above the list.
pub struct Cell {
    class: &'static str,
    figure: String,
    words: &'static str,
}

#[derive(Template)]
#[template(path = "clocks.html")]
struct ClocksPage {
    chrome: Chrome,
    started: Option<GettingStarted>,
    may_log: bool,
    kinds: Vec<Choice>,
    partners: Vec<Choice>,
    incidents: Vec<Choice>,
    filtered: bool,
    query: String,
    list: ClockList,
}

#[derive(Template)]
#[template(path = "clocks_list.html")]
struct ClockList {
    strip: Vec<Cell>,
    alerts: Vec<AlertLine>,
    /// There are more of them than are shown: how many in all.
    alerts_more: String,
    clocks: Vec<ClockPart>,
    undated: Vec<UndatedPart>,
    undated_more: String,
    complaints: String,
    filtered: bool,
    more: u32,
    more_words: String,
}

impl askama::filters::HtmlSafe for ClockList {}

#[derive(Template)]
#[template(path = "wall.html")]
struct WallPage {
    chrome: Chrome,
    list: WallList,
}

#[derive(Template)]
#[template(path = "wall_list.html")]
struct WallList {
    strip: Vec<Cell>,
    clocks: Vec<ClockPart>,
    undated: Vec<UndatedPart>,
}

impl askama::filters::HtmlSafe for WallList {}

#[derive(Template)]
#[template(path = "no_role.html")]
struct NoRolePage {
    chrome: Chrome,
    roles: Vec<&'static str>,
}

/// `GET /`: the clocks. Whoever may not read the record is told what their account is for, and by whom that changes.
///
/// # Errors
/// [`Problem`]
pub async fn home(visit: Anyone, asked: web::Query<Asked>) -> Answer {
    let Anyone(visit) = visit;
    if !visit.reads() {
        let roles = visit.person.roles().iter().map(|role| role_words(*role)).collect();
        return page::html(&NoRolePage { chrome: visit.chrome("Signed in", "/"), roles });
    }
    let filter = asked.filter();
    let (names, open) = visit
        .node
        .store()
        .read(|rows| Ok((partners::names(rows)?, incidents::with_open_clocks(rows, FILTER_INCIDENTS_MAX)?)))
        .await?;
    let choice = |value: String, label: &str, on| Choice { value, label: label.to_owned(), hint: String::new(), on };
    let page = ClocksPage {
        chrome: visit.chrome("Clocks", "/"),
        started: first_hour::of(&visit).await?,
        may_log: Responder::of(&visit.person).is_some(),
        kinds: ClockKind::ALL
            .into_iter()
            .map(|kind| choice(kind.word().to_owned(), kind_words(kind), filter.kind == Some(kind)))
            .collect(),
        partners: names
            .into_iter()
            .map(|(id, name)| choice(id.to_string(), &name, filter.partner == Some(id)))
            .collect(),
        incidents: open
            .into_iter()
            .map(|(id, reference)| choice(id.to_string(), &reference, filter.incident == Some(id)))
            .collect(),
        filtered: filter != Filter::default(),
        query: query(filter),
        list: list_of(&visit, filter).await?,
    };
    page::html(&page)
}

/// `GET /clocks/list`: the part of the home page that follows the clocks.
///
/// # Errors
/// [`Problem`]
pub async fn list(visit: Visit, asked: web::Query<Asked>) -> Answer {
    page::html(&list_of(&visit, asked.filter()).await?)
}

async fn list_of(visit: &Visit, filter: Filter) -> Result<ClockList, Problem> {
    let now = visit.now();
    let (strip, (groups, more), (undated, undated_more), waiting, open_alerts, alerts_total) = visit
        .node
        .store()
        .read(move |rows| {
            Ok((
                clocks::strip(rows, now)?,
                clocks::pressing(rows, filter, SHOWN_MAX)?,
                duties::open(rows, filter, SHOWN_MAX)?,
                queries::complaints::waiting(rows, now)?,
                queries::alerts::open(rows, alerts::SHOWN_MAX)?,
                queries::alerts::how_many(rows)?,
            ))
        })
        .await?;
    let filtered = filter != Filter::default();
    let back = format!("/{}", query(filter));
    let alerts_more = if i64::from(alerts_total) > alerts::SHOWN_MAX && !filtered {
        format!("The newest {} of {} are shown.", alerts::SHOWN_MAX, grouped(i64::from(alerts_total)))
    } else {
        String::new()
    };
    Ok(ClockList {
        strip: cells(strip),
        alerts_more,
        alerts: if filtered { Vec::new() } else { alerts::lines(open_alerts, visit, &back) },
        clocks: parts(&groups, visit, &back),
        undated: undated.iter().map(|owed| UndatedPart::of(owed, visit)).collect(),
        undated_more: undated_more_words(undated_more),
        complaints: if filtered { String::new() } else { complaints_words(waiting, visit.reader) },
        filtered,
        more,
        more_words: more_words(more),
    })
}

/// "2 complaints are overdue; 3 more are running, the next due …". Empty when nothing of the kind is owed.
fn complaints_words(waiting: Waiting, reader: Reader) -> String {
    let Some(next) = waiting.next_due else { return String::new() };
    let due = reader.near(next);
    let (overdue, running) = (i64::from(waiting.overdue), i64::from(waiting.running));
    match (overdue, running) {
        (0, _) => format!("{} to see to, the first due {due}.", counted(running, "complaint")),
        (_, 0) => format!("{} overdue, the first since {due}.", counted(overdue, "complaint")),
        (_, _) => format!(
            "{} overdue, the first since {due}; {} more to see to.",
            counted(overdue, "complaint"),
            grouped(running)
        ),
    }
}

/// Those without a time in law that the page does not show.
fn undated_more_words(more: u32) -> String {
    match more {
        0 => String::new(),
        1 => "One more is open; use the filter to see it.".to_owned(),
        many => format!("{} more are open; use the filter to see them.", grouped(i64::from(many))),
    }
}

/// "12 more duties are running": those that the page does not show.
fn more_words(more: u32) -> String {
    match more {
        1 => "One more duty is running; use the filter to see it.".to_owned(),
        many => format!("{} more duties are running; use the filter to see them.", grouped(i64::from(many))),
    }
}

/// The components of some groups, with the button for those who may press it.
pub(super) fn parts(groups: &[Group], visit: &Visit, back: &str) -> Vec<ClockPart> {
    let may_take = DutyHolder::of(&visit.person).is_some();
    let looker = Looker { person: visit.person.id(), may_take, csrf: &visit.csrf, back };
    groups.iter().map(|group| ClockPart::of(group, visit.reader, Some(looker))).collect()
}

fn cells(strip: Strip) -> Vec<Cell> {
    let cell = |class, figure: u32, words| Cell { class, figure: grouped(i64::from(figure)), words };
    let mut cells = vec![
        cell("r", strip.overdue, "overdue"),
        cell("a", strip.soon, "under 6 hours"),
        cell("b", strip.running, "running"),
    ];
    if strip.met > 0 {
        let permille = u64::from(strip.met_in_time) * 1_000 / u64::from(strip.met);
        let figure = format!("{}.{}%", permille / 10, permille % 10);
        cells.push(Cell { class: "g", figure, words: "of the latest duties met in time" });
    }
    cells
}

/// A kind of duty, as lists of kinds have it.
pub(super) const fn kind_words(kind: ClockKind) -> &'static str {
    match kind {
        ClockKind::PartnerNotice => "Tell partners",
        ClockKind::PartnerAcknowledgement => "Have partners acknowledge",
        ClockKind::IcoReport => "Report to the ICO",
        ClockKind::Assistance => "Answer partners’ requests",
        ClockKind::PeopleTold => "Tell the people affected",
        ClockKind::FollowUp => "Follow the ICO report up",
        ClockKind::ComplaintAcknowledgement => "Acknowledge complaints, by law",
        ClockKind::ComplaintPromisedAcknowledgement => "Acknowledge complaints, our own promise",
        ClockKind::ComplaintPromisedAnswer => "Answer complaints, our own promise",
    }
}

/// `GET /wall`
///
/// # Errors
/// [`Problem`]
pub async fn wall(visit: Visit) -> Answer {
    page::html(&WallPage { chrome: visit.chrome("Wall", "/wall"), list: wall_of(&visit).await? })
}

/// `GET /wall/list`
///
/// # Errors
/// [`Problem`]
pub async fn wall_list(visit: Visit) -> Answer {
    page::html(&wall_of(&visit).await?)
}

async fn wall_of(visit: &Visit) -> Result<WallList, Problem> {
    let now = visit.now();
    let (strip, (groups, _), (undated, _)) = visit
        .node
        .store()
        .read(move |rows| {
            let all = Filter::default();
            let clocks = (clocks::strip(rows, now)?, clocks::pressing(rows, all, WALL_MAX)?);
            Ok((clocks.0, clocks.1, duties::open(rows, all, WALL_MAX)?))
        })
        .await?;
    let undated = undated.iter().map(|owed| UndatedPart::of(owed, visit)).collect();
    let clocks = groups.iter().map(|group| ClockPart::of(group, visit.reader, None)).collect();
    Ok(WallList { strip: cells(strip), clocks, undated })
}

/// `POST /take-in-hand`: the ladder of a duty stops, because a named person sees to it.
///
/// # Errors
/// [`Problem`]
pub async fn take_in_hand(posted: Posted) -> Answer {
    let by = DutyHolder::of(&posted.visit.person)
        .ok_or(Problem::NotAllowed("responders, data protection officers and managers"))?;
    let Duty { stream, kind, due } = duty(&posted)?;
    posted.visit.node.take_in_hand(&by, stream, kind, due).await?;
    Ok(page::see_other(page::own_path(posted.form.first("back"))))
}

/// `POST /seen`: whoever the last step asked says that they have seen it.
///
/// # Errors
/// [`Problem`]
pub async fn seen(posted: Posted) -> Answer {
    let Duty { stream, kind, due } = duty(&posted)?;
    posted.visit.node.mark_seen(&posted.visit.person, stream, kind, due).await?;
    Ok(page::see_other(page::own_path(posted.form.first("back"))))
}

/// The ladder that a button was about.
struct Duty {
    stream: StreamId,
    kind: ClockKind,
    due: Moment,
}

fn duty(posted: &Posted) -> Result<Duty, Problem> {
    let form = &posted.form;
    let unreadable = || Problem::Malformed("The duty could not be read.");
    let stream = match form.first("stream").split_once(':') {
        Some(("incident", id)) => IncidentId::from_str(id).map(StreamId::Incident),
        Some(("exchange", id)) => ExchangeId::from_str(id).map(StreamId::Exchange),
        Some(("complaint", id)) => ComplaintId::from_str(id).map(StreamId::Complaint),
        _ => return Err(unreadable()),
    };
    let stream = stream.map_err(|_| unreadable())?;
    let kind = ClockKind::ALL.into_iter().find(|kind| kind.word() == form.first("kind")).ok_or_else(unreadable)?;
    let due =
        form.first("due").parse().ok().and_then(|micros| Moment::from_micros(micros).ok()).ok_or_else(unreadable)?;
    Ok(Duty { stream, kind, due })
}

/// `GET /now`: the present instant as the inputs of a date hold it, for the button *Now*.
///
/// # Errors
/// [`Problem`]
pub async fn now(visit: Visit) -> Answer {
    let [day, month, year, time] = visit.reader.inputs(visit.now());
    Ok(HttpResponse::Ok()
        .insert_header((actix_web::http::header::CACHE_CONTROL, "no-store"))
        .json(serde_json::json!({ "day": day, "month": month, "year": year, "time": time })))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Aim: what is not shown is counted in words that people use.
    #[test]
    fn further_duties_are_counted() {
        assert_eq!(more_words(1), "One more duty is running; use the filter to see it.");
        assert_eq!(more_words(1_200), "1,200 more duties are running; use the filter to see them.");
    }
}
