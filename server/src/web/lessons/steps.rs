//! Corrective actions: add one, change it, mark it as done or dropped, open it again, review what it led to.

use std::str::FromStr;

use actix_web::web;
use domain::incident::Incident;
use domain::incident::lessons::{Action, Effect, Owner, Review, Seen};
use domain::values::{IncidentId, PersonId};

use super::{duty_holder, incident};
use crate::node::DoorError;
use crate::node::lessons::{ACTION_FORM, NewOwner, NewPlan, Step};
use crate::problem::Problem;
use crate::store::queries::people::{self, PersonState};
use crate::web::action::{ActionPage, refusal, worn_out};
use crate::web::field::Field;
use crate::web::form::{FieldError, Form, Reading};
use crate::web::log::findings_in;
use crate::web::page::{self, Answer, Posted, Visit};
use crate::web::words::day;

/// Accounts offered as owners: as many as there may be.
const PEOPLE_MAX: usize = 1_000;

/// What may be done about an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Change,
    Done,
    Drop,
    Reopen,
    Review,
}

impl FromStr for Kind {
    type Err = Problem;

    fn from_str(word: &str) -> Result<Self, Problem> {
        match word {
            "change" => Ok(Self::Change),
            "done" => Ok(Self::Done),
            "drop" => Ok(Self::Drop),
            "reopen" => Ok(Self::Reopen),
            "review" => Ok(Self::Review),
            _ => Err(Problem::NotFound),
        }
    }
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Done => "done",
            Self::Drop => "drop",
            Self::Reopen => "reopen",
            Self::Review => "review",
        }
    }

    const fn heading(self) -> &'static str {
        match self {
            Self::Change => "Change the action",
            Self::Done => "Mark the action as done",
            Self::Drop => "Drop the action",
            Self::Reopen => "Open the action again",
            Self::Review => "Review what the action led to",
        }
    }

    /// The element that a refusal is linked to.
    const fn anchor(self) -> &'static str {
        match self {
            Self::Change => "due-day",
            Self::Done | Self::Review => "on-day",
            Self::Drop | Self::Reopen => "reason",
        }
    }

    const fn button(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Change => ("change", "Save it", ""),
            Self::Done => ("done", "It is done", ""),
            Self::Drop => ("drop", "Drop it", "danger"),
            Self::Reopen => ("reopen", "Open it again", ""),
            Self::Review => ("review", "Record the review", ""),
        }
    }
}

/// Everybody who can be given an action: id and name.
async fn owners(visit: &Visit) -> Result<Vec<(String, String)>, Problem> {
    let found = visit.node.store().read(|rows| people::list(rows, None, PEOPLE_MAX)).await?;
    let active = found.items.into_iter().filter(|person| person.state != PersonState::Disabled);
    Ok(active.map(|person| (person.id.to_string(), person.name)).collect())
}

fn plan_fields(form: &Form, owners: &[(String, String)]) -> Vec<Field> {
    let people = owners.iter().map(|(id, name)| (id.as_str(), name.as_str()));
    vec![
        Field::area(form, "what", "What is to be done?"),
        Field::select(
            form,
            "owner",
            "Who sees to it?",
            [("", "Somebody without an account")].into_iter().chain(people),
        ),
        Field::line(form, "role", "Their role, if they have no account").hint("For example: Head of IT."),
        Field::day(form, "due", "By when?"),
    ]
}

fn read_plan(reading: &mut Reading<'_>) -> Option<NewPlan> {
    let what = reading.text("what", "Say what is to be done");
    let role = reading.optional_text("role");
    let chosen = PersonId::from_str(reading.form().first("owner")).ok();
    let owner = match (chosen, role) {
        (Some(_), Some(_)) => {
            reading.fault("role", "Choose somebody with an account or give a role, not both");
            None
        }
        (Some(id), None) => Some(NewOwner::Account(id)),
        (None, Some(role)) => Some(NewOwner::Role(role)),
        (None, None) => {
            reading.fault("owner", "Say who sees to it");
            None
        }
    };
    let due_on = reading.day("due", "Say by when it is to be done");
    Some(NewPlan { what: what?, owner: owner?, due_on: due_on? })
}

async fn new_page(visit: &Visit, state: &Incident, form: &Form) -> Result<ActionPage, Problem> {
    let back = format!("/incidents/{}/lessons", state.id);
    let heading = "Add a corrective action";
    let chrome = visit.chrome(format!("{heading} - {}", state.reference), "/incidents").exercise(state.exercise);
    let mut page = ActionPage::new(chrome, heading, "Lessons", back.clone(), format!("{back}/actions/new"));
    page.paragraphs = vec!["Something that makes it less likely to happen again, or less harmful.".to_owned()];
    page.fields = plan_fields(form, &owners(visit).await?);
    page.hidden = vec![("form", form.first("form").to_owned())];
    page.buttons = vec![("add", "Add it", "")];
    Ok(page)
}

/// `GET /incidents/{id}/lessons/actions/new`
///
/// # Errors
/// [`Problem`]
pub(super) async fn ask_new(visit: Visit, id: web::Path<IncidentId>) -> Answer {
    duty_holder(&visit)?;
    let state = incident(&visit, *id).await?;
    let mut form = Form::default();
    form.set("form", visit.node.make_form(&visit.person, ACTION_FORM).await?.to_string());
    new_page(&visit, &state, &form).await?.answer(Vec::new())
}

/// `POST /incidents/{id}/lessons/actions/new`
///
/// # Errors
/// [`Problem`]
pub(super) async fn add(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let Posted { visit, mut form } = posted;
    let by = duty_holder(&visit)?;
    let id = *id;
    let state = incident(&visit, id).await?;
    let mut reading = Reading::new(&form, visit.reader);
    let plan = read_plan(&mut reading);
    let errors = reading.into_errors();
    let Some(plan) = plan.filter(|_| errors.is_empty()) else {
        return new_page(&visit, &state, &form).await?.answer(errors);
    };
    let found = findings_in(&visit, &[("what", "What is to be done", plan.what.as_str())]).await?;
    if found.iter().any(|found| found.serious) && !form.has("checked", "yes") {
        return new_page(&visit, &state, &form).await?.unconfirmed(found);
    }
    match visit.node.add_action(&by, id, Some(form.sent()), plan).await {
        Ok(()) => Ok(page::see_other(&format!("/incidents/{id}/lessons"))),
        Err(error @ (DoorError::FormUnknown | DoorError::FormSaidOtherwise)) => {
            form.set("form", visit.node.make_form(&visit.person, ACTION_FORM).await?.to_string());
            let message = worn_out(&error, "added", "add it");
            new_page(&visit, &state, &form).await?.answer(vec![FieldError {
                name: "what".to_owned(),
                anchor: "what".to_owned(),
                message,
            }])
        }
        Err(error) => new_page(&visit, &state, &form).await?.answer(refusal(error, "due-day")?),
    }
}

async fn step_page(
    visit: &Visit,
    state: &Incident,
    action: &Action,
    kind: Kind,
    form: &Form,
) -> Result<ActionPage, Problem> {
    let back = format!("/incidents/{}/lessons", state.id);
    let heading = kind.heading();
    let chrome = visit.chrome(format!("{heading} - {}", state.reference), "/incidents").exercise(state.exercise);
    let path = format!("{back}/actions/{}/{}", action.number, kind.word());
    let mut page = ActionPage::new(chrome, heading, "Lessons", back, path);
    page.paragraphs = vec![format!(
        "Action {}: {} ({}, by {})",
        action.number,
        action.plan.what,
        action.plan.owner.words(),
        day(action.plan.due_on)
    )];
    page.fields = match kind {
        Kind::Change => plan_fields(form, &owners(visit).await?),
        Kind::Done => vec![
            Field::day(form, "on", "When was it done?"),
            Field::area(form, "evidence", "How can one see that it was done?")
                .hint("For example: the number of a ticket, where a record is kept."),
        ],
        Kind::Drop => vec![Field::area(form, "reason", "Why will it not be done?").hint("It stays on record.")],
        Kind::Reopen => {
            vec![Field::area(form, "reason", "Why is it to be done after all?").hint("It stays on record.")]
        }
        Kind::Review => vec![
            Field::radios(form, "effect", "Did it work?", Effect::ALL.map(|effect| (effect.word(), effect.label()))),
            Field::day(form, "on", "When was it looked at?"),
            Field::line(form, "reviewer", "Who looked?").hint("A name or a role."),
            Field::area(form, "words", "What did they find?"),
        ],
    };
    page.hidden = vec![("revision", form.first("revision").to_owned())];
    page.buttons = vec![kind.button()];
    Ok(page)
}

/// What the form begins with.
fn preset(visit: &Visit, action: &Action, kind: Kind) -> Form {
    let mut form = Form::default();
    form.set("revision", action.revision.to_string());
    match kind {
        Kind::Change => {
            form.set("what", action.plan.what.as_str());
            form.set_day("due", action.plan.due_on);
            match &action.plan.owner {
                Owner::Account { id, .. } => form.set("owner", id.to_string()),
                Owner::Role { words } => form.set("role", words.as_str()),
            }
        }
        Kind::Done => form.set_day("on", visit.reader.today()),
        Kind::Review => {
            form.set_day("on", visit.reader.today());
            form.set("reviewer", visit.person.name().as_str());
        }
        Kind::Drop | Kind::Reopen => {}
    }
    form
}

/// `GET /incidents/{id}/lessons/actions/{number}/{step}`
///
/// # Errors
/// [`Problem`]
pub(super) async fn ask(visit: Visit, path: web::Path<(IncidentId, u32, String)>) -> Answer {
    duty_holder(&visit)?;
    let (id, number, word) = path.into_inner();
    let kind = Kind::from_str(&word)?;
    let state = incident(&visit, id).await?;
    let action = state.lessons.action(number).ok_or(Problem::NotFound)?;
    let form = preset(&visit, action, kind);
    step_page(&visit, &state, action, kind, &form).await?.answer(Vec::new())
}

/// `POST /incidents/{id}/lessons/actions/{number}/{step}`
///
/// # Errors
/// [`Problem`]
pub(super) async fn act(posted: Posted, path: web::Path<(IncidentId, u32, String)>) -> Answer {
    let Posted { visit, form } = posted;
    let by = duty_holder(&visit)?;
    let (id, number, word) = path.into_inner();
    let kind = Kind::from_str(&word)?;
    let state = incident(&visit, id).await?;
    let action = state.lessons.action(number).ok_or(Problem::NotFound)?;
    let mut reading = Reading::new(&form, visit.reader);
    let step = read_step(&mut reading, kind);
    let errors = reading.into_errors();
    let Some(step) = step.filter(|_| errors.is_empty()) else {
        return step_page(&visit, &state, action, kind, &form).await?.answer(errors);
    };
    let found = findings_in(&visit, &texts(&step)).await?;
    if found.iter().any(|found| found.serious) && !form.has("checked", "yes") {
        return step_page(&visit, &state, action, kind, &form).await?.unconfirmed(found);
    }
    let seen = Seen { number, revision: form.first("revision").parse().unwrap_or(0) };
    match visit.node.step_action(&by, id, seen, step).await {
        Ok(()) => Ok(page::see_other(&format!("/incidents/{id}/lessons#action-{number}"))),
        Err(error) => {
            let faults = refusal(error, kind.anchor())?;
            let state = incident(&visit, id).await?;
            let action = state.lessons.action(number).ok_or(Problem::NotFound)?;
            // The page shows the action as it stands now: whoever sends it again has seen that.
            let mut form = form;
            form.set("revision", action.revision.to_string());
            step_page(&visit, &state, action, kind, &form).await?.answer(faults)
        }
    }
}

fn read_step(reading: &mut Reading<'_>, kind: Kind) -> Option<Step> {
    match kind {
        Kind::Change => read_plan(reading).map(Step::Change),
        Kind::Done => {
            let on = reading.day("on", "Say when it was done");
            let evidence = reading.text("evidence", "Say how one can see that it was done");
            Some(Step::Done(on?, evidence?))
        }
        Kind::Drop => reading.text("reason", "Say why it will not be done").map(Step::Drop),
        Kind::Reopen => reading.text("reason", "Say why it is to be done after all").map(Step::Reopen),
        Kind::Review => {
            let effect = reading.choice("effect", Effect::from_word, "Say whether it worked");
            let on = reading.day("on", "Say when it was looked at");
            let reviewer = reading.text("reviewer", "Say who looked");
            let words = reading.text("words", "Say what they found");
            Some(Step::Review(Review { on: on?, reviewer: reviewer?, effect: effect?, words: words? }))
        }
    }
}

/// What has to be looked at for personal data.
fn texts(step: &Step) -> Vec<(&'static str, &'static str, &str)> {
    match step {
        Step::Change(plan) => vec![("what", "What is to be done", plan.what.as_str())],
        Step::Done(_, evidence) => vec![("evidence", "How one can see it", evidence.as_str())],
        Step::Drop(reason) | Step::Reopen(reason) => vec![("reason", "The reason", reason.as_str())],
        Step::Review(review) => vec![("words", "What they found", review.words.as_str())],
    }
}
