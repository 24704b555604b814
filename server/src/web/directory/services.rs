//! Services: the list, and one as a record of processing (UK GDPR Article 30(1)).

use actix_web::web;
use domain::directory::{Agreement, RecordKind, ServiceRecord};
use domain::values::ServiceId;

use super::agreements::Asked;
use super::edit::done_words;
use super::sheet::{self, Cell, Names, Row, Sheet, Table, page_of};
use crate::access::Administrator;
use crate::problem::Problem;
use crate::store::queries::directory::{self as known, Stored};
use crate::web::page::{self, Answer, Visit};
use crate::web::partners::reader;

/// `GET /services`
///
/// # Errors
/// [`Problem`]
pub(super) async fn list(visit: Visit, asked: web::Query<Asked>) -> Answer {
    reader(&visit)?;
    let services = visit.node.store().read(known::services).await?;
    let names = Names::of(&visit).await?;
    let mut sheet = Sheet::new(&visit, "Services", "/agreements");
    sheet.back = ("/agreements", "Agreements");
    sheet.done = done_words(&asked.done);
    if Administrator::of(&visit.person).is_some() {
        sheet.actions = vec![("/services/new".to_owned(), "Add a service")];
    }
    let empty = services.is_empty();
    let (shown, next) = page_of(services, asked.after, |service| service.id);
    sheet.paragraphs = vec![if empty {
        "No service is here yet. An incident is logged for services, and they decide which partners have to be told."
            .to_owned()
    } else {
        "An incident is logged for services; they decide which partners have to be told.".to_owned()
    }];
    sheet.tables.push(Table {
        heading: "",
        note: String::new(),
        heads: vec!["Service", "Offered by"],
        rows: shown.iter().map(|service| row(service, &names)).collect(),
        more: next.map(|id| format!("/services?after={id}")),
    });
    sheet.links = vec![("/parties".to_owned(), "Parties")];
    page::html(&sheet)
}

fn row(service: &Stored<ServiceRecord>, names: &Names) -> Vec<Cell> {
    vec![
        Cell::link(service.record.name.as_str(), sheet::address::<ServiceRecord>(service.id)),
        Cell::or_gap(service.record.controller.as_ref().map(|key| names.party(key))),
    ]
}

/// `GET /services/{id}`
///
/// # Errors
/// [`Problem`]
pub(super) async fn show(visit: Visit, id: web::Path<ServiceId>, asked: web::Query<Asked>) -> Answer {
    reader(&visit)?;
    let id = id.into_inner();
    let (now, versions, mut agreements) = visit
        .node
        .store()
        .read(move |rows| {
            let versions: Vec<Stored<ServiceRecord>> = known::versions(rows, RecordKind::Service, id.uuid())?;
            Ok((known::service(rows, id)?, versions, known::agreements(rows)?))
        })
        .await?;
    let now = now.ok_or(Problem::NotFound)?;
    let stored = if versions.is_empty() { &now } else { sheet::chosen(&versions, asked.version)? };
    let record = &stored.record;
    agreements.retain(|agreement| agreement.record.services.contains(&record.key));
    let names = Names::of(&visit).await?;
    let address = sheet::address::<ServiceRecord>(id.uuid());
    let mut sheet = Sheet::new(&visit, record.name.as_str(), "/agreements");
    sheet.back = ("/services", "Services");
    sheet.caption = "Service";
    sheet.done = done_words(&asked.done);
    sheet.tags = sheet::version_tags(&versions, stored.version);
    if Administrator::of(&visit.person).is_some() && stored.version == now.version {
        sheet.actions = vec![(format!("{address}/edit"), "Change it")];
    }
    sheet.rows = rows(record, &names);
    sheet.tables = vec![covered_by(&agreements)];
    sheet.versions = sheet::versions(&versions, stored.version, &address, &visit);
    page::html(&sheet)
}

fn rows(service: &ServiceRecord, names: &Names) -> Vec<Row> {
    vec![
        Row::of("Offered by", service.controller.iter().map(|key| names.party(key)).collect()),
        Row::text("What is done with the data", service.operation.as_ref()),
        Row::lines("Purposes", &service.purposes),
        Row::lines("Kinds of personal data", &service.data_categories),
        Row::lines("Kinds of people", &service.subject_categories),
        Row::lines("Lawful basis", &service.lawful_basis),
        Row::lines("Who receives the data", &service.recipients),
        Row::lines("Third parties", &service.third_parties),
        Row::lines("Where data are kept", &service.hosting),
        Row::lines("How long data are kept", &service.retention),
        Row::lines("Security measures", &service.security),
        Row::words("Key in files", Some(service.key.as_str())),
    ]
}

fn covered_by(agreements: &[Stored<Agreement>]) -> Table {
    Table {
        heading: "Agreements that cover it",
        note: if agreements.is_empty() { "None: nobody is owed a notice about it.".to_owned() } else { String::new() },
        heads: vec!["Agreement", "Version"],
        rows: agreements
            .iter()
            .map(|agreement| {
                let title = agreement.record.title.as_str();
                let link = Cell::link(title, sheet::address::<Agreement>(agreement.id));
                vec![link, Cell::plain(agreement.version.to_string())]
            })
            .collect(),
        more: None,
    }
}
