//! The register: every incident and every notice received, in one table with filters, and filters kept under a name.

pub mod export;
pub mod import;
pub mod statistics;
pub mod words;

use actix_web::web::{Path, ServiceConfig, resource};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use domain::facts::{Cause, DataCategory, IcoCategory};
use domain::incident_type::TypeCode;
use domain::values::{Line, Moment, PersonId};
use uuid::Uuid;

use super::field::{Field, NOT_YET_KNOWN_LABEL, Part, Summary, Tag};
use super::form::{FieldError, Form, Reading};
use super::incidents;
use super::page::{self, Answer, Chrome, Posted, Visit};
use super::standing;
use super::words::{Reader, counted, grouped};
use crate::access::{Administrator, Dpo};
use crate::documents::register::labels::{EXERCISES, ICO, KINDS, SOURCES, STATES, chosen};
use crate::documents::register::query;
use crate::node::DoorError;
use crate::problem::Problem;
use crate::store::queries::register::{self as lines, COUNTED_MAX, Choices, Entry, Filter, Of, UNKNOWN, views};

/// Lines on one page.
const SHOWN_MAX: usize = 30;
/// The longest query that is kept under a name.
const QUERY_MAX: usize = 2_000;

/// The addresses of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/register").get(list))
        .service(resource("/register/views").post(keep))
        .service(resource("/register/views/{id}/forget").post(forget))
        .configure(export::routes)
        .configure(import::routes)
        .configure(statistics::routes);
}

#[derive(Template)]
#[template(path = "register.html")]
struct RegisterPage {
    chrome: Chrome,
    summary: Summary,
    fields: Vec<Field>,
    more_fields: Vec<Field>,
    days: Vec<(&'static str, &'static str, Vec<Part>, String)>,
    filtered: bool,
    /// Sentences that say what is left out.
    chosen: Vec<String>,
    count: String,
    rows: Vec<Row>,
    next: Option<String>,
    query: String,
    views: Vec<ViewLine>,
    view_name: Field,
    may_import: bool,
    /// The service that the filter is about.
    service: Option<String>,
    done: &'static str,
}

struct Row {
    href: String,
    reference: String,
    title: String,
    tags: Vec<Tag>,
    people: String,
    cause: String,
    ico: Tag,
    entered: String,
}

struct ViewLine {
    id: Uuid,
    href: String,
    name: String,
    forgettable: bool,
    shared: bool,
}

/// `GET /register`
///
/// # Errors
/// [`Problem`]
pub async fn list(visit: Visit, request: HttpRequest) -> Answer {
    show(&visit, &asked(&request)?, Vec::new(), &Form::default()).await
}

/// What an address asks for, with the parts of dates put together.
fn asked(request: &HttpRequest) -> Result<Form, Problem> {
    let mut form = Form::parse(request.query_string().as_bytes())?;
    for name in ["from", "to"] {
        let part = |part: &str| form.first(&format!("{name}-{part}")).trim().to_owned();
        let (year, month, day) = (part("year"), part("month"), part("day"));
        if ![&year, &month, &day].into_iter().all(String::is_empty) {
            form.set(name, format!("{year:0>4}-{month:0>2}-{day:0>2}"));
        }
    }
    Ok(form)
}

/// The filter of a form: the lines that it shows, or its faults.
fn filter(form: &Form, reader_zone: chrono_tz::Tz) -> Result<Filter, Vec<FieldError>> {
    query::read(|name| form.first(name), reader_zone)
        .map_err(|faults| faults.into_iter().map(FieldError::from).collect())
}

impl From<query::Fault> for FieldError {
    fn from(fault: query::Fault) -> Self {
        Self {
            anchor: match fault.name {
                "from" | "to" => format!("{}-day", fault.name),
                name => name.to_owned(),
            },
            name: fault.name.to_owned(),
            message: fault.message.to_owned(),
        }
    }
}

async fn show(visit: &Visit, form: &Form, mut errors: Vec<FieldError>, named: &Form) -> Answer {
    let filter = filter(form, visit.node.zone());
    let before: Option<lines::Place> = incidents::key::<Uuid>(form.first("before"));
    let (person, administers) = (visit.person.id(), Administrator::of(&visit.person).is_some());
    let wanted = filter.clone().ok();
    let (listed, too_wide, choices, kept) = visit
        .node
        .store()
        .read(move |rows| {
            let too_wide = wanted.as_ref().map_or(Ok(false), |filter| lines::is_too_wide(rows, filter))?;
            let wanted = wanted.filter(|_| !too_wide);
            let listed = wanted.map(|filter| lines::list(rows, &filter, before, SHOWN_MAX)).transpose()?;
            Ok((listed, too_wide, lines::choices(rows)?, views::views(rows, person)?))
        })
        .await?;
    errors.extend(filter.err().unwrap_or_default());
    errors.extend(too_wide.then(|| FieldError::from(query::TEXT_TOO_WIDE)));
    let query = query::write(|name| form.first(name));
    let (rows, next, count) = match listed {
        Some(listed) => {
            let next = listed.page.next.map(|(at, id)| format!("/register?{query}&before={}.{id}", at.micros()));
            let rows = listed.page.items.iter().map(|entry| row(entry, visit.reader)).collect();
            (rows, next, counted_words(listed.total))
        }
        None => (Vec::new(), None, String::new()),
    };
    let page = RegisterPage {
        chrome: visit.chrome(super::log::title("Register", &errors), "/register"),
        fields: fields(form, &choices, &errors),
        more_fields: more_fields(form, &errors),
        days: days(form, &errors),
        filtered: !query.is_empty(),
        chosen: chosen(|name| form.first(name), &choices),
        count,
        rows,
        next,
        views: kept.into_iter().map(|view| view_line(view, person, administers)).collect(),
        view_name: Field::line(named, "name", "Name").faults(&errors),
        query,
        service: Some(form.first("service").to_owned()).filter(|service| service.parse::<Uuid>().is_ok()),
        may_import: Dpo::of(&visit.person).is_some(),
        done: match form.first("done") {
            "kept" => "The filter is kept.",
            "forgotten" => "The filter is forgotten.",
            "imported" => "The entries are in the register.",
            _ => "",
        },
        summary: Summary { errors },
    };
    page::html_as(page::form_status(&page.summary.errors), &page)
}

fn counted_words(total: Option<usize>) -> String {
    match total {
        Some(total) => counted(i64::try_from(total).unwrap_or(i64::MAX), "entry").replace("entrys", "entries"),
        None => format!("More than {} entries", grouped(i64::try_from(COUNTED_MAX).unwrap_or(i64::MAX))),
    }
}

fn view_line(view: views::View, person: PersonId, administers: bool) -> ViewLine {
    ViewLine {
        id: view.id,
        href: format!("/register?{}", view.query),
        name: view.name,
        forgettable: view.person == person || (administers && view.shared),
        shared: view.shared,
    }
}

fn row(entry: &Entry, reader: Reader) -> Row {
    let (href, title) = match (&entry.of, &entry.partner) {
        (Of::Incident(id), _) => (format!("/incidents/{id}"), entry.title.clone()),
        (Of::Notice(id), partner) => {
            let name = partner.as_ref().map_or("a partner", |(_, name)| name);
            (format!("/received/{id}"), format!("Notice from {name}"))
        }
    };
    let mut tags = Vec::new();
    if entry.exercise {
        tags.push(Tag::amber("EXERCISE"));
    }
    tags.push(words::state_tag(&entry.stage));
    if entry.source == "imported" {
        tags.push(Tag::grey("From an earlier register"));
    }
    tags.push(Tag::blue(standing::kind_words(entry.kind)));
    Row {
        href,
        reference: entry.reference.clone(),
        title: if title.is_empty() { "Erased".to_owned() } else { title },
        tags,
        people: entry.people.map(|people| grouped(i64::from(people))).unwrap_or_default(),
        cause: match (&entry.ico_type, entry.cause.as_str()) {
            (Some(kind), _) => kind.label().to_owned(),
            (None, UNKNOWN) => String::new(),
            (None, cause) => crate::documents::register::cause_label(cause).to_owned(),
        },
        ico: words::ico_tag(&entry.ico),
        entered: reader.near(entry.at),
    }
}

fn any<'a>(all: &'a str, options: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<(&'a str, &'a str)> {
    std::iter::once(("", all)).chain(options).collect()
}

/// What is asked most.
fn fields(form: &Form, choices: &Choices, errors: &[FieldError]) -> Vec<Field> {
    let partners: Vec<(String, &String)> = choices.partners.iter().map(|(id, name)| (id.to_string(), name)).collect();
    let services: Vec<(String, &String)> = choices.services.iter().map(|(id, name)| (id.to_string(), name)).collect();
    let named = |(id, name): &(String, &String)| -> (String, String) { (id.clone(), (*name).clone()) };
    let partners: Vec<(String, String)> = partners.iter().map(named).collect();
    let services: Vec<(String, String)> = services.iter().map(named).collect();
    let options = |all: &'static str, named: &[(String, String)], name: &str, label: &str| {
        let options = any(all, named.iter().map(|(id, name)| (id.as_str(), name.as_str())));
        Field::select(form, name, label, options).faults(errors)
    };
    vec![
        Field::line(form, "text", "Reference or partner").faults(errors),
        Field::select(form, "state", "State", any("Any state", STATES)).faults(errors),
        Field::select(form, "ico", "Report to the ICO", any("Any outcome", ICO)).faults(errors),
        options("Any partner", &partners, "partner", "Partner"),
        options("Any service", &services, "service", "Service"),
        Field::select(form, "exercise", "Exercises", EXERCISES).faults(errors),
    ]
}

/// What is asked now and then.
fn more_fields(form: &Form, errors: &[FieldError]) -> Vec<Field> {
    let unknown = [(UNKNOWN, NOT_YET_KNOWN_LABEL)];
    let causes = Cause::ALL.iter().map(|cause| (cause.word(), cause.label())).chain(unknown);
    let categories = IcoCategory::ALL.iter().map(|category| (category.word(), category.label())).chain(unknown);
    let data = DataCategory::ALL.iter().map(|data| (data.word(), data.label()));
    let known = TypeCode::all();
    let types = known.iter().map(|kind| (kind.word(), kind.label()));
    vec![
        Field::select(form, "kind", "Kind", any("Any kind", KINDS)).faults(errors),
        Field::select(form, "source", "Origin", any("Any origin", SOURCES)).faults(errors),
        Field::select(form, "cause", "Cause", any("Any cause", causes)).faults(errors),
        Field::select(form, "category", "Cyber or not", any("Either", categories)).faults(errors),
        Field::select(form, "type", "Type of incident, as found", any("Any type", types)).faults(errors),
        Field::select(form, "data", "With this kind of data", any("Any data", data)).faults(errors),
    ]
}

/// First and last day, each in three inputs.
fn days(form: &Form, errors: &[FieldError]) -> Vec<(&'static str, &'static str, Vec<Part>, String)> {
    [("from", "Entered from"), ("to", "Entered up to")]
        .into_iter()
        .map(|(name, label)| {
            let mut given = form.first(name).splitn(3, '-');
            let (year, month, day) = (given.next(), given.next(), given.next());
            let shown = |value: Option<&str>| value.unwrap_or_default().trim_start_matches('0').to_owned();
            let parts = vec![
                Part { name: "day", label: "Day", value: shown(day) },
                Part { name: "month", label: "Month", value: shown(month) },
                Part { name: "year", label: "Year", value: shown(year) },
            ];
            let error = errors.iter().find(|error| error.name == name).map(|error| error.message.clone());
            (name, label, parts, error.unwrap_or_default())
        })
        .collect()
}

/// `POST /register/views`: keeps the filter under a name.
///
/// # Errors
/// [`Problem`]
pub async fn keep(posted: Posted) -> Answer {
    let Posted { visit, form } = posted;
    let kept = Form::parse(form.first("query").as_bytes())?;
    let query = query::write(|name| kept.first(name));
    let mut reading = Reading::new(&form, visit.reader);
    let name: Option<Line> = reading.text("name", "Give the filter a name");
    let mut errors = reading.into_errors();
    if query.is_empty() || query.len() > QUERY_MAX || filter(&kept, visit.node.zone()).is_err() {
        errors.push(fault("name", "Filter the register first, then keep the filter"));
    }
    let Some(name) = name.filter(|_| errors.is_empty()) else { return show(&visit, &kept, errors, &form).await };
    match visit.node.keep_view(&visit.person, name, query.clone(), form.has("shared", "yes")).await {
        Ok(()) => Ok(page::see_other(&format!("/register?{query}&done=kept"))),
        Err(DoorError::Invalid(words)) => show(&visit, &kept, vec![fault("name", words)], &form).await,
        Err(error) => Err(error.into()),
    }
}

fn fault(name: &str, message: &str) -> FieldError {
    FieldError { name: name.to_owned(), anchor: name.to_owned(), message: message.to_owned() }
}

/// `POST /register/views/{id}/forget`
///
/// # Errors
/// [`Problem`]
pub async fn forget(posted: Posted, id: Path<Uuid>) -> Answer {
    posted.visit.node.forget_view(&posted.visit.person, *id).await?;
    Ok(page::see_other("/register?done=forgotten"))
}

/// A file to keep.
fn attachment(name: &str, media_type: &str) -> actix_web::HttpResponseBuilder {
    use actix_web::http::header;
    let mut response = HttpResponse::Ok();
    response
        .content_type(media_type.to_owned())
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((header::CACHE_CONTROL, "no-store"));
    response
}

/// "2026-03-01": the day of a file's name.
fn day(at: Moment) -> String {
    at.to_chrono().format("%Y-%m-%d").to_string()
}
