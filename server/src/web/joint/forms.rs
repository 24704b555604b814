//! What an officer does about the joint decision: record who leads, ask all partners, decide for all.

pub(super) mod ask;
pub(super) mod decide;
pub(super) mod lead;

use std::str::FromStr as _;

use domain::arrangement::Lead;
use domain::incident::Incident;
use domain::values::{IncidentId, PartnerId};

use super::words::Names;
use crate::access::Dpo;
use crate::node::DoorError;
use crate::node::joint::JOINT_FORM;
use crate::problem::Problem;
use crate::store::queries::{incidents, partners};
use crate::web::action::{ActionPage, worn_out};
use crate::web::field::Field;
use crate::web::form::{FieldError, Form, Reading};
use crate::web::log::findings_in;
use crate::web::page::Visit;

/// The choice that one partner does it.
const PARTNER: &str = "partner";

/// An incident, and the partners that are part of it.
struct Case {
    state: Incident,
    parties: Names,
}

async fn find(visit: &Visit, id: IncidentId) -> Result<Case, Problem> {
    let found = visit
        .node
        .store()
        .read(move |rows| {
            let Some(state) = incidents::state(rows, id)? else { return Ok(None) };
            let told_by = match state.opened_from {
                Some(from) => incidents::exchange_state(rows, from)?.map(|exchange| exchange.partner),
                None => None,
            };
            let mut of: Vec<PartnerId> = state.owed.iter().map(|owed| owed.partner).chain(told_by).collect();
            of.sort_unstable();
            let mut parties = partners::names(rows)?;
            parties.retain(|(id, _)| of.binary_search(id).is_ok());
            Ok(Some(Case { state, parties }))
        })
        .await?;
    found.ok_or(Problem::NotFound)
}

pub(super) fn officer(visit: &Visit) -> Result<Dpo, Problem> {
    Dpo::of(&visit.person).ok_or(Problem::NotAllowed("data protection officers"))
}

/// A form that is used once.
async fn fresh(visit: &Visit) -> Result<Form, Problem> {
    let mut form = Form::default();
    form.set("form", visit.node.make_form(&visit.person, JOINT_FORM).await?.to_string());
    Ok(form)
}

/// The page of a step, with the form that is used once.
fn page(visit: &Visit, case: &Case, (heading, step): (&'static str, &str), form: &Form) -> ActionPage {
    let state = &case.state;
    let back = format!("/incidents/{}/joint", state.id);
    let chrome = visit.chrome(format!("{heading} - {}", state.reference), "/incidents").exercise(state.exercise);
    let mut page = ActionPage::new(chrome, heading, "the joint decision", back.clone(), format!("{back}/{step}"));
    page.hidden = vec![("form", form.first("form").to_owned())];
    page
}

/// Looks for personal data in what partners will read; the page is changed so that a person confirms, or nothing was found.
pub(super) async fn unchecked(
    visit: &Visit,
    form: &Form,
    page: &mut ActionPage,
    (name, label, text): (&'static str, &'static str, &str),
) -> Result<Option<Vec<FieldError>>, Problem> {
    let found = findings_in(visit, &[(name, label, text)]).await?;
    if !found.iter().any(|found| found.serious) || form.has("checked", "yes") {
        return Ok(None);
    }
    page.must_confirm = true;
    page.findings = found;
    Ok(Some(vec![fault("checked", "Take the personal data out, or say that you have checked it")]))
}

pub(super) fn fault(name: &str, message: &str) -> FieldError {
    FieldError { name: name.to_owned(), anchor: name.to_owned(), message: message.to_owned() }
}

/// The form can't be used: it is made anew, with all that was typed.
async fn renewed(visit: &Visit, form: &mut Form, name: &str, error: &DoorError) -> Result<Vec<FieldError>, Problem> {
    form.set("form", visit.node.make_form(&visit.person, JOINT_FORM).await?.to_string());
    Ok(vec![fault(name, &worn_out(error, "sent", "send it"))])
}

/// Who does it: a choice, and a list of partners for one of the choices.
fn who_fields(form: &Form, name: &'static str, label: &str, words: &[(&str, &str)], parties: &Names) -> Vec<Field> {
    let which = which_partner(name);
    let ids: Vec<(String, &str)> = parties.iter().map(|(id, name)| (id.to_string(), name.as_str())).collect();
    let options = [("", "Choose a partner")].into_iter().chain(ids.iter().map(|(id, name)| (id.as_str(), *name)));
    vec![
        Field::radios(form, name, label, words.iter().copied()),
        Field::select(form, &which, "Which partner?", options).hint("Only when one partner does it for all."),
    ]
}

fn which_partner(name: &str) -> String {
    format!("{name}_partner")
}

/// Reads who does it; the outer option is a fault.
fn read_who(reading: &mut Reading<'_>, name: &str, missing: &str) -> Option<Option<Lead>> {
    let which = which_partner(name);
    match reading.form().first(name) {
        "nobody" => Some(None),
        "us" => Some(Some(Lead::Us)),
        "each" => Some(Some(Lead::Each)),
        PARTNER => {
            let partner = PartnerId::from_str(reading.form().first(&which)).ok();
            if partner.is_none() {
                reading.fault(&which, "Choose which partner");
            }
            partner.map(|partner| Some(Lead::Partner { partner }))
        }
        _ => {
            reading.fault(name, missing);
            None
        }
    }
}

/// What a form starts from.
fn put_who(form: &mut Form, name: &str, who: Option<&Lead>) {
    let word = match who {
        None => "nobody",
        Some(Lead::Us) => "us",
        Some(Lead::Each | Lead::Named { .. }) => "each",
        Some(Lead::Partner { partner }) => {
            form.set(&which_partner(name), partner.to_string());
            PARTNER
        }
    };
    form.set(name, word);
}
