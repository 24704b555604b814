//! What an administrator does with a pairing that stands: suspend, resume, end, admit addresses, settle a later card.

use actix_web::web;
use askama::Template;
use domain::values::{Line, PartnerId};

use super::import::lines;
use crate::node::pairing::{CardView, LaterCardView};
use crate::problem::Problem;
use crate::web::action::{ActionPage, refusal};
use crate::web::administration::administrator;
use crate::web::field::Field;
use crate::web::form::{Form, Reading};
use crate::web::page::{self, Answer, Chrome, Posted, Visit};

/// A step that asks for a reason.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Suspend,
    Resume,
    End,
}

impl Step {
    fn of(word: &str) -> Result<Self, Problem> {
        match word {
            "suspend" => Ok(Self::Suspend),
            "resume" => Ok(Self::Resume),
            "end" => Ok(Self::End),
            _ => Err(Problem::NotFound),
        }
    }

    /// Heading, what will happen, and the button with its class.
    const fn words(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::Suspend => (
                "Suspend the pairing",
                "Nothing is sent to them and nothing is taken from them until it is taken up again. Their node is told that \
                 access is denied. Clocks go on: tell them by telephone what they are owed.",
                "Suspend",
                "danger",
            ),
            Self::Resume => (
                "Take the pairing up again",
                "What has waited is sent at once, and their messages are taken again.",
                "Take it up again",
                "",
            ),
            Self::End => (
                "End the pairing",
                "Nothing is sent to them and nothing is taken from them any more. The history stays. To pair again, import \
                 their card and compare the digits anew. An arrangement with them does not end with it.",
                "End the pairing",
                "danger",
            ),
        }
    }
}

async fn step_page(visit: &Visit, id: PartnerId, word: &str, form: &Form) -> Result<ActionPage, Problem> {
    let partner = visit.node.partner_view(id).await?;
    let (heading, what, button, class) = Step::of(word)?.words();
    let heading = format!("{heading} with {}", partner.name);
    let back = format!("/partners/{id}");
    let chrome = visit.chrome(heading.clone(), "/partners");
    let action = format!("{back}/{word}");
    let mut page = ActionPage::new(chrome, &heading, partner.name.as_str(), back, action);
    page.paragraphs = vec![what.to_owned()];
    page.fields = vec![Field::line(form, "reason", "Why?").hint("It stays on record.")];
    page.buttons = vec![("do", button, class)];
    Ok(page)
}

/// `GET /partners/{id}/suspend`, `resume`, `end`
pub(super) async fn ask(visit: Visit, path: web::Path<(PartnerId, String)>) -> Answer {
    administrator(&visit)?;
    let (id, word) = path.into_inner();
    step_page(&visit, id, &word, &Form::default()).await?.answer(Vec::new())
}

/// `POST /partners/{id}/suspend`, `resume`, `end`
pub(super) async fn act(posted: Posted, path: web::Path<(PartnerId, String)>) -> Answer {
    let Posted { visit, form } = posted;
    let by = administrator(&visit)?;
    let (id, word) = path.into_inner();
    let step = Step::of(&word)?;
    let mut reading = Reading::new(&form, visit.reader);
    let reason: Option<Line> = reading.text("reason", "Say why");
    let Some(reason) = reason else {
        return step_page(&visit, id, &word, &form).await?.answer(reading.into_errors());
    };
    let done = match step {
        Step::Suspend => visit.node.suspend(&by, id, reason).await,
        Step::Resume => visit.node.resume(&by, id, reason).await,
        Step::End => visit.node.end_pairing(&by, id, reason).await,
    };
    match done {
        Ok(()) => Ok(back_to(id)),
        Err(error) => step_page(&visit, id, &word, &form).await?.answer(refusal(error, "reason")?),
    }
}

/// The form that admits addresses.
pub(super) async fn addresses_page(visit: &Visit, id: PartnerId, form: &Form) -> Result<ActionPage, Problem> {
    let partner = visit.node.partner_view(id).await?;
    let heading = format!("Admit private addresses for {}", partner.name);
    let back = format!("/partners/{id}");
    let chrome = visit.chrome(heading.clone(), "/partners");
    let action = format!("{back}/addresses");
    let mut page = ActionPage::new(chrome, &heading, partner.name.as_str(), back, action);
    page.paragraphs = vec![
        "This node calls public addresses only. A partner on a private network that both of you share needs an exception. It \
         counts for this partner alone."
            .to_owned(),
    ];
    page.fields = vec![
        Field::area(form, "ranges", "Address ranges").hint("One per line, like 10.1.0.0/16 or fd12::/16. At most 20."),
    ];
    page.buttons = vec![("admit", "Keep these ranges", "")];
    Ok(page)
}

/// `GET /partners/{id}/addresses`
pub(super) async fn addresses(visit: Visit, id: web::Path<PartnerId>) -> Answer {
    administrator(&visit)?;
    let partner = visit.node.partner_view(*id).await?;
    let mut form = Form::default();
    form.set("ranges", partner.exceptions.join("\n"));
    addresses_page(&visit, *id, &form).await?.answer(Vec::new())
}

/// `POST /partners/{id}/addresses`
pub(super) async fn admit(posted: Posted, id: web::Path<PartnerId>) -> Answer {
    let Posted { visit, form } = posted;
    let by = administrator(&visit)?;
    match visit.node.set_exceptions(&by, *id, lines(form.first("ranges"))).await {
        Ok(()) => Ok(back_to(*id)),
        Err(error) => addresses_page(&visit, *id, &form).await?.answer(refusal(error, "ranges")?),
    }
}

#[derive(Template)]
#[template(path = "pairing_later_card.html")]
struct LaterCardPage {
    chrome: Chrome,
    id: PartnerId,
    name: String,
    lines: Vec<(&'static str, String, String)>,
}

/// `GET /partners/{id}/later-card`
pub(super) async fn later_card(visit: Visit, id: web::Path<PartnerId>) -> Answer {
    administrator(&visit)?;
    let partner = visit.node.partner_view(*id).await?;
    let Some(LaterCardView { now, later }) = &partner.later else { return Ok(back_to(*id)) };
    let line = |label, of: fn(&CardView) -> String| (label, of(now), of(later));
    let page = LaterCardPage {
        chrome: visit.chrome("Their new card", "/partners"),
        id: *id,
        name: partner.name.to_string(),
        lines: vec![
            line("Messages go to", |card| card.push.clone().unwrap_or_else(|| "Nowhere".to_owned())),
            line("Keys come from", |card| card.keys.clone()),
            line("Name", |card| card.name.clone()),
            line("Country", |card| card.country.clone().unwrap_or_default()),
            line("Who runs the machine", |card| card.hosting.clone().unwrap_or_default()),
            line("Contacts", |card| super::contacts(card).join("\n")),
            line("Version", |card| card.version.to_string()),
        ],
    };
    page::html(&page)
}

/// `POST /partners/{id}/later-card`
pub(super) async fn settle_later_card(posted: Posted, id: web::Path<PartnerId>) -> Answer {
    let by = administrator(&posted.visit)?;
    let node = &posted.visit.node;
    match posted.form.first("go") {
        "accept" => node.accept_later_card(&by, *id).await?,
        "refuse" => node.refuse_later_card(&by, *id).await?,
        _ => return Err(Problem::Malformed("The form could not be read.")),
    }
    Ok(back_to(*id))
}

/// `POST /partners/{id}/card-seen`
pub(super) async fn card_seen(posted: Posted, id: web::Path<PartnerId>) -> Answer {
    let by = administrator(&posted.visit)?;
    posted.visit.node.note_card_change(&by, *id).await?;
    Ok(back_to(*id))
}

/// `POST /partners/{id}/heartbeat`
pub(super) async fn heartbeat(posted: Posted, id: web::Path<PartnerId>) -> Answer {
    administrator(&posted.visit)?;
    posted.visit.node.send_heartbeat(*id).await?;
    Ok(back_to(*id))
}

/// `POST /partners/{id}/lane`: a stopped lane goes on behind what the partner holds.
pub(super) async fn resume_lane(posted: Posted, id: web::Path<PartnerId>) -> Answer {
    let by = administrator(&posted.visit)?;
    posted.visit.node.resume_lane(&by, *id).await?;
    Ok(back_to(*id))
}

fn back_to(id: PartnerId) -> actix_web::HttpResponse {
    page::see_other(&format!("/partners/{id}?done=1"))
}
