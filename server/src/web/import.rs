//! Import and export of agreements, arrangements, services and parties: a file is read, what it would change is shown, and
//! a second step does it. Between the two steps the file is kept as a sealed draft of whoever sent it.

use std::collections::HashMap;

use actix_web::http::header;
use actix_web::web::{Bytes, Path, Query, ServiceConfig, resource};
use actix_web::{HttpResponse, web};
use askama::Template;
use domain::directory::{Directory, Key, RecordKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::administration::administrator;
use super::field::{Field, Summary, Tag};
use super::form::{FieldError, Form, Reading};
use super::page::{self, Answer, Chrome, Posted, Visit};
use super::upload::Uploaded;
use crate::documents::directory::{self as file, FILE_OCTETS_MAX, RowError};
use crate::node::DoorError;
use crate::node::accounts::IMPORT_DRAFT;
use crate::node::directory::{self as planned, Change, ChangeKind};
use crate::problem::Problem;

/// Rows shown in a preview; beyond it only counts are.
const ROWS_SHOWN: usize = 500;

/// Files that come with the program, from the agreements it was made for.
const EXAMPLES: [(&str, &str, &str); 4] = [
    (
        "societyworks",
        "SocietyWorks, as SocietyWorks sees it: four services, joint controllers with a client council",
        include_str!("../../examples/societyworks.toml"),
    ),
    (
        "societyworks-client",
        "The same agreement, as the client council sees it",
        include_str!("../../examples/societyworks-client.toml"),
    ),
    (
        "cabinet-office-secure-it",
        "Cabinet Office secure IT platform: a sole controller",
        include_str!("../../examples/cabinet-office-secure-it.toml"),
    ),
    (
        "government-paas",
        "Government PaaS: a platform and its tenants",
        include_str!("../../examples/government-paas.toml"),
    ),
];

/// The addresses of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/import").get(show).post(read))
        .service(resource("/import/examples/{name}").get(example))
        .service(resource("/import/{draft}").get(preview).post(confirm))
        .service(resource("/export").get(export).post(export_file));
}

#[derive(Template)]
#[template(path = "import.html")]
struct ImportPage {
    chrome: Chrome,
    summary: Summary,
    rows: Vec<RowError>,
    text: Field,
    examples: Vec<(&'static str, &'static str)>,
}

/// What may be asked for with the page.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    example: String,
}

/// `GET /import`
///
/// # Errors
/// [`Problem`]
pub async fn show(visit: Visit, asked: Query<Asked>) -> Answer {
    administrator(&visit)?;
    let mut form = Form::default();
    if let Some((_, _, text)) = EXAMPLES.into_iter().find(|(name, _, _)| *name == asked.example) {
        form.set("text", text);
    }
    start(&visit, &form, Vec::new(), Vec::new())
}

fn start(visit: &Visit, form: &Form, errors: Vec<FieldError>, rows: Vec<RowError>) -> Answer {
    let text = Field::area(form, "text", "Or paste its text").faults(&errors);
    let page = ImportPage {
        chrome: visit.chrome(super::log::title("Import agreements and parties", &errors), "/administration"),
        text,
        rows,
        examples: EXAMPLES.into_iter().map(|(name, words, _)| (name, words)).collect(),
        summary: Summary { errors },
    };
    page::html_as(page::form_status(&page.summary.errors), &page)
}

/// `GET /import/examples/{name}`: one of the files that come with the program.
///
/// # Errors
/// [`Problem::NotFound`]
pub async fn example(visit: Visit, name: Path<String>) -> Answer {
    administrator(&visit)?;
    let found = EXAMPLES.into_iter().find(|(known, _, _)| *known == name.as_str());
    let (name, _, text) = found.ok_or(Problem::NotFound)?;
    Ok(attachment(&format!("{name}.toml"), text.to_owned()))
}

/// `POST /import`: reads the file. With faults every row at fault is named; without, the preview comes next.
///
/// # Errors
/// [`Problem`]
pub async fn read(uploaded: Uploaded<FILE_OCTETS_MAX>) -> Answer {
    let Uploaded { visit, mut form } = uploaded;
    administrator(&visit)?;
    let chosen = form.first("file").to_owned();
    if !chosen.trim().is_empty() {
        form.set("text", chosen);
    }
    form.drop_names(&["file"]);
    if form.is_blank("text") {
        return start(&visit, &form, vec![fault("Choose a file, or paste its text")], Vec::new());
    }
    match parsed(&visit, form.first("text").to_owned()).await? {
        Err(rows) => {
            let words = match rows.len() {
                1 => "Nothing was imported: mend the row in the list".to_owned(),
                many => format!("Nothing was imported: mend the {many} rows in the list"),
            };
            start(&visit, &form, vec![fault(&words)], rows)
        }
        Ok(directory) => {
            if let Err(error) = visit.node.preview_directory(directory).await {
                return refused(&visit, &form, error);
            }
            let kept = visit.node.drafts(&visit.person, IMPORT_DRAFT).await?;
            let id = match kept.first() {
                Some(draft) => draft.id,
                None => visit.node.make_form(&visit.person, IMPORT_DRAFT).await?,
            };
            let text = form.first("text").as_bytes().to_vec();
            visit.node.keep_draft(&visit.person, id, IMPORT_DRAFT, text).await?;
            Ok(page::see_other(&format!("/import/{id}")))
        }
    }
}

fn fault(words: &str) -> FieldError {
    FieldError { name: "text".to_owned(), anchor: "text".to_owned(), message: words.to_owned() }
}

/// A refusal that names records is shown beside the text; anything else is a problem.
fn refused(visit: &Visit, form: &Form, error: DoorError) -> Answer {
    match error {
        DoorError::Records(faults) => {
            let rows =
                faults.iter().map(|fault| RowError { line: 0, what: fault.what(), message: fault.message.clone() });
            start(visit, form, vec![fault("Nothing was imported: mend what the list names")], rows.collect())
        }
        error @ (DoorError::Refused(_)
        | DoorError::ExchangeRefused(_)
        | DoorError::Complaint(_)
        | DoorError::NotFound
        | DoorError::FormUnknown
        | DoorError::FormSaidOtherwise
        | DoorError::Taken
        | DoorError::Target(_)
        | DoorError::Invalid(_)
        | DoorError::Stale
        | DoorError::Pairing(_)
        | DoorError::Store(_)) => Err(error.into()),
    }
}

/// Reads a text, on a thread where a long one holds nobody up.
async fn parsed(visit: &Visit, text: String) -> Result<Result<Directory, Vec<RowError>>, Problem> {
    let known = visit.node.export_directory().await?;
    web::block(move || file::parse(&text, &known)).await.map_err(Problem::internal)
}

#[derive(Template)]
#[template(path = "import_preview.html")]
struct Preview {
    chrome: Chrome,
    summary: Summary,
    id: Uuid,
    /// Binds the import to what is shown.
    plan: String,
    counts: String,
    nothing: bool,
    rows: Vec<Row>,
    more: usize,
}

/// One record that the file adds or changes.
struct Row {
    what: &'static str,
    key: String,
    name: String,
    tag: Tag,
    ours: bool,
    /// What it says now and what it would say, member by member.
    differences: Vec<(String, String, String)>,
}

/// `GET /import/{draft}`: what the file would change.
///
/// # Errors
/// [`Problem`]
pub async fn preview(visit: Visit, id: Path<Uuid>) -> Answer {
    administrator(&visit)?;
    let id = id.into_inner();
    let Some(text) = kept(&visit, id).await? else { return Ok(page::see_other("/import")) };
    let Ok(directory) = parsed(&visit, text.clone()).await? else { return changed_meanwhile(&visit, text) };
    show_preview(&visit, id, text, directory, Vec::new()).await
}

async fn show_preview(visit: &Visit, id: Uuid, text: String, directory: Directory, errors: Vec<FieldError>) -> Answer {
    let known = visit.node.export_directory().await?;
    let planned::Preview { changes, plan } = match visit.node.plan_directory(directory.clone()).await {
        Ok(preview) => preview,
        Err(error) => {
            let mut form = Form::default();
            form.set("text", text);
            return refused(visit, &form, error);
        }
    };
    let of = |kind| changes.iter().filter(|change| change.kind == kind).count();
    let (added, changed, unchanged) = (of(ChangeKind::Added), of(ChangeKind::Changed), of(ChangeKind::Unchanged));
    let differ: Vec<&Change> = changes.iter().filter(|change| change.kind != ChangeKind::Unchanged).collect();
    let (before, after) = (Members::of(&known), Members::of(&directory));
    let ours = known.us.clone();
    let page = Preview {
        chrome: visit.chrome(super::log::title("What this file would change", &errors), "/administration"),
        id,
        plan: plan.to_string(),
        counts: format!("{added} to add, {changed} to change, {unchanged} already as in the file"),
        nothing: differ.is_empty(),
        more: differ.len().saturating_sub(ROWS_SHOWN),
        rows: differ.into_iter().take(ROWS_SHOWN).map(|change| row(change, ours.as_ref(), &before, &after)).collect(),
        summary: Summary { errors },
    };
    page::html_as(page::form_status(&page.summary.errors), &page)
}

/// What the file refers to has gone since it was read: it is shown again with what is wrong now.
fn changed_meanwhile(visit: &Visit, text: String) -> Answer {
    let mut form = Form::default();
    form.set("text", text);
    start(
        visit,
        &form,
        vec![fault("Something that this file refers to was changed meanwhile: check it again")],
        Vec::new(),
    )
}

async fn kept(visit: &Visit, id: Uuid) -> Result<Option<String>, Problem> {
    let draft = visit.node.draft(&visit.person, id).await?.filter(|draft| draft.purpose == IMPORT_DRAFT);
    Ok(draft.and_then(|draft| String::from_utf8(draft.content).ok()))
}

/// `POST /import/{draft}`: does it, or forgets it. Sent twice, it changes nothing more.
///
/// # Errors
/// [`Problem`]
pub async fn confirm(posted: Posted, id: Path<Uuid>) -> Answer {
    let Posted { visit, form } = posted;
    let by = administrator(&visit)?;
    let id = id.into_inner();
    if form.has("go", "forget") {
        visit.node.discard_draft(&visit.person, id).await?;
        return Ok(page::see_other("/import"));
    }
    let Some(text) = kept(&visit, id).await? else { return Ok(page::see_other("/agreements")) };
    let Ok(directory) = parsed(&visit, text.clone()).await? else { return changed_meanwhile(&visit, text) };
    // What was shown, and nothing else: without a plan there was no look at it.
    let done = match form.first("plan").parse() {
        Ok(plan) => visit.node.import_planned(&by, directory.clone(), plan).await,
        Err(_) => Err(DoorError::Stale),
    };
    match done {
        Ok(_) => imported(&visit, id).await,
        Err(DoorError::Stale) => {
            // Pressed twice, or somebody else was faster: the file stands as it is.
            let planned = visit.node.plan_directory(directory.clone()).await;
            let stands = |change: &Change| change.kind == ChangeKind::Unchanged;
            if planned.is_ok_and(|planned| planned.changes.iter().all(stands)) {
                return imported(&visit, id).await;
            }
            let words =
                "Nothing was imported: something was changed since you looked. This is what the file would change now";
            let error = FieldError { anchor: "plan".to_owned(), ..fault(words) };
            show_preview(&visit, id, text, directory, vec![error]).await
        }
        Err(error) => {
            let mut form = Form::default();
            form.set("text", text);
            refused(&visit, &form, error)
        }
    }
}

/// Whatever the file says stands: the draft has done its work.
async fn imported(visit: &Visit, id: Uuid) -> Answer {
    visit.node.discard_draft(&visit.person, id).await?;
    Ok(page::see_other("/agreements?done=imported"))
}

/// The members of every record, by kind and key, as a file writes them.
struct Members(HashMap<(RecordKind, Key), Value>);

impl Members {
    fn of(directory: &Directory) -> Self {
        let mut all = HashMap::new();
        let mut add = |kind, key: &Key, record: Value| {
            all.insert((kind, key.clone()), record);
        };
        for party in &directory.parties {
            add(RecordKind::Party, &party.key, json(party));
        }
        for service in &directory.services {
            add(RecordKind::Service, &service.key, json(service));
        }
        for agreement in &directory.agreements {
            add(RecordKind::Agreement, &agreement.key, json(agreement));
        }
        for arrangement in &directory.arrangements {
            add(RecordKind::Arrangement, &arrangement.key, json(arrangement));
        }
        Self(all)
    }

    fn get(&self, what: RecordKind, key: &Key) -> Option<&serde_json::Map<String, Value>> {
        self.0.get(&(what, key.clone()))?.as_object()
    }
}

pub(super) fn json(record: &impl Serialize) -> Value {
    serde_json::to_value(record).unwrap_or_default()
}

fn row(change: &Change, ours: Option<&Key>, before: &Members, after: &Members) -> Row {
    // We are one party, under whatever key the file gives us.
    let stood = ours.filter(|_| change.ours).unwrap_or(&change.key);
    let (stands, comes) = (before.get(change.what, stood), after.get(change.what, &change.key));
    let differences = match (change.kind, stands, comes) {
        (ChangeKind::Changed, Some(before), Some(after)) => differences(before, after),
        (ChangeKind::Added | ChangeKind::Changed | ChangeKind::Unchanged, _, _) => Vec::new(),
    };
    Row {
        what: change.what.word(),
        key: change.key.to_string(),
        name: change.name.to_string(),
        tag: match change.kind {
            ChangeKind::Added => Tag::green("To add"),
            ChangeKind::Changed => Tag::amber("To change"),
            ChangeKind::Unchanged => Tag::grey("As it is"),
        },
        ours: change.ours,
        differences,
    }
}

pub(super) fn differences(
    before: &serde_json::Map<String, Value>,
    after: &serde_json::Map<String, Value>,
) -> Vec<(String, String, String)> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| (name.replace('_', " "), said(before.get(name)), said(after.get(name))))
        .collect()
}

/// A member in words; an absent one is not stated.
fn said(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "Not stated".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => items.iter().map(|item| said(Some(item))).collect::<Vec<_>>().join("; "),
        Some(Value::Object(members)) => {
            let part = |(name, value): (&String, &Value)| format!("{}: {}", name.replace('_', " "), said(Some(value)));
            members.iter().map(part).collect::<Vec<_>>().join(", ")
        }
        Some(value @ (Value::Bool(_) | Value::Number(_))) => value.to_string(),
    }
}

#[derive(Template)]
#[template(path = "export.html")]
struct ExportPage {
    chrome: Chrome,
    summary: Summary,
    purpose: Field,
    counts: String,
}

/// `GET /export`
///
/// # Errors
/// [`Problem`]
pub async fn export(visit: Visit) -> Answer {
    administrator(&visit)?;
    ask_purpose(&visit, &Form::default(), Vec::new()).await
}

async fn ask_purpose(visit: &Visit, form: &Form, errors: Vec<FieldError>) -> Answer {
    let directory = visit.node.export_directory().await?;
    let page = ExportPage {
        chrome: visit.chrome(super::log::title("Write agreements and parties to a file", &errors), "/administration"),
        purpose: Field::line(form, "purpose", "What do you need the file for?")
            .hint("It is kept on the record with your name.")
            .faults(&errors),
        counts: [
            (directory.parties.len(), "party", "parties"),
            (directory.services.len(), "service", "services"),
            (directory.agreements.len(), "agreement", "agreements"),
            (directory.arrangements.len(), "arrangement", "arrangements"),
        ]
        .map(|(number, one, many)| format!("{number} {}", if number == 1 { one } else { many }))
        .join(", "),
        summary: Summary { errors },
    };
    page::html_as(page::form_status(&page.summary.errors), &page)
}

/// `POST /export`: the file. Reading it in elsewhere gives the same records; comments of a file once read in are not kept.
///
/// # Errors
/// [`Problem`]
pub async fn export_file(posted: Posted) -> Answer {
    let Posted { visit, form } = posted;
    let by = administrator(&visit)?;
    let mut reading = Reading::new(&form, visit.reader);
    let Some(purpose) = reading.text("purpose", "Say what you need the file for") else {
        return ask_purpose(&visit, &form, reading.into_errors()).await;
    };
    let directory = visit.node.export_directory_for(&by, purpose).await?;
    Ok(attachment("tocsin-directory.toml", file::write(&directory)))
}

fn attachment(name: &str, text: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/toml; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(Bytes::from(text))
}
