//! Record a cost, correct it, strike it out.

use actix_web::web;
use domain::incident::costs::{Cost, Kind, Pence, Recorded, Refusal as Fault, Seen, decimal};
use domain::incident::{Incident, Refusal};
use domain::values::{IncidentId, PersonId};

use super::{duty_holder, in_words, incident};
use crate::node::DoorError;
use crate::node::costs::{COST_FORM, Step};
use crate::problem::{Problem, capitalised};
use crate::web::action::{ActionPage, refusal, worn_out};
use crate::web::field::Field;
use crate::web::form::{FieldError, Form, Reading};
use crate::web::log::findings_in;
use crate::web::page::{self, Answer, Posted, Visit};

/// How sure an amount is: the word in the form, and its label.
const SURE: [(&str, &str); 2] =
    [("final", "It is final: it was paid, or is owed"), ("estimate", "It is an estimate, which you will correct")];

fn fields(form: &Form) -> Vec<Field> {
    let mut kinds = Field::radios(
        form,
        "kind",
        "What did the money, or the time, go into?",
        Kind::ALL.iter().map(|kind| (kind.word(), kind.label())),
    );
    for kind in Kind::ALL {
        kinds = kinds.choice_hint(kind.word(), kind.hint());
    }
    vec![
        kinds,
        Field::line(form, "amount", "How much, in pounds?").hint("For example 1250, 1,250 or \u{a3}1,250.50."),
        Field::radios(form, "sure", "How sure is the amount?", SURE),
        Field::day(form, "on", "On which day did it fall? (optional)")
            .hint("For example the day of the invoice. Leave it empty where there is no one day."),
        Field::line(form, "note", "Note (optional)")
            .hint("For example the number of an invoice. Name nobody. It goes when the incident\u{2019}s contents are erased."),
    ]
}

fn read(reading: &mut Reading<'_>) -> Option<Cost> {
    let kind = reading.choice("kind", Kind::from_word, "Choose what it went into");
    let pence = Pence::parse(reading.form().first("amount"));
    if let Err(fault) = pence {
        reading.fault("amount", capitalised(&fault.to_string()));
    }
    let sure = |word: &str| SURE.iter().find(|(known, _)| *known == word).map(|_| word == "estimate");
    let estimate = reading.choice("sure", sure, "Say how sure the amount is");
    let on = if reading.has_moment("on") { reading.day("on", "Give the day") } else { None };
    let note = reading.optional_text("note");
    Some(Cost { kind: kind?, pence: pence.ok()?, on, estimate: estimate?, note })
}

fn page_of(visit: &Visit, state: &Incident, heading: &str, step: &str) -> ActionPage {
    let back = format!("/incidents/{}/costs", state.id);
    let chrome = visit.chrome(format!("{heading} - {}", state.reference), "/incidents").exercise(state.exercise);
    let action = format!("{back}/{step}");
    ActionPage::new(chrome, heading, "Costs", back, action)
}

fn new_page(visit: &Visit, state: &Incident, form: &Form) -> ActionPage {
    let mut page = page_of(visit, state, "Record a cost", "new");
    page.fields = fields(form);
    page.hidden = vec![("form", form.first("form").to_owned())];
    page.buttons = vec![("record", "Record it", "")];
    page
}

fn correct_page(visit: &Visit, state: &Incident, recorded: &Recorded, form: &Form) -> ActionPage {
    let mut page = page_of(visit, state, "Correct a cost", &format!("{}/correct", recorded.number));
    page.paragraphs = vec![
        format!("Cost {}: {}", recorded.number, in_words(&recorded.current.cost)),
        "What it was stays on record.".to_owned(),
    ];
    page.fields = fields(form);
    page.fields.push(Field::area(form, "reason", "Why is it corrected?").hint("For example: the invoice came."));
    page.hidden = vec![("revision", form.first("revision").to_owned())];
    page.buttons = vec![("correct", "Save it", "")];
    page
}

fn strike_page(visit: &Visit, state: &Incident, recorded: &Recorded, form: &Form) -> ActionPage {
    let mut page = page_of(visit, state, "Strike out a cost", &format!("{}/strike", recorded.number));
    page.paragraphs = vec![
        format!("Cost {}: {}", recorded.number, in_words(&recorded.current.cost)),
        "It stays on record and no longer counts. To give it another amount, correct it instead.".to_owned(),
    ];
    page.fields = vec![Field::area(form, "reason", "Why does it not stand?")];
    page.hidden = vec![("revision", form.first("revision").to_owned())];
    page.buttons = vec![("strike", "Strike it out", "danger")];
    page
}

/// The cost of this number.
fn cost_of(state: &Incident, number: u32) -> Result<&Recorded, Problem> {
    state.costs.cost(number).ok_or(Problem::NotFound)
}

/// A rule's refusal at the field that it is about.
fn faults(error: DoorError, anchor: &str) -> Result<Vec<FieldError>, Problem> {
    let of_the_day = matches!(error, DoorError::Refused(Refusal::Costs(Fault::InFuture | Fault::TooEarly)));
    refusal(error, if of_the_day { "on-day" } else { anchor })
}

/// `GET /incidents/{id}/costs/new`
///
/// # Errors
/// [`Problem`]
pub(super) async fn ask_new(visit: Visit, id: web::Path<IncidentId>) -> Answer {
    duty_holder(&visit)?;
    let state = incident(&visit, *id).await?;
    let mut form = Form::default();
    form.set("form", visit.node.make_form(&visit.person, COST_FORM).await?.to_string());
    new_page(&visit, &state, &form).answer(Vec::new())
}

/// `POST /incidents/{id}/costs/new`
///
/// # Errors
/// [`Problem`]
pub(super) async fn record(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let Posted { visit, mut form } = posted;
    let by = duty_holder(&visit)?;
    let id = *id;
    let state = incident(&visit, id).await?;
    let mut reading = Reading::new(&form, visit.reader);
    let cost = read(&mut reading);
    let errors = reading.into_errors();
    let Some(cost) = cost.filter(|_| errors.is_empty()) else {
        return new_page(&visit, &state, &form).answer(errors);
    };
    let note = cost.note.as_ref().map_or("", |note| note.as_str());
    let found = findings_in(&visit, &[("note", "The note", note)]).await?;
    if found.iter().any(|found| found.serious) && !form.has("checked", "yes") {
        return new_page(&visit, &state, &form).unconfirmed(found);
    }
    match visit.node.record_cost(&by, id, Some(form.sent()), cost).await {
        Ok(()) => Ok(page::see_other(&format!("/incidents/{id}/costs"))),
        Err(error @ (DoorError::FormUnknown | DoorError::FormSaidOtherwise)) => {
            form.set("form", visit.node.make_form(&visit.person, COST_FORM).await?.to_string());
            let message = worn_out(&error, "recorded", "record it");
            new_page(&visit, &state, &form).answer(vec![FieldError {
                name: "amount".to_owned(),
                anchor: "amount".to_owned(),
                message,
            }])
        }
        Err(error) => new_page(&visit, &state, &form).answer(faults(error, "amount")?),
    }
}

/// `GET /incidents/{id}/costs/{number}/correct`
///
/// # Errors
/// [`Problem`]
pub(super) async fn ask_correct(visit: Visit, path: web::Path<(IncidentId, u32)>) -> Answer {
    duty_holder(&visit)?;
    let (id, number) = path.into_inner();
    let state = incident(&visit, id).await?;
    let recorded = cost_of(&state, number)?;
    let cost = &recorded.current.cost;
    let mut form = Form::default();
    form.set("revision", recorded.revision().to_string());
    form.set("kind", cost.kind.word());
    form.set("amount", decimal(cost.pence.get()));
    form.set("sure", if cost.estimate { "estimate" } else { "final" });
    if let Some(on) = cost.on {
        form.set_day("on", on);
    }
    form.set("note", cost.note.as_ref().map_or("", |note| note.as_str()));
    correct_page(&visit, &state, recorded, &form).answer(Vec::new())
}

/// `POST /incidents/{id}/costs/{number}/correct`
///
/// # Errors
/// [`Problem`]
pub(super) async fn correct(posted: Posted, path: web::Path<(IncidentId, u32)>) -> Answer {
    let Posted { visit, form } = posted;
    let (id, number) = path.into_inner();
    duty_holder(&visit)?;
    let state = incident(&visit, id).await?;
    let recorded = cost_of(&state, number)?;
    let mut reading = Reading::new(&form, visit.reader);
    let (cost, reason) = (read(&mut reading), reading.text("reason", "Say why it is corrected"));
    let errors = reading.into_errors();
    let (Some(cost), Some(reason), true) = (cost, reason, errors.is_empty()) else {
        return correct_page(&visit, &state, recorded, &form).answer(errors);
    };
    let note = cost.note.as_ref().map_or("", |note| note.as_str());
    let found = findings_in(&visit, &[("note", "The note", note), ("reason", "The reason", reason.as_str())]).await?;
    if found.iter().any(|found| found.serious) && !form.has("checked", "yes") {
        return correct_page(&visit, &state, recorded, &form).unconfirmed(found);
    }
    step(&visit, (id, number), form, Step::Correct(cost, reason), correct_page, "amount").await
}

/// `GET /incidents/{id}/costs/{number}/strike`
///
/// # Errors
/// [`Problem`]
pub(super) async fn ask_strike(visit: Visit, path: web::Path<(IncidentId, u32)>) -> Answer {
    duty_holder(&visit)?;
    let (id, number) = path.into_inner();
    let state = incident(&visit, id).await?;
    let recorded = cost_of(&state, number)?;
    let mut form = Form::default();
    form.set("revision", recorded.revision().to_string());
    strike_page(&visit, &state, recorded, &form).answer(Vec::new())
}

/// `POST /incidents/{id}/costs/{number}/strike`
///
/// # Errors
/// [`Problem`]
pub(super) async fn strike(posted: Posted, path: web::Path<(IncidentId, u32)>) -> Answer {
    let Posted { visit, form } = posted;
    let (id, number) = path.into_inner();
    duty_holder(&visit)?;
    let state = incident(&visit, id).await?;
    let recorded = cost_of(&state, number)?;
    let mut reading = Reading::new(&form, visit.reader);
    let reason = reading.text("reason", "Say why it does not stand");
    let errors = reading.into_errors();
    let Some(reason) = reason.filter(|_| errors.is_empty()) else {
        return strike_page(&visit, &state, recorded, &form).answer(errors);
    };
    let found = findings_in(&visit, &[("reason", "The reason", reason.as_str())]).await?;
    if found.iter().any(|found| found.serious) && !form.has("checked", "yes") {
        return strike_page(&visit, &state, recorded, &form).unconfirmed(found);
    }
    step(&visit, (id, number), form, Step::Strike(reason), strike_page, "reason").await
}

/// Whether this person did just that already: a button pressed twice.
fn is_done(recorded: &Recorded, seen: Seen, step: &Step, person: PersonId) -> bool {
    match step {
        Step::Correct(cost, reason) => {
            let current = &recorded.current;
            recorded.revision() == seen.revision.saturating_add(1)
                && current.by.person() == Some(person)
                && (&current.cost, current.reason.as_ref()) == (cost, Some(reason))
        }
        Step::Strike(reason) => recorded
            .struck
            .as_ref()
            .is_some_and(|struck| struck.by.person() == Some(person) && struck.reason == *reason),
    }
}

/// Does it, or shows the form again with the cost as it stands now: whoever sends that has seen it.
async fn step(
    visit: &Visit,
    (id, number): (IncidentId, u32),
    mut form: Form,
    step: Step,
    shown: fn(&Visit, &Incident, &Recorded, &Form) -> ActionPage,
    anchor: &str,
) -> Answer {
    let seen = Seen { number, revision: form.first("revision").parse().unwrap_or(0) };
    let wanted = step.clone();
    match visit.node.step_cost(&duty_holder(visit)?, id, seen, step).await {
        Ok(()) => Ok(page::see_other(&format!("/incidents/{id}/costs#cost-{number}"))),
        Err(error) => {
            let state = incident(visit, id).await?;
            let recorded = cost_of(&state, number)?;
            if is_done(recorded, seen, &wanted, visit.person.id()) {
                return Ok(page::see_other(&format!("/incidents/{id}/costs#cost-{number}")));
            }
            form.set("revision", recorded.revision().to_string());
            shown(visit, &state, recorded, &form).answer(faults(error, anchor)?)
        }
    }
}
