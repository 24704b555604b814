//! A clock as every page shows it: time left, due instant, the duty as a sentence, why it runs, how it stands, what a
//! person should do next, and a track with the ladder's steps as ticks.

use askama::Template;
use domain::arrangement::FallbackContact;
use domain::clock::{Anchor, ClockKind};
use domain::ladder;
use domain::reliance::Standing;
use domain::values::{Actor, Moment};

use super::field::Tag;
use super::joint;
use super::words::{self, Reader, counted};
use crate::store::queries::clocks::{Group, Subject};

/// The length of the track, in the units of its drawing.
const TRACK: i64 = 1_000;
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

/// What the button *Take it in hand* posts.
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
    /// From a group of clocks. `hand` is the session's secret and the page to come back to, for those who may take a duty
    /// in hand.
    #[must_use]
    pub fn of(group: &Group, reader: Reader, hand: Option<(&str, &str)>) -> Self {
        let seconds_left = group.due.seconds_since(reader.now());
        let past = seconds_left < 0;
        let (duty, duty_link, duty_tail) = duty(group);
        let stream = match &group.subject {
            Some(subject) => format!("incident:{}", subject.id),
            None => format!("exchange:{}", group.stream),
        };
        let hand = hand.filter(|_| group.in_hand.is_none()).map(|(csrf, back)| Hand {
            csrf: csrf.to_owned(),
            stream,
            kind: group.kind.word(),
            due: group.group_due.micros(),
            back: back.to_owned(),
        });
        let since = if past { "overdue since" } else { "due" };
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
            about_href: group.subject.as_ref().map(|subject| format!("/incidents/{}", subject.id)).unwrap_or_default(),
            about_link: group.subject.as_ref().map(|subject| subject.reference.clone()).unwrap_or_default(),
            about: about(group),
            anchor: anchor(group, reader),
            tag: tag(group, past),
            next: next(group, reader),
            hand,
            gone: gone(group.anchored_at, group.due, reader.now()),
            ticks: ticks(group.anchored_at, group.due),
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
    }
}

fn duty_href(group: &Group) -> String {
    match (group.kind, &group.subject, group.exchange) {
        (ClockKind::IcoReport, Some(subject), _) => format!("/incidents/{}/report", subject.id),
        (ClockKind::IcoReport, None, Some(exchange)) => format!("/received/{exchange}"),
        (ClockKind::Assistance, _, Some(exchange)) => format!("/exchanges/{exchange}/messages"),
        (ClockKind::Assistance, Some(subject), None) => format!("/incidents/{}", subject.id),
        (_, _, Some(exchange)) => format!("/exchanges/{exchange}"),
        (ClockKind::PartnerAcknowledgement, Some(subject), None) => format!("/incidents/{}?show=unread", subject.id),
        (ClockKind::PartnerNotice, Some(subject), None) => format!("/incidents/{}?show=undelivered", subject.id),
        (_, None, None) => String::new(),
    }
}

fn about(group: &Group) -> String {
    match &group.subject {
        Some(subject) if subject.title.is_empty() => String::new(),
        Some(subject) => subject.title.clone(),
        None => format!("Their reference {}", group.reference),
    }
}

/// "48 hours from 02:10 on Sunday 1 March 2026 (GMT), when we became aware of the breach."
fn anchor(group: &Group, reader: Reader) -> String {
    let legal = match group.legal_limit {
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
    }
}

fn report_tag(subject: &Subject, past: bool) -> Tag {
    let words = match (subject.report_state.as_str(), subject.report_gaps) {
        ("draft", 0) => "Draft: nothing missing".to_owned(),
        ("draft", gaps) => format!("Draft: {} missing", counted(i64::from(gaps), "fact")),
        (_, _) => "No draft yet".to_owned(),
    };
    if past { Tag::red(words) } else { Tag::amber(words) }
}

/// What a person should do next; the human fallback once a step has fired without a receipt.
fn next(group: &Group, reader: Reader) -> Vec<Next> {
    let mut lines = Vec::new();
    let now = reader.now();
    if let (Some(limit), true) = (group.legal_limit, group.due < now) {
        lines.push(Next::words(if now <= limit {
            "After 72 hours, within the legal limit"
        } else {
            "After the legal limit: the report has to give reasons for the delay"
        }));
    }
    if let Some((Actor::Person { name, .. }, since)) = &group.in_hand {
        lines.push(Next::words(format!("In hand: {name}, since {}", reader.near(*since))));
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
            lines.push(ring(group.contact.as_ref(), "Record the call", format!("/exchanges/{exchange}/call")));
            lines
        }
        (ClockKind::PartnerAcknowledgement, Some(exchange), _) if stepped => {
            vec![ring(group.contact.as_ref(), "Their contacts", format!("/exchanges/{exchange}"))]
        }
        (ClockKind::PartnerNotice, None, Some(subject)) if stepped => {
            vec![Next::link(
                "Telephone those not told:",
                "see who",
                format!("/incidents/{}?show=undelivered", subject.id),
            )]
        }
        (ClockKind::IcoReport, _, Some(subject)) if subject.report_state == "none" => {
            vec![Next::link("", "Open a draft", format!("/incidents/{}/report", subject.id))]
        }
        (ClockKind::IcoReport, Some(exchange), None) => {
            vec![Next::link("", "Read it and decide", format!("/received/{exchange}"))]
        }
        (ClockKind::Assistance, Some(exchange), _) => {
            vec![Next::link("", "Read what they ask and answer", format!("/exchanges/{exchange}/messages"))]
        }
        (
            ClockKind::PartnerNotice | ClockKind::PartnerAcknowledgement | ClockKind::IcoReport | ClockKind::Assistance,
            _,
            _,
        ) => Vec::new(),
    }
}

/// "Telephone the duty officer: 01234 567890, out of hours 07700 900000."
fn ring(contact: Option<&FallbackContact>, link: &str, href: String) -> Next {
    let Some(contact) = contact else {
        return Next::link("No telephone number is in the arrangement.", link, href);
    };
    Next::link(format!("Telephone {}.", contact_words(contact)), link, href)
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
fn ticks(from: Moment, due: Moment) -> Vec<i64> {
    let whole = due.seconds_since(from).max(SECONDS_PER_HOUR);
    ladder::all_before_due()
        .iter()
        .map(|offset| TRACK + i64::from(*offset) * SECONDS_PER_MINUTE * TRACK / whole)
        .filter(|at| (1..TRACK).contains(at))
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use uuid::Uuid;

    use super::*;

    fn at(text: &str) -> Moment {
        Moment::parse(text).unwrap()
    }

    fn group() -> Group {
        Group {
            stream: Uuid::from_u128(7),
            kind: ClockKind::PartnerNotice,
            group_due: at("2026-03-03T02:10:00Z"),
            due: at("2026-03-03T02:10:00Z"),
            subject: None,
            exchange: None,
            partner: None,
            open: 212,
            all: 214,
            anchor: Anchor::AwareOfBreach,
            anchored_at: at("2026-03-01T02:10:00Z"),
            hours: 48,
            legal_limit: None,
            exercise: false,
            last_step: None,
            next_step: None,
            in_hand: None,
            carrying: None,
            contact: None,
            reference: String::new(),
            filed: (Vec::new(), 0),
        }
    }

    /// Aim: a clock says the duty, the time left, the due instant and its anchor in words, before and after it is due.
    #[test]
    fn says_everything_in_words() {
        let zone = chrono_tz::Europe::London;
        let early = ClockPart::of(&group(), Reader::new(zone, at("2026-03-02T02:10:00Z")), None);
        assert_eq!((early.left.as_str(), early.due.as_str()), ("24:00:00", "due 02:10 tomorrow"));
        assert_eq!(format!("{}{}", early.duty, early.duty_link), "Tell 212 partners");
        assert_eq!(early.tag.word(), "2 of 214 told");
        assert_eq!(
            early.anchor,
            "48 hours from 02:10 on Sunday 1 March 2026 (GMT), when we became aware of the breach."
        );
        assert_eq!((early.gone, early.over(), early.ticks.len()), (500, false, 5));
        let late = ClockPart::of(&group(), Reader::new(zone, at("2026-03-03T03:22:40Z")), None);
        assert_eq!((late.left.as_str(), late.due.as_str()), ("\u{2212}01:12:40", "overdue since 02:10 today"));
        assert!(late.over() && late.render().unwrap().contains("clock over"));
    }

    /// Aim: one duty has the same verb in its state as in its sentence, whether for one partner or for many, and nothing is
    /// called delivered that nobody signed for.
    #[test]
    fn states_say_what_the_duty_asks() {
        let reader = Reader::new(chrono_tz::Europe::London, at("2026-03-02T02:10:00Z"));
        let word = |kind, open| ClockPart::of(&Group { kind, open, ..group() }, reader, None).tag.word().to_owned();
        assert_eq!(word(ClockKind::PartnerNotice, 1), "Not told");
        assert_eq!(word(ClockKind::PartnerAcknowledgement, 1), "Not acknowledged");
        assert_eq!(word(ClockKind::PartnerAcknowledgement, 212), "2 of 214 acknowledged");
        assert_eq!(word(ClockKind::IcoReport, 1), "Not decided");
        assert_eq!(when(Anchor::Accepted), "when their webhook or mail server accepted the notice");
    }
}
