//! Write the message: drafted from facts, changed by a person. Two people who write at once do not overwrite each other
//! unseen; what is typed is kept as a draft.

use actix_web::{HttpResponse, web};
use domain::incident::telling::{self, Letter};
use domain::incident::{Incident, Refusal};
use domain::values::IncidentId;
use serde::Deserialize;

use super::{incident, reporter};
use crate::node::DoorError;
use crate::node::telling::{LETTER_DRAFT, letter_draft};
use crate::problem::Problem;
use crate::web::action::{ActionPage, refusal};
use crate::web::field::Field;
use crate::web::form::{FieldError, Form, Reading};
use crate::web::log::findings_in;
use crate::web::page::{self, Answer, Posted, Visit};

/// Names in a posted form that are no text.
const BUTTONS: [&str; 2] = ["go", "checked"];

/// Parts of the message with what they ask.
const PARTS: [(&str, &str, &str); 6] = [
    ("heading", "Heading", "What the message is about, in a few words."),
    ("what_happened", "What happened", "The nature of the breach, and which data it concerns."),
    ("consequences", "What this could mean for the reader", "Likely consequences (Article 33(3)(c))."),
    ("measures", "What we have done", "Measures taken or proposed (Article 33(3)(d))."),
    ("advice", "What the reader can do", "Steps that help them, by kind of data."),
    ("contact", "Who to contact", "The contact point that the arrangement names, else ours (Article 33(3)(b))."),
];

/// What the page is asked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    /// `facts`: start again from the facts.
    #[serde(default)]
    from: String,
}

/// `GET /incidents/{id}/people/message`
///
/// # Errors
/// [`Problem`]
pub(super) async fn show(visit: Visit, id: web::Path<IncidentId>, asked: web::Query<Asked>) -> Answer {
    reporter(&visit)?;
    let state = incident(&visit, *id).await?;
    let draft = visit.node.draft(&visit.person, letter_draft(*id, visit.person.id())).await?;
    let newest = state.telling.newest();
    let (form, note) = match (draft.filter(|_| asked.from != "facts"), newest.filter(|_| asked.from != "facts")) {
        (Some(draft), _) => {
            (Form::from_json(&draft.content), format!("Your draft, saved {}", visit.reader.near(draft.updated_at)))
        }
        (None, Some(newest)) => (to_form(&newest.letter), String::new()),
        (None, None) => (proposed(&visit, *id).await?, String::new()),
    };
    let base = base_of(&form).unwrap_or_else(|| newest.map_or(0, |newest| newest.number));
    page_of(&visit, &state, &form, base, note).answer(Vec::new())
}

fn base_of(form: &Form) -> Option<u32> {
    form.first("base").parse().ok()
}

fn to_form(letter: &Letter) -> Form {
    let mut form = Form::default();
    form.set("heading", letter.heading.as_str());
    for section in letter.sections() {
        form.set(section.name, section.text);
    }
    form
}

/// The first draft, as the facts and the arrangement make it.
async fn proposed(visit: &Visit, id: IncidentId) -> Result<Form, Problem> {
    let proposal = visit.node.propose_letter(id).await?;
    let mut form = Form::default();
    for part in proposal.parts {
        form.set(part.name, part.text);
    }
    Ok(form)
}

fn page_of(visit: &Visit, state: &Incident, form: &Form, base: u32, note: String) -> ActionPage {
    let back = format!("/incidents/{}/people", state.id);
    let heading = "Message to the people affected";
    let chrome = visit.chrome(format!("{heading} - {}", state.reference), "/incidents").exercise(state.exercise);
    let mut page =
        ActionPage::new(chrome, heading, "Tell the people affected", back.clone(), format!("{back}/message"));
    page.paragraphs = vec![
        "Plain words, to the reader, about this breach and nothing else (Article 34(2)). Every part has to be there; where \
         something is not known yet, say so."
            .to_owned(),
        "It starts from the facts. Read it as somebody would who is affected, and change it. Never name anybody.".to_owned(),
    ];
    page.fields = PARTS
        .iter()
        .map(|(name, label, hint)| {
            let field =
                if *name == "heading" { Field::line(form, name, label) } else { Field::area(form, name, label) };
            let unknown = base == 0 && form.is_blank(name);
            field.hint(&if unknown { format!("{hint} No fact says it yet.") } else { (*hint).to_owned() })
        })
        .collect();
    page.hidden = vec![("base", base.to_string())];
    page.buttons = vec![
        ("save", "Save this version", ""),
        ("keep", "Keep as a draft", "secondary"),
        ("restart", "Start again from the facts", "secondary"),
    ];
    page.draft = Some((format!("{back}/message/draft"), note));
    page
}

/// `POST /incidents/{id}/people/message/draft`: what a page with script sends while somebody types.
///
/// # Errors
/// [`Problem`]
pub(super) async fn autosave(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let Posted { visit, form } = posted;
    reporter(&visit)?;
    keep(&visit, *id, form).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body(format!("Draft saved at {}", visit.reader.clock(visit.now()))))
}

/// Keeps what was typed for this person. An erased incident keeps nothing any more.
async fn keep(visit: &Visit, id: IncidentId, mut form: Form) -> Result<(), Problem> {
    let state = incident(visit, id).await?;
    if !state.stage.is_open() {
        return Err(DoorError::Refused(Refusal::NotOpen { stage: state.stage.word() }).into());
    }
    form.drop_names(&BUTTONS);
    visit.node.keep_draft(&visit.person, letter_draft(id, visit.person.id()), LETTER_DRAFT, form.to_json()).await?;
    Ok(())
}

/// `POST /incidents/{id}/people/message`: keeps it as a draft, starts again, or saves a version.
///
/// # Errors
/// [`Problem`]
pub(super) async fn save(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let Posted { visit, form } = posted;
    let by = reporter(&visit)?;
    let id = *id;
    if form.has("go", "restart") {
        visit.node.discard_draft(&visit.person, letter_draft(id, visit.person.id())).await?;
        return Ok(page::see_other(&format!("/incidents/{id}/people/message?from=facts")));
    }
    keep(&visit, id, form.clone()).await?;
    if form.has("go", "keep") {
        return Ok(page::see_other(&format!("/incidents/{id}/people/message")));
    }
    let state = incident(&visit, id).await?;
    let base = base_of(&form).unwrap_or(0);
    let note = format!("Draft saved at {}", visit.reader.clock(visit.now()));
    let letter = match read(&visit, &form) {
        Ok(letter) => letter,
        Err(errors) => return page_of(&visit, &state, &form, base, note).answer(errors),
    };
    let texts = letter.free_texts().map(|(name, text)| (name, label(name), text));
    let found = findings_in(&visit, &texts).await?;
    if found.iter().any(|found| found.serious) && !form.has("checked", "yes") {
        return page_of(&visit, &state, &form, base, note).unconfirmed(found);
    }
    match visit.node.write_letter(&by, id, base, letter).await {
        Ok(()) => {
            visit.node.discard_draft(&visit.person, letter_draft(id, visit.person.id())).await?;
            Ok(page::see_other(&format!("/incidents/{id}/people")))
        }
        Err(DoorError::Refused(Refusal::Telling(telling::Refusal::LetterChanged { current }))) => {
            conflict(&visit, &incident(&visit, id).await?, &form, base, current)
        }
        Err(error) => page_of(&visit, &state, &form, base, note).answer(refusal(error, "heading")?),
    }
}

fn label(name: &str) -> &'static str {
    PARTS.iter().find(|(part, _, _)| *part == name).map_or("", |(_, label, _)| label)
}

fn read(visit: &Visit, form: &Form) -> Result<Letter, Vec<FieldError>> {
    let mut reading = Reading::new(form, visit.reader);
    let heading = reading.text("heading", "Give the message a heading");
    let what_happened = reading.text("what_happened", "Say what happened");
    let consequences =
        reading.text("consequences", "Say what this could mean for the reader, or that it is not known yet");
    let measures = reading.text("measures", "Say what we have done");
    let advice = reading.text("advice", "Say what the reader can do, or that nothing is needed");
    let contact = reading.text("contact", "Say who to contact");
    let errors = reading.into_errors();
    match (heading, what_happened, consequences, measures, advice, contact) {
        (Some(heading), Some(what_happened), Some(consequences), Some(measures), Some(advice), Some(contact))
            if errors.is_empty() =>
        {
            Ok(Letter { heading, what_happened, consequences, measures, advice, contact })
        }
        _ => Err(errors),
    }
}

/// Somebody else saved meanwhile: what they changed, and what this person typed, side by side.
fn conflict(visit: &Visit, state: &Incident, form: &Form, base: u32, current: u32) -> Answer {
    let mut page = page_of(visit, state, form, current, String::new());
    let before = state.telling.version(base).map(|version| to_form(&version.letter)).unwrap_or_default();
    let after = state.telling.version(current).map(|version| to_form(&version.letter)).unwrap_or_default();
    page.changes = PARTS
        .iter()
        .filter(|(name, _, _)| before.first(name) != after.first(name))
        .map(|(name, label, _)| (*label, before.first(name).to_owned(), after.first(name).to_owned()))
        .collect();
    page.paragraphs = vec![
        "Somebody else saved the message while you were writing. Nothing of yours is lost: it is below, as you typed it."
            .to_owned(),
        "Take over what they changed where it is right, then save. Saving puts your version in the place of theirs; both \
         stay on record."
            .to_owned(),
    ];
    page.answer(vec![FieldError {
        name: String::new(),
        anchor: "heading".to_owned(),
        message: "Somebody else changed the message meanwhile. See what they changed, then save again".to_owned(),
    }])
}
