//! The register as files. A long one is written as it is read, page by page; each is noted with who took it.

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Path, ServiceConfig, block, resource};
use domain::values::ServiceId;
use futures_util::stream;
use serde_json::json;

use super::{attachment, day, filter};
use crate::access::Reader;
use crate::documents::csv;
use crate::documents::print::{Format, print};
use crate::documents::register::labels::chosen;
use crate::documents::register::{self as document, paper, query, sheet};
use crate::node::Node;
use crate::problem::Problem;
use crate::store::queries::register::{self as lines, Entry, Filter, Place};
use crate::web::form::Form;
use crate::web::page::{Answer, Posted, Visit};
use crate::web::partners::reader;
use crate::web::printed::kept;

/// Lines that are read at once.
const TOGETHER: usize = 500;

/// The addresses of these files.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/register/export").post(export))
        .service(resource("/services/{id}/incidents").post(of_service));
}

/// `POST /register/export`: all that a filter shows.
///
/// # Errors
/// [`Problem`]
pub async fn export(posted: Posted) -> Answer {
    let Posted { visit, form } = posted;
    let by = reader(&visit)?;
    let asked = Form::parse(form.first("query").as_bytes())?;
    let filter = filter(&asked, visit.node.zone()).map_err(|_| Problem::Malformed("The filter could not be read."))?;
    // What a filter does not know would export more than was asked for.
    if asked.pairs().any(|(name, _)| !query::NAMES.contains(&name)) {
        return Err(Problem::Malformed("The filter names something that the register is not filtered by."));
    }
    let wanted = filter.clone();
    if visit.node.store().read(move |rows| lines::is_too_wide(rows, &wanted)).await? {
        return Err(Problem::Malformed("The text fits the names of more than 20 partners: type more of the name."));
    }
    let format = match form.first("format") {
        "csv" => "csv",
        "json" => "json",
        "xlsx" => "xlsx",
        "pdf" => "pdf",
        _ => return Err(Problem::Malformed("Choose CSV, XLSX, JSON or PDF.")),
    };
    let words = query::write(|name| asked.first(name));
    let name = format!("register-{}", day(visit.now()));
    let node = visit.node.clone();
    if format == "pdf" {
        return as_paper(&visit, &by, &asked, filter).await;
    }
    if format == "xlsx" {
        return as_sheet(&node, &by, filter, words, &name).await;
    }
    note(&node, &by, &words, format).await?;
    let (media_type, before, after, joint) = match format {
        "json" => ("application/json", json_head(&words, &visit.now().to_string()), "\n]}\n", ",\n"),
        _ => (csv::MEDIA_TYPE, document::heading(), "", ""),
    };
    let state =
        Writing { node: node.into_inner(), filter, at: Step::Head(before), json: format == "json", joint, after };
    let body = stream::unfold(state, |state| async move { state.next().await });
    Ok(attachment(&format!("{name}.{format}"), media_type).streaming(body))
}

fn json_head(words: &str, now: &str) -> String {
    format!(
        "{{\"format\":\"tocsin-register-1\",\"written_at\":{},\"filter\":{},\"entries\":[\n",
        json!(now),
        json!(words)
    )
}

async fn note(node: &Node, by: &Reader, words: &str, format: &'static str) -> Result<(), Problem> {
    Ok(node.note_export(by, "register_exported", json!({ "filter": words, "format": format })).await?)
}

async fn as_sheet(node: &Node, by: &Reader, filter: Filter, words: String, name: &str) -> Answer {
    let page = node.store().read(move |rows| lines::page(rows, &filter, None, sheet::LINES_MAX)).await?;
    if page.next.is_some() {
        return Err(Problem::Refused(
            "A spreadsheet holds at most 20,000 entries: filter the register, or take it as CSV.".to_owned(),
        ));
    }
    note(node, by, &words, "xlsx").await?;
    let title = if words.is_empty() { "All entries, without exercises".to_owned() } else { format!("Filter: {words}") };
    let body = block(move || sheet::to_xlsx(&page.items, &title)).await.map_err(Problem::internal)?;
    let body = body.map_err(Problem::internal)?;
    Ok(attachment(&format!("{name}.xlsx"), sheet::MEDIA_TYPE).body(body))
}

async fn as_paper(visit: &Visit, by: &Reader, asked: &Form, filter: Filter) -> Answer {
    let drills = filter.exercise == Some(true);
    let (page, choices) = visit
        .node
        .store()
        .read(move |rows| Ok((lines::page(rows, &filter, None, paper::LINES_MAX)?, lines::choices(rows)?)))
        .await?;
    let words = query::write(|name| asked.first(name));
    let asked = paper::Asked {
        filter: chosen(|name| asked.first(name), &choices),
        more: page.next.is_some(),
        drills,
        now: visit.now(),
        zone: visit.node.zone(),
    };
    let made = paper::paper(&page.items, &asked, visit.node.organisation().name.as_str());
    let stem = paper::stem(&asked);
    let file = block(move || print(&made, &stem, Format::Pdf)).await.map_err(Problem::internal)??;
    note(&visit.node, by, &words, "pdf").await?;
    Ok(kept(file))
}

/// Where a file that is written as it is read has come to.
enum Step {
    Head(String),
    Lines(Option<Place>, bool),
    End,
}

struct Writing {
    node: std::sync::Arc<Node>,
    filter: Filter,
    at: Step,
    json: bool,
    joint: &'static str,
    after: &'static str,
}

impl Writing {
    /// The next part. When the store fails in the middle the file breaks off, and whoever takes it is told so.
    async fn next(mut self) -> Option<(Result<Bytes, Problem>, Self)> {
        match std::mem::replace(&mut self.at, Step::End) {
            Step::Head(head) => {
                self.at = Step::Lines(None, true);
                Some((Ok(Bytes::from(head)), self))
            }
            Step::Lines(before, first) => {
                let filter = self.filter.clone();
                let page = self.node.store().read(move |rows| lines::page(rows, &filter, before, TOGETHER)).await;
                let page = match page {
                    Ok(page) => page,
                    Err(error) => return Some((Err(error.into()), self)),
                };
                let mut text = self.lines(&page.items, first);
                match page.next {
                    Some(next) => self.at = Step::Lines(Some(next), false),
                    None => text.push_str(self.after),
                }
                Some((Ok(Bytes::from(text)), self))
            }
            Step::End => None,
        }
    }

    fn lines(&self, entries: &[Entry], first: bool) -> String {
        if !self.json {
            return document::to_csv(entries);
        }
        let mut text = String::new();
        for (at, entry) in entries.iter().enumerate() {
            if at > 0 || !first {
                text.push_str(self.joint);
            }
            text.push_str(&document::to_json(entry).to_string());
        }
        text
    }
}

/// `POST /services/{id}/incidents`: what an assessment of a service's risks (Article 35) asks of the register. Drills are left
/// out.
///
/// # Errors
/// [`Problem`]
pub async fn of_service(posted: Posted, id: Path<ServiceId>) -> Answer {
    let Posted { visit, form } = posted;
    let by = reader(&visit)?;
    let format = if form.has("format", "csv") { "csv" } else { "json" };
    let found = visit.node.incidents_of_service(&by, *id, format).await?;
    let file = format!("service-incidents-{}.{format}", day(visit.now()));
    if format == "csv" {
        return Ok(attachment(&file, csv::MEDIA_TYPE).body(service_csv(&found.entries, &found.measures)));
    }
    let body = document::service_json(&found).to_string();
    Ok::<HttpResponse, Problem>(attachment(&file, "application/json").body(body))
}

/// The lines of the register, each with what was done.
fn service_csv(entries: &[Entry], measures: &[Vec<String>]) -> String {
    let columns = ["reference", "entered_at", "kind", "cause", "data_categories", "people", "ico_duty", "measures"];
    let rows = entries.iter().zip(measures).map(|(entry, measures)| {
        let data: Vec<&str> = entry.data.iter().map(|data| data.word()).collect();
        [
            entry.reference.clone(),
            entry.at.to_string(),
            document::kind_word(entry).to_owned(),
            entry.cause.clone(),
            data.join("; "),
            entry.people.map(|people| people.to_string()).unwrap_or_default(),
            entry.ico.clone(),
            measures.join("; "),
        ]
    });
    csv::table(columns, rows)
}
