//! The words of mails. None says what happened: who reads a mail on its way, and who has the mailbox open, is not known.
//! Times carry their zone, because mail is read anywhere.

use chrono_tz::Tz;
use domain::arrangement::{FallbackCall, FallbackPlace};
use domain::clock::ClockKind;
use domain::delivery::Class;
use domain::ladder::Reached;
use domain::report::Organisation;
use domain::values::{Hours, Line, Moment};

use super::step_words::{at, counted, length};
use crate::store::outbox::OutKind;

/// What begins the subject of everything about a drill.
const EXERCISE: &str = "EXERCISE: ";

/// What a mail to a partner is made from.
pub(super) struct ToPartner<'a> {
    pub(super) us: &'a Organisation,
    pub(super) partner: &'a Line,
    pub(super) kind: OutKind,
    pub(super) exercise: bool,
    /// Within how many hours they answer, by the arrangement.
    pub(super) answer_hours: Option<Hours>,
    pub(super) link: &'a str,
    pub(super) good_until: Moment,
    pub(super) zone: Tz,
}

/// Subject and text of a mail that says that something waits.
pub(super) fn to_partner(about: &ToPartner<'_>) -> (String, String) {
    let (us, partner) = (&about.us.name, about.partner);
    let drill = if about.exercise { EXERCISE } else { "" };
    let (subject, begins) = match about.kind.class() {
        Class::FirstWord => (
            format!("{drill}A security notice from {us} is waiting for you"),
            format!(
                "{us} has a notice for {partner}. It is about the security of personal data for which you are both responsible."
            ),
        ),
        Class::Other | Class::Heartbeat | Class::Introduction => (
            format!("{drill}News about a security notice from {us} is waiting for you"),
            format!("{us} has news for {partner} about a security notice that you had from them."),
        ),
    };
    let mut text = String::new();
    if about.exercise {
        text.push_str("This is an exercise. Nothing in it has happened. Please act as if it had.\n\n");
    }
    text.push_str(&format!("{begins} Read it here, and say there that you have read it. You need no account:\n\n"));
    text.push_str(&format!("{}\n\n", about.link));
    if let Some(hours) = about.answer_hours {
        text.push_str(&format!("Please answer within {}.\n\n", counted(i64::from(hours.get()), "hour")));
    }
    text.push_str(&format!(
        "The link is meant for {partner} alone, and is good until {}. This mail says nothing of what it is about, on \
         purpose.\n\n",
        at(about.good_until, about.zone)
    ));
    text.push_str(&format!(
        "If you doubt that this mail is genuine, do not open the link: ring {us} on a number that you know already.{}\n\n",
        numbers(about.us)
    ));
    text.push_str("Nobody reads answers to this mail.\n");
    (subject, text)
}

/// "Theirs is 020 7946 0000; out of hours 020 7946 0001."
fn numbers(us: &Organisation) -> String {
    let contact = us.dpo.as_ref().unwrap_or(&us.contact);
    match (&contact.phone, &contact.out_of_hours) {
        (Some(phone), Some(late)) => format!(" The one that they give is {phone}; out of hours {late}."),
        (Some(phone), None) | (None, Some(phone)) => format!(" The one that they give is {phone}."),
        (None, None) => String::new(),
    }
}

/// A partner to ring: whom, and where the call is recorded.
pub(super) struct Rung {
    pub(super) name: String,
    pub(super) call: FallbackCall,
    pub(super) link: String,
}

/// What a mail about a step of a ladder is made from.
pub(super) struct ToPerson<'a> {
    pub(super) us: &'a Line,
    pub(super) name: &'a Line,
    /// The incident's reference, or that of the notice received.
    pub(super) reference: &'a str,
    pub(super) exercise: bool,
    pub(super) duty: ClockKind,
    pub(super) due: Moment,
    /// The law's limit, where it is later.
    pub(super) limit: Option<Moment>,
    /// Minutes from the due instant; negative before it.
    pub(super) offset_minutes: i32,
    /// Partners outstanding; 0 for a duty that is not about partners.
    pub(super) outstanding: u32,
    /// Whom to ring now, for the first partners outstanding.
    pub(super) rings: &'a [Rung],
    /// Names of those who have not seen the step before.
    pub(super) unseen: &'a [String],
    /// Whom the step reached, and what it asks of them.
    pub(super) reached: &'a Reached,
    pub(super) link: &'a str,
    pub(super) zone: Tz,
}

/// What a duty asks, after "left to".
const fn duty_words(duty: ClockKind) -> &'static str {
    match duty {
        ClockKind::PartnerNotice => "tell partners",
        ClockKind::PartnerAcknowledgement => "have partners acknowledge",
        ClockKind::IcoReport => "report to the ICO, or decide that no report is due",
        ClockKind::Assistance => "answer a request of a partner",
        ClockKind::PeopleTold => "tell the people affected (our own target; the law names no time)",
        ClockKind::FollowUp => "follow the ICO report up (our own target; the law names no time)",
        ClockKind::ComplaintAcknowledgement => "acknowledge a complaint, by law",
        ClockKind::ComplaintPromisedAcknowledgement => "acknowledge a complaint (our own promise)",
        ClockKind::ComplaintPromisedAnswer => {
            "tell whoever complained the outcome (our own promise; the law names no time)"
        }
    }
}

/// Subject and text of a mail that says that time runs short.
pub(super) fn to_person(about: &ToPerson<'_>) -> (String, String) {
    let drill = if about.exercise { EXERCISE } else { "" };
    let duty = duty_words(about.duty);
    let left = length(about.duty, about.offset_minutes);
    let when = match about.offset_minutes {
        i32::MIN..=-1 => format!("{left} left to {duty}"),
        0 => format!("due now: {duty}"),
        1.. => format!("overdue by {left}: {duty}"),
    };
    let subject = format!("{drill}{}: {when}", about.reference);
    let mut text = format!("{},\n\n", about.name);
    if about.exercise {
        text.push_str("This is an exercise: its clocks run, and nothing in it has happened.\n\n");
    }
    text.push_str(&format!("Duty: {duty} ({}).\nDue: {}.\n", about.reference, at(about.due, about.zone)));
    if let Some(limit) = about.limit {
        text.push_str(&format!("The legal limit: {}.\n", at(limit, about.zone)));
    }
    if about.outstanding > 0 {
        text.push_str(&format!("Outstanding: {}.\n", counted(i64::from(about.outstanding), "partner")));
    }
    if !about.unseen.is_empty() {
        text.push_str(&format!("Not seen yet by: {}.\n", about.unseen.join(", ")));
    }
    if about.reached.instead {
        text.push_str("Nobody on call could be reached, so this goes to the managers.\n");
    }
    text.push_str(match about.duty {
        ClockKind::PartnerNotice => {
            "\nNobody has confirmed that they were told. Ring them: the page names whom, with telephone numbers, and takes \
             the record of the call, which ends the duty.\n"
        }
        ClockKind::PartnerAcknowledgement => {
            "\nNo person there has said that they read the notice. Ring them: the page names whom, with telephone \
             numbers.\n"
        }
        ClockKind::IcoReport
        | ClockKind::Assistance
        | ClockKind::PeopleTold
        | ClockKind::FollowUp
        | ClockKind::ComplaintAcknowledgement
        | ClockKind::ComplaintPromisedAcknowledgement
        | ClockKind::ComplaintPromisedAnswer => "",
    });
    for ring in about.rings {
        let (who, number, link) = (&ring.call.who, &ring.call.number, &ring.link);
        let place = place_words(ring.call.place);
        text.push_str(&format!("\nRing {}: {who}, {number} ({place}).\nRecord the call: {link}\n", ring.name));
    }
    text.push_str(&format!("\n{}\n\n", about.link));
    if about.reached.must_see {
        text.push_str("Please say on that page that you have seen this. Who has not is named at the next step.\n");
    }
    text.push_str("These mails stop while somebody has the duty in hand on that page, and for good when it is met.\n");
    text.push_str(&format!(
        "{} sends them to you because its plan for such duties names you. Nobody reads answers to this mail.\n",
        about.us
    ));
    (subject, text)
}

/// Subject and text of a mail that an administrator sends to themselves.
pub(super) fn test(us: &Line, name: &Line) -> (String, String) {
    let text = format!(
        "{name},\n\nyou asked the node of {us} for this mail. It has arrived, so mail leaves the node.\n\nNobody reads answers to this mail.\n"
    );
    (format!("Test mail from the node of {us}"), text)
}

/// When a number is answered.
const fn place_words(place: FallbackPlace) -> &'static str {
    match place {
        FallbackPlace::Named => "first contact, in working hours",
        FallbackPlace::Secondary => "next contact, in working hours",
        FallbackPlace::OutOfHours => "out of hours",
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use domain::facts::Contact;

    use super::*;

    fn us() -> Organisation {
        let line = |text: &str| Line::parse(text).unwrap();
        Organisation {
            name: line("Example Operator"),
            contact: Contact {
                role: line("Data protection officer"),
                email: None,
                phone: Some(line("+44 20 7946 0000")),
                out_of_hours: None,
            },
            dpo: None,
            address: None,
            ico_registration: None,
            sector: None,
        }
    }

    /// Aim: the mail to a partner has the link, until when, within what time and the number to ring; a drill says so first.
    #[test]
    fn a_mail_to_a_partner() {
        let (us, partner) = (us(), Line::parse("Example Council").unwrap());
        let about = |kind, exercise| ToPartner {
            us: &us,
            partner: &partner,
            kind,
            exercise,
            answer_hours: Hours::new(8).ok(),
            link: "https://node-a.example/ack/abc",
            good_until: Moment::parse("2026-07-01T09:10:00Z").unwrap(),
            zone: Tz::Europe__London,
        };
        let (subject, text) = to_partner(&about(OutKind::Notified, false));
        assert_eq!(subject, "A security notice from Example Operator is waiting for you");
        for part in
            ["https://node-a.example/ack/abc\n", "within 8 hours", "10:10 on Wednesday 1 July 2026 (BST)", "+44 20"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        let (subject, text) = to_partner(&about(OutKind::Withdrawn, true));
        assert!(subject.starts_with("EXERCISE: News about"), "{subject}");
        assert!(text.starts_with("This is an exercise."), "{text}");
        assert!(!text.contains("withdraw"), "what became of it is on the page");
    }

    /// Aim: steps before, at and after the due instant are said in plain words.
    #[test]
    fn a_mail_about_a_step() {
        let (us, name) = (Line::parse("Example Operator").unwrap(), Line::parse("M. Manager").unwrap());
        let subject = |offset_minutes, duty| {
            let about = ToPerson {
                us: &us,
                name: &name,
                reference: "INC-2026-0001",
                exercise: false,
                duty,
                due: Moment::parse("2026-03-03T02:10:00Z").unwrap(),
                limit: None,
                offset_minutes,
                outstanding: 3,
                rings: &[],
                unseen: &["R. Responder".to_owned()],
                reached: &Reached { must_see: true, ..Reached::default() },
                link: "https://node-a.example/incidents/1",
                zone: Tz::Europe__London,
            };
            to_person(&about)
        };
        let (words, text) = subject(-120, ClockKind::PartnerNotice);
        assert_eq!(words, "INC-2026-0001: 2 hours left to tell partners");
        assert!(text.contains("Not seen yet by: R. Responder.") && text.contains("Please say on that page"), "{text}");
        assert!(text.contains("Outstanding: 3 partners.") && text.contains("Nobody has confirmed"), "{text}");
        assert!(text.contains("02:10 on Tuesday 3 March 2026 (GMT)"), "{text}");
        assert_eq!(subject(0, ClockKind::PartnerNotice).0, "INC-2026-0001: due now: tell partners");
        assert!(subject(-30, ClockKind::IcoReport).0.contains("30 minutes left to report to the ICO"));
        assert!(subject(60, ClockKind::PartnerNotice).0.contains("overdue by 1 hour: "));
        assert!(subject(2_880, ClockKind::PartnerNotice).0.contains("overdue by 2 days: "));
        let complaint = subject(-1_440, ClockKind::ComplaintAcknowledgement).0;
        assert_eq!(complaint, "INC-2026-0001: 1 day left to acknowledge a complaint, by law");
    }
}
