//! About this organisation: the answers that stand for every report to a regulator, written once. For data protection
//! officers and administrators.

use actix_web::web::{ServiceConfig, resource};
use domain::report::{OrganisationSize, Standing};

use super::action::{ActionPage, refusal};
use super::field::Field;
use super::form::{FieldError, Form, Reading};
use super::page::{self, Answer, Posted, Visit};
use crate::access::Spokesperson;
use crate::node::DoorError;
use crate::problem::Problem;

/// Its address.
const HERE: &str = "/about-this-organisation";
/// The texts, with the words of their fields.
const TEXTS: [(&str, &str, &str); 3] = [
    (
        "prevention",
        "What do you do to prevent breaches?",
        "What is in place whatever happens: policies, access control, encryption, audits.",
    ),
    ("training", "What data protection training do people here get?", "In outline: what it is about, and how often."),
    (
        "code_of_conduct_details",
        "Which code or scheme?",
        "Its name, and who watches over it. Only if the answer above is yes.",
    ),
];

/// The addresses of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/about-this-organisation").get(show).post(save));
}

fn spokesperson(visit: &Visit) -> Result<Spokesperson, Problem> {
    Spokesperson::of(&visit.person).ok_or(Problem::NotAllowed("data protection officers and administrators"))
}

/// `GET /about-this-organisation`
///
/// # Errors
/// [`Problem`]
pub async fn show(visit: Visit) -> Answer {
    spokesperson(&visit)?;
    let (version, standing) = visit.node.standing_answers().await?;
    form_page(&visit, &filled(version, &standing)).answer(Vec::new())
}

fn filled(version: u32, standing: &Standing) -> Form {
    let mut form = Form::default();
    form.set("version", version.to_string());
    let yes_no = |yes: bool| if yes { "yes" } else { "no" };
    form.set("size", standing.size.map(OrganisationSize::word).unwrap_or_default());
    form.set("reported_before", standing.reported_before.map(yes_no).unwrap_or_default());
    form.set("code_of_conduct", standing.code_of_conduct.map(yes_no).unwrap_or_default());
    for (name, text) in standing.free_texts() {
        form.set(name, text);
    }
    form
}

fn form_page(visit: &Visit, form: &Form) -> ActionPage {
    let us = visit.node.organisation();
    let heading = "About this organisation";
    let chrome = visit.chrome(heading, "/administration");
    let mut page = ActionPage::new(chrome, heading, "the clocks", "/".to_owned(), HERE.to_owned());
    let unsaid = || "not recorded".to_owned();
    let said = |line: &Option<domain::values::Line>| line.as_ref().map_or_else(unsaid, ToString::to_string);
    page.paragraphs = vec![
        "These answers stand in every report to a regulator, until somebody writes another one there.".to_owned(),
        format!(
            "From our own record, which an administrator changes under \u{201c}Services and parties\u{201d}: {}; address: {}; \
             registration: {}; sector: {}.",
            us.name,
            said(&us.address),
            said(&us.ico_registration),
            said(&us.sector)
        ),
    ];
    page.fields = vec![
        Field::radios(
            form,
            "size",
            "How many people work here?",
            OrganisationSize::ALL.map(|size| (size.word(), size.label())),
        ),
        Field::radios(
            form,
            "reported_before",
            "Have you told the regulator of a breach before?",
            [("yes", "Yes"), ("no", "No")],
        )
        .hint("Since May 2018."),
        text(form, 0),
        text(form, 1),
        Field::radios(
            form,
            "code_of_conduct",
            "Do you belong to an approved code of conduct or certification scheme?",
            [("yes", "Yes"), ("no", "No")],
        ),
        text(form, 2),
    ];
    page.hidden = vec![("version", form.first("version").to_owned())];
    page.buttons = vec![("save", "Save", "")];
    page
}

fn text(form: &Form, which: usize) -> Field {
    let (name, label, hint) = TEXTS.get(which).copied().unwrap_or_default();
    Field::area(form, name, label).hint(hint)
}

/// `POST /about-this-organisation`
///
/// # Errors
/// [`Problem`]
pub async fn save(posted: Posted) -> Answer {
    let Posted { visit, form } = posted;
    let by = spokesperson(&visit)?;
    let mut reading = Reading::new(&form, visit.reader);
    let yes_no = |word: &str| match word {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    let standing = Standing {
        size: reading.optional_choice("size", OrganisationSize::from_word),
        reported_before: reading.optional_choice("reported_before", yes_no),
        prevention: reading.optional_text("prevention"),
        training: reading.optional_text("training"),
        code_of_conduct: reading.optional_choice("code_of_conduct", yes_no),
        code_of_conduct_details: reading.optional_text("code_of_conduct_details"),
    };
    let mut errors = reading.into_errors();
    let seen = form.first("version").parse().unwrap_or(0);
    let found = findings(&visit, &standing).await?;
    if found.iter().any(|found| found.serious) && !form.has("checked", "yes") {
        errors.push(FieldError {
            name: "checked".to_owned(),
            anchor: "checked".to_owned(),
            message: "Take the personal data out, or say that you have checked it".to_owned(),
        });
    }
    if errors.is_empty() {
        match visit.node.set_standing_answers(&by, seen, standing).await {
            Ok(_) => return Ok(page::see_other(HERE)),
            Err(DoorError::Stale) => return changed_meanwhile(&visit, form).await,
            Err(error) => errors = refusal(error, "save")?,
        }
    }
    let mut page = form_page(&visit, &form);
    page.must_confirm = found.iter().any(|found| found.serious);
    page.findings = found;
    page.answer(errors)
}

async fn findings(visit: &Visit, standing: &Standing) -> Result<Vec<super::log::FoundText>, Problem> {
    let label = |name: &str| TEXTS.iter().find(|(known, _, _)| *known == name).map_or("", |(_, label, _)| *label);
    let texts: Vec<_> = standing.free_texts().into_iter().map(|(name, text)| (name, label(name), text)).collect();
    super::log::findings_in(visit, &texts).await
}

/// What somebody else saved, beside what was typed; the next save is over theirs.
async fn changed_meanwhile(visit: &Visit, mut form: Form) -> Answer {
    let (version, standing) = visit.node.standing_answers().await?;
    let theirs = filled(version, &standing);
    form.set("version", version.to_string());
    let mut page = form_page(visit, &form);
    let names = [
        ("size", "How many people work here?"),
        ("reported_before", "Told the regulator before?"),
        ("code_of_conduct", "Code of conduct?"),
    ];
    let names = names.into_iter().chain(TEXTS.iter().map(|(name, label, _)| (*name, *label)));
    page.changes = names
        .filter(|(name, _)| theirs.first(name) != form.first(name))
        .map(|(name, label)| (label, form.first(name).to_owned(), theirs.first(name).to_owned()))
        .collect();
    let message = "Somebody else saved this meanwhile. Look at both, then save again to put yours in its place";
    let anchor = "save".to_owned();
    page.answer(vec![FieldError { name: anchor.clone(), anchor, message: message.to_owned() }])
}
