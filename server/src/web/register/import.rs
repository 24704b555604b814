//! Taking over an earlier register: a template, a file, what it would add, and a second step that adds it. Between the steps
//! the file is kept as a sealed draft of whoever sent it; the second step is bound to what was shown.

use actix_web::HttpResponse;
use actix_web::web::{Path, ServiceConfig, block, resource};
use askama::Template;
use domain::incident::register::{Outcome, Record};
use uuid::Uuid;

use super::attachment;
use crate::access::Dpo;
use crate::documents::csv;
use crate::documents::register::earlier::{self, COLUMNS, FILE_OCTETS_MAX, Fault};
use crate::documents::register::words_of;
use crate::node::DoorError;
use crate::node::accounts::REGISTER_DRAFT;
use crate::node::register::Plan;
use crate::problem::Problem;
use crate::store::queries::register as lines;
use crate::web::field::{Field, Summary};
use crate::web::form::{FieldError, Form};
use crate::web::page::{self, Answer, Chrome, Posted, Visit};
use crate::web::upload::Uploaded;
use crate::web::words::Reader;

/// Entries shown in a preview, new ones and known ones; beyond it only their number is.
const ROWS_SHOWN: usize = 200;

/// The addresses of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/register/import").get(show).post(read))
        .service(resource("/register/import/template").get(template))
        .service(resource("/register/import/{draft}").get(preview).post(confirm));
}

/// The proof that taking over needs.
fn officer(visit: &Visit) -> Result<Dpo, Problem> {
    Dpo::of(&visit.person).ok_or(Problem::NotAllowed("data protection officers"))
}

#[derive(Template)]
#[template(path = "register_import.html")]
struct ImportPage {
    chrome: Chrome,
    summary: Summary,
    faults: Vec<Fault>,
    text: Field,
    columns: Vec<(&'static str, String)>,
}

/// `GET /register/import`
///
/// # Errors
/// [`Problem`]
pub async fn show(visit: Visit) -> Answer {
    officer(&visit)?;
    start(&visit, &Form::default(), Vec::new(), Vec::new())
}

/// `GET /register/import/template`: headings and two examples.
///
/// # Errors
/// [`Problem`]
pub async fn template(visit: Visit) -> Answer {
    officer(&visit)?;
    Ok(attachment("register-template.csv", csv::MEDIA_TYPE).body(earlier::template()))
}

fn start(visit: &Visit, form: &Form, errors: Vec<FieldError>, faults: Vec<Fault>) -> Answer {
    let text = Field::area(form, "text", "Or paste its text").faults(&errors);
    let page = ImportPage {
        chrome: visit.chrome(crate::web::log::title("Take over an earlier register", &errors), "/register"),
        text,
        faults,
        columns: COLUMNS.into_iter().map(|column| (column, may_hold(column))).collect(),
        summary: Summary { errors },
    };
    page::html_as(page::form_status(&page.summary.errors), &page)
}

/// What a column may hold.
fn may_hold(column: &str) -> String {
    let words = words_of(column);
    if !words.is_empty() {
        return words.join(", ");
    }
    match column {
        "reference" => "The entry\u{2019}s own reference; needed, and each once",
        "title" => "What happened in a few words; needed",
        "aware_at" => "When you became aware, such as 2024-05-14 09:30; needed",
        "entered_at" => "When it was entered in that register; empty is when you became aware",
        "kind" => "breach, likely_to_give_rise; empty is breach",
        "state" => "closed, not_a_breach; empty is closed",
        "people" | "records" => "A whole number; empty is not yet known",
        "services" => "Names of services that are known here, with semicolons between",
        "reported_to_ico" => "yes, no, or empty",
        "reported_at" => "When it was reported; needed with yes",
        _ => "Text, never names of people affected",
    }
    .to_owned()
}

fn fault(words: &str) -> FieldError {
    FieldError { name: "text".to_owned(), anchor: "text".to_owned(), message: words.to_owned() }
}

/// `POST /register/import`: reads the file. With faults every row at fault is named; without, the preview comes next.
///
/// # Errors
/// [`Problem`]
pub async fn read(uploaded: Uploaded<FILE_OCTETS_MAX>) -> Answer {
    let Uploaded { visit, mut form } = uploaded;
    let by = officer(&visit)?;
    let chosen = form.first("file").to_owned();
    form.drop_names(&["file"]);
    // A file is mended where it is kept; what was pasted is given back to be mended here.
    let text = if chosen.trim().is_empty() { form.first("text").to_owned() } else { chosen };
    if text.trim().is_empty() {
        return start(&visit, &form, vec![fault("Choose a file, or paste its text")], Vec::new());
    }
    match planned(&visit, &by, text.clone()).await? {
        Err(faults) => {
            let words = match faults.len() {
                1 => "Nothing was taken over: mend the row in the list".to_owned(),
                many => format!("Nothing was taken over: mend the {many} rows in the list"),
            };
            start(&visit, &form, vec![fault(&words)], faults)
        }
        Ok(_) => {
            let kept = visit.node.drafts(&visit.person, REGISTER_DRAFT).await?;
            let id = match kept.first() {
                Some(draft) => draft.id,
                None => visit.node.make_form(&visit.person, REGISTER_DRAFT).await?,
            };
            visit.node.keep_draft(&visit.person, id, REGISTER_DRAFT, text.into_bytes()).await?;
            Ok(page::see_other(&format!("/register/import/{id}")))
        }
    }
}

/// All entries of a file, each with its line.
type Entries = Vec<(u32, Record)>;

/// Reads a text, on a thread where a long one holds nobody up, and looks what it would do.
async fn planned(visit: &Visit, by: &Dpo, text: String) -> Result<Result<(Entries, Plan), Vec<Fault>>, Problem> {
    let services = visit.node.store().read(|rows| Ok(lines::choices(rows)?.services)).await?;
    let zone = visit.node.zone();
    let parsed = block(move || earlier::parse(&text, &services, zone)).await.map_err(Problem::internal)?;
    let rows = match parsed {
        Ok(rows) => rows,
        Err(faults) => return Ok(Err(faults)),
    };
    let entries: Entries = rows.into_iter().map(|row| (row.line, row.record)).collect();
    let plan = visit.node.plan_earlier(by, entries.clone()).await?;
    if plan.faults.is_empty() {
        return Ok(Ok((entries, plan)));
    }
    let faults = plan.faults.into_iter().map(|(line, message)| Fault { line, column: "", message });
    Ok(Err(faults.collect()))
}

#[derive(Template)]
#[template(path = "register_import_preview.html")]
struct Preview {
    chrome: Chrome,
    summary: Summary,
    id: Uuid,
    /// Binds the import to what is shown.
    plan: String,
    counts: String,
    rows: Vec<Row>,
    more: usize,
    /// Lines and references that are in the register already.
    known: Vec<(u32, String)>,
    known_more: usize,
}

struct Row {
    line: u32,
    reference: String,
    title: String,
    aware: String,
    ico: &'static str,
}

fn row(line: u32, record: &Record, reader: Reader) -> Row {
    Row {
        line,
        reference: record.reference.to_string(),
        title: record.facts.title.to_string(),
        aware: record.awareness.contract_anchor().map(|(_, at)| reader.at(at)).unwrap_or_default(),
        ico: match record.imported.outcome {
            Outcome::Reported { .. } => "Reported",
            Outcome::NotReported => "Not reported",
            Outcome::NotStated => "Not stated",
        },
    }
}

/// `GET /register/import/{draft}`: what the file would add.
///
/// # Errors
/// [`Problem`]
pub async fn preview(visit: Visit, id: Path<Uuid>) -> Answer {
    let by = officer(&visit)?;
    let Some(text) = kept(&visit, *id).await? else { return Ok(page::see_other("/register/import")) };
    show_preview(&visit, &by, *id, text, Vec::new()).await
}

async fn show_preview(visit: &Visit, by: &Dpo, id: Uuid, text: String, errors: Vec<FieldError>) -> Answer {
    let plan = match planned(visit, by, text.clone()).await? {
        Ok((_, plan)) => plan,
        Err(faults) => {
            let mut form = Form::default();
            form.set("text", text);
            let words = "Something that this file refers to was changed meanwhile: check it again";
            return start(visit, &form, vec![fault(words)], faults);
        }
    };
    let page = Preview {
        chrome: visit.chrome(crate::web::log::title("What this file would add", &errors), "/register"),
        id,
        plan: plan.digest.to_string(),
        counts: format!("{} to take over, {} taken over before", plan.new.len(), plan.known.len()),
        more: plan.new.len().saturating_sub(ROWS_SHOWN),
        rows: plan.new.iter().take(ROWS_SHOWN).map(|(line, record)| row(*line, record, visit.reader)).collect(),
        known_more: plan.known.len().saturating_sub(ROWS_SHOWN),
        known: plan.known.iter().take(ROWS_SHOWN).map(|(line, known)| (*line, known.to_string())).collect(),
        summary: Summary { errors },
    };
    page::html_as(page::form_status(&page.summary.errors), &page)
}

async fn kept(visit: &Visit, id: Uuid) -> Result<Option<String>, Problem> {
    let draft = visit.node.draft(&visit.person, id).await?.filter(|draft| draft.purpose == REGISTER_DRAFT);
    Ok(draft.and_then(|draft| String::from_utf8(draft.content).ok()))
}

/// `POST /register/import/{draft}`: does it, or forgets it. Sent twice, it adds nothing more.
///
/// # Errors
/// [`Problem`]
pub async fn confirm(posted: Posted, id: Path<Uuid>) -> Answer {
    let Posted { visit, form } = posted;
    let by = officer(&visit)?;
    let id = *id;
    if form.has("go", "forget") {
        visit.node.discard_draft(&visit.person, id).await?;
        return Ok(page::see_other("/register/import"));
    }
    let Some(text) = kept(&visit, id).await? else { return Ok(page::see_other("/register")) };
    let entries = match planned(&visit, &by, text.clone()).await? {
        Ok((entries, _)) => entries,
        Err(_) => return show_preview(&visit, &by, id, text, Vec::new()).await,
    };
    // What was shown, and nothing else: without its digest there was no look at it.
    let done = match form.first("plan").parse() {
        Ok(shown) => visit.node.import_earlier(&by, entries, shown).await,
        Err(_) => Err(DoorError::Stale),
    };
    match done {
        Ok(_) => imported(&visit, id).await,
        Err(DoorError::Stale) => {
            let again = planned(&visit, &by, text.clone()).await?;
            if again.is_ok_and(|(_, plan)| plan.new.is_empty()) {
                return imported(&visit, id).await;
            }
            let words =
                "Nothing was taken over: something was changed since you looked. This is what the file would add now";
            let error = FieldError { anchor: "plan".to_owned(), ..fault(words) };
            show_preview(&visit, &by, id, text, vec![error]).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Whatever the file says stands: the draft has done its work.
async fn imported(visit: &Visit, id: Uuid) -> Result<HttpResponse, Problem> {
    visit.node.discard_draft(&visit.person, id).await?;
    Ok(page::see_other("/register?done=imported&source=imported"))
}
