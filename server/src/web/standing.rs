//! Where one exchange stands, in the pages' words. Machines and people are never mixed up: "delivered, signed receipt" is
//! a machine's word, "read by" a person's, and a recorded call neither's signature.

use domain::clock::ClockKind;
use domain::delivery::RefusedErr;
use domain::exchange::{Acknowledgement, Direction, Stance};
use domain::facts::IncidentKind;
use domain::values::Moment;

use super::field::Tag;
use super::words::{self, Reader, counted};
use crate::store::queries::board::State;
use crate::store::queries::clocks::Single;
use crate::store::queries::exchanges::Listed;

/// A state and what proves or explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The state.
    pub tag: Tag,
    /// Evidence, attempts, or nothing.
    pub small: String,
}

impl Standing {
    fn new(tag: Tag, small: impl Into<String>) -> Self {
        Self { tag, small: small.into() }
    }
}

/// How far a partner has come, in the one word that every page has for it.
#[must_use]
pub const fn state_word(state: State) -> &'static str {
    match state {
        State::NotDelivered => "Not delivered",
        State::Held => "Held back",
        State::Accepted => "Accepted, not proven",
        State::Told => "Told by a person",
        State::Delivered => "Delivered, nobody has read it",
        State::Assessing => Stance::Assessing.label(),
        State::Affected => Stance::Affected.label(),
        State::NotAffected => Stance::NotAffected.label(),
        State::Withdrawn => "Withdrawn",
        State::Erased => "Erased",
    }
}

/// A state in its word and its colour.
#[must_use]
pub fn state_tag(state: State) -> Tag {
    let word = state_word(state);
    match state {
        State::NotDelivered | State::Held | State::Accepted | State::Affected => Tag::amber(word),
        State::Told | State::Assessing => Tag::blue(word),
        State::Delivered | State::NotAffected => Tag::green(word),
        State::Withdrawn | State::Erased => Tag::grey(word),
    }
}

/// Where the newest notice of ours stands. `elapsed` is machine time, in which retries are counted.
#[must_use]
pub fn delivery(exchange: &Listed, reader: Reader, elapsed: Moment) -> Standing {
    match exchange.standing.as_str() {
        "held" => Standing::new(state_tag(State::Held), "nobody has been told yet"),
        "delivered" => Standing::new(Tag::green("Delivered"), receipt(exchange, reader)),
        "accepted" => Standing::new(state_tag(State::Accepted), accepted(exchange)),
        "told" => Standing::new(state_tag(State::Told), told(exchange, reader, elapsed)),
        "withdrawn" => Standing::new(state_tag(State::Withdrawn), withdrawn(exchange, reader, elapsed)),
        "abandoned" => Standing::new(not_delivered(exchange, reader), "a person ended the carrying, with a reason"),
        "anonymised" => Standing::new(state_tag(State::Erased), "codes, counts and instants remain"),
        _ => Standing::new(not_delivered(exchange, reader), carrying(exchange, elapsed)),
    }
}

/// Who accepted it: nobody's word that they hold it.
fn accepted(exchange: &Listed) -> &'static str {
    match exchange.message.as_ref().map(|message| message.channel.as_str()) {
        Some("mail") => "by the mail server: nothing is signed and nothing is proved",
        Some(_) | None => "by their webhook: nothing is signed and nothing is proved",
    }
}

/// "by telephone", "in person".
#[must_use]
pub fn told_how(how: &str) -> &'static str {
    if how == "in_person" { "in person" } else { "by telephone" }
}

fn told(exchange: &Listed, reader: Reader, elapsed: Moment) -> String {
    let when =
        exchange.told.as_ref().map(|(at, how)| format!("{} {}: ", told_how(how), reader.near(*at))).unwrap_or_default();
    let still = if exchange.carried.is_some() {
        format!("; still being carried: {}", carrying(exchange, elapsed))
    } else {
        String::new()
    };
    format!("{when}recorded, not signed{still}")
}

fn not_delivered(exchange: &Listed, reader: Reader) -> Tag {
    let late = clock(exchange, ClockKind::PartnerNotice).is_some_and(|clock| clock.open && clock.due < reader.now());
    let tried = exchange.carried.as_ref().is_some_and(|message| message.attempts > 0);
    // They hold an earlier version: only the newest is not delivered.
    let word = match exchange.delivered_revision {
        0 => state_word(State::NotDelivered).to_owned(),
        _ => format!("Version {} not delivered", exchange.revision),
    };
    if late || tried { Tag::red(word) } else { Tag::amber(word) }
}

/// "signed receipt 22:00:01 …, 47 hours 10 minutes before the deadline".
fn receipt(exchange: &Listed, reader: Reader) -> String {
    let Some(at) = exchange.message.as_ref().and_then(|message| message.receipted_at) else {
        return "signed receipt".to_owned();
    };
    let mut small = format!("signed receipt {}", reader.at_second(at));
    if let Some(clock) = clock(exchange, ClockKind::PartnerNotice)
        && clock.ended_at == Some(at)
    {
        let before = clock.due.seconds_since(at);
        let side = if before < 0 { "after" } else { "before" };
        small.push_str(&format!(", {} {side} the deadline", words::length(before)));
    }
    if clock(exchange, ClockKind::PartnerNotice).is_some_and(|clock| clock.proved_late) {
        small.push_str("; proved late");
    }
    small
}

fn withdrawn(exchange: &Listed, reader: Reader, elapsed: Moment) -> String {
    match &exchange.message {
        Some(message) if message.receipted_at.is_some() => {
            format!("they hold the withdrawal: {}", receipt(exchange, reader))
        }
        Some(message) if message.open => format!("the withdrawal is under way: {}", carrying(exchange, elapsed)),
        Some(_) | None => String::new(),
    }
}

/// "38 attempts, next in 4 minutes".
fn carrying(exchange: &Listed, elapsed: Moment) -> String {
    let Some(message) = &exchange.carried else { return String::new() };
    let mut parts = Vec::new();
    if exchange.delivered_revision > 0 {
        parts.push(format!(
            "version {} delivered, version {} under way",
            exchange.delivered_revision, exchange.revision
        ));
    }
    if message.state == "parked" {
        parts.push("their node refused it; it waits for a person".to_owned());
    }
    if message.attempts == 0 {
        parts.push("on its way".to_owned());
    } else {
        let attempts = counted(i64::from(message.attempts), "attempt");
        parts.push(match message.next_attempt_at.map(|at| at.seconds_since(elapsed)).filter(|_| message.open) {
            Some(wait) if wait > 0 => format!("{attempts}, next in {}", words::length(wait)),
            Some(_) | None => attempts,
        });
    }
    parts.join("; ")
}

/// The words of an attempt's outcome over a channel: who answered, and what.
#[must_use]
pub fn outcome(channel: &str, word: &str) -> &'static str {
    match (channel, word) {
        (_, "receipted") => "delivered: a signed receipt came back",
        (_, "accepted") => "accepted; nothing is signed",
        (_, "unconfirmed") => "answered, but without a signed receipt: unconfirmed",
        (_, "not_reached") => "not reached",
        (_, "polled") => "fetched by their node; its signed receipt is awaited",
        ("webhook", "busy") => "their webhook was busy or in trouble",
        ("webhook", "misdirected") => "their webhook did not take it",
        ("mail", "busy") => "the mail server asked to try later",
        ("mail", "misdirected") => "the mail server refused it",
        (_, "busy") => "their node was busy or in trouble",
        (_, "misdirected") => "something other than their node answered",
        (_, word) if RefusedErr::from_word(word).is_some() => "their node refused it",
        (_, _) => "not delivered",
    }
}

/// What a person at the partner says.
#[must_use]
pub fn they_say(exchange: &Listed, reader: Reader) -> Option<Standing> {
    match (&exchange.acknowledgement, exchange.stance) {
        (Some(acknowledgement), _) => Some(they_said(acknowledgement, exchange.revision, reader)),
        (None, Some(stance)) => Some(Standing::new(stance_tag(stance), "")),
        (None, None)
            if matches!(exchange.standing.as_str(), "delivered" | "accepted" | "told")
                || exchange.delivered_revision > 0 =>
        {
            Some(Standing::new(Tag::amber("Nobody has read it"), ""))
        }
        (None, None) => None,
    }
}

/// A partner's acknowledgement in words.
#[must_use]
pub fn they_said(acknowledgement: &Acknowledgement, newest: u32, reader: Reader) -> Standing {
    said(acknowledgement, newest, "their", reader)
}

/// An acknowledgement of ours in words.
#[must_use]
pub fn we_said(acknowledgement: &Acknowledgement, reader: Reader) -> Standing {
    said(acknowledgement, 0, "our", reader)
}

/// `whose` reference it names: of those who acknowledge.
fn said(acknowledgement: &Acknowledgement, newest: u32, whose: &str, reader: Reader) -> Standing {
    let Acknowledgement { revision_seen, stance, reference, name, role, at, by_link, deleted } = acknowledgement;
    let mut small = format!("read by {name}, {}, {}", role_words(role.as_str()), reader.near(*at));
    if *by_link {
        small.push_str(", through a link: recorded, not signed");
    }
    if *deleted {
        small.push_str("; the content was deleted");
    }
    if let Some(reference) = reference {
        small.push_str(&format!("; {whose} reference {reference}"));
    }
    if *revision_seen < newest {
        small.push_str(&format!("; has seen version {revision_seen}"));
    }
    Standing::new(stance_tag(*stance), small)
}

/// "data_protection_officer" → "data protection officer".
#[must_use]
pub fn role_words(role: &str) -> String {
    role.replace('_', " ")
}

/// A stance as a state.
#[must_use]
pub fn stance_tag(stance: Stance) -> Tag {
    match stance {
        Stance::Assessing => Tag::blue(stance.label()),
        Stance::Affected => Tag::amber(stance.label()),
        Stance::NotAffected => Tag::green(stance.label()),
    }
}

/// How a clock stands at `now`, in the words of the pages and the API.
#[must_use]
pub fn clock_word(clock: &Single, now: Moment) -> &'static str {
    match clock.state.as_str() {
        "met" => "Met",
        "met_late" => "Met late",
        "not_required" => "Not required",
        _ if clock.due < now => "Overdue",
        _ => "Running",
    }
}

/// How a clock stands, as a state.
#[must_use]
pub fn clock_tag(clock: &Single, now: Moment) -> Tag {
    let word = clock_word(clock, now);
    match word {
        "Met" => Tag::green(word),
        "Met late" | "Overdue" => Tag::red(word),
        "Not required" => Tag::grey(word),
        _ => Tag::blue(word),
    }
}

/// One clock of an exchange.
#[must_use]
pub fn clock(exchange: &Listed, kind: ClockKind) -> Option<&Single> {
    exchange.clocks.iter().find(|clock| clock.kind == kind)
}

/// What an incident is said to be.
#[must_use]
pub const fn kind_words(kind: IncidentKind) -> &'static str {
    match kind {
        IncidentKind::Breach => "Confirmed breach",
        IncidentKind::LikelyToGiveRise => "Likely to lead to a breach",
        IncidentKind::UnderInvestigation => "Being looked into",
    }
}

/// How pressing a row of the board is: the smaller, the higher it stands.
#[must_use]
pub fn pressing(exchange: &Listed) -> (bool, bool, Option<Moment>, String) {
    let open = exchange.clocks.iter().filter(|clock| clock.open).map(|clock| clock.due).min();
    let outgoing = exchange.direction == Direction::Outgoing;
    (open.is_none(), outgoing && exchange.standing == "delivered", open, exchange.partner_name.clone())
}

#[cfg(test)]
mod tests {
    use domain::delivery::{Channel, Heard};

    use super::*;
    use crate::store::outbox::outcome_word;

    /// Aim: an attempt is put down to whoever answered it, on each channel.
    #[test]
    fn outcomes_name_who_answered() {
        let no = outcome_word(Heard::Misdirected { status: 550 });
        let later = outcome_word(Heard::Busy { retry_after_seconds: None });
        for (channel, who) in
            [(Channel::Node, "their node"), (Channel::Webhook, "their webhook"), (Channel::Mail, "the mail server")]
        {
            for word in [no, later] {
                assert!(outcome(channel.word(), word).contains(who), "{channel:?}: {word}");
            }
        }
        for err in RefusedErr::ALL {
            assert_eq!(outcome("node", outcome_word(Heard::Refused { err })), "their node refused it");
        }
    }
}
