//! Partners: the list, and one partner's page with how its pairing stands and the one thing to do next.

use std::str::FromStr as _;

use actix_web::web;
use askama::Template;
use domain::values::{Moment, PartnerId};
use serde::Deserialize;

use super::alerts::SeenTo;
use super::channel::{lane_words, told_words};
use super::clock::contact_words;
use super::field::Tag;
use super::page::{self, Answer, Chrome, Visit};
use super::pairing::{self, Card};
use super::{timeline, words};
use crate::access::{Administrator, Reader, Responder};
use crate::node::catch_up::{GAP_SHOWN_SECONDS, SKEW_SHOWN_SECONDS, UNPROVEN_SECONDS};
use crate::node::endpoints::Told;
use crate::node::pairing::{PartnerState, PartnerView};
use crate::problem::Problem;
use crate::store::queries::partners::{self, Listed};

/// Partners on one page of the list.
const SHOWN_MAX: usize = 100;
/// Digits are compared again once a year (protocol §15).
const YEAR_SECONDS: i64 = 365 * 86_400;

#[derive(Template)]
#[template(path = "partners.html")]
struct PartnersPage {
    chrome: Chrome,
    administrator: bool,
    total: String,
    first: bool,
    rows: Vec<Row>,
    next: Option<String>,
}

struct Row {
    id: PartnerId,
    name: String,
    issuer: String,
    tag: Tag,
    told: &'static str,
    arrangements: u32,
    heard: String,
    todo: &'static str,
    trouble: String,
}

/// Where the list starts.
#[derive(Debug, Default, Deserialize)]
pub struct From {
    #[serde(default)]
    after: String,
}

pub(super) fn reader(visit: &Visit) -> Result<Reader, Problem> {
    Reader::of(&visit.person).ok_or(Problem::NotAllowed("people who may read the record"))
}

/// `GET /partners`
///
/// # Errors
/// [`Problem`]
pub async fn list(visit: Visit, from: web::Query<From>) -> Answer {
    reader(&visit)?;
    let after = PartnerId::from_str(&from.after).ok();
    let found = visit.node.store().read(move |rows| partners::page(rows, after, SHOWN_MAX)).await?;
    let page = PartnersPage {
        chrome: visit.chrome("Partners", "/partners"),
        administrator: Administrator::of(&visit.person).is_some(),
        total: words::counted(i64::try_from(found.total).unwrap_or(i64::MAX), "partner"),
        first: after.is_none(),
        next: found.page.next.map(|id| format!("/partners?after={id}")),
        rows: found.page.items.into_iter().map(|partner| row(partner, &visit)).collect(),
    };
    page::html(&page)
}

fn row(partner: Listed, visit: &Visit) -> Row {
    let elapsed = visit.node.time().elapsed();
    let state = PartnerState::from_word(&partner.state).unwrap_or(PartnerState::Ended);
    let due = partner.verified_at.is_some_and(|at| visit.now().seconds_since(at) > YEAR_SECONDS);
    let other_way = matches!(partner.told, Told::Webhook | Told::Mail);
    let todo = match state {
        PartnerState::Listed if other_way => "",
        PartnerState::Listed => "Import their card",
        PartnerState::Imported => "Check their fingerprint",
        PartnerState::Verified => "They have to pair with you too",
        PartnerState::Active if partner.card_waits => "Look at their new card",
        PartnerState::Active if due => "Compare the fingerprint again",
        PartnerState::Locked => "Import their card again",
        PartnerState::Active | PartnerState::Suspended | PartnerState::Ended => "",
    };
    let trouble = match (&partner.stopped, partner.failed_since) {
        (Some(_), _) => "Stopped until a person looks at it".to_owned(),
        (None, Some(since)) => format!("Not reached for {}", words::length(elapsed.seconds_since(since))),
        (None, None) => String::new(),
    };
    Row {
        id: partner.id,
        name: partner.name,
        issuer: partner.issuer.unwrap_or_default(),
        tag: state_tag(state),
        told: if partner.told == Told::Node { "" } else { told_words(partner.told).0 },
        arrangements: partner.arrangements,
        heard: partner.heard_at.map(|at| ago(at, elapsed)).unwrap_or_default(),
        todo,
        trouble,
    }
}

/// Lanes count in machine time, so these are lengths of it, never instants on the page.
fn ago(at: Moment, elapsed: Moment) -> String {
    format!("{} ago", words::length(elapsed.seconds_since(at)))
}

pub(super) fn state_tag(state: PartnerState) -> Tag {
    match state {
        PartnerState::Listed => Tag::grey("Not paired"),
        PartnerState::Imported => Tag::amber("Card imported, not verified"),
        PartnerState::Verified => Tag::amber("Verified, not yet heard both ways"),
        PartnerState::Active => Tag::green("Paired"),
        PartnerState::Suspended => Tag::amber("Suspended"),
        PartnerState::Ended => Tag::grey("Ended"),
        PartnerState::Locked => Tag::red("Locked"),
    }
}

#[derive(Template)]
#[template(path = "partner.html")]
struct PartnerPage {
    chrome: Chrome,
    id: PartnerId,
    name: String,
    tag: Tag,
    done: &'static str,
    next: Next,
    administrator: bool,
    active: bool,
    may_end: bool,
    may_renew: bool,
    alerts: Vec<(String, bool, Option<SeenTo>)>,
    told: &'static str,
    told_what: &'static str,
    told_state: String,
    recheck: bool,
    check: Vec<(&'static str, String)>,
    card: Option<Card>,
    contacts: Vec<String>,
    terms: Vec<(String, String, String)>,
    way: Vec<(&'static str, String)>,
    stopped: bool,
    exceptions: Vec<String>,
}

/// The one thing to do next.
struct Next {
    words: String,
    link: &'static str,
    href: String,
    /// Whether a sign of life can be sent from here.
    heartbeat: bool,
}

/// What the page is asked for.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    done: String,
}

/// `GET /partners/{id}`
///
/// # Errors
/// [`Problem`]
pub async fn show(visit: Visit, id: web::Path<PartnerId>, asked: web::Query<Asked>) -> Answer {
    reader(&visit)?;
    let id = id.into_inner();
    let partner = visit.node.partner_view(id).await?;
    let channel = visit.node.partner_channel(id).await?;
    let (told, told_what) = told_words(channel.told);
    let told_state = match channel.told {
        Told::Webhook | Told::Mail => lane_words(channel.lane.as_ref(), visit.node.time().elapsed()),
        Told::Node | Told::Hand => String::new(),
    };
    let store = visit.node.store();
    let (contacts, terms) =
        store.read(move |rows| Ok((partners::contacts(rows, id)?, partners::terms_with(rows, id)?))).await?;
    let paired = matches!(partner.state, PartnerState::Active);
    let overdue = partner.verified_at.is_some_and(|at| visit.now().seconds_since(at) > YEAR_SECONDS);
    let page = PartnerPage {
        chrome: visit.chrome(partner.name.as_str(), "/partners"),
        id,
        name: partner.name.to_string(),
        tag: state_tag(partner.state),
        done: done_words(&asked.done),
        next: next(&partner, channel.told, &visit),
        administrator: Administrator::of(&visit.person).is_some(),
        active: paired,
        may_end: !matches!(partner.state, PartnerState::Listed | PartnerState::Ended),
        may_renew: matches!(partner.state, PartnerState::Verified | PartnerState::Active | PartnerState::Suspended),
        alerts: alerts(&partner, &visit),
        told,
        told_what,
        told_state,
        recheck: paired && overdue,
        check: check_facts(&partner, &visit),
        card: partner.card.as_ref().map(|card| pairing::card(card, visit.reader)),
        contacts: contacts.iter().map(contact_words).collect(),
        terms: terms
            .into_iter()
            .map(|(id, title, hours)| {
                let hours = hours
                    .map_or_else(|| "Not stated".to_owned(), |hours| words::counted(i64::from(hours.get()), "hour"));
                (format!("/arrangements/{id}"), title, hours)
            })
            .collect(),
        way: way(&partner, &visit),
        stopped: partner.lane.as_ref().is_some_and(|lane| lane.stopped.is_some()),
        exceptions: partner.exceptions,
    };
    page::html(&page)
}

fn done_words(word: &str) -> &'static str {
    match word {
        "" => "",
        "typed" => "The fingerprint is right, and that is on record.",
        "confirmed" => "Confirmed. Their node and yours now prove to each other that they can reach each other.",
        "renewed" => "Their new card is in place.",
        "waits" => "Their new card changes an address. It waits until an administrator accepts it.",
        _ => "Done.",
    }
}

fn next(partner: &PartnerView, told: Told, visit: &Visit) -> Next {
    let of = |step: &str| format!("/partners/{}/{step}", partner.id);
    let to_import = format!("/partners/import?for={}", partner.id);
    let plain = |words: &str, link, href| Next { words: words.to_owned(), link, href, heartbeat: false };
    if partner.later.is_some() {
        let words = "They sent a new card that changes where their node is reached.";
        return plain(words, "Look at the new card", of("later-card"));
    }
    match partner.state {
        PartnerState::Listed if matches!(told, Told::Webhook | Told::Mail) => plain(
            "No node of theirs is paired with yours. They are told another way, below; pairing would let their node sign for \
             each notice.",
            "Import their card",
            to_import,
        ),
        PartnerState::Listed => plain(
            "Nothing can be sent to them yet. Ask them for the card of their node: any way will do.",
            "Import their card",
            to_import,
        ),
        PartnerState::Imported => after_import(partner, visit),
        PartnerState::Verified => Next {
            heartbeat: true,
            ..plain(
                "You have verified them. They have to import your card and check your fingerprint too; then the pairing \
                 becomes active by itself.",
                "Show our card",
                "/our-card".to_owned(),
            )
        },
        PartnerState::Active if Responder::of(&visit.person).is_some() => Next {
            heartbeat: true,
            ..plain(
                "You are paired: notices reach them signed, and their node signs for each.",
                "Run an exercise with them",
                "/incidents/new?exercise=1".to_owned(),
            )
        },
        PartnerState::Active => Next {
            heartbeat: true,
            ..plain("You are paired: notices reach them signed, and their node signs for each.", "", String::new())
        },
        PartnerState::Suspended => plain(
            "Nothing is sent to them, and nothing is taken from them, until an administrator takes it up again.",
            "Take it up again",
            of("resume"),
        ),
        PartnerState::Ended => plain(
            "The pairing has ended; its history stays. To pair again, import their card and compare the digits anew.",
            "Import their card",
            to_import,
        ),
        PartnerState::Locked => plain(
            "Three wrong fingerprints were typed. The card may not be theirs: ask them, by a number you knew before, which \
             card they sent. Then import it again.",
            "Import their card again",
            to_import,
        ),
    }
}

fn after_import(partner: &PartnerView, visit: &Visit) -> Next {
    let of = |step: &str| format!("/partners/{}/{step}", partner.id);
    let Some(typed) = &partner.checked else {
        return Next {
            words: "Their card is here, and proves nothing yet. Have them read out the fingerprint of their node, and type \
                    it here."
                .to_owned(),
            link: "Type their fingerprint",
            href: of("digits"),
            heartbeat: false,
        };
    };
    let own_word = typed.typed_by.person() == Some(visit.person.id());
    let who = timeline::who(&typed.typed_by);
    let words = if own_word && !partner.one_person {
        "You typed the right fingerprint. Another administrator has to confirm it.".to_owned()
    } else {
        format!("The right fingerprint was typed by {who}. It has to be confirmed.")
    };
    let may = !own_word || partner.one_person;
    Next { words, link: if may { "Confirm it" } else { "" }, href: of("confirm"), heartbeat: false }
}

fn alerts(partner: &PartnerView, visit: &Visit) -> Vec<(String, bool, Option<SeenTo>)> {
    let back = format!("/partners/{}?done=1", partner.id);
    partner
        .alerts
        .iter()
        .map(|alert| {
            let words = format!("{}, {}.", alert.words, visit.reader.near(alert.at));
            (words, alert.card_changed, SeenTo::of(visit, alert.id, alert.may_be_seen_to, &back, alert.words))
        })
        .collect()
}

fn check_facts(partner: &PartnerView, visit: &Visit) -> Vec<(&'static str, String)> {
    let reader = visit.reader;
    let Some(checked) = &partner.checked else { return Vec::new() };
    let mut facts = vec![
        ("Checked by", timeline::who(&checked.typed_by)),
        ("When", reader.at(checked.at)),
        ("How", checked.channel.to_string()),
        ("With whom", checked.with_whom.to_string()),
    ];
    match &checked.confirmed {
        None => facts.push(("Confirmed by", "Nobody yet".to_owned())),
        Some(confirmed) if confirmed.one_person => facts
            .push(("Confirmed by", format!("the same person, {}: one person may pair here", reader.at(confirmed.at)))),
        Some(confirmed) => {
            facts.push(("Confirmed by", format!("{}, {}", timeline::who(&confirmed.by), reader.at(confirmed.at))))
        }
    }
    facts
}

fn way(partner: &PartnerView, visit: &Visit) -> Vec<(&'static str, String)> {
    let elapsed = visit.node.time().elapsed();
    let Some(lane) = &partner.lane else { return Vec::new() };
    let since = |at: Option<Moment>| at.map_or_else(|| "Never".to_owned(), |at| ago(at, elapsed));
    let mut facts = vec![("Last heard", since(lane.heard_at)), ("Last signed for", since(lane.proven_at))];
    if let Some(proven) = lane.proven_at.filter(|at| elapsed.seconds_since(*at) > UNPROVEN_SECONDS) {
        facts.push(("Not proven for", words::length(elapsed.seconds_since(proven))));
    }
    if let Some(gap) = partner.standing.gap.filter(|gap| elapsed.seconds_since(gap.since) > GAP_SHOWN_SECONDS) {
        let count = words::counted(i64::try_from(gap.missing).unwrap_or(i64::MAX), "message");
        facts.push(("Missing of theirs", format!("{count}, for {}", words::length(elapsed.seconds_since(gap.since)))));
    }
    let noted = |skew: &i32| skew.unsigned_abs() > SKEW_SHOWN_SECONDS.unsigned_abs();
    if let Some(skew) = partner.standing.skew_seconds.filter(noted) {
        let side = if skew > 0 { "ahead of" } else { "behind" };
        facts.push(("Their clock", format!("{} {side} ours", words::length(i64::from(skew.unsigned_abs())))));
    }
    if let Some(failing) = lane.failed_since {
        facts.push(("Not reached for", words::length(elapsed.seconds_since(failing))));
    }
    let keys = if partner.keys_known { "Here" } else { "Not yet: they are fetched from the address in the card" };
    facts.push(("Their keys", keys.to_owned()));
    facts
}
