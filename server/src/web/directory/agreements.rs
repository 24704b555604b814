//! Agreements: the list, one with its duties and gaps, its earlier versions, and the arrangements under it.

use std::collections::HashMap;

use actix_web::web;
use domain::directory::{Agreement, ArrangementRecord, Directory, Key, PartyRole};
use domain::values::AgreementId;
use serde::Deserialize;
use uuid::Uuid;

use super::edit::done_words;
use super::sheet::{
    self, Cell, Names, Row, Said, Sheet, Table, hours_cell, hours_words, page_of, role_words, trigger_words,
};
use crate::access::Administrator;
use crate::problem::Problem;
use crate::store::queries::directory::{self as known, Stored};
use crate::web::action::{ActionPage, refusal};
use crate::web::administration::administrator;
use crate::web::field::Tag;
use crate::web::page::{self, Answer, Posted, Visit};
use crate::web::partners::reader;
use crate::web::words::counted;

/// Where a list starts, which version is asked for, and what was just done.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    pub(super) after: Option<Uuid>,
    pub(super) version: Option<u32>,
    #[serde(default)]
    pub(super) done: String,
}

/// `GET /agreements`
///
/// # Errors
/// [`Problem`]
pub(super) async fn list(visit: Visit, asked: web::Query<Asked>) -> Answer {
    reader(&visit)?;
    let (mut agreements, arrangements) =
        visit.node.store().read(|rows| Ok((known::agreements(rows)?, known::arrangements(rows)?))).await?;
    let mut under: HashMap<Key, i64> = HashMap::new();
    for arrangement in arrangements {
        let count = under.entry(arrangement.record.agreement).or_default();
        *count = count.saturating_add(1);
    }
    agreements.sort_by(|a, b| a.record.title.cmp(&b.record.title).then_with(|| a.id.cmp(&b.id)));
    let mut sheet = Sheet::new(&visit, "Agreements", "/agreements");
    sheet.done = done_words(&asked.done);
    let may = Administrator::of(&visit.person).is_some();
    if may {
        sheet.actions =
            vec![("/import".to_owned(), "Import from a file"), ("/agreements/new".to_owned(), "Write one here")];
    }
    let total = agreements.len();
    let (shown, next) = page_of(agreements, asked.after, |agreement| agreement.id);
    if total == 0 {
        sheet.paragraphs = empty(may);
    } else {
        sheet.tables.push(Table {
            heading: "",
            note: String::new(),
            heads: vec!["Agreement", "Version", "Role", "Hours to tell partners", "Arrangements"],
            rows: shown.iter().map(|agreement| row(agreement, &under)).collect(),
            more: next.map(|id| format!("/agreements?after={id}")),
        });
    }
    sheet.links = vec![("/services".to_owned(), "Services"), ("/parties".to_owned(), "Parties")];
    page::html(&sheet)
}

fn empty(may: bool) -> Vec<String> {
    let mut words = vec![
        "No agreement is here yet. An agreement says what you and a partner owe each other: who must be told of a breach, and \
         within how many hours. Clocks start by it as soon as an incident is logged."
            .to_owned(),
        "Begin with a file: the import page has ready examples made from published agreements.".to_owned(),
    ];
    if !may {
        words.push("An administrator does this.".to_owned());
    }
    words
}

fn row(agreement: &Stored<Agreement>, under: &HashMap<Key, i64>) -> Vec<Cell> {
    let record = &agreement.record;
    vec![
        Cell::link(record.title.as_str(), sheet::address::<Agreement>(agreement.id)),
        Cell::plain(record.version.to_string()),
        Cell::plain(role_words(record.role)),
        hours_cell(record.notice_hours),
        Cell::plain(under.get(&record.key).copied().unwrap_or_default().to_string()),
    ]
}

/// `GET /agreements/{id}`
///
/// # Errors
/// [`Problem`]
pub(super) async fn show(visit: Visit, id: web::Path<AgreementId>, asked: web::Query<Asked>) -> Answer {
    reader(&visit)?;
    let id = id.into_inner();
    let (versions, mut arrangements) = visit
        .node
        .store()
        .read(move |rows| Ok((known::agreement_versions(rows, id)?, known::arrangements(rows)?)))
        .await?;
    let stored = sheet::chosen(&versions, asked.version)?;
    let agreement = &stored.record;
    let newest = versions.first().map_or(stored.version, |newest| newest.version);
    arrangements.retain(|arrangement| arrangement.record.agreement == agreement.key);
    let names = Names::of(&visit).await?;
    let address = sheet::address::<Agreement>(id.uuid());
    let mut sheet = Sheet::new(&visit, agreement.title.as_str(), "/agreements");
    sheet.back = ("/agreements", "Agreements");
    sheet.caption = "Agreement";
    sheet.done = done_words(&asked.done);
    sheet.tags = sheet::version_tags(&versions, stored.version);
    let behind = arrangements.iter().filter(|under| under.record.agreement_version < newest).count();
    if Administrator::of(&visit.person).is_some() && stored.version == newest {
        sheet.actions = actions(agreement, &address, behind);
    }
    sheet.paragraphs = paragraphs(agreement, behind, newest);
    sheet.rows = rows(agreement, &names);
    sheet.lists = lists(agreement);
    sheet.tables = vec![duties(agreement, &names), under(arrangements, agreement, &names, (&address, asked.after))];
    sheet.versions = sheet::versions(&versions, stored.version, &address, &visit);
    page::html(&sheet)
}

fn actions(agreement: &Agreement, address: &str, behind: usize) -> Vec<(String, &'static str)> {
    let mut actions = vec![(format!("{address}/edit"), "Write the next version")];
    if agreement.role != PartyRole::SoleController {
        let new = format!("/arrangements/new?agreement={}/{}", agreement.key, agreement.version);
        actions.push((new, "Add a partner under it"));
    }
    if behind > 0 {
        actions.push((format!("{address}/move"), "Bring arrangements to this version"));
    }
    actions
}

fn paragraphs(agreement: &Agreement, behind: usize, newest: u32) -> Vec<String> {
    let mut words = Vec::new();
    let nobody = agreement.duties.iter().filter(|duty| duty.who.is_none()).count();
    if nobody > 0 {
        let duties = counted(i64::try_from(nobody).unwrap_or(i64::MAX), "duty").replace("dutys", "duties");
        words.push(format!("Of {duties} the text does not say whose they are: see below."));
    }
    if behind > 0 {
        let behind = counted(i64::try_from(behind).unwrap_or(i64::MAX), "arrangement");
        words.push(format!("Still under an earlier version than {newest}: {behind}."));
    }
    words
}

fn rows(agreement: &Agreement, names: &Names) -> Vec<Row> {
    let no_clock = match agreement.role {
        PartyRole::SoleController => "A sole controller owes no partner a notice by contract.",
        PartyRole::IndependentController => {
            "Between independent controllers no contract clock starts by this agreement."
        }
        PartyRole::JointController | PartyRole::Processor => "",
    };
    let text = agreement.text_url.as_ref().map(|url| {
        let leads = url.as_str().starts_with("https://") || url.as_str().starts_with("http://");
        Said { words: url.to_string(), href: if leads { url.to_string() } else { String::new() } }
    });
    vec![
        Row::words("What the parties are", Some(role_words(agreement.role))),
        Row::of("Whose text it is", agreement.author.iter().map(|key| names.party(key)).collect()),
        Row::date("Dated", agreement.dated),
        Row::date("In force from", agreement.effective_from),
        Row::date("In force until", agreement.effective_to),
        Row::of("Services", names.services(&agreement.services)),
        Row::words("Hours to tell a partner", agreement.notice_hours.map(hours_words)).from(no_clock),
        Row::words("Hours for a partner to acknowledge", agreement.acknowledgement_hours.map(hours_words)),
        Row::words("What starts the hours", agreement.trigger.map(trigger_words)),
        Row::of("Who leads on the report to the ICO", agreement.ico_lead.iter().map(|who| names.who(who)).collect()),
        Row::of("Contact point for people", agreement.contact_point.iter().map(|who| names.who(who)).collect()),
        Row::of("Where the text is", text.into_iter().collect()),
        Row::words("SHA-256 of the text", agreement.text_sha256.map(|digest| digest.to_string())),
        Row::text("Notes", agreement.notes.as_ref()),
        Row::words("Key in files", Some(agreement.key.as_str())),
    ]
}

fn lists(agreement: &Agreement) -> Vec<(&'static str, Vec<String>)> {
    if agreement.not_stated.is_empty() {
        return Vec::new();
    }
    let gaps = agreement.not_stated.iter().map(ToString::to_string).collect();
    vec![("What the text at hand does not say", gaps)]
}

fn duties(agreement: &Agreement, names: &Names) -> Table {
    let note = if agreement.duties.is_empty() {
        "Not stated: nothing is written down about who does what (UK GDPR Article 26(1))."
    } else {
        "UK GDPR Article 26(1) asks the parties to settle this between them."
    };
    Table {
        heading: "Who does what",
        note: note.to_owned(),
        heads: vec!["Duty", "Who", "Where the text says so"],
        rows: agreement
            .duties
            .iter()
            .map(|duty| {
                vec![
                    Cell::plain(duty.duty.as_str()),
                    Cell::or_gap(duty.who.as_ref().map(|who| names.who(who))),
                    duty.clause
                        .as_ref()
                        .map_or_else(|| Cell::tag(Tag::grey("Not stated")), |clause| Cell::plain(clause.as_str())),
                ]
            })
            .collect(),
        more: None,
    }
}

fn under(
    mut arrangements: Vec<Stored<ArrangementRecord>>,
    agreement: &Agreement,
    names: &Names,
    (address, after): (&str, Option<Uuid>),
) -> Table {
    let total = arrangements.len();
    arrangements.sort_by_cached_key(|under| (names.party(&under.record.partner).words, under.id));
    let (shown, next) = page_of(arrangements, after, |under| under.id);
    let note = match total {
        0 if agreement.role == PartyRole::SoleController => {
            "A sole controller has no arrangement with anybody.".to_owned()
        }
        0 => "No partner is under it yet, so it starts no clock.".to_owned(),
        many => format!("{} under it.", counted(i64::try_from(many).unwrap_or(i64::MAX), "arrangement")),
    };
    Table {
        heading: "Arrangements",
        note,
        heads: vec!["Partner", "Agreement version", "Hours to tell them", "Services"],
        rows: shown.iter().map(|under| arrangement_row(under, agreement, names)).collect(),
        more: next.map(|id| format!("{address}?after={id}")),
    }
}

fn arrangement_row(under: &Stored<ArrangementRecord>, agreement: &Agreement, names: &Names) -> Vec<Cell> {
    let record = &under.record;
    let hours = match (record.notice_hours, record.agreement_version == agreement.version) {
        (Some(own), _) => Cell::plain(format!("{}, its own", hours_words(own))),
        (None, true) => hours_cell(agreement.notice_hours),
        (None, false) => Cell::plain(format!("As version {} says", record.agreement_version)),
    };
    let services = match record.services.len() {
        0 => "All of the agreement\u{2019}s".to_owned(),
        some => counted(i64::try_from(some).unwrap_or(i64::MAX), "service"),
    };
    vec![
        Cell::link(names.party(&record.partner).words, sheet::address::<ArrangementRecord>(under.id)),
        Cell::plain(record.agreement_version.to_string()),
        hours,
        Cell::plain(services),
    ]
}

/// Arrangements under earlier versions of an agreement, and its newest version.
async fn behind(visit: &Visit, id: AgreementId) -> Result<(Agreement, Vec<ArrangementRecord>), Problem> {
    let (newest, arrangements) =
        visit.node.store().read(move |rows| Ok((known::agreement(rows, id)?, known::arrangements(rows)?))).await?;
    let newest = newest.ok_or(Problem::NotFound)?.record;
    let behind = arrangements
        .into_iter()
        .map(|stored| stored.record)
        .filter(|record| record.agreement == newest.key && record.agreement_version < newest.version)
        .collect();
    Ok((newest, behind))
}

fn moving_page(visit: &Visit, id: AgreementId, newest: &Agreement, count: usize) -> ActionPage {
    let back = sheet::address::<Agreement>(id.uuid());
    let heading = "Bring arrangements to the newest version";
    let mut page = ActionPage::new(
        visit.chrome(heading, "/agreements"),
        heading,
        newest.title.as_str(),
        back.clone(),
        format!("{back}/move"),
    );
    page.paragraphs = vec![
        format!(
            "{} will be under version {}. What an arrangement says for itself stays.",
            counted(i64::try_from(count).unwrap_or(i64::MAX), "arrangement"),
            newest.version
        ),
        "Incidents that were logged already keep the terms that they were logged under.".to_owned(),
    ];
    page.buttons.push(("move", "Bring them to this version", ""));
    page
}

/// `GET /agreements/{id}/move`
///
/// # Errors
/// [`Problem`]
pub(super) async fn moving(visit: Visit, id: web::Path<AgreementId>) -> Answer {
    administrator(&visit)?;
    let (newest, behind) = behind(&visit, *id).await?;
    moving_page(&visit, *id, &newest, behind.len()).answer(Vec::new())
}

/// `POST /agreements/{id}/move`: all of them, or none.
///
/// # Errors
/// [`Problem`]
pub(super) async fn move_all(posted: Posted, id: web::Path<AgreementId>) -> Answer {
    let visit = posted.visit;
    let by = administrator(&visit)?;
    let (newest, behind) = behind(&visit, *id).await?;
    let count = behind.len();
    let arrangements =
        behind.into_iter().map(|record| ArrangementRecord { agreement_version: newest.version, ..record }).collect();
    match visit.node.import_directory(&by, Directory { arrangements, ..Directory::default() }).await {
        Ok(_) => Ok(page::see_other(&format!("{}?done=moved", sheet::address::<Agreement>(id.uuid())))),
        Err(error) => moving_page(&visit, *id, &newest, count).answer(refusal(error, "move")?),
    }
}
