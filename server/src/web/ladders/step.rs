//! One step of a plan: when, whom it reaches, how, and whether each has to say that they have seen it.

use actix_web::web;
use domain::clock::ClockKind;
use domain::ladder::{Channels, Plan, PlanFault, Reach, Step};
use domain::values::{PersonId, Role};

use super::{faults, kind_of, kind_words, name_of, version};
use crate::node::ladders::Nameable;
use crate::problem::{Problem, capitalised};
use crate::web::action::ActionPage;
use crate::web::administration::administrator;
use crate::web::field::Field;
use crate::web::form::{FieldError, Form, Reading};
use crate::web::page::{self, Answer, Posted, Visit};
use crate::web::people::role_words;

/// The roles that a step can reach.
const ROLES: [Role; 5] = [Role::Responder, Role::Dpo, Role::Manager, Role::Administrator, Role::Auditor];
/// What an address says for a step that is new.
const NEW: &str = "new";
const UNITS: [(&str, &str); 3] = [("minutes", "Minutes"), ("hours", "Hours"), ("days", "Days")];
const SIDES: [(&str, &str); 3] =
    [("before", "Before it is due"), ("at", "When it is due"), ("after", "After it is due")];
const CHANNELS: [(&str, &str); 2] =
    [("mail", "An e-mail to each"), ("webhook", "A webhook to integrations that hear of steps")];

/// The step that an address names; `None` for a new one.
fn known<'a>(plan: &'a Plan, word: &str) -> Result<Option<&'a Step>, Problem> {
    if word == NEW {
        return Ok(None);
    }
    let offset: i32 = word.parse().map_err(|_| Problem::NotFound)?;
    plan.steps.iter().find(|step| step.offset_minutes == offset).map(Some).ok_or(Problem::NotFound)
}

fn step_page(visit: &Visit, kind: ClockKind, word: &str, form: &Form, people: &[Nameable]) -> ActionPage {
    let back = format!("/ladders/{}", kind.word());
    let heading = if word == NEW { "Add a step" } else { "Change this step" };
    let chrome = visit.chrome(heading, "/administration");
    let action = format!("{back}/steps/{word}");
    let mut page = ActionPage::new(chrome, heading, kind_words(kind), back, action);
    page.paragraphs.push("It holds for steps still to come. Nothing that was recorded comes again.".to_owned());
    let roles: Vec<(&str, &str)> = ROLES.iter().map(|role| (role.word(), role_words(*role))).collect();
    let named: Vec<String> = form.all("person").map(str::to_owned).collect();
    let chosen: Vec<(String, String)> = named
        .iter()
        .filter_map(|id| {
            let id: PersonId = id.parse().ok()?;
            Some((id.to_string(), name_of(id, people).to_owned()))
        })
        .collect();
    let mut more: Vec<(&str, &str)> = vec![("", "Nobody else")];
    let ids: Vec<String> = people.iter().map(|person| person.id.to_string()).collect();
    more.extend(ids.iter().zip(people).map(|(id, person)| (id.as_str(), person.name.as_str())));
    page.fields = vec![
        Field::radios(form, "side", "When does it come?", SIDES),
        Field::line(form, "amount", "How long before or after?")
            .hint("A whole number. Leave it empty for the due time itself."),
        Field::select(form, "unit", "In what?", UNITS),
        Field::checks(form, "role", "Which roles does it reach?", roles),
        Field::checks(form, "on_call", "And whoever is on call?", [("yes", "Whoever is on call by the rota")])
            .hint("When nobody is, managers are reached and the step says so."),
    ];
    if !chosen.is_empty() {
        let chosen = chosen.iter().map(|(id, name)| (id.as_str(), name.as_str()));
        page.fields.push(Field::checks(form, "person", "People it reaches by name", chosen));
    }
    page.fields.push(Field::select(form, "add", "Reach somebody else by name?", more));
    page.fields.push(Field::checks(form, "by", "How, beside the page?", CHANNELS));
    page.fields.push(
        Field::checks(
            form,
            "must_see",
            "Must each of them answer?",
            [("yes", "Each has to say that they have seen it")],
        )
        .hint("Who has not is named at the next step, and on the clock."),
    );
    page.hidden.push(("version", form.first("version").to_owned()));
    page.buttons.push(("save", "Keep", ""));
    if word != NEW {
        page.buttons.push(("remove", "Remove this step", "secondary"));
    }
    page
}

fn filled(step: Option<&Step>, version: u32) -> Form {
    let mut form = Form::default();
    form.set("version", version.to_string());
    let Some(step) = step else {
        form.set("side", "before");
        form.set("unit", "hours");
        form.add("by", "mail");
        form.add("by", "webhook");
        return form;
    };
    let minutes = step.offset_minutes.unsigned_abs();
    let (amount, unit) = match minutes {
        0 => (String::new(), "hours"),
        minutes if minutes % 1_440 == 0 && minutes > 1_440 => ((minutes / 1_440).to_string(), "days"),
        minutes if minutes % 60 == 0 => ((minutes / 60).to_string(), "hours"),
        minutes => (minutes.to_string(), "minutes"),
    };
    form.set(
        "side",
        match step.offset_minutes {
            ..0 => "before",
            0 => "at",
            1.. => "after",
        },
    );
    form.set("amount", amount);
    form.set("unit", unit);
    step.reaches.roles.iter().for_each(|role| form.add("role", role.word()));
    step.reaches.people.iter().for_each(|id| form.add("person", id.to_string()));
    for (name, value, on) in [
        ("on_call", "yes", step.reaches.on_call),
        ("by", "mail", step.by.mail),
        ("by", "webhook", step.by.webhook),
        ("must_see", "yes", step.must_see),
    ] {
        if on {
            form.add(name, value);
        }
    }
    form
}

fn read(form: &Form, visit: &Visit) -> Result<Step, Vec<FieldError>> {
    let mut reading = Reading::new(form, visit.reader);
    let side = reading.choice("side", |word| SIDES.iter().find(|(known, _)| *known == word), "Say when it comes");
    let unit = reading.choice(
        "unit",
        |word| match word {
            "minutes" => Some(1),
            "hours" => Some(60),
            "days" => Some(1_440),
            _ => None,
        },
        "Choose minutes, hours or days",
    );
    let at_due = matches!(side, Some(("at", _)));
    let amount: Option<i32> = form.first("amount").trim().parse().ok().filter(|amount| (1..=600_000).contains(amount));
    if !at_due && amount.is_none() {
        reading.fault("amount", "Give a whole number, such as 6");
    }
    let roles = reading.ticked("role", |word| ROLES.into_iter().find(|role| role.word() == word));
    let roles = roles.into_iter().collect();
    let mut people: Vec<PersonId> = reading.ticked("person", |id| id.parse().ok());
    people.extend(reading.ticked::<PersonId>("add", |id| id.parse().ok()));
    people.sort_unstable();
    people.dedup();
    let errors = reading.into_errors();
    let (Some((side, _)), Some(unit), true) = (side, unit, errors.is_empty()) else { return Err(errors) };
    let minutes = amount.unwrap_or(0).saturating_mul(unit);
    Ok(Step {
        offset_minutes: match *side {
            "before" => -minutes,
            "after" => minutes,
            _ => 0,
        },
        reaches: Reach { roles, people, on_call: form.has("on_call", "yes") },
        by: Channels { mail: form.has("by", "mail"), webhook: form.has("by", "webhook") },
        must_see: form.has("must_see", "yes"),
        since: None,
    })
}

/// Which field a fault of the plan is about.
const fn anchor(fault: PlanFault) -> &'static str {
    match fault {
        PlanFault::Count | PlanFault::NoneBefore | PlanFault::NoneAfter | PlanFault::Repeats | PlanFault::Lapse => {
            "side"
        }
        PlanFault::Offset { .. } | PlanFault::Twice { .. } => "amount",
        PlanFault::Nobody { .. } => "role",
        PlanFault::People { .. } => "add",
    }
}

/// `GET /ladders/{kind}/steps/{step}`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn show(visit: Visit, path: web::Path<(String, String)>) -> Answer {
    administrator(&visit)?;
    let (kind, word) = path.into_inner();
    let kind = kind_of(&kind)?;
    let kept = visit.node.ladder_plan(kind).await?;
    let people = visit.node.nameable().await?;
    let form = filled(known(&kept.plan, &word)?, kept.version);
    step_page(&visit, kind, &word, &form, &people).answer(Vec::new())
}

/// `POST /ladders/{kind}/steps/{step}`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn save(posted: Posted, path: web::Path<(String, String)>) -> Answer {
    let Posted { visit, form } = posted;
    let by = administrator(&visit)?;
    let (kind, word) = path.into_inner();
    let kind = kind_of(&kind)?;
    let kept = visit.node.ladder_plan(kind).await?;
    let people = visit.node.nameable().await?;
    let again = |errors| step_page(&visit, kind, &word, &form, &people).answer(errors);
    let mut plan = kept.plan.clone();
    // A step that somebody else removed meanwhile is told of as any other change.
    let replaced = word.parse::<i32>().ok();
    plan.steps.retain(|step| Some(step.offset_minutes) != replaced);
    if form.first("go") != "remove" {
        match read(&form, &visit) {
            Ok(step) => plan.steps.push(step),
            Err(errors) => return again(errors),
        }
        plan.steps.sort_by_key(|step| step.offset_minutes);
    }
    let found: Vec<FieldError> = plan
        .faults()
        .into_iter()
        .map(|fault| FieldError {
            name: anchor(fault).to_owned(),
            anchor: anchor(fault).to_owned(),
            message: capitalised(fault.words()),
        })
        .collect();
    if !found.is_empty() {
        return again(found);
    }
    match visit.node.save_ladder_plan(&by, kind, version(&form), plan).await {
        Ok(_) => Ok(page::see_other(&format!("/ladders/{}", kind.word()))),
        Err(error) => again(faults(error, "side")?),
    }
}
