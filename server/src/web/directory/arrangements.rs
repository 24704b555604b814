//! One arrangement: with whom, on which terms and where each of them comes from, whom to ring; and ending it.

use actix_web::web;
use domain::arrangement::{FallbackContact, OurRole};
use domain::clock_terms::{Duty, usual};
use domain::directory::{Agreement, ArrangementRecord};
use domain::values::{ArrangementId, Hours, LongText};

use super::agreements::Asked;
use super::edit::done_words;
use super::sheet::{self, Cell, Names, Row, Said, Sheet, Table, hours_words, trigger_words};
use crate::access::Administrator;
use crate::problem::Problem;
use crate::store::queries::directory::{self as known, Stored};
use crate::web::action::{ActionPage, refusal};
use crate::web::administration::administrator;
use crate::web::field::{Field, Tag};
use crate::web::form::{Form, Reading};
use crate::web::page::{self, Answer, Posted, Visit};
use crate::web::partners::reader;

/// `GET /arrangements/{id}`
///
/// # Errors
/// [`Problem`]
pub(super) async fn show(visit: Visit, id: web::Path<ArrangementId>, asked: web::Query<Asked>) -> Answer {
    reader(&visit)?;
    let id = id.into_inner();
    let wanted = asked.version;
    let (versions, current, agreement) = visit
        .node
        .store()
        .read(move |rows| {
            let versions = known::arrangement_versions(rows, id)?;
            let shown = versions.iter().find(|stored| wanted.is_none_or(|wanted| wanted == stored.version));
            let agreement = match shown {
                Some(shown) => known::agreement_named(rows, &shown.record.agreement, shown.record.agreement_version)?,
                None => None,
            };
            Ok((versions, known::is_current(rows, id)?, agreement))
        })
        .await?;
    let stored = sheet::chosen(&versions, wanted)?;
    let agreement = agreement.ok_or(Problem::NotFound)?;
    let record = &stored.record;
    let names = Names::of(&visit).await?;
    let address = sheet::address::<ArrangementRecord>(id.uuid());
    let partner = names.party(&record.partner);
    let mut sheet = Sheet::new(&visit, &partner.words, "/agreements");
    sheet.back = ("/agreements", "Agreements");
    sheet.caption = "Arrangement";
    sheet.done = done_words(&asked.done);
    sheet.tags = sheet::version_tags(&versions, stored.version);
    if !current {
        sheet.tags.push(Tag::grey("Ended"));
    } else if Administrator::of(&visit.person).is_some() && versions.first().is_some_and(|one| one == stored) {
        sheet.actions = vec![(format!("{address}/edit"), "Change it"), (format!("{address}/end"), "End it")];
    }
    sheet.rows = rows(record, &agreement, &names);
    sheet.tables = vec![contacts(&record.contacts)];
    sheet.versions = sheet::versions(&versions, stored.version, &address, &visit);
    if let Some(id) = partner.href.strip_prefix("/parties/") {
        sheet.links = vec![(format!("/partners/{id}"), "How the pairing with them stands")];
    }
    page::html(&sheet)
}

/// Where a value comes from.
fn source(own: bool, agreed: Option<String>, effective: bool) -> String {
    match (own, agreed, effective) {
        (true, Some(agreed), _) => format!("Its own, in the place of the agreement\u{2019}s: {agreed}"),
        (true, None, _) => "Its own; the agreement does not say".to_owned(),
        (false, _, true) => "From the agreement".to_owned(),
        (false, _, false) => String::new(),
    }
}

fn hours(label: &'static str, own: Option<Hours>, agreed: Option<Hours>) -> Row {
    let effective = own.or(agreed);
    Row::words(label, effective.map(hours_words)).from(source(
        own.is_some(),
        agreed.map(hours_words),
        effective.is_some(),
    ))
}

fn rows(record: &ArrangementRecord, agreement: &Stored<Agreement>, names: &Names) -> Vec<Row> {
    let agreed = &agreement.record;
    let title = format!("{}, version {}", agreed.title, agreed.version);
    let link = format!("{}?version={}", sheet::address::<Agreement>(agreement.id), agreed.version);
    let trigger = record.trigger_under(agreed);
    let who = |label, own: Option<&domain::values::Line>, effective: Option<&domain::values::Line>, agreed| {
        Row::of(label, effective.into_iter().map(|who| names.who(who)).collect()).from(source(
            own.is_some(),
            agreed,
            effective.is_some(),
        ))
    };
    let said = |who: &Option<domain::values::Line>| who.as_ref().map(|who| names.who(who).words);
    let no_clock = record.hours_under(agreed).is_none();
    let mut notice = hours("Hours to tell them", record.notice_hours, agreed.notice_hours);
    if no_clock && record.our_role == Some(OurRole::Processor) {
        notice.from =
            "None agreed. We process for them, so they are told without undue delay (Article 33(2)).".to_owned();
    } else if no_clock {
        notice.from = "No contract clock: by these terms alone no notice is owed.".to_owned();
    }
    let mut acknowledgement =
        hours("Hours for them to acknowledge", record.acknowledgement_hours, agreed.acknowledgement_hours);
    if acknowledgement.values.is_empty() && !no_clock {
        acknowledgement.from =
            format!("Where nothing is said, {} apply", hours_words(usual(Duty::PartnerAcknowledgement)));
    }
    vec![
        Row::of("Partner", vec![names.party(&record.partner)]),
        Row::of("Agreement", vec![Said::link(title, link)]),
        Row::words("Our role", Some(super::sheet::our_role_words(record.our_role.unwrap_or_default()))),
        notice,
        Row::words("What starts the hours", trigger.map(trigger_words)).from(source(
            record.trigger.is_some(),
            agreed.trigger.map(|trigger| trigger_words(trigger).to_owned()),
            trigger.is_some(),
        )),
        acknowledgement,
        Row::of("Services", names.services(record.services_under(agreed))).from(source(
            !record.services.is_empty(),
            Some(format!("{} in all", agreed.services.len())),
            !agreed.services.is_empty(),
        )),
        who(
            "Who leads on the report to the ICO",
            record.ico_lead.as_ref(),
            record.ico_lead_under(agreed),
            said(&agreed.ico_lead),
        ),
        who(
            "Contact point for people",
            record.contact_point.as_ref(),
            record.contact_point_under(agreed),
            said(&agreed.contact_point),
        ),
        Row::words("Key in files", Some(record.key.as_str())),
    ]
}

fn contacts(contacts: &[FallbackContact]) -> Table {
    let cell = |value: &Option<domain::values::Line>| {
        value.as_ref().map_or_else(|| Cell::tag(Tag::grey("Not stated")), |value| Cell::plain(value.as_str()))
    };
    Table {
        heading: "Whom to ring, in order",
        note: if contacts.is_empty() {
            "Not stated: when machines fail nobody is named. Ask them, and write it down before it is needed."
                .to_owned()
        } else {
            String::new()
        },
        heads: vec!["Who", "Telephone", "Out of hours", "Mailbox"],
        rows: contacts
            .iter()
            .map(|contact| {
                vec![
                    Cell::plain(contact.who.as_str()),
                    cell(&contact.phone),
                    cell(&contact.out_of_hours),
                    cell(&contact.email),
                ]
            })
            .collect(),
        more: None,
    }
}

async fn ending_page(visit: &Visit, id: ArrangementId, form: &Form) -> Result<ActionPage, Problem> {
    let found = visit
        .node
        .store()
        .read(move |rows| Ok(if known::is_current(rows, id)? { known::arrangement(rows, id)? } else { None }))
        .await?;
    let record = found.ok_or(Problem::NotFound)?.record;
    let partner = Names::of(visit).await?.party(&record.partner).words;
    let back = sheet::address::<ArrangementRecord>(id.uuid());
    let heading = "End this arrangement";
    let chrome = visit.chrome(heading, "/agreements");
    let mut page = ActionPage::new(chrome, heading, &partner, back.clone(), format!("{back}/end"));
    page.paragraphs = vec![
        format!(
            "Whatever is logged from now on owes {partner} nothing under it. What was logged already goes on as it was."
        ),
        "It stays on the record and can be read. To agree anew, import or write an arrangement.".to_owned(),
    ];
    page.fields = vec![Field::area(form, "reason", "Why does it end?").hint("Kept on the record with your name.")];
    page.buttons.push(("end", "End the arrangement", "danger"));
    Ok(page)
}

/// `GET /arrangements/{id}/end`
///
/// # Errors
/// [`Problem`]
pub(super) async fn ending(visit: Visit, id: web::Path<ArrangementId>) -> Answer {
    administrator(&visit)?;
    ending_page(&visit, *id, &Form::default()).await?.answer(Vec::new())
}

/// `POST /arrangements/{id}/end`
///
/// # Errors
/// [`Problem`]
pub(super) async fn end(posted: Posted, id: web::Path<ArrangementId>) -> Answer {
    let Posted { visit, form } = posted;
    let by = administrator(&visit)?;
    let id = *id;
    let done = format!("{}?done=ended", sheet::address::<ArrangementRecord>(id.uuid()));
    let page = match ending_page(&visit, id, &form).await {
        Ok(page) => page,
        // Sent twice: it has ended.
        Err(Problem::NotFound) => return Ok(page::see_other(&done)),
        Err(problem) => return Err(problem),
    };
    let mut reading = Reading::new(&form, visit.reader);
    let reason: Option<LongText> = reading.text("reason", "Say why it ends");
    let Some(reason) = reason else { return page.answer(reading.into_errors()) };
    match visit.node.end_arrangement(&by, id, reason).await {
        Ok(()) => Ok(page::see_other(&done)),
        Err(error) => page.answer(refusal(error, "reason")?),
    }
}
