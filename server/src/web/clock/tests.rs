//! What a clock says.

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
        own_target: false,
        last_step: None,
        next_step: None,
        in_hand: None,
        carrying: None,
        rings: Vec::new(),
        fired: 0,
        ticks: vec![-1_440, -720, -360, -120, -30, 0],
        lapses_at: None,
        unseen: Vec::new(),
        instead: false,
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
    assert_eq!(early.anchor, "48 hours from 02:10 on Sunday 1 March 2026 (GMT), when we became aware of the breach.");
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

/// Aim: the law's time is said to be law, with its later limit; a promise never is; both lead to the complaint.
#[test]
fn a_complaint_says_whose_time_it_is() {
    let zone = chrono_tz::Europe::London;
    let law = Group {
        kind: ClockKind::ComplaintAcknowledgement,
        open: 1,
        all: 1,
        anchor: Anchor::ComplaintReceived,
        anchored_at: at("2026-11-23T10:00:00Z"),
        due: at("2026-12-22T23:59:59.999999Z"),
        legal_limit: Some(at("2026-12-23T23:59:59.999999Z")),
        reference: "CP-2026-0007".to_owned(),
        ..group()
    };
    let part = |group: &Group, now| ClockPart::of(group, Reader::new(zone, at(now)), None);
    let early = part(&law, "2026-12-20T10:00:00Z");
    assert_eq!(format!("{}{}{}", early.duty, early.duty_link, early.duty_tail), "Acknowledge a complaint, by law");
    assert_eq!((early.about_link.as_str(), &early.about_href), ("CP-2026-0007", &early.duty_href));
    assert_eq!(early.duty_href, format!("/complaints/{}", law.stream));
    assert_eq!(early.tag.word(), "Not acknowledged");
    assert_eq!(
        early.anchor,
        "By law: 30 days from 10:00 on Monday 23 November 2026 (GMT), when the complaint reached us, counting that day (Data \
         Protection Act 2018, section 164A). The legal limit is 23:59 on Wednesday 23 December, counting from the day after."
    );
    let between = part(&law, "2026-12-23T10:00:00Z");
    assert!(between.over() && between.due.starts_with("overdue since"), "{}", between.due);
    assert!(between.next.iter().any(|line| line.words.ends_with("within the legal limit")), "{:?}", between.next);
    let after = part(&law, "2026-12-24T10:00:00Z");
    assert!(after.next.iter().any(|line| line.words == "After the legal limit"), "{:?}", after.next);
    for (kind, duty) in [
        (ClockKind::ComplaintPromisedAcknowledgement, "Acknowledge a complaint, as we promise"),
        (ClockKind::ComplaintPromisedAnswer, "Tell whoever complained the outcome, as we promise"),
    ] {
        let promise = part(&Group { kind, own_target: true, legal_limit: None, ..law.clone() }, "2026-12-23T10:00:00Z");
        assert_eq!(format!("{}{}", promise.duty_link, promise.duty_tail), duty);
        assert!(promise.due.starts_with("our own promise passed"), "{}", promise.due);
        assert!(
            promise.anchor.starts_with("Our own promise") && !promise.anchor.contains("By law"),
            "{}",
            promise.anchor
        );
    }
}
