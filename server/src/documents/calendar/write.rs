//! Deadlines as a calendar that programs subscribe to (RFC 5545). It holds references, duties, names of partners and
//! addresses of our pages; who reads them signs in there. The same deadlines give the same octets.

use domain::clock::ClockKind;
use domain::values::Moment;

use crate::store::queries::deadlines::Deadline;

/// An entry begins so long before its duty is due, and ends when it is, in seconds.
const SHOWN_SECONDS: i64 = 1_800;
/// Octets of one line (section 3.1).
const LINE_OCTETS: usize = 75;

/// The calendar of an organisation's deadlines; `issuer` is where our pages are.
#[must_use]
pub fn deadlines(organisation: &str, issuer: &str, entries: &[Deadline]) -> String {
    let host = issuer.split_once("://").map_or(issuer, |(_, host)| host);
    let mut text = String::new();
    for line in [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Tocsin//Deadlines//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "REFRESH-INTERVAL;VALUE=DURATION:PT15M",
        "X-PUBLISHED-TTL:PT15M",
    ] {
        fold(&mut text, line);
    }
    fold(&mut text, &format!("X-WR-CALNAME:{}", escaped(&format!("Deadlines of {organisation}"))));
    for entry in entries {
        event(&mut text, host, issuer, entry);
    }
    fold(&mut text, "END:VCALENDAR");
    text
}

fn event(text: &mut String, host: &str, issuer: &str, entry: &Deadline) {
    let drill = if entry.exercise { "EXERCISE: " } else { "" };
    let summary = format!("{drill}{}: {}", entry.reference, duty(entry));
    fold(text, "BEGIN:VEVENT");
    fold(text, &format!("UID:{}@{host}", entry.uid));
    fold(text, &format!("DTSTAMP:{}", instant(entry.anchored_at)));
    fold(text, &format!("SEQUENCE:{}", entry.sequence));
    fold(text, &format!("DTSTART:{}", instant(entry.due.plus_seconds(-SHOWN_SECONDS))));
    fold(text, &format!("DTEND:{}", instant(entry.due)));
    fold(text, &format!("SUMMARY:{}", escaped(&summary)));
    fold(text, &format!("URL:{issuer}{}", entry.path));
    fold(text, "CLASS:CONFIDENTIAL");
    fold(text, "TRANSP:TRANSPARENT");
    for minutes in &entry.alarms {
        let before = minutes.unsigned_abs();
        let trigger = if before == 0 { "PT0M".to_owned() } else { format!("-PT{before}M") };
        fold(text, "BEGIN:VALARM");
        fold(text, "ACTION:DISPLAY");
        fold(text, &format!("DESCRIPTION:{}", escaped(&summary)));
        fold(text, &format!("TRIGGER;RELATED=END:{trigger}"));
        fold(text, "END:VALARM");
    }
    fold(text, "END:VEVENT");
}

fn duty(entry: &Deadline) -> String {
    let whom = match (&entry.partner, entry.partners) {
        (Some(name), _) => name.clone(),
        (None, 0 | 1) => "a partner".to_owned(),
        (None, many) => format!("{many} partners"),
    };
    match entry.kind {
        ClockKind::PartnerNotice => format!("tell {whom}"),
        ClockKind::PartnerAcknowledgement => format!("have {whom} acknowledge"),
        ClockKind::IcoReport => "report to the ICO, or decide that none is due".to_owned(),
        ClockKind::Assistance => format!("answer {whom}"),
        ClockKind::PeopleTold => "tell the people affected, by our own target".to_owned(),
        ClockKind::FollowUp => "tell the ICO what was not known yet, by our own target".to_owned(),
        ClockKind::ComplaintAcknowledgement => "acknowledge the complaint, by law".to_owned(),
        ClockKind::ComplaintPromisedAcknowledgement => "acknowledge the complaint, by our own promise".to_owned(),
        ClockKind::ComplaintPromisedAnswer => "tell whoever complained the outcome, by our own promise".to_owned(),
    }
}

fn instant(at: Moment) -> String {
    at.to_chrono().format("%Y%m%dT%H%M%SZ").to_string()
}

/// A text with its escapes (section 3.3.11).
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | ';' | ',' => safe.extend(['\\', character]),
            '\n' => safe.push_str("\\n"),
            other if other.is_control() => {}
            other => safe.push(other),
        }
    }
    safe
}

/// Adds a line, folded so that none is longer than the standard lets it be.
fn fold(text: &mut String, line: &str) {
    let mut octets = 0;
    for character in line.chars() {
        if octets + character.len_utf8() > LINE_OCTETS {
            text.push_str("\r\n ");
            octets = 1;
        }
        text.push(character);
        octets += character.len_utf8();
    }
    text.push_str("\r\n");
}
