//! Plans of ladders: which steps a duty has before and after it is due, whom each reaches, and how. An administrator changes
//! one step at a time; each change is a version of its own, and governs the steps still to come.

mod step;

use actix_web::web::{self, ServiceConfig, resource};
use askama::Template;
use domain::clock::ClockKind;
use domain::ladder::{Plan, Reach, Step};
use domain::values::{PersonId, Role};

use super::action::{ActionPage, refusal};
use super::administration::administrator;
use super::clocks::kind_words;
use super::field::Field;
use super::form::{FieldError, Form, Reading};
use super::page::{self, Answer, Chrome, Posted, Visit};
use super::people::role_words;
use super::words;
use crate::node::DoorError;
use crate::node::ladders::{KeptPlan, Nameable};
use crate::problem::Problem;

/// The addresses of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/ladders").get(index))
        .service(resource("/ladders/{kind}").get(show))
        .service(resource("/ladders/{kind}/repeats").get(repeats).post(save_repeats))
        .service(resource("/ladders/{kind}/built-in").get(built_in).post(restore))
        .service(resource("/ladders/{kind}/steps/{step}").get(step::show).post(step::save));
}

/// The kind of duty in an address.
fn kind_of(word: &str) -> Result<ClockKind, Problem> {
    ClockKind::ALL.into_iter().find(|kind| kind.word() == word).ok_or(Problem::NotFound)
}

/// "24 hours before", "when it is due", "1 hour after".
fn when(minutes: i32) -> String {
    let length = words::length(i64::from(minutes).abs() * 60);
    match minutes {
        0 => "When it is due".to_owned(),
        ..0 => format!("{length} before it is due"),
        1.. => format!("{length} after it is due"),
    }
}

#[derive(Template)]
#[template(path = "ladders.html")]
struct IndexPage {
    chrome: Chrome,
    rows: Vec<IndexRow>,
}

struct IndexRow {
    href: String,
    words: &'static str,
    steps: String,
    since: String,
}

/// `GET /ladders`
///
/// # Errors
/// [`Problem::NotAllowed`]
pub async fn index(visit: Visit) -> Answer {
    administrator(&visit)?;
    let mut rows = Vec::new();
    for kind in ClockKind::ALL {
        let kept = visit.node.ladder_plan(kind).await?;
        rows.push(IndexRow {
            href: format!("/ladders/{}", kind.word()),
            words: kind_words(kind),
            steps: words::counted(i64::try_from(kept.plan.steps.len()).unwrap_or(i64::MAX), "step"),
            since: since(&visit, &kept),
        });
    }
    page::html(&IndexPage { chrome: visit.chrome("Ladders", "/administration"), rows })
}

fn since(visit: &Visit, kept: &KeptPlan) -> String {
    match kept.at {
        Some(at) => format!("Version {}, since {}", kept.version, visit.reader.near(at)),
        None => "Built in".to_owned(),
    }
}

#[derive(Template)]
#[template(path = "ladder.html")]
struct PlanPage {
    chrome: Chrome,
    kind: &'static str,
    heading: &'static str,
    since: String,
    rows: Vec<StepRow>,
    full: bool,
    /// The time of these duties ends with a day.
    ends_with_day: bool,
    repeats: String,
    lapse: String,
    changed: bool,
}

struct StepRow {
    offset: i32,
    when: String,
    reaches: String,
    by: String,
    must_see: &'static str,
}

/// `GET /ladders/{kind}`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub async fn show(visit: Visit, kind: web::Path<String>) -> Answer {
    administrator(&visit)?;
    let kind = kind_of(&kind)?;
    let kept = visit.node.ladder_plan(kind).await?;
    let people = visit.node.nameable().await?;
    let rows = kept.plan.steps.iter().map(|step| row(step, &people)).collect();
    page::html(&PlanPage {
        chrome: visit.chrome(kind_words(kind), "/administration"),
        kind: kind.word(),
        heading: kind_words(kind),
        since: since(&visit, &kept),
        rows,
        full: kept.plan.steps.len() >= domain::ladder::STEPS_MAX,
        ends_with_day: kind.is_of_complaint(),
        repeats: repeats_words(&kept.plan),
        lapse: lapse_words(&kept.plan),
        changed: kept.version > 0,
    })
}

fn row(step: &Step, people: &[Nameable]) -> StepRow {
    let by = match (step.by.mail, step.by.webhook) {
        (true, true) => "Page, e-mail, webhook",
        (true, false) => "Page, e-mail",
        (false, true) => "Page, webhook",
        (false, false) => "Page",
    };
    StepRow {
        offset: step.offset_minutes,
        when: when(step.offset_minutes),
        reaches: reaches_words(&step.reaches, people),
        by: by.to_owned(),
        must_see: if step.must_see { "Each has to say so" } else { "No" },
    }
}

fn reaches_words(reach: &Reach, people: &[Nameable]) -> String {
    let mut words: Vec<String> = Vec::new();
    if reach.on_call {
        words.push("Whoever is on call".to_owned());
    }
    words.extend(reach.roles.iter().map(|role| format!("Every {}", short(*role))));
    words.extend(reach.people.iter().map(|id| name_of(*id, people).to_owned()));
    words.join(", ")
}

/// "responder", without what a responder may do.
fn short(role: Role) -> String {
    let words = role_words(role);
    words.split(':').next().unwrap_or(words).to_lowercase()
}

fn name_of(id: PersonId, people: &[Nameable]) -> &str {
    people
        .iter()
        .find(|person| person.id == id)
        .map_or("Somebody who can\u{2019}t sign in any more", |it| it.name.as_str())
}

fn repeats_words(plan: &Plan) -> String {
    let hourly = match plan.hourly_until {
        0 => String::new(),
        minutes => format!("every hour for {}", words::length(i64::from(minutes) * 60)),
    };
    let daily = match plan.daily_until {
        0 => String::new(),
        minutes => format!("every day for {}", words::length(i64::from(minutes) * 60)),
    };
    match (hourly.is_empty(), daily.is_empty()) {
        (true, true) => "After the last step the ladder is silent.".to_owned(),
        (false, true) => format!("After the last step: {hourly} from the due time, then silence."),
        (true, false) => format!("After the last step: {daily} from the due time."),
        (false, false) => format!("After the last step: {hourly} from the due time, then {daily}."),
    }
}

fn lapse_words(plan: &Plan) -> String {
    match plan.lapse_minutes {
        Some(minutes) => {
            format!(
                "When somebody has taken a duty in hand and it is still open {} later, its alarms go on.",
                words::length(i64::from(minutes) * 60)
            )
        }
        None => "When somebody has taken a duty in hand, its alarms stay silent until it is done.".to_owned(),
    }
}

/// The hours and days after which steps end, and a lapse, as radios.
const HOURLY: [(&str, &str); 5] = [
    ("0", "Not at all"),
    ("360", "For 6 hours"),
    ("720", "For 12 hours"),
    ("1440", "For a day"),
    ("4320", "For 3 days"),
];
const DAILY: [(&str, &str); 4] =
    [("0", "Not at all"), ("10080", "For a week"), ("43200", "For 30 days"), ("525600", "For a year")];
const LAPSES: [(&str, &str); 6] = [
    ("60", "After an hour"),
    ("120", "After 2 hours"),
    ("240", "After 4 hours"),
    ("480", "After 8 hours"),
    ("1440", "After a day"),
    ("never", "Never"),
];

fn repeats_page(visit: &Visit, kind: ClockKind, form: &Form) -> ActionPage {
    let back = format!("/ladders/{}", kind.word());
    let chrome = visit.chrome("What comes after the last step", "/administration");
    let action = format!("{back}/repeats");
    let mut page = ActionPage::new(chrome, "What comes after the last step", kind_words(kind), back, action);
    page.paragraphs.push("Steps that repeat reach whom the last step on the list reaches, in the same way.".to_owned());
    let with = |known: &[(&'static str, &'static str)], name: &str| {
        let mut options = known.to_vec();
        let value = form.first(name);
        // A length that a program set stays one of the choices.
        if !value.is_empty() && !options.iter().any(|(known, _)| *known == value) {
            options.push(("as-it-is", "As it is now"));
        }
        options
    };
    let mut shown = form.clone();
    for (name, known) in [("hourly", HOURLY.as_slice()), ("daily", DAILY.as_slice()), ("lapse", LAPSES.as_slice())] {
        if !form.is_blank(name) && !known.iter().any(|(value, _)| *value == form.first(name)) {
            shown.set(name, "as-it-is");
        }
    }
    page.fields = vec![
        Field::radios(&shown, "hourly", "Every hour after it is due?", with(&HOURLY, "hourly")),
        Field::radios(&shown, "daily", "Then every day?", with(&DAILY, "daily")),
        Field::radios(
            &shown,
            "lapse",
            "When somebody has it in hand and nothing happens, alarms go on",
            with(&LAPSES, "lapse"),
        ),
    ];
    page.hidden.push(("version", form.first("version").to_owned()));
    page.buttons.push(("save", "Keep", ""));
    page
}

/// `GET /ladders/{kind}/repeats`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub async fn repeats(visit: Visit, kind: web::Path<String>) -> Answer {
    administrator(&visit)?;
    let kind = kind_of(&kind)?;
    let kept = visit.node.ladder_plan(kind).await?;
    let mut form = Form::default();
    form.set("version", kept.version.to_string());
    form.set("hourly", kept.plan.hourly_until.to_string());
    form.set("daily", kept.plan.daily_until.to_string());
    form.set("lapse", kept.plan.lapse_minutes.map_or("never".to_owned(), |minutes| minutes.to_string()));
    repeats_page(&visit, kind, &form).answer(Vec::new())
}

/// `POST /ladders/{kind}/repeats`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub async fn save_repeats(posted: Posted, kind: web::Path<String>) -> Answer {
    let Posted { visit, form } = posted;
    let by = administrator(&visit)?;
    let kind = kind_of(&kind)?;
    let kept = visit.node.ladder_plan(kind).await?;
    let mut reading = Reading::new(&form, visit.reader);
    let known = |now: i32, of: &[(&str, &str)], word: &str| match word {
        "as-it-is" => Some(now),
        word => of.iter().find(|(value, _)| *value == word).and_then(|(value, _)| value.parse().ok()),
    };
    let mut plan = kept.plan.clone();
    let choose = "Choose one of these";
    let hourly = reading.choice("hourly", |word| known(plan.hourly_until, &HOURLY, word), choose);
    let daily = reading.choice("daily", |word| known(plan.daily_until, &DAILY, word), choose);
    let now = plan.lapse_minutes;
    let lapse = |word: &str| match word {
        "never" => Some(None),
        "as-it-is" => Some(now),
        word => LAPSES.iter().find(|(value, _)| *value == word).map(|(value, _)| value.parse().ok()),
    };
    let lapse = reading.choice("lapse", lapse, choose);
    let errors = reading.into_errors();
    let (Some(hourly), Some(daily), Some(lapse), true) = (hourly, daily, lapse, errors.is_empty()) else {
        return repeats_page(&visit, kind, &form).answer(errors);
    };
    (plan.hourly_until, plan.daily_until, plan.lapse_minutes) = (hourly, daily, lapse);
    match visit.node.save_ladder_plan(&by, kind, version(&form), plan).await {
        Ok(_) => Ok(page::see_other(&format!("/ladders/{}", kind.word()))),
        Err(error) => repeats_page(&visit, kind, &form).answer(faults(error, "hourly")?),
    }
}

/// The version that the form was opened on.
fn version(form: &Form) -> u32 {
    form.first("version").parse().unwrap_or(u32::MAX)
}

/// What was refused, as a fault of the form.
fn faults(error: DoorError, anchor: &str) -> Result<Vec<FieldError>, Problem> {
    if matches!(error, DoorError::Stale) {
        let message = "Somebody else changed this plan meanwhile: look at it and do it again".to_owned();
        return Ok(vec![FieldError { name: anchor.to_owned(), anchor: anchor.to_owned(), message }]);
    }
    refusal(error, anchor)
}

fn built_in_page(visit: &Visit, kind: ClockKind, version: &str) -> ActionPage {
    let back = format!("/ladders/{}", kind.word());
    let chrome = visit.chrome("Back to the built-in plan", "/administration");
    let action = format!("{back}/built-in");
    let mut page = ActionPage::new(chrome, "Back to the built-in plan", kind_words(kind), back, action);
    let steps = if kind.is_of_complaint() {
        "at about 09:00, seven and two days before the last day, on that day, and every day after it, 30 times"
    } else {
        "24, 12, 6 and 2 hours and 30 minutes before, at the due time, every hour for a day and every day for a year"
    };
    page.paragraphs.push(format!("The steps become {steps}. What was recorded stays."));
    page.hidden.push(("version", version.to_owned()));
    page.buttons.push(("restore", "Use the built-in plan", ""));
    page
}

/// `GET /ladders/{kind}/built-in`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub async fn built_in(visit: Visit, kind: web::Path<String>) -> Answer {
    administrator(&visit)?;
    let kind = kind_of(&kind)?;
    let kept = visit.node.ladder_plan(kind).await?;
    built_in_page(&visit, kind, &kept.version.to_string()).answer(Vec::new())
}

/// `POST /ladders/{kind}/built-in`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub async fn restore(posted: Posted, kind: web::Path<String>) -> Answer {
    let Posted { visit, form } = posted;
    let by = administrator(&visit)?;
    let kind = kind_of(&kind)?;
    match visit.node.save_ladder_plan(&by, kind, version(&form), Plan::built_in(kind)).await {
        Ok(_) => Ok(page::see_other(&format!("/ladders/{}", kind.word()))),
        Err(error) => built_in_page(&visit, kind, form.first("version")).answer(faults(error, "restore")?),
    }
}
