//! The page that a link of a mail or a webhook opens (protocol §16): a notice for somebody without an account, and the form
//! with which they say that they have read it. Looking changes nothing; only the form does.
//!
//! There is no session here and no cookie, so a form of another site has nothing to ride on: whoever sends this one must
//! know the secret in its address, and whoever knows that may send it. Nothing is kept by browsers or found by search
//! engines.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::{self, Data, ServiceConfig, resource};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use domain::exchange::{Acknowledgement, Stance};
use domain::facts::Contact;

use super::field::{Field, Summary, Tag};
use super::form::{FieldError, Form, Reading};
use super::page::{self, Answer, Chrome, Stranger};
use super::sign_in::Tries;
use super::standing;
use super::words::Reader;
use crate::access::throttle::Address;
use crate::node::link::{LinkAnswer, Linked};
use crate::node::received::FactValue;
use crate::node::{DoorError, Node};

/// Every address of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/ack/{secret}").get(show).post(acknowledge));
}

#[derive(Template)]
#[template(path = "ack.html")]
struct AckPage {
    chrome: Chrome,
    summary: Summary,
    sender: String,
    partner: String,
    reference: String,
    title: String,
    /// What became of the form just sent, or nothing.
    news: &'static str,
    said: Vec<Said>,
    version: String,
    newer: bool,
    withdrawn: Vec<String>,
    groups: Vec<(String, Vec<(String, String)>)>,
    missing: String,
    message: Vec<(String, String)>,
    due: String,
    action: String,
    revision: u32,
    fields: Vec<Field>,
    contact: Vec<(&'static str, String)>,
    until: String,
}

/// What a person said here.
struct Said {
    tag: Tag,
    at: String,
    by: String,
    reference: String,
    revision: u32,
}

#[derive(Template)]
#[template(path = "ack_gone.html")]
struct GonePage {
    chrome: Chrome,
    sender: String,
    contact: Vec<(&'static str, String)>,
}

/// `GET /ack/{secret}`
///
/// # Errors
/// `Problem::TooMany`
pub async fn show(
    request: HttpRequest,
    node: Data<Node>,
    tries: Data<Tries>,
    address: Data<Address>,
    secret: web::Path<String>,
) -> Answer {
    tries.count(&address, &request)?;
    match node.linked(&secret).await? {
        Some(linked) => shown(&node, &secret, &linked, &Form::default(), Outcome::default()),
        None => gone(&node),
    }
}

/// `POST /ack/{secret}`
///
/// # Errors
/// `Problem::TooMany`
pub async fn acknowledge(
    request: HttpRequest,
    node: Data<Node>,
    tries: Data<Tries>,
    address: Data<Address>,
    secret: web::Path<String>,
    stranger: Stranger,
) -> Answer {
    tries.count(&address, &request)?;
    let form = stranger.form;
    let answer = match read(&form, Reader::new(node.zone(), node.now())) {
        Ok(answer) => answer,
        Err(errors) => return again(&node, &secret, &form, Outcome { errors, ..Outcome::default() }).await,
    };
    let outcome = match node.answer_link(&secret, answer).await {
        // The page of an acknowledged notice is its confirmation, now and whenever the link is opened again.
        Ok(()) => return Ok(unlisted(page::see_other(&format!("/ack/{secret}")))),
        Err(DoorError::NotFound) => return gone(&node),
        Err(DoorError::Taken) => Outcome {
            news: "It was acknowledged before, so nothing was changed. If you see it otherwise now, ring us.",
            conflict: true,
            errors: Vec::new(),
        },
        Err(DoorError::Stale) => Outcome {
            news: "Something newer came while you were reading, so nothing was recorded yet. Read what stands now.",
            conflict: true,
            errors: Vec::new(),
        },
        Err(error) => return Err(error.into()),
    };
    again(&node, &secret, &form, outcome).await
}

/// What became of a form that was sent.
#[derive(Default)]
struct Outcome {
    news: &'static str,
    conflict: bool,
    errors: Vec<FieldError>,
}

async fn again(node: &Node, secret: &str, form: &Form, outcome: Outcome) -> Answer {
    match node.linked(secret).await? {
        Some(linked) => shown(node, secret, &linked, form, outcome),
        None => gone(node),
    }
}

fn read(form: &Form, reader: Reader) -> Result<LinkAnswer, Vec<FieldError>> {
    let mut reading = Reading::new(form, reader);
    let name = reading.text("name", "Give your name");
    let role = reading.text("role", "Say what your role is");
    let stance = reading.choice("stance", Stance::from_word, "Say where you stand");
    let reference = reading.optional_text("reference");
    // What was on the page; a form without it names no version that could stand.
    let revision = form.first("revision").parse().unwrap_or(0);
    let errors = reading.into_errors();
    match (name, role, stance) {
        (Some(name), Some(role), Some(stance)) if errors.is_empty() => {
            Ok(LinkAnswer { name, role, stance, reference, revision })
        }
        _ => Err(errors),
    }
}

fn shown(node: &Node, secret: &str, linked: &Linked, form: &Form, outcome: Outcome) -> Answer {
    let reader = Reader::new(node.zone(), node.now());
    let Outcome { news, conflict, errors } = outcome;
    let status = match (conflict, errors.is_empty()) {
        (true, _) => StatusCode::CONFLICT,
        (false, true) => StatusCode::OK,
        (false, false) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let title = title(linked);
    let page_title = super::log::title(&format!("{title} - {}", linked.sender), &errors);
    let notice = linked.notice.as_ref();
    let page = AckPage {
        chrome: Chrome::outside(node, page_title, "/ack").exercise(linked.exercise),
        sender: linked.sender.to_string(),
        partner: linked.partner.to_string(),
        reference: linked.reference.to_string(),
        title,
        news,
        said: linked.acknowledgements.iter().rev().map(|said| Said::of(said, reader)).collect(),
        version: linked.revision.to_string(),
        newer: linked.newer && linked.withdrawn.is_none(),
        withdrawn: withdrawn(linked),
        groups: notice.map(|notice| groups(notice, reader)).unwrap_or_default(),
        missing: notice.map(|notice| notice.missing.join(", ")).unwrap_or_default(),
        message: message(linked, reader),
        due: linked
            .clock
            .as_ref()
            .filter(|_| linked.withdrawn.is_none())
            .map(|clock| reader.at(clock.due()))
            .unwrap_or_default(),
        action: format!("/ack/{secret}"),
        revision: linked.revision,
        fields: if linked.open { fields(form, &errors) } else { Vec::new() },
        contact: contact(&linked.contact),
        until: reader.at(node.now().plus_seconds(linked.expires_at.seconds_since(node.time().elapsed()))),
        summary: Summary { errors },
    };
    Ok(unlisted(page::html_as(status, &page)?))
}

fn title(linked: &Linked) -> String {
    match (&linked.withdrawn, &linked.notice) {
        (Some(_), _) => "This notice no longer stands".to_owned(),
        (None, Some(notice)) => notice.title.clone(),
        (None, None) => "Notice".to_owned(),
    }
}

fn withdrawn(linked: &Linked) -> Vec<String> {
    let words = linked.withdrawn.iter().flat_map(|(why, note)| [Some((*why).to_owned()), note.clone()]);
    words.flatten().collect()
}

fn groups(notice: &crate::node::link::Notice, reader: Reader) -> Vec<(String, Vec<(String, String)>)> {
    let value = |value: &FactValue| match value {
        FactValue::Text(text) => text.clone(),
        FactValue::Instant(at) => reader.at(*at),
        FactValue::NotYetKnown => String::new(),
    };
    let group = |group: &crate::node::received::FactGroup| {
        let facts = group.facts.iter().map(|(label, fact)| ((*label).to_owned(), value(fact))).collect();
        (group.title.to_owned(), facts)
    };
    notice.groups.iter().map(group).collect()
}

/// The message, or the word of a report, that the link came with.
fn message(linked: &Linked, reader: Reader) -> Vec<(String, String)> {
    let mut shown = Vec::new();
    if let Some(said) = &linked.said {
        shown.push((said.kind.label().to_owned(), said.text.to_string()));
        shown.push(("From".to_owned(), format!("{}, {}", said.name, said.role)));
        shown.extend(said.due.map(|due| ("An answer is asked for by".to_owned(), reader.at(due))));
        shown.extend(said.received_at.map(|at| ("It had come in".to_owned(), reader.at(at))));
    }
    if let Some(filing) = &linked.filing {
        shown.push(("Reported to".to_owned(), filing.authority.to_string()));
        shown.push(("When".to_owned(), reader.at(filing.at)));
        shown.extend(filing.reference.iter().map(|it| ("Their reference".to_owned(), it.to_string())));
    }
    shown
}

fn fields(form: &Form, errors: &[FieldError]) -> Vec<Field> {
    let fields = [
        Field { autocomplete: "name", ..Field::line(form, "name", "Your name") },
        Field { autocomplete: "organization-title", ..Field::line(form, "role", "Your role") }
            .hint("For example data protection officer."),
        Field::radios(
            form,
            "stance",
            "Where do you stand?",
            [
                ("assessing", "Looking: we do not know yet"),
                ("affected", "Affected: people of ours are concerned"),
                ("not_affected", "Not affected"),
            ],
        ),
        Field::line(form, "reference", "Your own reference").hint("May stay empty."),
    ];
    fields.into_iter().map(|field| field.faults(errors)).collect()
}

fn contact(contact: &Contact) -> Vec<(&'static str, String)> {
    let lines = [("Telephone", &contact.phone), ("Out of hours", &contact.out_of_hours), ("E-mail", &contact.email)];
    let known = lines.into_iter().filter_map(|(label, line)| Some((label, line.as_ref()?.to_string())));
    [("Role", contact.role.to_string())].into_iter().chain(known).collect()
}

impl Said {
    fn of(said: &Acknowledgement, reader: Reader) -> Self {
        Self {
            tag: standing::stance_tag(said.stance),
            at: reader.at_second(said.at),
            by: format!("{}, {}", said.name, said.role),
            reference: said.reference.as_ref().map(ToString::to_string).unwrap_or_default(),
            revision: said.revision_seen,
        }
    }
}

fn gone(node: &Node) -> Answer {
    let us = node.organisation();
    let page = GonePage {
        chrome: Chrome::outside(node, "This link cannot be used", "/ack"),
        sender: us.name.to_string(),
        contact: contact(us.dpo.as_ref().unwrap_or(&us.contact)),
    };
    Ok(unlisted(page::html_as(StatusCode::NOT_FOUND, &page)?))
}

/// Kept out of search engines: an address with a secret in it may end up anywhere.
fn unlisted(mut answer: HttpResponse) -> HttpResponse {
    let name = HeaderName::from_static("x-robots-tag");
    answer.headers_mut().insert(name, HeaderValue::from_static("noindex, nofollow, noarchive"));
    answer
}
