//! The page of one incident: where it stands, the partner board, what we know, its clocks, its timeline, and one main
//! thing to do.

use std::str::FromStr as _;

use actix_web::web;
use askama::Template;
use domain::exchange::Stance;
use domain::facts::IncidentKind;
use domain::incident::assessment::Assessed;
use domain::incident::{Incident, Stage};
use domain::reliance::Standing as Filing;
use domain::report::{self, ReportState};
use domain::values::{IncidentId, PartnerId};
use serde::Deserialize;

use super::clock::ClockPart;
use super::duties::UndatedPart;
use super::facts::{self, Row};
use super::field::Tag;
use super::page::{self, Answer, Chrome, Visit};
use super::standing::{self, Standing};
use super::timeline::{self, Line};
use super::words::{counted, grouped};
use super::{assessment, clocks, decision, duties, incidents, joint, messages};
use crate::access::{Dpo, Reporter, Responder};
use crate::problem::Problem;
use crate::store::queries::clocks::{Filter, Single};
use crate::store::queries::exchanges::{Listed, Show};
use crate::store::queries::joint::{Filed, FiledAbout};
use crate::store::queries::said;
use crate::store::queries::{self, Page};

/// Partners on one page of the board.
const BOARD_MAX: usize = 100;
/// Partners whose messages or answers are listed as waiting.
const WAITING_MAX: u32 = 10;
/// Partners whose reports to the ICO are named.
const FILED_MAX: usize = 3;
/// Clock groups in the side column.
const CLOCKS_MAX: usize = 12;

/// What the page is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    logged: String,
    #[serde(default)]
    show: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    before: String,
}

impl Asked {
    fn show(&self) -> Show {
        match self.show.as_str() {
            "undelivered" => Show::NotDelivered,
            "unread" => Show::NotRead,
            _ => Show::All,
        }
    }

    fn query(&self) -> String {
        format!("?show={}&after={}", if self.show() == Show::All { "all" } else { &self.show }, self.after_key())
    }

    fn after_key(&self) -> String {
        PartnerId::from_str(&self.after).map(|id| id.to_string()).unwrap_or_default()
    }
}

#[derive(Template)]
#[template(path = "incident.html")]
struct IncidentPage {
    chrome: Chrome,
    id: IncidentId,
    reference: String,
    title: String,
    done: String,
    main: Option<Offer>,
    others: Vec<Offer>,
    query: String,
    body: Body,
}

#[derive(Template)]
#[template(path = "incident_live.html")]
struct Body {
    id: IncidentId,
    tags: Vec<Tag>,
    waiting: Vec<Waiting>,
    tally: Vec<String>,
    shows: Vec<(&'static str, &'static str, bool)>,
    board: Vec<BoardRow>,
    board_next: Option<String>,
    may_change: bool,
    awareness: Vec<(String, String)>,
    facts: Vec<Row>,
    facts_note: String,
    lines: Vec<Line>,
    lines_next: Option<String>,
    clocks: Vec<ClockPart>,
    undated: Vec<UndatedPart>,
    ended: Vec<(Tag, String)>,
    assessed: String,
    decided: String,
    report: String,
    ledger: String,
}

impl askama::filters::HtmlSafe for Body {}

/// Something that waits for a person.
struct Waiting {
    words: String,
    href: String,
    link: &'static str,
}

struct BoardRow {
    href: String,
    name: String,
    version: String,
    stands: Standing,
    why: String,
    why_id: String,
    says: Option<Standing>,
    clock: Option<Tag>,
}

/// Everything that the page is made of.
struct Found {
    listed: queries::incidents::Listed,
    state: Incident,
    board: Page<Listed, PartnerId>,
    tally: Vec<(String, Option<Stance>, u32)>,
    groups: Vec<queries::clocks::Group>,
    undated: Vec<queries::duties::Owed>,
    own: Vec<Single>,
    told: Page<queries::incidents::Told, u64>,
    unread: Vec<said::Waiting>,
    owed_to_us: Vec<said::Waiting>,
    filed: (Vec<Filed>, u32),
    relied_on: Option<String>,
    ledger: u64,
    /// Answers that are not what the regulator was told.
    out_of_date: usize,
}

async fn find(visit: &Visit, id: IncidentId, asked: &Asked) -> Result<Found, Problem> {
    let (show, after) = (asked.show(), PartnerId::from_str(&asked.after).ok());
    let (about, now) = (visit.node.about_us().await?, visit.now());
    let found = visit
        .node
        .store()
        .read(move |rows| {
            let Some(listed) = queries::incidents::one(rows, id)? else { return Ok(None) };
            let Some(state) = queries::incidents::state(rows, id)? else { return Ok(None) };
            let filter = Filter { incident: Some(id), ..Filter::default() };
            let relied = state.joint.reliance.as_ref().map(|relied| relied.reliance.partner);
            let relied_on = relied.map(|partner| queries::partners::name(rows, partner)).transpose()?;
            Ok(Some(Found {
                listed,
                out_of_date: report::out_of_date(&state, &about, now).len(),
                state,
                board: queries::exchanges::board(rows, id, show, after, BOARD_MAX)?,
                tally: queries::exchanges::tally(rows, id)?,
                groups: queries::clocks::pressing(rows, filter, CLOCKS_MAX)?.0,
                undated: queries::duties::open(rows, filter, CLOCKS_MAX)?.0,
                own: queries::clocks::of_stream(rows, id.uuid())?,
                told: queries::incidents::timeline(rows, id.uuid(), None, 15)?,
                unread: said::unread(rows, Some(id), WAITING_MAX)?,
                owed_to_us: said::owed_to_us(rows, id, WAITING_MAX)?,
                filed: queries::joint::filed(rows, FiledAbout::Incident(id), FILED_MAX)?,
                relied_on,
                ledger: queries::incidents::ledger_size(rows)?,
            }))
        })
        .await?;
    found.ok_or(Problem::NotFound)
}

/// `GET /incidents/{id}`
///
/// # Errors
/// [`Problem`]
pub async fn show(visit: Visit, id: web::Path<IncidentId>, asked: web::Query<Asked>) -> Answer {
    let found = find(&visit, *id, &asked).await?;
    let title = if found.listed.title.is_empty() { "Erased".to_owned() } else { found.listed.title.clone() };
    let (main, others) = actions(&found, &visit);
    let page = IncidentPage {
        chrome: visit
            .chrome(format!("{} {title}", found.listed.reference), "/incidents")
            .exercise(found.listed.exercise),
        id: *id,
        reference: found.listed.reference.clone(),
        title,
        done: done(&asked.logged, &found),
        main,
        others,
        query: asked.query(),
        body: body(&visit, &asked, found),
    };
    page::html(&page)
}

/// `GET /incidents/{id}/live`: the part of the page that follows what happens.
///
/// # Errors
/// [`Problem`]
pub async fn live(visit: Visit, id: web::Path<IncidentId>, asked: web::Query<Asked>) -> Answer {
    let found = find(&visit, *id, &asked).await?;
    page::html(&body(&visit, &asked, found))
}

fn done(word: &str, found: &Found) -> String {
    match (word, &found.state.stage) {
        ("1", Stage::Held) => {
            format!("Logged as {}. The clocks run; nobody has been told yet.", found.listed.reference)
        }
        ("1", _) => {
            let told = match found.listed.owed {
                0 => "No agreement covers it, so nobody has to be told.".to_owned(),
                1 => "1 partner is being told.".to_owned(),
                many => format!("{} partners are being told.", grouped(i64::from(many))),
            };
            format!("Logged as {}. {told}", found.listed.reference)
        }
        ("2", _) => "Done.".to_owned(),
        (_, _) => String::new(),
    }
}

/// A link to an action, and its words.
type Offer = (String, &'static str);

/// The one main thing to do, and the others.
fn actions(found: &Found, visit: &Visit) -> (Option<Offer>, Vec<Offer>) {
    let at = |action: &str| format!("/incidents/{}/{action}", found.listed.id);
    let mut others = Vec::new();
    let open = matches!(found.state.stage, Stage::Held | Stage::Active);
    let may = Responder::of(&visit.person).is_some();
    let mut main = None;
    if open && may {
        let newer = found.listed.facts_version > found.listed.sent_version && found.listed.owed > 0;
        main = match found.state.stage {
            Stage::Held => Some((at("release"), "Let the notices go")),
            Stage::Active if newer => Some((at("send-update"), "Send an update to the partners")),
            Stage::Active | Stage::Withdrawn { .. } | Stage::Closed | Stage::Anonymised => {
                Some((at("update-facts"), "Update the facts"))
            }
        };
        if main.as_ref().is_some_and(|(href, _)| !href.ends_with("update-facts")) {
            others.push((at("update-facts"), "Update the facts"));
        }
        others.push((at("correct-awareness"), "Correct when we became aware"));
        if found.listed.kind != IncidentKind::Breach {
            others.push((at("convert"), "It has become a breach"));
        }
        others.push((at("withdraw"), "Withdraw the notices"));
    }
    others.push((at("assessment"), "Assessment"));
    others.push((at("decision"), "Decisions"));
    if found.state.ico.is_some() {
        others.push((at("report"), "ICO report"));
    }
    others.push((at("people"), "Tell the people affected"));
    others.push((at("lessons"), "Lessons"));
    others.push((at("costs"), "Costs"));
    if found.listed.owed > 0 || found.state.opened_from.is_some() {
        others.push((at("joint"), "Joint decision"));
    }
    if messages::why_nobody_is_told(&found.state).is_none() && Dpo::of(&visit.person).is_some() {
        others.push((at("tell-filed"), "Tell partners that we reported it"));
    }
    if (open || matches!(found.state.stage, Stage::Withdrawn { .. })) && may {
        others.push((at("close"), "Close it"));
    }
    (main, others)
}

fn body(visit: &Visit, asked: &Asked, found: Found) -> Body {
    let reader = visit.reader;
    let id = found.listed.id;
    let back = format!("/incidents/{id}{}", asked.query());
    let mut board: Vec<&Listed> = found.board.items.iter().collect();
    board.sort_by_key(|exchange| standing::pressing(exchange));
    let elapsed = visit.node.time().elapsed();
    let open = matches!(found.state.stage, Stage::Held | Stage::Active);
    Body {
        id,
        tags: incidents::tags(&found.listed, reader),
        waiting: waiting(&found, visit),
        tally: tally(&found.tally),
        shows: [("all", "All"), ("undelivered", "Without a receipt"), ("unread", "Nobody has read it")]
            .map(|(word, label)| {
                let on = if asked.show() == Show::All { word == "all" } else { asked.show == word };
                (word, label, on)
            })
            .to_vec(),
        board: board.into_iter().map(|exchange| row(exchange, visit, elapsed)).collect(),
        board_next: found.board.next.map(|next| format!("/incidents/{id}?show={}&after={next}", asked.show)),
        may_change: open && Responder::of(&visit.person).is_some(),
        awareness: awareness(&found, visit),
        facts: found.state.facts.as_ref().map(|facts| facts::rows(facts, reader)).unwrap_or_default(),
        facts_note: facts_note(&found),
        lines: timeline::lines(&found.told.items, reader),
        lines_next: found.told.next.map(|before| format!("/incidents/{id}/timeline?before={before}")),
        clocks: clocks::parts(&found.groups, visit, &back),
        undated: found.undated.iter().map(|owed| UndatedPart::of(owed, visit)).collect(),
        ended: ended(&found.own, visit).into_iter().chain(duties::ended(&found.state.duties, visit)).collect(),
        assessed: found
            .state
            .assessments
            .last()
            .map_or_else(|| "Not assessed yet".to_owned(), |last| assessment_line(last, &found.state)),
        decided: decision::one_line_of(&found.state),
        report: report_words(&found.state),
        ledger: format!("Entries in the ledger: {}.", grouped(i64::try_from(found.ledger).unwrap_or(i64::MAX))),
    }
}

fn row(exchange: &Listed, visit: &Visit, elapsed: domain::values::Moment) -> BoardRow {
    let reader = visit.reader;
    let notice = standing::clock(exchange, domain::clock::ClockKind::PartnerNotice);
    let late = notice.filter(|clock| matches!(standing::clock_word(clock, reader.now()), "Overdue" | "Met late"));
    let message = exchange.carried.as_ref().filter(|message| message.attempts > 0);
    let why = message.map(|message| {
        let when = message.last_attempt_at.map(|at| format!(" {}", reader.near(at))).unwrap_or_default();
        let outcome = standing::outcome(&message.channel, message.last_outcome.as_deref().unwrap_or_default());
        format!("Last attempt{when}: {outcome}.")
    });
    BoardRow {
        href: format!("/exchanges/{}", exchange.id),
        name: exchange.partner_name.clone(),
        version: if exchange.revision == 0 { "\u{2013}".to_owned() } else { format!("version {}", exchange.revision) },
        stands: standing::delivery(exchange, reader, elapsed),
        why: why.unwrap_or_default(),
        why_id: format!("why-{}", exchange.id.uuid().simple()),
        says: standing::they_say(exchange, reader),
        clock: late.map(|clock| standing::clock_tag(clock, reader.now())),
    }
}

/// "212 delivered", "38 affected" …
fn tally(found: &[(String, Option<Stance>, u32)]) -> Vec<String> {
    let sum = |fits: &dyn Fn(&str, Option<Stance>) -> bool| -> u32 {
        found.iter().filter(|(standing, stance, _)| fits(standing, *stance)).map(|(_, _, many)| *many).sum()
    };
    let total: u32 = found.iter().map(|(_, _, many)| *many).sum();
    let delivered = sum(&|standing, _| standing == "delivered");
    let told = sum(&|standing, _| standing == "told");
    let accepted = sum(&|standing, _| standing == "accepted");
    let mut parts = vec![format!("{} of {} delivered", grouped(i64::from(delivered)), grouped(i64::from(total)))];
    if told > 0 {
        parts.push(format!("{} told by a person", grouped(i64::from(told))));
    }
    if accepted > 0 {
        parts.push(format!("{} accepted by webhook or mail", grouped(i64::from(accepted))));
    }
    for stance in Stance::ALL {
        let many = sum(&|_, said| said == Some(stance));
        if many > 0 {
            parts.push(format!("{} {}", grouped(i64::from(many)), stance.label().to_lowercase()));
        }
    }
    if total == 0 { Vec::new() } else { parts }
}

fn awareness(found: &Found, visit: &Visit) -> Vec<(String, String)> {
    let aware = found.state.awareness;
    [("Aware that a breach was likely", aware.circumstances), ("Aware of the breach", aware.breach)]
        .into_iter()
        .filter_map(|(label, at)| at.map(|at| (label.to_owned(), visit.reader.at(at))))
        .collect()
}

fn facts_note(found: &Found) -> String {
    let version = found.listed.facts_version;
    match found.listed.sent_version {
        0 => format!("Version {version}. Not sent to anybody yet."),
        sent if sent < version => format!("Version {version}. Partners were sent version {sent}."),
        _ => format!("Version {version}, as sent to partners."),
    }
}

fn ended(own: &[Single], visit: &Visit) -> Vec<(Tag, String)> {
    own.iter()
        .filter(|clock| !clock.open)
        .map(|clock| {
            let when = clock.ended_at.map(|at| visit.reader.at(at)).unwrap_or_default();
            let why = clock.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            (standing::clock_tag(clock, visit.now()), format!("Report to the ICO, {when}{why}"))
        })
        .collect()
}

/// "2.25, Medium. Points to: tell the ICO", and whether newer facts are known.
fn assessment_line(last: &Assessed, state: &Incident) -> String {
    let results = &last.assessment.results;
    let older = if last.is_older_than_the_facts(state) { " Older than the facts." } else { "" };
    format!(
        "{}, {}. {}.{older}",
        results.severity,
        assessment::level_label(results.level),
        assessment::outcome_label(results.outcome)
    )
}

fn report_words(state: &Incident) -> String {
    match &state.report {
        ReportState::None if state.rules.processor_only => {
            "For these services we only process: the controller reports to the ICO, not we (Article 33(2)).".to_owned()
        }
        ReportState::None if state.ico.is_none() => String::new(),
        ReportState::None => "No draft is open yet.".to_owned(),
        ReportState::Draft { gaps, .. } => {
            let gaps = counted(i64::try_from(gaps.len()).unwrap_or(i64::MAX), "fact");
            format!("A draft is open. {gaps} were missing when it was opened.")
        }
        ReportState::Submitted { .. } => submitted(state),
        ReportState::NotRequired { .. } => "Not required: decided by two data protection officers.".to_owned(),
    }
}

/// What was submitted, and what follows up.
fn submitted(state: &Incident) -> String {
    let sent = state.reports.filed.len().max(1);
    let sent = match sent {
        1 => "Submitted.".to_owned(),
        many => format!("Submitted, with {}.", counted(i64::try_from(many - 1).unwrap_or(i64::MAX), "follow-up")),
    };
    if state.report_is_filed() { sent } else { format!("{sent} A follow-up is open.") }
}

/// What waits for a second person, and what the regulator has to be told.
fn waiting(found: &Found, visit: &Visit) -> Vec<Waiting> {
    let mut waiting = Vec::new();
    let id = found.listed.id;
    if let Some(proposal) = &found.state.correction {
        let own = proposal.by.person() == Some(visit.person.id());
        waiting.push(Waiting {
            words: format!(
                "{} proposes that we became aware at {}. Another person has to confirm it.",
                timeline::who(&proposal.by),
                visit.reader.at(proposal.at)
            ),
            href: if own || Responder::of(&visit.person).is_none() {
                String::new()
            } else {
                format!("/incidents/{id}/resolve-correction")
            },
            link: "Look at it",
        });
    }
    if let Some(proposal) = &found.state.not_required {
        let own = proposal.by.person() == Some(visit.person.id());
        let may = Dpo::of(&visit.person).is_some() || Reporter::of(&visit.person).is_some();
        waiting.push(Waiting {
            words: format!(
                "{} proposes that no report to the ICO is required. Another data protection officer has to approve it.",
                timeline::who(&proposal.by)
            ),
            href: if own || !may { String::new() } else { format!("/incidents/{id}/report") },
            link: "Look at it",
        });
    }
    if found.out_of_date > 0 {
        waiting.push(Waiting {
            words: format!(
                "The report to the ICO is out of date: {} changed since it was submitted. Tell the ICO.",
                counted(i64::try_from(found.out_of_date).unwrap_or(i64::MAX), "answer")
            ),
            href: format!("/incidents/{id}/report"),
            link: "See what changed",
        });
    }
    waiting.extend(filed(found, visit));
    if let Some(proposal) = &found.state.decisions.not_a_breach {
        let own = proposal.by.person() == Some(visit.person.id());
        waiting.push(Waiting {
            words: format!(
                "{} proposes that it was not a breach. Another data protection officer has to approve it.",
                timeline::who(&proposal.by)
            ),
            href: if own { String::new() } else { format!("/incidents/{id}/decision") },
            link: "Look at it",
        });
    }
    waiting.extend(found.unread.iter().map(|it| messages_waiting(it, visit)));
    waiting.extend(found.owed_to_us.iter().map(|it| messages_waiting(it, visit)));
    waiting
}

/// Who reported it to the ICO, and what that means for our own clock.
fn filed(found: &Found, visit: &Visit) -> Vec<Waiting> {
    let href = format!("/incidents/{}/joint", found.listed.id);
    let reader = visit.reader;
    if let (Some(relied), Some(name)) = (&found.state.joint.reliance, &found.relied_on) {
        let names = [(relied.reliance.partner, name.clone())];
        return vec![Waiting { words: joint::words::relied(relied, &names, reader), href, link: "Joint decision" }];
    }
    let open = found.state.ico.as_ref().is_some_and(domain::clock::Clock::is_open);
    let (told, all) = &found.filed;
    let stand = told.iter().filter(|filed| filed.standing != Filing::Replaced);
    let mut words: Vec<String> = stand.map(|filed| joint::words::filed(filed, reader)).collect();
    if words.is_empty() {
        return Vec::new();
    }
    words.extend(Some(joint::words::conflict(told, *all)).filter(|conflict| !conflict.is_empty()));
    words.extend(open.then(|| joint::words::STAYS_OURS.to_owned()));
    vec![Waiting { words: words.join(" "), href, link: "Look at it" }]
}

/// What somebody said and nobody here has read, or what they owe us.
fn messages_waiting(it: &said::Waiting, visit: &Visit) -> Waiting {
    let words = match (it.unread, it.owes_us) {
        (0, Some(due)) if due < visit.now() => {
            format!("{} owed us an answer by {}.", it.partner_name, visit.reader.near(due))
        }
        (0, Some(due)) => format!("{} owes us an answer by {}.", it.partner_name, visit.reader.near(due)),
        (unread, _) => format!("{} from {} not read.", counted(i64::from(unread), "message"), it.partner_name),
    };
    Waiting { words, href: format!("/exchanges/{}/messages", it.exchange), link: "Messages" }
}

#[derive(Template)]
#[template(path = "timeline.html")]
struct TimelinePage {
    chrome: Chrome,
    id: IncidentId,
    reference: String,
    lines: Vec<Line>,
    next: Option<String>,
}

/// `GET /incidents/{id}/timeline`
///
/// # Errors
/// [`Problem`]
pub async fn earlier(visit: Visit, id: web::Path<IncidentId>, asked: web::Query<Asked>) -> Answer {
    let id = *id;
    let listed = visit.node.store().read(move |rows| queries::incidents::one(rows, id)).await?;
    let listed = listed.ok_or(Problem::NotFound)?;
    let before = u64::from_str(&asked.before).ok();
    let (lines, next) = timeline::page(&visit.node, id.uuid(), before, visit.reader).await?;
    let page = TimelinePage {
        chrome: visit.chrome(format!("{} timeline", listed.reference), "/incidents").exercise(listed.exercise),
        id,
        reference: listed.reference,
        lines,
        next: next.map(|before| format!("/incidents/{id}/timeline?before={before}")),
    };
    page::html(&page)
}
