//! A clock as every page shows it: time left, due instant, the duty as a sentence, why it runs, how it stands, what a
//! person should do next, and a track with the ladder's steps as ticks.

pub(super) mod complaint;
#[cfg(test)]
mod tests;

use askama::Template;
use domain::arrangement::{FallbackCall, FallbackContact, FallbackPlace};
use domain::clock::{Anchor, ClockKind};
use domain::reliance::Standing;
use domain::values::{Actor, Moment, PersonId};

use super::field::Tag;
use super::joint;
use super::words::{self, Reader, counted};
use crate::store::queries::clocks::{Group, Subject};
use crate::store::queries::fallback::Ring;

/// The length of the track, in the units of its drawing.
const TRACK: i64 = 1_000;
/// People named on one line.
const NAMES_SHOWN: usize = 5;
const SOON_SECONDS: i64 = 6 * 3_600;
const SECONDS_PER_MINUTE: i64 = 60;
const SECONDS_PER_HOUR: i64 = 3_600;

/// The component.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/clock.html")]
pub struct ClockPart {
    /// Names it on the page.
    pub id: String,
    /// The due instant in milliseconds since 1970, for the script that ticks.
    pub due_millis: i64,
    seconds_left: i64,
    /// Time left, or past.
    pub left: String,
    /// "due 06:00 today", "overdue since 02:10 today".
    pub due: String,
    /// The duty up to the link, the link, and what follows it.
    pub duty: String,
    /// See `duty`.
    pub duty_link: String,
    /// See `duty`.
    pub duty_href: String,
    /// See `duty`.
    pub duty_tail: &'static str,
    /// A drill.
    pub exercise: bool,
    /// The incident's page, its reference, and what else to say about it.
    pub about_href: String,
    /// See `about_href`.
    pub about_link: String,
    /// See `about_href`.
    pub about: String,
    /// "48 hours from …, when …".
    pub anchor: String,
    /// How it stands.
    pub tag: Tag,
    /// What to do next.
    pub next: Vec<Next>,
    /// The button that stops the ladder, for those who may.
    pub hand: Option<Hand>,
    /// The button with which whoever is asked says that they have seen the last step.
    pub seen: Option<Hand>,
    /// The first person to ring, for the wall.
    pub ring: String,
    gone: i64,
    ticks: Vec<i64>,
}

impl askama::filters::HtmlSafe for ClockPart {}

/// One line of what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// The words.
    pub words: String,
    /// A link after them, or nothing.
    pub link: String,
    /// Where it leads.
    pub href: String,
}

impl Next {
    fn words(words: impl Into<String>) -> Self {
        Self { words: words.into(), link: String::new(), href: String::new() }
    }

    fn link(words: impl Into<String>, link: &str, href: String) -> Self {
        Self { words: words.into(), link: link.to_owned(), href }
    }
}

/// Who looks at a clock.
#[derive(Debug, Clone, Copy)]
pub struct Looker<'a> {
    /// Who they are.
    pub person: PersonId,
    /// Whether they may take a duty in hand.
    pub may_take: bool,
    /// The session's secret.
    pub csrf: &'a str,
    /// The page to come back to.
    pub back: &'a str,
}

/// What the buttons *Take it in hand* and *I have seen it* post.
#[derive(Debug, Clone)]
pub struct Hand {
    /// The session's secret.
    pub csrf: String,
    /// `incident:…` or `exchange:…`.
    pub stream: String,
    /// The word of the duty.
    pub kind: &'static str,
    /// When the ladder is due, in microseconds since 1970.
    pub due: i64,
    /// The page to go back to.
    pub back: String,
}

impl ClockPart {
    /// From a group of clocks; with buttons for whoever looks.
    #[must_use]
    pub fn of(group: &Group, reader: Reader, looker: Option<Looker<'_>>) -> Self {
        let seconds_left = group.due.seconds_since(reader.now());
        let past = seconds_left < 0;
        let (duty, duty_link, duty_tail) = duty(group);
        let stream = match &group.subject {
            None if group.kind.is_of_complaint() => format!("complaint:{}", group.stream),
            Some(subject) => format!("incident:{}", subject.id),
            None => format!("exchange:{}", group.stream),
        };
        let post = |looker: Looker<'_>| Hand {
            csrf: looker.csrf.to_owned(),
            stream: stream.clone(),
            kind: group.kind.word(),
            due: group.group_due.micros(),
            back: looker.back.to_owned(),
        };
        let hand = looker.filter(|looker| looker.may_take && group.in_hand.is_none()).map(post);
        let is_asked = |looker: &Looker<'_>| group.unseen.iter().any(|(person, _)| *person == looker.person);
        let seen = looker.filter(is_asked).map(post);
        let since = match (past, group.own_target) {
            (_, true) if group.kind.is_of_complaint() => complaint::since(past),
            (true, true) => "our own target passed",
            (true, false) => "overdue since",
            (false, true) => "our own target:",
            (false, false) => "due",
        };
        Self {
            id: format!("c-{}-{}-{}", group.stream.simple(), group.kind.word(), group.group_due.micros()),
            due_millis: group.due.micros() / 1_000,
            seconds_left,
            left: words::countdown(seconds_left),
            due: format!("{since} {}", reader.near(group.due)),
            duty,
            duty_link,
            duty_href: duty_href(group),
            duty_tail,
            exercise: group.exercise,
            about_href: about_href(group),
            about_link: about_link(group),
            about: about(group),
            anchor: anchor(group, reader),
            tag: tag(group, past),
            next: next(group, reader),
            hand,
            seen,
            ring: wall_ring(group, reader.now()),
            gone: gone(group.anchored_at, group.due, reader.now()),
            ticks: ticks(group.anchored_at, group.due, &group.ticks),
        }
    }

    /// Past due.
    #[must_use]
    pub const fn over(&self) -> bool {
        self.seconds_left < 0
    }

    /// Due within six hours.
    #[must_use]
    pub const fn soon(&self) -> bool {
        self.seconds_left < SOON_SECONDS
    }
}

/// The duty as a sentence with a verb: before the link, the link, after it.
fn duty(group: &Group) -> (String, String, &'static str) {
    let whom = match &group.partner {
        Some((_, name)) => name.clone(),
        None => counted(i64::from(group.open), "partner"),
    };
    match (group.kind, &group.subject) {
        (ClockKind::PartnerNotice, _) => ("Tell ".to_owned(), whom, ""),
        (ClockKind::PartnerAcknowledgement, _) => ("Have ".to_owned(), whom, " acknowledge"),
        (ClockKind::Assistance, _) => ("Answer ".to_owned(), whom, ""),
        (ClockKind::IcoReport, Some(_)) => (String::new(), "Report to the ICO".to_owned(), ""),
        (ClockKind::IcoReport, None) => {
            (String::new(), format!("Report to the ICO, if needed: notice from {whom}"), "")
        }
        (ClockKind::PeopleTold, _) => ("Tell ".to_owned(), "the people affected".to_owned(), ""),
        (ClockKind::FollowUp, _) => (String::new(), "Follow the ICO report up".to_owned(), ""),
        (
            kind @ (ClockKind::ComplaintAcknowledgement
            | ClockKind::ComplaintPromisedAcknowledgement
            | ClockKind::ComplaintPromisedAnswer),
            _,
        ) => (String::new(), complaint::duty(kind).to_owned(), complaint::by_whom(kind)),
    }
}

fn duty_href(group: &Group) -> String {
    match (group.kind, &group.subject, group.exchange) {
        (ClockKind::IcoReport, Some(subject), _) => format!("/incidents/{}/report", subject.id),
        (ClockKind::PeopleTold | ClockKind::FollowUp, Some(subject), _) => {
            format!("/incidents/{}/duties/{}", subject.id, group.kind.word())
        }
        (ClockKind::IcoReport, None, Some(exchange)) => format!("/received/{exchange}"),
        (ClockKind::Assistance, _, Some(exchange)) => format!("/exchanges/{exchange}/messages"),
        (ClockKind::Assistance, Some(subject), None) => format!("/incidents/{}", subject.id),
        (
            ClockKind::ComplaintAcknowledgement
            | ClockKind::ComplaintPromisedAcknowledgement
            | ClockKind::ComplaintPromisedAnswer,
            _,
            None,
        ) => complaint::href(group),
        (_, _, Some(exchange)) => format!("/exchanges/{exchange}"),
        (ClockKind::PartnerAcknowledgement, Some(subject), None) => format!("/incidents/{}?show=unread", subject.id),
        (ClockKind::PartnerNotice, Some(subject), None) => format!("/incidents/{}?show=undelivered", subject.id),
        (_, None, None) => String::new(),
    }
}

fn about_href(group: &Group) -> String {
    match &group.subject {
        Some(subject) => format!("/incidents/{}", subject.id),
        None if group.kind.is_of_complaint() => complaint::href(group),
        None => String::new(),
    }
}

fn about_link(group: &Group) -> String {
    match &group.subject {
        Some(subject) => subject.reference.clone(),
        None if group.kind.is_of_complaint() => group.reference.clone(),
        None => String::new(),
    }
}

fn about(group: &Group) -> String {
    match &group.subject {
        None if group.kind.is_of_complaint() => String::new(),
        Some(subject) if subject.title.is_empty() => String::new(),
        Some(subject) => subject.title.clone(),
        None => format!("Their reference {}", group.reference),
    }
}

/// "48 hours from 02:10 on Sunday 1 March 2026 (GMT), when we became aware of the breach."
fn anchor(group: &Group, reader: Reader) -> String {
    if group.kind.is_of_complaint() {
        return complaint::anchor(group, reader);
    }
    if group.own_target {
        let length = words::length(group.due.seconds_since(group.anchored_at));
        let (at, when) = (reader.at(group.anchored_at), when(group.anchor));
        return format!("Our own target, {length} from {at}, {when}. The law names no time.");
    }
    // Before 20 August 2025 there was one limit only.
    let legal = match group.legal_limit.filter(|limit| *limit != group.due) {
        Some(limit) => format!(" The legal limit is {}.", reader.near(limit)),
        None => String::new(),
    };
    if group.kind == ClockKind::Assistance {
        return format!("By {}, as asked at {}.", reader.at(group.due), reader.at(group.anchored_at));
    }
    let hours = counted(i64::from(group.hours), "hour");
    format!("{hours} from {}, {}.{legal}", reader.at(group.anchored_at), when(group.anchor))
}

/// Why a clock started, as the end of a sentence.
#[must_use]
pub const fn when(anchor: Anchor) -> &'static str {
    match anchor {
        Anchor::AwareOfCircumstances => "when we became aware that a breach was likely",
        Anchor::AwareOfBreach => "when we became aware of the breach",
        Anchor::Receipt => "when their node signed for the notice",
        Anchor::Accepted => "when their webhook or mail server accepted the notice",
        Anchor::RecordedCall => "when a call to them was recorded",
        Anchor::NoticeReceived => "when the notice reached us",
        Anchor::AskedOfUs => "when they asked",
        Anchor::AskedByUs => "when we asked",
        Anchor::HighRiskDecided => "when it was decided that people are to be told",
        Anchor::ReportIncomplete => "when the report was submitted with something not yet known",
        Anchor::ComplaintReceived => "when the complaint reached us",
    }
}

fn tag(group: &Group, past: bool) -> Tag {
    let pressing = |word: String| if past { Tag::red(word) } else { Tag::amber(word) };
    let met = group.all.saturating_sub(group.open);
    let held = group.subject.as_ref().is_some_and(|subject| subject.stage == "held");
    match (group.kind, &group.subject) {
        (ClockKind::PartnerNotice, _) if held => pressing("Held back".to_owned()),
        (ClockKind::PartnerNotice, _) if group.open == 1 => pressing("Not told".to_owned()),
        (ClockKind::PartnerNotice, _) => pressing(format!("{met} of {} told", group.all)),
        (ClockKind::PartnerAcknowledgement, _) if group.open == 1 => pressing("Not acknowledged".to_owned()),
        (ClockKind::PartnerAcknowledgement, _) => pressing(format!("{met} of {} acknowledged", group.all)),
        (ClockKind::Assistance, _) if group.open == 1 => pressing("Not answered".to_owned()),
        (ClockKind::Assistance, _) => pressing(format!("{met} of {} answered", group.all)),
        (ClockKind::IcoReport, Some(subject)) => report_tag(subject, past),
        (ClockKind::IcoReport, None) => pressing("Not decided".to_owned()),
        (ClockKind::PeopleTold, _) => pressing("Not told".to_owned()),
        (ClockKind::FollowUp, _) => pressing("Not followed up".to_owned()),
        (
            kind @ (ClockKind::ComplaintAcknowledgement
            | ClockKind::ComplaintPromisedAcknowledgement
            | ClockKind::ComplaintPromisedAnswer),
            _,
        ) => pressing(complaint::state(kind).to_owned()),
    }
}

fn report_tag(subject: &Subject, past: bool) -> Tag {
    let words = match (subject.report_state.as_str(), subject.report_gaps) {
        ("draft", 0) => "Draft: every fact known".to_owned(),
        ("draft", gaps) => format!("Draft: {} not yet known", counted(i64::from(gaps), "fact")),
        (_, _) => "No draft yet".to_owned(),
    };
    if past { Tag::red(words) } else { Tag::amber(words) }
}

/// What a person should do next; the human fallback once a step has fired without a receipt.
fn next(group: &Group, reader: Reader) -> Vec<Next> {
    let mut lines = Vec::new();
    let now = reader.now();
    if let (Some(limit), true) = (group.legal_limit, group.due < now) {
        lines.push(Next::words(if group.kind.is_of_complaint() {
            complaint::after(now <= limit).to_owned()
        } else if now <= limit {
            format!("After {}, within the legal limit", counted(i64::from(group.hours), "hour"))
        } else {
            "After the legal limit: the report has to give reasons for the delay".to_owned()
        }));
    }
    if let Some((Actor::Person { name, .. }, since)) = &group.in_hand {
        let until = group.lapses_at.map(|at| format!("; alarms go on at {}", reader.near(at))).unwrap_or_default();
        lines.push(Next::words(format!("In hand: {name}, since {}{until}", reader.near(*since))));
    }
    if !group.unseen.is_empty() {
        lines.push(Next::words(format!("Not seen yet by {}", listed(&group.unseen))));
    }
    if group.instead {
        lines.push(Next::link(
            "Nobody on call could be reached at the last step: managers were told.",
            "The rota",
            "/rota".to_owned(),
        ));
    }
    lines.extend(filed(group, reader));
    lines.extend(fallback(group, stepped(group, now)));
    if let Some(at) = group.next_step.filter(|_| group.in_hand.is_none()) {
        lines.push(Next::words(format!("Next step {}", reader.near(at))));
    }
    lines
}

/// Who reported it already. It ends nothing of ours by itself.
fn filed(group: &Group, reader: Reader) -> Vec<Next> {
    let (filed, all) = &group.filed;
    let standing = filed.iter().filter(|filed| filed.standing != Standing::Replaced);
    let mut lines: Vec<Next> = standing.map(|it| Next::words(joint::words::filed(it, reader))).collect();
    if lines.is_empty() {
        return lines;
    }
    let shown = u32::try_from(lines.len()).unwrap_or(u32::MAX);
    if *all > shown {
        lines.push(Next::words(format!("{} told us so in all.", counted(i64::from(*all), "partner"))));
    }
    let href = match (&group.subject, group.exchange) {
        (Some(subject), _) => format!("/incidents/{}/joint#filed", subject.id),
        (None, Some(exchange)) => format!("/received/{exchange}#filed"),
        (None, None) => String::new(),
    };
    lines.push(Next::link(joint::words::STAYS_OURS, "Look at it", href));
    lines
}

/// Whether a step of the ladder fired. Steps that lay before the anchor were passed, and call for nobody.
fn stepped(group: &Group, now: Moment) -> bool {
    let fired = |offset: i32| {
        let at = group.group_due.plus_seconds(i64::from(offset) * SECONDS_PER_MINUTE);
        at > group.anchored_at
    };
    group.due < now || group.last_step.is_some_and(fired)
}

fn fallback(group: &Group, stepped: bool) -> Vec<Next> {
    let held = group.subject.as_ref().filter(|subject| subject.stage == "held");
    match (group.kind, group.exchange, &group.subject) {
        (ClockKind::PartnerNotice, _, Some(subject)) if held.is_some() => {
            vec![Next::link("", "Let the notices go", format!("/incidents/{}/release", subject.id))]
        }
        (ClockKind::PartnerNotice, Some(exchange), _) if stepped => {
            let mut lines = Vec::new();
            let attempts = group.carrying.as_ref().map_or(0, |carrying| carrying.attempts);
            if attempts > 0 {
                lines.push(Next::link(
                    counted(i64::from(attempts), "attempt"),
                    "Why",
                    format!("/exchanges/{exchange}"),
                ));
            }
            lines.extend(rings(group, "Record the call"));
            lines
        }
        (ClockKind::PartnerAcknowledgement, Some(_), _) if stepped => rings(group, "Record the call"),
        (ClockKind::PartnerNotice, None, Some(subject)) if stepped => {
            let mut lines = rings(group, "Record the call");
            lines.push(Next::link(
                "Telephone those not told:",
                "see who",
                format!("/incidents/{}?show=undelivered", subject.id),
            ));
            lines
        }
        (ClockKind::PartnerAcknowledgement, None, Some(_)) if stepped => rings(group, "Record the call"),
        (ClockKind::IcoReport, _, Some(subject)) if subject.report_state == "none" => {
            vec![Next::link("", "Open a draft", format!("/incidents/{}/report", subject.id))]
        }
        (ClockKind::IcoReport, Some(exchange), None) => {
            vec![Next::link("", "Read it and decide", format!("/received/{exchange}"))]
        }
        (ClockKind::Assistance, Some(exchange), _) => {
            vec![Next::link("", "Read what they ask and answer", format!("/exchanges/{exchange}/messages"))]
        }
        (ClockKind::PeopleTold | ClockKind::FollowUp, _, Some(subject)) => {
            vec![Next::link(
                "",
                "Record it, or move our target",
                format!("/incidents/{}/duties/{}", subject.id, group.kind.word()),
            )]
        }
        (
            ClockKind::PartnerNotice
            | ClockKind::PartnerAcknowledgement
            | ClockKind::IcoReport
            | ClockKind::Assistance
            | ClockKind::PeopleTold
            | ClockKind::FollowUp
            | ClockKind::ComplaintAcknowledgement
            | ClockKind::ComplaintPromisedAcknowledgement
            | ClockKind::ComplaintPromisedAnswer,
            _,
            _,
        ) => Vec::new(),
    }
}

/// Whom to ring at each of the first partners outstanding, with the form that records the call.
fn rings(group: &Group, link: &str) -> Vec<Next> {
    let line = |ring: &Ring| {
        let words = ring_words(&ring.name, ring.call.as_ref(), &ring.contacts);
        Next::link(words, link, format!("/exchanges/{}/call", ring.exchange))
    };
    group.rings.iter().map(line).collect()
}

/// "Ring Example Council: the duty officer, 01234 567890 (out of hours)."
#[must_use]
pub fn ring_words(name: &str, call: Option<&FallbackCall>, contacts: &[FallbackContact]) -> String {
    match (call, contacts.first()) {
        (Some(call), _) => format!("Ring {name}: {}, {} ({}).", call.who, call.number, place_words(call.place)),
        (None, Some(contact)) => {
            format!("No telephone number is in the arrangement with {name}: {}.", contact_words(contact))
        }
        (None, None) => format!("No telephone number is in the arrangement with {name}."),
    }
}

/// When a number is answered.
#[must_use]
pub const fn place_words(place: FallbackPlace) -> &'static str {
    match place {
        FallbackPlace::Named => "first contact, in working hours",
        FallbackPlace::Secondary => "next contact, in working hours",
        FallbackPlace::OutOfHours => "out of hours",
    }
}

/// What the wall says of whom to ring: the first partner only.
fn wall_ring(group: &Group, now: Moment) -> String {
    let ring = group.rings.first().filter(|_| stepped(group, now));
    ring.map(|ring| ring_words(&ring.name, ring.call.as_ref(), &ring.contacts)).unwrap_or_default()
}

/// "A. Manager, B. Officer and 3 more".
fn listed(people: &[(PersonId, String)]) -> String {
    let shown = people.iter().take(NAMES_SHOWN).map(|(_, name)| name.as_str());
    let more = people.len().saturating_sub(NAMES_SHOWN);
    let names = shown.collect::<Vec<_>>().join(", ");
    if more == 0 { names } else { format!("{names} and {more} more") }
}

/// A fallback contact on one line.
#[must_use]
pub fn contact_words(contact: &FallbackContact) -> String {
    let mut words = contact.who.to_string();
    for (label, number) in [("", &contact.phone), ("out of hours ", &contact.out_of_hours), ("", &contact.email)] {
        if let Some(number) = number {
            words.push_str(if words.contains(": ") { ", " } else { ": " });
            words.push_str(label);
            words.push_str(number.as_str());
        }
    }
    words
}

/// How much of the track has gone.
fn gone(from: Moment, due: Moment, now: Moment) -> i64 {
    let whole = due.seconds_since(from).max(1);
    (now.seconds_since(from).saturating_mul(TRACK) / whole).clamp(0, TRACK)
}

/// Where the ladder's steps lie on the track; those before the anchor do not.
fn ticks(from: Moment, due: Moment, steps: &[i32]) -> Vec<i64> {
    let whole = due.seconds_since(from).max(SECONDS_PER_HOUR);
    steps
        .iter()
        .map(|offset| TRACK + i64::from(*offset) * SECONDS_PER_MINUTE * TRACK / whole)
        .filter(|at| (1..TRACK).contains(at))
        .collect()
}
