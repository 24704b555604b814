//! Record that people were told: when, how, how many, with which text; strike out a record that was made in error.

use actix_web::web;
use domain::incident::telling::{self, Channel, Communication, PEOPLE_MAX};
use domain::incident::{Incident, Refusal};
use domain::values::{IncidentId, LongText};

use super::{incident, reporter};
use crate::node::DoorError;
use crate::node::telling::TOLD_FORM;
use crate::problem::Problem;
use crate::web::action::{ActionPage, refusal, worn_out};
use crate::web::field::Field;
use crate::web::form::{FieldError, Form, Reading};
use crate::web::log::findings_in;
use crate::web::page::{self, Answer, Posted, Visit};

/// `GET /incidents/{id}/people/told`
///
/// # Errors
/// [`Problem`]
pub(super) async fn ask(visit: Visit, id: web::Path<IncidentId>) -> Answer {
    reporter(&visit)?;
    let state = incident(&visit, *id).await?;
    let newest = state.telling.newest().ok_or(Problem::NotFound)?;
    let mut form = Form::default();
    form.set("form", visit.node.make_form(&visit.person, TOLD_FORM).await?.to_string());
    form.set("version", newest.number.to_string());
    form.set_moment("at", visit.now(), visit.reader);
    page_of(&visit, &state, &form).answer(Vec::new())
}

fn page_of(visit: &Visit, state: &Incident, form: &Form) -> ActionPage {
    let back = format!("/incidents/{}/people", state.id);
    let heading = "Record that people were told";
    let chrome = visit.chrome(format!("{heading} - {}", state.reference), "/incidents").exercise(state.exercise);
    let mut page = ActionPage::new(chrome, heading, "Tell the people affected", back.clone(), format!("{back}/told"));
    page.paragraphs = vec![
        "Nothing is sent from here, and nobody is named: record what you sent, when, how, and to how many. If people are \
         told on several days or in several ways, record each."
            .to_owned(),
    ];
    let versions: Vec<(String, String)> = state
        .telling
        .versions
        .iter()
        .rev()
        .map(|version| {
            (version.number.to_string(), format!("Version {}, {}", version.number, visit.reader.near(version.at)))
        })
        .collect();
    page.fields = vec![
        Field::moment(form, "at", "When were they told?", visit.reader).hint("UK time."),
        Field::radios(form, "channel", "How?", Channel::ALL.map(|channel| (channel.word(), channel.label()))),
        Field::line(form, "people", "How many people?")
            .hint("A whole number. For a public notice or a website it may stay empty."),
        Field::select(form, "version", "With which text?", versions.iter().map(|(v, l)| (v.as_str(), l.as_str()))),
        Field::checks(form, "complete", "Is anybody still to be told?", [("yes", "No, everybody has been told now")]),
        Field::area(form, "note", "Anything to add")
            .hint("For example where the notice stood. May stay empty. Do not name the people affected."),
    ];
    page.hidden = vec![("form", form.first("form").to_owned())];
    page.buttons = vec![("record", "Record it", "")];
    page
}

/// `POST /incidents/{id}/people/told`
///
/// # Errors
/// [`Problem`]
pub(super) async fn record(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let Posted { visit, mut form } = posted;
    let by = reporter(&visit)?;
    let id = *id;
    let state = incident(&visit, id).await?;
    let told = match read(&visit, &form) {
        Ok(told) => told,
        Err(errors) => return page_of(&visit, &state, &form).answer(errors),
    };
    let note = told.note.as_ref().map(LongText::as_str).unwrap_or_default();
    let found = findings_in(&visit, &[("note", "Anything to add", note)]).await?;
    if found.iter().any(|found| found.serious) && !form.has("checked", "yes") {
        return page_of(&visit, &state, &form).unconfirmed(found);
    }
    match visit.node.record_told(&by, id, Some(form.sent()), told).await {
        Ok(()) => Ok(page::see_other(&format!("/incidents/{id}/people"))),
        Err(error @ (DoorError::FormUnknown | DoorError::FormSaidOtherwise)) => {
            form.set("form", visit.node.make_form(&visit.person, TOLD_FORM).await?.to_string());
            let message = worn_out(&error, "recorded", "record it");
            page_of(&visit, &state, &form).answer(vec![fault("at-day", &message)])
        }
        Err(error) => {
            let anchor = anchor(&error);
            page_of(&visit, &state, &form).answer(refusal(error, anchor)?)
        }
    }
}

fn fault(anchor: &str, message: &str) -> FieldError {
    FieldError {
        name: anchor.trim_end_matches("-day").to_owned(),
        anchor: anchor.to_owned(),
        message: message.to_owned(),
    }
}

/// The field that a refusal is about.
const fn anchor(error: &DoorError) -> &'static str {
    let DoorError::Refused(Refusal::Telling(refused)) = error else { return "at-day" };
    match refused {
        telling::Refusal::PeopleMissing | telling::Refusal::PeopleOutOfRange => "people",
        telling::Refusal::NoSuchVersion => "version",
        telling::Refusal::ToldInFuture
        | telling::Refusal::ToldBeforeAwareness { .. }
        | telling::Refusal::LetterChanged { .. }
        | telling::Refusal::SameLetter
        | telling::Refusal::TooManyVersions
        | telling::Refusal::TooManyWaves
        | telling::Refusal::NoSuchWave => "at-day",
    }
}

fn read(visit: &Visit, form: &Form) -> Result<Communication, Vec<FieldError>> {
    let mut reading = Reading::new(form, visit.reader);
    let at = reading.moment("at", "Say when they were told");
    let channel = reading.choice("channel", Channel::from_word, "Say how they were told");
    let people = people(&mut reading);
    let version = reading.choice("version", |number| number.parse().ok(), "Say which text it was");
    let note = reading.optional_text("note");
    if channel.is_some_and(|channel| !channel.is_public()) && form.is_blank("people") {
        reading.fault("people", "Say how many people were told");
    }
    let errors = reading.into_errors();
    match (at, channel, version) {
        (Some(at), Some(channel), Some(version)) if errors.is_empty() => {
            Ok(Communication { at, channel, people, version, complete: form.has("complete", "yes"), note })
        }
        (Some(_) | None, Some(_) | None, Some(_) | None) => Err(errors),
    }
}

/// A number of people, or nothing; spaces and commas between figures do no harm.
fn people(reading: &mut Reading<'_>) -> Option<u32> {
    if reading.form().is_blank("people") {
        return None;
    }
    let typed: String = reading.form().first("people").chars().filter(|c| !matches!(c, ',' | ' ')).collect();
    let number = typed.parse().ok().filter(|number| (1..=PEOPLE_MAX).contains(number));
    if number.is_none() {
        reading.fault("people", "Give a whole number from 1 to 10,000,000, such as 140");
    }
    number
}

fn strike_page(visit: &Visit, state: &Incident, wave: u32, form: &Form) -> ActionPage {
    let back = format!("/incidents/{}/people", state.id);
    let heading = "Strike out a record";
    let chrome = visit.chrome(format!("{heading} - {}", state.reference), "/incidents").exercise(state.exercise);
    let mut page = ActionPage::new(
        chrome,
        heading,
        "Tell the people affected",
        back.clone(),
        format!("{back}/told/{wave}/strike"),
    );
    page.paragraphs = vec![format!("Record {wave} will count no more. It stays to be seen, with your reason.")];
    page.fields = vec![Field::area(form, "reason", "Why does it not stand?").hint("It stays on record.")];
    page.buttons = vec![("strike", "Strike it out", "danger")];
    page
}

/// `GET /incidents/{id}/people/told/{wave}/strike`
///
/// # Errors
/// [`Problem`]
pub(super) async fn ask_strike(visit: Visit, path: web::Path<(IncidentId, u32)>) -> Answer {
    reporter(&visit)?;
    let (id, wave) = path.into_inner();
    let state = incident(&visit, id).await?;
    if !state.telling.standing().any(|found| found.number == wave) {
        return Err(Problem::NotFound);
    }
    strike_page(&visit, &state, wave, &Form::default()).answer(Vec::new())
}

/// `POST /incidents/{id}/people/told/{wave}/strike`
///
/// # Errors
/// [`Problem`]
pub(super) async fn strike(posted: Posted, path: web::Path<(IncidentId, u32)>) -> Answer {
    let Posted { visit, form } = posted;
    let by = reporter(&visit)?;
    let (id, wave) = path.into_inner();
    let state = incident(&visit, id).await?;
    let mut reading = Reading::new(&form, visit.reader);
    let Some(reason) = reading.text::<8000>("reason", "Say why the record does not stand") else {
        return strike_page(&visit, &state, wave, &form).answer(reading.into_errors());
    };
    let found = findings_in(&visit, &[("reason", "Why it does not stand", reason.as_str())]).await?;
    if found.iter().any(|found| found.serious) && !form.has("checked", "yes") {
        return strike_page(&visit, &state, wave, &form).unconfirmed(found);
    }
    match visit.node.strike_told(&by, id, wave, reason).await {
        Ok(()) => Ok(page::see_other(&format!("/incidents/{id}/people"))),
        Err(error) => strike_page(&visit, &state, wave, &form).answer(refusal(error, "reason")?),
    }
}
