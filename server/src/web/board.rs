//! The partner board: every partner that an incident owes a notice, how far each has come and by what evidence, which
//! version each holds, when each is tried next and why; and what a person does about those who are not told.

mod deliveries;
mod differences;
mod reissue;

use std::str::FromStr as _;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{self, ServiceConfig, resource};
use askama::Template;
use domain::incident::Stage;
use domain::values::{ExchangeId, IncidentId, Moment, PartnerId};
use serde::Deserialize;
use serde_json::json;

use super::field::Tag;
use super::page::{self, Answer, Chrome, Posted, Visit};
use super::partners::reader;
use super::standing;
use super::words::{self, Reader, counted, grouped};
use crate::access::Responder;
use crate::documents::csv;
use crate::problem::Problem;
use crate::store::queries::board::{self, Carried, HeldUp, Level, Listed, State};
use crate::store::queries::incidents;

/// Partners on one page.
const SHOWN_MAX: usize = 100;
/// Partners in one file.
const EXPORTED_MAX: usize = 10_000;

/// Every address of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/incidents/{id}/partners").get(show))
        .service(resource("/incidents/{id}/partners/try-now").post(try_all))
        .service(resource("/incidents/{id}/partners/export").post(export))
        .service(resource("/exchanges/{id}/try-now").post(try_one))
        .service(resource("/exchanges/{id}/differences").get(differences::show))
        .service(resource("/exchanges/{id}/deliveries").get(deliveries::show))
        .service(resource("/exchanges/{id}/reissue").get(reissue::ask).post(reissue::act));
}

#[derive(Template)]
#[template(path = "board.html")]
struct BoardPage {
    chrome: Chrome,
    id: IncidentId,
    reference: String,
    done: String,
    /// Our facts have changed since they were last sent: in words.
    unsent: String,
    states: Vec<Choice>,
    state: &'static str,
    total: String,
    rows: Vec<Row>,
    next: Option<String>,
    may_act: bool,
    /// Somebody shown here is still being told.
    under_way: bool,
}

/// A state to show alone, with how many are in it.
struct Choice {
    word: &'static str,
    label: &'static str,
    many: String,
    on: bool,
}

struct Row {
    id: ExchangeId,
    partner: PartnerId,
    name: String,
    channel: &'static str,
    tag: Tag,
    evidence: String,
    holds: String,
    /// They have not seen all that we say.
    behind: bool,
    /// Part of that was not sent yet.
    unsent: bool,
    due: String,
    late: Option<Tag>,
    next: String,
    why: String,
    /// What holds it up is mended on the partner's own page.
    look: bool,
    may_hurry: bool,
}

/// What the page is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    state: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    done: String,
}

struct Found {
    listed: incidents::Listed,
    tally: Vec<(State, u32)>,
    page: crate::store::queries::Page<Listed, PartnerId>,
}

/// `GET /incidents/{id}/partners`
///
/// # Errors
/// [`Problem`]
pub async fn show(visit: Visit, id: web::Path<IncidentId>, asked: web::Query<Asked>) -> Answer {
    reader(&visit)?;
    let (id, state) = (*id, State::from_word(&asked.state));
    let after = PartnerId::from_str(&asked.after).ok();
    let found = visit
        .node
        .store()
        .read(move |rows| {
            let Some(listed) = incidents::one(rows, id)? else { return Ok(None) };
            let page = board::page(rows, id, state, after, SHOWN_MAX)?;
            Ok(Some(Found { listed, tally: board::tally(rows, id)?, page }))
        })
        .await?
        .ok_or(Problem::NotFound)?;
    let elapsed = visit.node.time().elapsed();
    let may_act = Responder::of(&visit.person).is_some();
    let word = state.map_or("", State::word);
    let unsent = unsent(&found.listed);
    let about = About { reader: visit.reader, elapsed, may_act, unsent };
    let rows: Vec<Row> = found.page.items.iter().map(|listed| row(listed, &about)).collect();
    let page = BoardPage {
        chrome: visit
            .chrome(format!("Partners - {}", found.listed.reference), "/incidents")
            .exercise(found.listed.exercise),
        id,
        unsent: if unsent { unsent_words(&found.listed) } else { String::new() },
        reference: found.listed.reference,
        done: done(&asked.done),
        states: choices(&found.tally, state),
        state: word,
        total: counted(i64::from(found.tally.iter().map(|(_, many)| *many).sum::<u32>()), "partner"),
        under_way: rows.iter().any(|row| row.may_hurry),
        rows,
        next: found.page.next.map(|next| format!("/incidents/{id}/partners?state={word}&after={next}")),
        may_act,
    };
    page::html(&page)
}

/// "12 partners are being tried now."
fn done(word: &str) -> String {
    match word.parse::<u32>() {
        Ok(0) => "Nothing waits to be tried.".to_owned(),
        Ok(1) => "1 partner is being tried now.".to_owned(),
        Ok(many) => format!("{} partners are being tried now.", grouped(i64::from(many))),
        Err(_) => String::new(),
    }
}

fn choices(tally: &[(State, u32)], chosen: Option<State>) -> Vec<Choice> {
    let total: u32 = tally.iter().map(|(_, many)| *many).sum();
    let all = Choice { word: "", label: "All", many: grouped(i64::from(total)), on: chosen.is_none() };
    let some = tally.iter().map(|(state, many)| Choice {
        word: state.word(),
        label: standing::state_word(*state),
        many: grouped(i64::from(*many)),
        on: chosen == Some(*state),
    });
    [all].into_iter().chain(some).collect()
}

/// The channel over which a partner is told.
pub(super) fn channel(word: &str) -> &'static str {
    match word {
        "webhook" => "by webhook",
        "mail" => "by e-mail link",
        "hand" => "by hand",
        _ => "to their node",
    }
}

/// Whether what we say has changed since it was last sent to the partners, so that none of them can hold it.
pub(super) fn unsent(listed: &incidents::Listed) -> bool {
    listed.stage == Stage::Active.word() && listed.owed > 0 && listed.sent_version < listed.facts_version
}

/// "Our facts stand at version 3. Partners were last sent version 2."
fn unsent_words(listed: &incidents::Listed) -> String {
    let (now, sent) = (listed.facts_version, listed.sent_version);
    format!(
        "Our facts stand at version {now}. Partners were last sent version {sent}: what changed since is not sent yet."
    )
}

/// What every row is shown with. `elapsed` is machine time, in which attempts are counted.
struct About {
    reader: Reader,
    elapsed: Moment,
    may_act: bool,
    unsent: bool,
}

fn row(listed: &Listed, about: &About) -> Row {
    let About { reader, elapsed, may_act, unsent } = *about;
    let unsent = unsent && listed.revision > 0 && !matches!(listed.state, State::Withdrawn | State::Erased);
    let clock = listed.clock.as_ref();
    let late = clock.and_then(|clock| match clock.state.as_str() {
        "met_late" => Some(Tag::red("Met late")),
        _ if clock.open && clock.due < reader.now() => Some(Tag::red("Overdue")),
        _ => None,
    });
    let carried = listed.carried.as_ref();
    Row {
        id: listed.exchange,
        partner: listed.partner,
        name: listed.partner_name.clone(),
        channel: channel(&listed.channel),
        tag: tag(listed),
        evidence: evidence(listed, reader),
        holds: holds(listed),
        behind: unsent || listed.holds < listed.revision,
        unsent,
        due: clock.filter(|clock| clock.open).map(|clock| reader.near(clock.due)).unwrap_or_default(),
        late,
        next: carried.map(|carried| next_words(carried, elapsed)).unwrap_or_default(),
        why: carried.map(|carried| why(carried, reader)).unwrap_or_default(),
        look: carried.and_then(|carried| carried.held_up).is_some_and(|why| why != HeldUp::Parked),
        may_hurry: may_act && carried.is_some_and(|carried| carried.held_up.is_none()),
    }
}

fn tag(listed: &Listed) -> Tag {
    let state = listed.state;
    let tried = listed.carried.as_ref().is_some_and(|it| it.attempts > 0);
    if tried && state == State::NotDelivered {
        return Tag::red(standing::state_word(state));
    }
    standing::state_tag(state)
}

/// What the state rests on, with the instant of the evidence.
fn evidence(listed: &Listed, reader: Reader) -> String {
    if let Some(said) = &listed.acknowledgement {
        let how = if said.by_link { "through a link, recorded" } else { "signed" };
        let reference = said.reference.as_ref().map(|it| format!("; their reference {it}")).unwrap_or_default();
        return format!(
            "read by {}, {}, {} ({how}){reference}",
            said.name,
            standing::role_words(said.role.as_str()),
            reader.near(said.at)
        );
    }
    match (listed.level, listed.delivered_at, &listed.told, listed.accepted_at) {
        (Level::Signed, Some(at), _, _) => format!("signed receipt {}", reader.at_second(at)),
        (Level::Recorded, _, Some((at, how)), _) => {
            format!("{} {}: recorded, not signed", standing::told_how(how), reader.near(*at))
        }
        (Level::Transport, _, _, Some(at)) => format!("accepted by their server {}: proves nothing", reader.near(at)),
        (Level::None | Level::Transport | Level::Recorded | Level::Signed, _, _, _) => String::new(),
    }
}

/// "version 2 of 3".
fn holds(listed: &Listed) -> String {
    match (listed.revision, listed.holds, listed.taken) {
        (0, _, _) => String::new(),
        (newest, 0, 0) => format!("none of {}", counted(i64::from(newest), "version")),
        (newest, 0, taken) => format!("perhaps version {taken} of {newest}"),
        (newest, held, _) => format!("version {held} of {newest}"),
    }
}

/// When it is tried next, or what keeps it from being tried.
pub(super) fn next_words(carried: &Carried, elapsed: Moment) -> String {
    let wait = carried.next_attempt_at.map(|at| at.seconds_since(elapsed)).filter(|wait| *wait > 0);
    match (carried.held_up, wait) {
        (Some(HeldUp::Parked), _) => "Refused: it waits for a person".to_owned(),
        (Some(HeldUp::Stopped), _) => "Stopped until a person has looked".to_owned(),
        (Some(HeldUp::Suspended), _) => "Not sent: the pairing is suspended or has ended".to_owned(),
        (Some(HeldUp::NoWay), _) => "Nothing to send it to: telephone them".to_owned(),
        (Some(HeldUp::Paused), _) => "Paused by an administrator".to_owned(),
        (None, Some(wait)) => format!("Next attempt in {}", words::length(wait)),
        (None, None) => "Next attempt at once".to_owned(),
    }
}

/// What came of the last attempt.
fn why(carried: &Carried, reader: Reader) -> String {
    let Some(outcome) = carried.last_outcome.as_deref().filter(|_| carried.attempts > 0) else {
        return String::new();
    };
    let when = carried.last_attempt_at.map(|at| format!(" {}", reader.near(at))).unwrap_or_default();
    let outcome = standing::outcome(&carried.channel, outcome);
    format!("{}; the last{when}: {outcome}", counted(i64::from(carried.attempts), "attempt"))
}

/// `POST /incidents/{id}/partners/try-now`: everybody shown who is still being told.
///
/// # Errors
/// [`Problem`]
pub async fn try_all(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let by = super::log::responder(&posted.visit)?;
    let state = State::from_word(posted.form.first("state"));
    let many = posted.visit.node.try_all_now(&by, *id, state).await?;
    let word = state.map_or("", State::word);
    Ok(page::see_other(&format!("/incidents/{id}/partners?state={word}&done={many}")))
}

/// `POST /exchanges/{id}/try-now`
///
/// # Errors
/// [`Problem`]
pub async fn try_one(posted: Posted, id: web::Path<ExchangeId>) -> Answer {
    let by = super::log::responder(&posted.visit)?;
    posted.visit.node.try_now(&by, *id).await?;
    let back = page::own_path(posted.form.first("back"));
    let back = if back == "/" { format!("/exchanges/{id}?done=1") } else { back.to_owned() };
    Ok(page::see_other(&back))
}

/// The columns of the file.
const COLUMNS: [&str; 20] = [
    "partner",
    "channel",
    "state",
    "evidence",
    "newest_version",
    "holds_version",
    "server_took_version",
    "due_at",
    "clock",
    "clock_ended_at",
    "clock_evidence",
    "signed_receipt_at",
    "server_took_at",
    "told_at",
    "told_how",
    "read_at",
    "read_by",
    "their_reference",
    "attempts",
    "last_outcome",
];

/// `POST /incidents/{id}/partners/export`: who was told when, and by what evidence. Who took it is on the record.
///
/// # Errors
/// [`Problem`]
pub async fn export(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let by = reader(&posted.visit)?;
    let (id, node) = (*id, &posted.visit.node);
    let found = node
        .store()
        .read(move |rows| {
            let Some(listed) = incidents::one(rows, id)? else { return Ok(None) };
            let page = board::page(rows, id, None, None, EXPORTED_MAX)?;
            Ok(Some((listed.reference, page.items)))
        })
        .await?;
    let (reference, partners) = found.ok_or(Problem::NotFound)?;
    node.note_export(&by, "board_exported", json!({ "incident": id, "partners": partners.len() })).await?;
    Ok(file(&format!("{reference}-partners.csv"), csv::table(COLUMNS, partners.into_iter().map(cells))))
}

/// A table to keep.
pub(super) fn file(name: &str, body: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(csv::MEDIA_TYPE)
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body)
}

fn cells(listed: Listed) -> [String; 20] {
    let at = |at: Option<Moment>| at.map(|at| at.to_string()).unwrap_or_default();
    let version = |version: u32| if version == 0 { String::new() } else { version.to_string() };
    let clock = listed.clock;
    let (told_at, told_how) = listed.told.unzip();
    let said = listed.acknowledgement;
    let carried = listed.carried;
    [
        listed.partner_name,
        listed.channel,
        listed.state.word().to_owned(),
        listed.level.word().to_owned(),
        version(listed.revision),
        version(listed.holds),
        version(listed.taken),
        at(clock.as_ref().map(|clock| clock.due)),
        clock.as_ref().map(|clock| clock.state.clone()).unwrap_or_default(),
        at(clock.as_ref().and_then(|clock| clock.ended_at)),
        clock.and_then(|clock| clock.evidence).unwrap_or_default(),
        at(listed.delivered_at),
        at(listed.accepted_at),
        at(told_at),
        told_how.unwrap_or_default(),
        at(said.as_ref().map(|said| said.at)),
        said.as_ref().map(|said| format!("{}, {}", said.name, said.role)).unwrap_or_default(),
        said.and_then(|said| said.reference).map(|reference| reference.to_string()).unwrap_or_default(),
        carried.as_ref().map(|carried| carried.attempts.to_string()).unwrap_or_default(),
        carried.and_then(|carried| carried.last_outcome).unwrap_or_default(),
    ]
}
