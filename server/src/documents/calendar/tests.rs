//! Calendars in and out.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use chrono_tz::Europe::London;
use domain::clock::ClockKind;
use proptest::prelude::*;

use super::*;
use crate::store::queries::deadlines::Deadline;

fn at(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

fn calendar(event: &str) -> String {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\n{event}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
}

fn read(event: &str) -> Result<Vec<Entry>, Vec<Fault>> {
    parse(&calendar(event), London, at("2026-03-01T00:00:00Z"))
}

fn times(event: &str) -> Vec<(Moment, Moment)> {
    read(event).unwrap().into_iter().map(|entry| (entry.from, entry.until)).collect()
}

/// Aim: one shift, folded, with its zone, attendee and title, an alarm and a time zone in it passed over.
#[test]
fn one_shift_is_read() {
    let found = read(
        "UID:1\r\nSUMMARY:On call\\, first\r\n  line\r\nDTSTART;TZID=Europe/London:20260330T090000\r\nDTEND:20260330T160000Z\r\n\
         ATTENDEE;CN=\"A: One\";ROLE=REQ-PARTICIPANT:mailto:Ann@Example.org\r\nBEGIN:VALARM\r\nTRIGGER:-PT5M\r\nEND:VALARM",
    );
    let found = found.unwrap();
    assert_eq!(found.len(), 1);
    let entry = &found[0];
    assert_eq!((entry.line, entry.title.as_str()), (3, "On call, first line"));
    assert_eq!(entry.mailboxes, ["ann@example.org"]);
    assert_eq!((entry.from, entry.until), (at("2026-03-30T08:00:00Z"), at("2026-03-30T16:00:00Z")));
}

/// Aim: weekly and daily repetitions keep the clock on the wall, end where they say, and leave out what is excepted.
#[test]
fn repetitions_are_expanded() {
    let weekly = times(
        "DTSTART;TZID=Europe/London:20260316T180000\r\nDURATION:PT14H\r\nRRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=5\r\n\
         EXDATE;TZID=Europe/London:20260318T180000",
    );
    let begins: Vec<_> = weekly.iter().map(|(from, _)| *from).collect();
    let expected = ["2026-03-16T18:00:00Z", "2026-03-23T18:00:00Z", "2026-03-25T18:00:00Z", "2026-03-30T17:00:00Z"];
    assert_eq!(begins, expected.map(at));
    let every_other =
        times("DTSTART:20260302T090000Z\r\nDTEND:20260302T170000Z\r\nRRULE:FREQ=DAILY;INTERVAL=2;UNTIL=20260306");
    assert_eq!(every_other.len(), 3);
    let old = times("DTSTART:20200101T000000Z\r\nDTEND:20200102T000000Z\r\nRRULE:FREQ=WEEKLY;INTERVAL=1");
    assert_eq!(old.len(), 52, "only what is still to come, for a year");
    assert_eq!(times("DTSTART:20260228T000000Z\r\nDTEND:20260228T230000Z"), [], "over");
}

/// Aim: what is not understood is refused with its line; nothing is taken then.
#[test]
fn what_is_not_understood_is_named() {
    for (event, line, part) in [
        ("DTSTART:20260302T090000Z", 3, "does not say when it ends"),
        ("DTEND:20260302T090000Z", 3, "does not say when it begins"),
        ("DTSTART:20260302T090000Z\r\nDTEND:20260302T080000Z", 3, "ends before it begins"),
        ("DTSTART:2026-03-02\r\nDTEND:20260302T080000Z", 4, "not a date and time"),
        ("DTSTART;TZID=Mars/Base:20260302T090000\r\nDTEND:20260302T100000Z", 4, "Mars/Base"),
        ("DTSTART:20260302T090000Z\r\nDURATION:PT8X", 5, "not a length"),
        ("DTSTART:20260302T090000Z\r\nDURATION:PT8H\r\nRRULE:FREQ=MONTHLY", 6, "FREQ=MONTHLY"),
        ("DTSTART:20260302T090000Z\r\nDURATION:PT8H\r\nRRULE:FREQ=WEEKLY;BYDAY=1MO", 6, "BYDAY=1MO"),
        ("DTSTART:20260302T090000Z\r\nDURATION:PT8H\r\nRECURRENCE-ID:20260302T090000Z", 6, "RECURRENCE-ID"),
        ("no colon", 4, "not a line of a calendar"),
    ] {
        let faults = read(event).unwrap_err();
        assert!(faults.iter().any(|fault| fault.line == line && fault.message.contains(part)), "{event}: {faults:?}");
    }
    for text in ["", "hello", "BEGIN:VCALENDAR\nEND:VCALENDAR", "BEGIN:VCALENDAR\nBEGIN:VEVENT\n"] {
        assert!(parse(text, London, at("2026-03-01T00:00:00Z")).is_err(), "{text}");
    }
    let long = "A".repeat(CALENDAR_OCTETS_MAX + 1);
    assert!(parse(&long, London, Moment::EPOCH).unwrap_err()[0].message.contains("256 KB"));
    let many = "DTSTART:20260302T000000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\n\
                DTSTART:20260302T010000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY";
    assert!(read(many).unwrap_err().iter().any(|fault| fault.message.contains("500 shifts")));
}

fn deadline() -> Deadline {
    Deadline {
        uid: "00000000-0000-0000-0000-000000000007.partner_notice".to_owned(),
        kind: ClockKind::PartnerNotice,
        due: at("2026-03-05T02:10:00Z"),
        anchored_at: at("2026-03-03T02:10:00Z"),
        reference: "TC-2026-0042".to_owned(),
        partner: Some("Ex\u{e4}mple Council; North, with a name that is longer than one line".to_owned()),
        partners: 1,
        exercise: true,
        sequence: 12,
        path: "/incidents/7".to_owned(),
        alarms: vec![-120, 0],
    }
}

/// Aim: an entry has a stable name, its sequence, its alarms, and no line longer than the standard lets it be.
#[test]
fn a_deadline_is_written() {
    let text = write::deadlines("Example Operator", "https://node-a.example", &[deadline()]);
    assert!(text.lines().all(|line| line.len() <= 75), "{text}");
    let whole = text.replace("\r\n ", "");
    for line in [
        "UID:00000000-0000-0000-0000-000000000007.partner_notice@node-a.example\r\n",
        "SEQUENCE:12\r\n",
        "DTSTART:20260305T014000Z\r\nDTEND:20260305T021000Z\r\n",
        "SUMMARY:EXERCISE: TC-2026-0042: tell Ex\u{e4}mple Council\\; North\\, with",
        "TRIGGER;RELATED=END:-PT120M\r\n",
        "TRIGGER;RELATED=END:PT0M\r\n",
        "URL:https://node-a.example/incidents/7\r\n",
    ] {
        assert!(whole.contains(line), "{line}: {whole}");
    }
    assert_eq!(text, write::deadlines("Example Operator", "https://node-a.example", &[deadline()]));
}

proptest! {
    /// Whatever is read, it ends, and what is taken lies in the year to come.
    #[test]
    fn no_text_is_too_strange(event in "(DTSTART|DTEND|RRULE|EXDATE|DURATION|ATTENDEE)[;:=A-Z0-9,\"\\r\\n ]{0,80}") {
        if let Ok(entries) = read(&format!("DTSTART:20260302T090000Z\r\nDURATION:PT8H\r\n{event}")) {
            prop_assert!(entries.len() <= SHIFTS_MAX);
        }
    }
}
