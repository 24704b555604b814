//! How one partner is told: their node, their ticket system, a link by e-mail, or by hand. An address is looked at before
//! it is kept; a secret is shown once, on the answer to the form that made it.

use actix_web::web::{self, ServiceConfig, resource};
use askama::Template;
use domain::values::{Moment, PartnerId};
use zeroize::Zeroizing;

use super::action::{ActionPage, News, refusal};
use super::administration::administrator;
use super::field::Field;
use super::form::{FieldError, Form};
use super::integrations::{address_fields, tested_news, typed_address};
use super::page::{self, Answer, Chrome, Posted, Visit};
use super::people::ShownOnce;
use super::words;
use crate::node::DoorError;
use crate::node::endpoints::{EndpointView, Lane, PartnerChannel, Told, Way};
use crate::node::pairing::PartnerState;
use crate::problem::Problem;

/// Every address of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/partners/{id}/channel").get(show))
        .service(resource("/partners/{id}/channel/test").post(test))
        .service(resource("/partners/{id}/channel/secret").get(ask_secret).post(replace_secret))
        .service(resource("/partners/{id}/channel/{way:node|webhook|mail|hand}").get(ask).post(set));
}

/// A way in words, and what it means.
pub(super) const fn told_words(told: Told) -> (&'static str, &'static str) {
    match told {
        Told::Node => ("Their node", "Signed notices, and their node signs for each. They have to be paired with you."),
        Told::Webhook => (
            "Their ticket system",
            "By webhook, signed. Its answer proves nothing: a person there acknowledges through a link in it.",
        ),
        Told::Mail => (
            "A link by e-mail",
            "The mail holds no facts. A person reads the notice behind the link, and acknowledges it there.",
        ),
        Told::Hand => {
            ("By hand", "Somebody rings or meets them, and records it. What waits is sent once you are paired.")
        }
    }
}

/// How a lane stands, in words.
pub(super) fn lane_words(lane: Option<&Lane>, elapsed: Moment) -> String {
    let ago = |at: Moment| words::length(elapsed.seconds_since(at));
    match lane {
        Some(Lane { failed_since: Some(since), waits_until, .. }) => {
            let next = waits_until.filter(|until| elapsed < *until).map_or_else(String::new, |until| {
                format!(", the next attempt comes in {}", words::length(until.seconds_since(elapsed)))
            });
            format!("Nothing got through for {}{next}", ago(*since))
        }
        Some(Lane { proven_at: Some(at), .. }) => format!("Something last got through {} ago", ago(*at)),
        // What a server took proves nothing, and nothing went wrong.
        Some(Lane { failed_since: None, proven_at: None, .. }) => "Nothing has failed this way so far".to_owned(),
        None => "Nothing was sent this way yet".to_owned(),
    }
}

#[derive(Template)]
#[template(path = "partner_channel.html")]
struct ChannelPage {
    chrome: Chrome,
    id: PartnerId,
    name: String,
    news: News,
    now: &'static str,
    what: &'static str,
    facts: Vec<(&'static str, String)>,
    unpaired: bool,
    webhook: bool,
    public_key: Option<String>,
    ways: Vec<(&'static str, &'static str, &'static str)>,
}

/// `GET /partners/{id}/channel`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn show(visit: Visit, id: web::Path<PartnerId>) -> Answer {
    administrator(&visit)?;
    overview(&visit, *id, News::default()).await
}

async fn overview(visit: &Visit, id: PartnerId, news: News) -> Answer {
    let partner = visit.node.partner_view(id).await?;
    let channel = visit.node.partner_channel(id).await?;
    let elapsed = visit.node.time().elapsed();
    let (now, what) = told_words(channel.told);
    page::html(&ChannelPage {
        chrome: visit.chrome(format!("How {} is told", partner.name), "/partners"),
        id,
        name: partner.name.to_string(),
        news,
        now,
        what,
        facts: facts(&channel, elapsed),
        unpaired: channel.told == Told::Node && partner.state != PartnerState::Active,
        webhook: channel.told == Told::Webhook,
        public_key: channel.public_key,
        ways: Told::ALL
            .into_iter()
            .filter(|told| *told != channel.told || matches!(told, Told::Webhook | Told::Mail))
            .map(|told| {
                let (words, what) = told_words(told);
                let words = match (told == channel.told, told) {
                    (true, Told::Mail) => "Another e-mail address",
                    (true, Told::Webhook) => "Another address or other content for the webhook",
                    (true, Told::Node | Told::Hand) | (false, _) => words,
                };
                (told.word(), words, what)
            })
            .collect(),
    })
}

fn facts(channel: &PartnerChannel, elapsed: Moment) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    match channel.told {
        Told::Webhook => facts.extend(channel.webhook.iter().flat_map(|webhook| webhook_facts(webhook, elapsed))),
        Told::Mail => facts.extend(channel.mail.iter().map(|mail| ("E-mail address", mail.address.clone()))),
        Told::Node | Told::Hand => {}
    }
    if channel.told != Told::Hand {
        facts.push(("How it stands", lane_words(channel.lane.as_ref(), elapsed)));
    }
    facts
}

fn webhook_facts(webhook: &EndpointView, elapsed: Moment) -> Vec<(&'static str, String)> {
    let content = if webhook.reduced { "Only case, phase and link" } else { "The notice in full" };
    let mut facts = vec![("Address", webhook.address.clone()), ("Content", content.to_owned())];
    if !webhook.ranges.is_empty() {
        facts.push(("Private addresses admitted", webhook.ranges.join(", ")));
    }
    if let Some(until) = webhook.overlap_until {
        let left = words::length(until.seconds_since(elapsed));
        facts.push(("Secret", format!("Replaced; the one before signs too for another {left}")));
    }
    facts
}

async fn way_page(visit: &Visit, id: PartnerId, told: Told, form: &Form) -> Result<ActionPage, Problem> {
    let partner = visit.node.partner_view(id).await?;
    let heading = match told {
        Told::Node => format!("Tell {} over their node", partner.name),
        Told::Webhook => format!("Tell {} through their ticket system", partner.name),
        Told::Mail => format!("Tell {} by a link in an e-mail", partner.name),
        Told::Hand => format!("Tell {} by hand", partner.name),
    };
    let back = format!("/partners/{id}/channel");
    let action = format!("{back}/{}", told.word());
    let chrome = visit.chrome(heading.clone(), "/partners");
    let mut page = ActionPage::new(chrome, &heading, "how they are told", back, action);
    page.paragraphs = vec![
        told_words(told).1.to_owned(),
        "Notices that wait and were never sent go this way from now on.".to_owned(),
    ];
    match told {
        Told::Node | Told::Hand => {}
        Told::Webhook => {
            page.fields = address_fields(form);
            page.fields.push(
                Field::checks(form, "reduced", "How much may it hold?", [("1", "Only case, phase and link")])
                    .hint("For a ticket system that many people can read. The notice itself is then behind the link."),
            );
        }
        Told::Mail => {
            let field = Field::line(form, "address", "E-mail address");
            page.fields =
                vec![field.hint("A mailbox that somebody looks at day and night, such as security@council.example")];
        }
    }
    page.buttons = vec![("set", "Tell them this way", "")];
    Ok(page)
}

fn told_of(word: &str) -> Result<Told, Problem> {
    Told::from_word(word).ok_or(Problem::NotFound)
}

/// `GET /partners/{id}/channel/node`, `webhook`, `mail`, `hand`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn ask(visit: Visit, path: web::Path<(PartnerId, String)>) -> Answer {
    administrator(&visit)?;
    let (id, word) = path.into_inner();
    let told = told_of(&word)?;
    let channel = visit.node.partner_channel(id).await?;
    let mut form = Form::default();
    match told {
        Told::Webhook => {
            if let Some(webhook) = &channel.webhook {
                super::integrations::fill_address(&mut form, webhook);
                if webhook.reduced {
                    form.set("reduced", "1");
                }
            }
        }
        Told::Mail => {
            if let Some(mail) = &channel.mail {
                form.set("address", mail.address.as_str());
            }
        }
        Told::Node | Told::Hand => {}
    }
    way_page(&visit, id, told, &form).await?.answer(Vec::new())
}

/// `POST /partners/{id}/channel/node`, `webhook`, `mail`, `hand`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn set(posted: Posted, path: web::Path<(PartnerId, String)>) -> Answer {
    let Posted { visit, form } = posted;
    let by = administrator(&visit)?;
    let (id, word) = path.into_inner();
    let told = told_of(&word)?;
    let way = match told {
        Told::Node => Way::Node,
        Told::Hand => Way::Hand,
        Told::Webhook => Way::Webhook { address: typed_address(&form), reduced: form.has("reduced", "1") },
        Told::Mail => Way::Mail { address: form.first("address").to_owned() },
    };
    match visit.node.set_partner_channel(&by, id, way).await {
        Ok(None) => overview(&visit, id, News::done("From now on they are told this way.")).await,
        Ok(Some(secret)) => shown(&visit, id, &secret, "Webhook set up").await,
        Err(error) => way_page(&visit, id, told, &form).await?.answer(faults(error, told)?),
    }
}

fn faults(error: DoorError, told: Told) -> Result<Vec<FieldError>, Problem> {
    let anchor = match (&error, told) {
        (DoorError::Target(_), _) => "url",
        (DoorError::Invalid(_), Told::Webhook) => "ranges",
        (_, Told::Mail) => "address",
        (_, Told::Webhook | Told::Node | Told::Hand) => "set",
    };
    refusal(error, anchor)
}

async fn shown(visit: &Visit, id: PartnerId, secret: &Zeroizing<String>, heading: &str) -> Answer {
    let channel = visit.node.partner_channel(id).await?;
    let mut paragraphs = vec![
        "Give this secret to whoever runs their ticket system, in a way that only they can read. Every webhook is signed \
         with it, by the rules of Standard Webhooks."
            .to_owned(),
    ];
    paragraphs.extend(
        channel
            .public_key
            .map(|key| format!("Whoever would rather check signatures without a secret uses this public key: {key}")),
    );
    page::html(&ShownOnce {
        chrome: visit.chrome(heading, "/partners"),
        heading: heading.to_owned(),
        paragraphs,
        label: "Secret".to_owned(),
        secret: secret.as_str().to_owned(),
        back: format!("/partners/{id}/channel"),
        back_words: "I have copied it",
    })
}

/// `POST /partners/{id}/channel/test`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn test(posted: Posted, id: web::Path<PartnerId>) -> Answer {
    let visit = posted.visit;
    let by = administrator(&visit)?;
    let tested = visit.node.test_partner_webhook(&by, *id).await?;
    overview(&visit, *id, tested_news(&tested)).await
}

async fn secret_page(visit: &Visit, id: PartnerId) -> Result<ActionPage, Problem> {
    let partner = visit.node.partner_view(id).await?;
    let back = format!("/partners/{id}/channel");
    let heading = "Replace the webhook\u{2019}s secret";
    let chrome = visit.chrome(heading, "/partners");
    let mut page = ActionPage::new(chrome, heading, "how they are told", back.clone(), format!("{back}/secret"));
    page.paragraphs = vec![format!(
        "{} gets a new secret. For seven days webhooks are signed with the old one too, so that they can change over in \
         their own time.",
        partner.name
    )];
    page.buttons = vec![("replace", "Make a new secret", "")];
    Ok(page)
}

/// `GET /partners/{id}/channel/secret`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn ask_secret(visit: Visit, id: web::Path<PartnerId>) -> Answer {
    administrator(&visit)?;
    secret_page(&visit, *id).await?.answer(Vec::new())
}

/// `POST /partners/{id}/channel/secret`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn replace_secret(posted: Posted, id: web::Path<PartnerId>) -> Answer {
    let visit = posted.visit;
    let by = administrator(&visit)?;
    let secret = visit.node.replace_partner_secret(&by, *id).await?;
    shown(&visit, *id, &secret, "New secret").await
}
