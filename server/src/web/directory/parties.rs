//! Parties: ourselves, and everybody that an agreement names.

use actix_web::web;
use domain::arrangement::FallbackContact;
use domain::directory::{ArrangementRecord, Party, RecordKind, ServiceRecord};
use uuid::Uuid;

use super::agreements::Asked;
use super::edit::done_words;
use super::sheet::{self, Cell, Row, Said, Sheet, Table, page_of};
use crate::access::Administrator;
use crate::problem::Problem;
use crate::store::queries::directory::{self as known, OUR_PARTY, Stored};
use crate::web::field::Tag;
use crate::web::page::{self, Answer, Visit};
use crate::web::partners::reader;
use crate::web::words::counted;

/// `GET /parties`
///
/// # Errors
/// [`Problem`]
pub(super) async fn list(visit: Visit, asked: web::Query<Asked>) -> Answer {
    reader(&visit)?;
    let mut parties = visit.node.store().read(known::parties).await?;
    // Ours first, then by name.
    parties.sort_by(|a, b| (a.id != OUR_PARTY, &a.record.name, a.id).cmp(&(b.id != OUR_PARTY, &b.record.name, b.id)));
    let total = counted(i64::try_from(parties.len()).unwrap_or(i64::MAX), "party").replace("partys", "parties");
    let mut sheet = Sheet::new(&visit, "Parties", "/agreements");
    sheet.back = ("/agreements", "Agreements");
    sheet.done = done_words(&asked.done);
    if Administrator::of(&visit.person).is_some() {
        sheet.actions = vec![("/parties/new".to_owned(), "Add a party")];
    }
    let (shown, next) = page_of(parties, asked.after, |party| party.id);
    sheet.tables.push(Table {
        heading: "",
        note: format!("{total}, you among them. Any other may become a partner by pairing."),
        heads: vec!["Party", "ICO registration", "Country"],
        rows: shown.iter().map(row).collect(),
        more: next.map(|id| format!("/parties?after={id}")),
    });
    sheet.links = vec![
        ("/services".to_owned(), "Services"),
        ("/partners".to_owned(), "Partners, and how pairing with them stands"),
    ];
    page::html(&sheet)
}

fn row(party: &Stored<Party>) -> Vec<Cell> {
    let record = &party.record;
    let mut name = Cell::link(record.name.as_str(), sheet::address::<Party>(party.id));
    if party.id == OUR_PARTY {
        name.tag = Some(Tag::blue("You"));
    }
    let value = |value: Option<&domain::values::Line>| {
        value.map_or_else(|| Cell::tag(Tag::grey("Not stated")), |value| Cell::plain(value.as_str()))
    };
    vec![name, value(record.ico_registration.as_ref()), value(record.country.as_ref())]
}

/// `GET /parties/{id}`
///
/// # Errors
/// [`Problem`]
pub(super) async fn show(visit: Visit, id: web::Path<Uuid>, asked: web::Query<Asked>) -> Answer {
    reader(&visit)?;
    let id = id.into_inner();
    let (now, versions, mut services, mut arrangements) = visit
        .node
        .store()
        .read(move |rows| {
            let versions: Vec<Stored<Party>> = known::versions(rows, RecordKind::Party, id)?;
            Ok((known::party(rows, id)?, versions, known::services(rows)?, known::arrangements(rows)?))
        })
        .await?;
    let now = now.ok_or(Problem::NotFound)?;
    let stored = if versions.is_empty() { &now } else { sheet::chosen(&versions, asked.version)? };
    let record = &stored.record;
    services.retain(|service| service.record.controller.as_ref() == Some(&record.key));
    arrangements.retain(|arrangement| arrangement.record.partner == record.key);
    let ours = id == OUR_PARTY;
    let address = sheet::address::<Party>(id);
    let mut sheet = Sheet::new(&visit, record.name.as_str(), "/agreements");
    sheet.back = ("/parties", "Parties");
    sheet.caption = "Party";
    sheet.done = done_words(&asked.done);
    sheet.tags = sheet::version_tags(&versions, stored.version);
    if ours {
        sheet.tags.push(Tag::blue("You"));
        sheet.paragraphs.push("Reports to the ICO take name, address, registration and contacts from here.".to_owned());
    } else {
        sheet.links = vec![(format!("/partners/{id}"), "How the pairing with them stands")];
    }
    if Administrator::of(&visit.person).is_some() && stored.version == now.version {
        sheet.actions = vec![(format!("{address}/edit"), "Change it")];
    }
    sheet.rows = rows(record);
    sheet.tables = vec![offered(&services)];
    if !ours {
        sheet.tables.push(arranged(&arrangements));
    }
    sheet.versions = sheet::versions(&versions, stored.version, &address, &visit);
    page::html(&sheet)
}

/// A contact on as many lines as it has ways.
fn contact(label: &'static str, contact: Option<&FallbackContact>) -> Row {
    let Some(contact) = contact else { return Row::of(label, Vec::new()) };
    let mut said = vec![Said::plain(contact.who.as_str())];
    let ways = [("telephone", &contact.phone), ("out of hours", &contact.out_of_hours), ("mailbox", &contact.email)];
    said.extend(ways.into_iter().filter_map(|(word, way)| Some(Said::plain(format!("{word} {}", way.as_ref()?)))));
    Row::of(label, said)
}

fn rows(party: &Party) -> Vec<Row> {
    vec![
        Row::line("Company number", party.company_number.as_ref()),
        Row::line("Charity number", party.charity_number.as_ref()),
        Row::line("Parent organisation", party.parent.as_ref()),
        Row::line("ICO registration", party.ico_registration.as_ref()),
        Row::line("Address", party.address.as_ref()),
        Row::line("Country", party.country.as_ref()),
        Row::line("Sector", party.sector.as_ref()),
        contact("Data protection officer", party.dpo.as_ref()),
        contact("Whom to tell of a breach", party.breach_contact.as_ref()),
        contact("For questions about a service", party.service_contact.as_ref()),
        Row::lines("Advisers who may see a notice", &party.advisors),
        Row::words("Key in files", Some(party.key.as_str())),
    ]
}

fn offered(services: &[Stored<ServiceRecord>]) -> Table {
    let row = |service: &Stored<ServiceRecord>| {
        vec![Cell::link(service.record.name.as_str(), sheet::address::<ServiceRecord>(service.id))]
    };
    Table {
        heading: "Services that it offers",
        note: if services.is_empty() { "None is written down.".to_owned() } else { String::new() },
        heads: vec!["Service"],
        rows: services.iter().map(row).collect(),
        more: None,
    }
}

fn arranged(arrangements: &[Stored<ArrangementRecord>]) -> Table {
    let row = |arrangement: &Stored<ArrangementRecord>| {
        let record = &arrangement.record;
        vec![
            Cell::link(record.key.as_str(), sheet::address::<ArrangementRecord>(arrangement.id)),
            Cell::plain(format!("{}, version {}", record.agreement, record.agreement_version)),
        ]
    };
    Table {
        heading: "Arrangements with them",
        note: if arrangements.is_empty() {
            "None, so nothing says that they have to be told.".to_owned()
        } else {
            String::new()
        },
        heads: vec!["Arrangement", "Under agreement"],
        rows: arrangements.iter().map(row).collect(),
        more: None,
    }
}
