//! `/partners/import`: a partner's card, as a file or pasted.

use std::str::FromStr as _;

use actix_web::web;
use askama::Template;
use domain::values::PartnerId;
use serde::Deserialize;

use crate::node::DoorError;
use crate::node::pairing::PartnerState;
use crate::problem::Problem;
use crate::store::queries::partners;
use crate::web::action::refusal;
use crate::web::administration::administrator;
use crate::web::field::{Field, Summary};
use crate::web::form::{FieldError, Form};
use crate::web::page::{self, Answer, Chrome, Visit};
use crate::web::upload::Uploaded;

/// Octets of one part of the form; a card has 64 KiB at most.
const PART_OCTETS_MAX: usize = 72 * 1_024;

#[derive(Template)]
#[template(path = "pairing_import.html")]
struct ImportPage {
    chrome: Chrome,
    summary: Summary,
    file: Field,
    pasted: Field,
    ranges: Field,
    waiting: Vec<(PartnerId, String, bool)>,
}

/// For which partner the page was opened.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default, rename = "for")]
    for_partner: String,
}

/// `GET /partners/import`
pub(super) async fn show(visit: Visit, asked: web::Query<Asked>) -> Answer {
    administrator(&visit)?;
    let mut form = Form::default();
    form.set("for", asked.into_inner().for_partner);
    page(&visit, &form, Vec::new()).await
}

async fn page(visit: &Visit, form: &Form, errors: Vec<FieldError>) -> Answer {
    let chosen = PartnerId::from_str(form.first("for")).ok();
    let waiting = visit.node.store().read(partners::awaiting_card).await?;
    let mut waiting: Vec<_> = waiting.into_iter().map(|(id, name)| (id, name, chosen == Some(id))).collect();
    if let [(_, _, only)] = waiting.as_mut_slice()
        && form.is_blank("for")
    {
        // Nobody else is waited for: most likely the card is theirs.
        *only = true;
    }
    if let Some(id) = chosen.filter(|id| !waiting.iter().any(|(known, _, _)| known == id)) {
        // Opened from the page of a partner whose pairing stands: a newer card of theirs.
        waiting.insert(0, (id, visit.node.partner_view(id).await?.name.to_string(), true));
    }
    let file = Field { shape: "file", ..Field::line(&Form::default(), "file", "The card, as a file") };
    let shown = ImportPage {
        chrome: visit.chrome(crate::web::log::title("Import a partner's card", &errors), "/partners"),
        file: file.hint("Its name usually ends in .jwt.").faults(&errors),
        pasted: Field::area(form, "pasted", "Or paste the card here").hint("One long line of letters.").faults(&errors),
        ranges: Field::area(form, "ranges", "Address ranges to admit for this partner")
            .hint("One per line, like 10.1.0.0/16. Without this, only public addresses are called.")
            .faults(&errors),
        waiting,
        summary: Summary { errors },
    };
    page::html_as(page::form_status(&shown.summary.errors), &shown)
}

/// `POST /partners/import`
pub(super) async fn import(uploaded: Uploaded<PART_OCTETS_MAX>) -> Answer {
    let Uploaded { visit, form } = uploaded;
    let by = administrator(&visit)?;
    let (token, anchor) = match token(&form) {
        Some(found) => found,
        None => {
            let fault = fault("file", "Choose the card's file, or paste the card");
            return page(&visit, &form, vec![fault]).await;
        }
    };
    let chosen = match PartnerId::from_str(form.first("for")).ok() {
        Some(chosen) => Some(chosen),
        // A second partner of the same name would never be told anything: the terms are with the first.
        None => named_like(&visit, &token).await?,
    };
    let ranges = lines(form.first("ranges"));
    let id = match visit.node.import_card(&by, &token, chosen).await {
        Ok(id) => id,
        Err(error) => return page(&visit, &form, refusal(error, anchor)?).await,
    };
    if !ranges.is_empty()
        && let Err(error) = visit.node.set_exceptions(&by, id, ranges).await
    {
        return refused_ranges(&visit, id, form, error).await;
    }
    Ok(page::see_other(&onward(&visit, id).await?))
}

/// The partner who is waited for under the name in this card.
async fn named_like(visit: &Visit, token: &str) -> Result<Option<PartnerId>, Problem> {
    let Some(name) = visit.node.card_name(token) else { return Ok(None) };
    let waiting = visit.node.store().read(partners::awaiting_card).await?;
    let name = name.as_str().to_lowercase();
    Ok(waiting.into_iter().find(|(_, known)| known.to_lowercase() == name).map(|(id, _)| id))
}

/// The card is in; the ranges are asked for again where they can be mended.
async fn refused_ranges(visit: &Visit, id: PartnerId, form: Form, error: DoorError) -> Answer {
    let errors = refusal(error, "ranges")?;
    super::standing::addresses_page(visit, id, &form).await?.answer(errors)
}

/// Straight to the digits; to the partner's page when the card only renewed a pairing that stands.
async fn onward(visit: &Visit, id: PartnerId) -> Result<String, Problem> {
    let partner = visit.node.partner_view(id).await?;
    Ok(match (partner.state, partner.later) {
        (PartnerState::Imported, _) => format!("/partners/{id}/digits"),
        (_, Some(_)) => format!("/partners/{id}?done=waits"),
        (_, None) => format!("/partners/{id}?done=renewed"),
    })
}

/// The card and the field that it came in. Mail programs break long lines: white space is not part of it.
fn token(form: &Form) -> Option<(String, &'static str)> {
    let plain = |name: &'static str| {
        let text: String = form.first(name).split_whitespace().collect();
        (!text.is_empty()).then_some((text, name))
    };
    plain("file").or_else(|| plain("pasted"))
}

/// What was typed, a value a line.
pub(super) fn lines(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || c == ',').filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn fault(name: &str, message: &str) -> FieldError {
    FieldError { name: name.to_owned(), anchor: name.to_owned(), message: message.to_owned() }
}
