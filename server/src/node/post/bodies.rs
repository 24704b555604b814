//! What an integration is sent: one sentence and codes, in the form that it takes.

use chrono_tz::Tz;
use domain::clock::ClockKind;
use serde_json::{Map, Value, json};

use super::super::step_words::{at, length, minutes};
use crate::store::endpoints::Format;
use crate::store::posts::{Names, Occasion, Step, Subscribed};

/// What is told.
pub(super) struct About<'a> {
    pub(super) event: Subscribed,
    pub(super) occasion: &'a Occasion,
    pub(super) names: &'a Names,
}

/// Who tells it.
pub(super) struct Place<'a> {
    pub(super) issuer: &'a str,
    pub(super) zone: Tz,
}

/// The body in the form that the integration takes.
pub(super) fn body(format: Format, about: &About<'_>, place: &Place<'_>) -> Vec<u8> {
    let link = format!("{}{}", place.issuer, path(about));
    let body = match format {
        Format::Standard => standard(about, &link, &sentence(about, place, str::to_owned)),
        Format::Slack => json!({ "text": format!("{} <{link}|Open>", sentence(about, place, slack)) }),
        Format::Teams => teams(&sentence(about, place, teams_text), &link),
    };
    // A value of our own always has its JSON.
    serde_json::to_vec(&body).unwrap_or_default()
}

/// Where a person reads more.
fn path(about: &About<'_>) -> String {
    let occasion = about.occasion;
    match (occasion.exchange, occasion.incident) {
        (Some(exchange), _) if about.names.incoming => format!("/received/{exchange}"),
        (Some(exchange), _) => format!("/exchanges/{exchange}"),
        (None, Some(incident)) => format!("/incidents/{incident}"),
        (None, None) => occasion.complaint.map_or_else(|| "/".to_owned(), |id| format!("/complaints/{id}")),
    }
}

fn standard(about: &About<'_>, link: &str, sentence: &str) -> Value {
    let (occasion, names) = (about.occasion, about.names);
    let mut data = Map::new();
    let mut put = |name: &str, value: Option<Value>| data.extend(value.map(|value| (name.to_owned(), value)));
    put("summary", Some(json!(sentence)));
    put("url", Some(json!(link)));
    put("exercise", occasion.exercise.then_some(json!(true)));
    put("incident", occasion.incident.map(|id| json!({ "id": id, "reference": names.incident })));
    let incoming = names.incoming;
    put("exchange", occasion.exchange.map(|id| json!({ "id": id, "reference": names.exchange, "incoming": incoming })));
    put("complaint", occasion.complaint.map(|id| json!({ "id": id, "reference": names.complaint })));
    put("partner", occasion.partner.map(|id| json!({ "id": id, "name": names.partner })));
    put("revision", occasion.revision.map(|revision| json!(revision)));
    put("stance", occasion.stance.map(|stance| json!(stance.word())));
    put(
        "clock",
        occasion.step.map(|step| {
            let mut clock = json!({ "kind": step.clock.word(), "due_at": step.due.to_wire(),
                "offset_minutes": step.offset_minutes, "partners_outstanding": step.partners });
            if let (Some(limit), Some(clock)) = (step.limit, clock.as_object_mut()) {
                clock.insert("legal_limit_at".to_owned(), json!(limit.to_wire()));
            }
            clock
        }),
    );
    json!({ "type": about.event.word(), "timestamp": occasion.at.to_wire(), "data": data })
}

fn teams(sentence: &str, link: &str) -> Value {
    json!({ "type": "message", "attachments": [{
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": null,
        "content": {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": [{ "type": "TextBlock", "text": sentence, "wrap": true }],
            "actions": [{ "type": "Action.OpenUrl", "title": "Open", "url": link }],
        },
    }] })
}

/// Names are other people's words: in Slack's text these three characters begin something.
fn slack(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// In a card's text these characters mark emphasis and links.
fn teams_text(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '*' | '_' | '[' | ']' | '(' | ')' | '\\' | '`' | '#' | '<' | '>') {
            plain.push('\\');
        }
        plain.push(character);
    }
    plain
}

/// What happened, for a person; `plain` makes names harmless.
fn sentence(about: &About<'_>, place: &Place<'_>, plain: fn(&str) -> String) -> String {
    let (occasion, names) = (about.occasion, about.names);
    let partner = names.partner.as_deref().map_or_else(|| "A partner".to_owned(), plain);
    let of = |reference: &Option<String>| reference.as_deref().map_or_else(|| "an incident".to_owned(), plain);
    let version = occasion.revision.unwrap_or_default();
    let said = match about.event {
        Subscribed::IncidentLogged => format!("Incident {} was logged.", of(&names.incident)),
        Subscribed::NoticeReceived => format!("{partner} sent us a notice, their reference {}.", of(&names.exchange)),
        Subscribed::Receipt => {
            format!("{partner}: their node signed for version {version} of our notice about {}.", of(&names.incident))
        }
        Subscribed::Acknowledgement => {
            let stance = occasion.stance.map_or("", |stance| stance.label());
            format!(
                "{partner}: a person has read version {version} of our notice about {}: {stance}.",
                of(&names.incident)
            )
        }
        Subscribed::ClockStep | Subscribed::ClockOverdue | Subscribed::ReportDue => {
            let reference = names.incident.as_ref().or(names.exchange.as_ref()).or(names.complaint.as_ref());
            step(occasion.step.as_ref(), &of(&reference.cloned()), place.zone)
        }
        Subscribed::Test => "This is a test: nothing has happened.".to_owned(),
    };
    if occasion.exercise { format!("EXERCISE. {said}") } else { said }
}

fn step(step: Option<&Step>, reference: &str, zone: Tz) -> String {
    let Some(step) = step else { return format!("A clock of {reference} reached a step.") };
    let duty = match step.clock {
        ClockKind::PartnerNotice => "Telling the partners",
        ClockKind::PartnerAcknowledgement => "Acknowledgement by the partners",
        ClockKind::IcoReport => "The report to the ICO",
        ClockKind::Assistance => "The answer to a request for assistance",
        ClockKind::PeopleTold => "Telling the people affected (our own target)",
        ClockKind::FollowUp => "The follow-up to the ICO (our own target)",
        ClockKind::ComplaintAcknowledgement => "Acknowledging a complaint, by law,",
        ClockKind::ComplaintPromisedAcknowledgement => "Acknowledging a complaint (our own promise)",
        ClockKind::ComplaintPromisedAnswer => "Answering a complaint (our own promise)",
    };
    let (due, minutes) = (at(step.due, zone), minutes(step));
    let length = length(step.clock, minutes);
    let left = match minutes {
        0 => format!("is due now, {due}"),
        ..0 => format!("is due at {due}, in {length}"),
        1.. => format!("was due at {due}, {length} ago"),
    };
    let limit = step.limit.map(|limit| format!(" The legal limit: {}.", at(limit, zone))).unwrap_or_default();
    let outstanding = match step.partners {
        0 => String::new(),
        1 => " One partner is outstanding.".to_owned(),
        partners => format!(" {partners} partners are outstanding."),
    };
    format!("{reference}: {duty} {left}.{limit}{outstanding}")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use chrono_tz::Europe::London;
    use domain::values::{ComplaintId, IncidentId, Moment};
    use uuid::Uuid;

    const PLACE: Place<'static> = Place { issuer: "https://node-a.example", zone: London };

    fn after(seconds: i64) -> Moment {
        Moment::from_unix_seconds(1_795_253_400 + seconds).unwrap()
    }

    fn read(format: Format, event: Subscribed, occasion: &Occasion) -> Value {
        let names = Names {
            incident: Some("TC-2026-0042".to_owned()),
            partner: Some("Town & <Country> [Council]".to_owned()),
            ..Names::default()
        };
        serde_json::from_slice(&body(format, &About { event, occasion, names: &names }, &PLACE)).unwrap()
    }

    fn stepped(offset_minutes: i32) -> Occasion {
        let (clock, due) = (ClockKind::PartnerNotice, after(7_200));
        let step = Step { clock, due, offset_minutes, partners: 3, fired_minutes: None, limit: None };
        Occasion {
            incident: Some(IncidentId::from_uuid(Uuid::nil())),
            step: Some(step),
            exercise: true,
            ..Occasion::of(step.event(), after(0))
        }
    }

    /// Aim: codes, references and a link for programs; a drill is marked.
    #[test]
    fn standard_bodies() {
        let body = read(Format::Standard, Subscribed::ClockStep, &stepped(-120));
        assert_eq!((&body["type"], &body["timestamp"]), (&json!("clock_step"), &json!("2026-11-21T09:30:00Z")));
        let data = &body["data"];
        assert_eq!(data["incident"]["reference"], "TC-2026-0042");
        assert_eq!(data["clock"]["due_at"], "2026-11-21T11:30:00Z");
        assert_eq!(data["exercise"], true);
        assert_eq!(data["url"], "https://node-a.example/incidents/00000000-0000-0000-0000-000000000000");
        assert_eq!(
            data["summary"],
            "EXERCISE. TC-2026-0042: Telling the partners is due at 11:30 on Saturday 21 November 2026 (GMT), in 2 hours. \
             3 partners are outstanding."
        );
    }

    /// Aim: names that are other people's words make no links and no emphasis in a chat.
    #[test]
    fn chats() {
        let occasion = Occasion { revision: Some(1), ..Occasion::of(Subscribed::Receipt, after(0)) };
        let slack = read(Format::Slack, Subscribed::Receipt, &occasion);
        let text = slack["text"].as_str().unwrap();
        assert!(text.starts_with("Town &amp; &lt;Country&gt; [Council]: their node signed"), "{text}");
        assert!(text.ends_with(" <https://node-a.example/|Open>"), "{text}");
        let teams = read(Format::Teams, Subscribed::Receipt, &occasion);
        let card = &teams["attachments"][0]["content"];
        assert!(card["body"][0]["text"].as_str().unwrap().starts_with(r"Town & \<Country\> \[Council\]: "), "{card}");
        assert_eq!(card["actions"][0]["url"], "https://node-a.example/");
    }

    #[test]
    fn steps_in_words() {
        for (offset, words) in [(-30, "in 30 minutes"), (0, "is due now"), (65, "1 hour and 5 minutes ago")] {
            let body = read(Format::Standard, Subscribed::ClockStep, &stepped(offset));
            assert!(body["data"]["summary"].as_str().unwrap().contains(words), "{words}: {body}");
        }
    }

    /// Aim: of a complaint, in days, what is true when the step fires, as its mail has it; with the law's limit, and with
    /// neither an incident nor an exchange.
    #[test]
    fn steps_of_complaints() {
        let due = Moment::parse("2026-12-22T23:59:59.999999Z").unwrap();
        let said = |clock, offset_minutes, fired: i32| {
            let limit = (clock == ClockKind::ComplaintAcknowledgement).then(|| due.plus_seconds(86_400));
            let step = Step { clock, due, offset_minutes, partners: 0, fired_minutes: Some(fired), limit };
            let complaint = Some(ComplaintId::from_uuid(Uuid::nil()));
            let occasion = Occasion { complaint, step: Some(step), ..Occasion::of(step.event(), due) };
            let names = Names { complaint: Some("CP-2026-0007".to_owned()), ..Names::default() };
            let about = About { event: step.event(), occasion: &occasion, names: &names };
            let whole: Value = serde_json::from_slice(&body(Format::Standard, &about, &PLACE)).unwrap();
            let data = &whole["data"];
            assert_eq!((&data["incident"], &data["exchange"]), (&Value::Null, &Value::Null));
            assert_eq!(data["complaint"]["reference"], "CP-2026-0007");
            (
                whole["type"].as_str().unwrap().to_owned(),
                data["clock"].clone(),
                data["summary"].as_str().unwrap().to_owned(),
            )
        };
        let (kind, clock, words) = said(ClockKind::ComplaintAcknowledgement, -10_980, -7_500);
        assert_eq!((kind.as_str(), &clock["offset_minutes"]), ("clock_step", &json!(-10_980)));
        assert_eq!(clock["legal_limit_at"], "2026-12-23T23:59:59Z");
        assert_eq!(
            words,
            "CP-2026-0007: Acknowledging a complaint, by law, is due at 23:59 on Tuesday 22 December 2026 (GMT), in 5 days. \
             The legal limit: 23:59 on Wednesday 23 December 2026 (GMT)."
        );
        let (kind, clock, words) = said(ClockKind::ComplaintPromisedAnswer, 42_300, 42_300);
        assert_eq!((kind.as_str(), &clock["legal_limit_at"]), ("clock_overdue", &Value::Null));
        assert!(words.ends_with(" was due at 23:59 on Tuesday 22 December 2026 (GMT), 29 days ago."), "{words}");
        let (kind, _, words) = said(ClockKind::ComplaintPromisedAnswer, -900, 45);
        assert!(kind == "clock_overdue" && words.ends_with("45 minutes ago."), "slept through: {words}");
    }
}
