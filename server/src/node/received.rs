//! A notice received, for people: who says so and how that was proven, what they say, version by version, and our clocks.
//! Read from the stored octets, never from a copy.

use domain::clock::Clock;
use domain::exchange::{Acknowledgement, Direction, Exchange, Phase, ReceivedVersion};
use domain::facts::{DataCategory, SubjectCategory};
use domain::incident::WithdrawalReason;
use domain::reliance::Relied;
use domain::values::{ExchangeId, IncidentId, Line, MessageId, Moment, PartnerId, hidden};
use serde_json::Value;
use webhooks::facts::{self as wire, Fact};
use webhooks::jose::{CompactToken, TokenType};
use webhooks::message::{Event, IncidentKind, Notice, Withdrawn};
use webhooks::push::{self, PeerKeys};
use webhooks::refusal::Refusal;

use super::{DoorError, Node};
use crate::store::partners::{self, Partner};
use crate::store::{inbox, ledger, queries};

mod labels;

/// Versions read for one page.
const VERSIONS_MAX: usize = 50;

/// All that one partner has told us about one case.
#[derive(Debug, Clone)]
pub struct ReceivedNotice {
    /// The exchange.
    pub exchange: ExchangeId,
    /// Who sent it.
    pub partner: PartnerId,
    /// Their name as we know it.
    pub sender: Line,
    /// Their node.
    pub issuer: String,
    /// Their reference.
    pub reference: Line,
    /// The case on the wire.
    pub case: String,
    /// A drill.
    pub exercise: bool,
    /// The incident of ours that took it over.
    pub incident: Option<IncidentId>,
    /// Why it no longer stands, if so.
    pub withdrawn: Option<WithdrawalReason>,
    /// Every version held, the newest revision first.
    pub versions: Vec<ReceivedRevision>,
    /// Their contract clock towards us, as computed from the notice.
    pub notice_clock: Option<Clock>,
    /// Our ICO clock, unless an incident took it over.
    pub ico_clock: Option<Clock>,
    /// What we have said, in order.
    pub acknowledgements: Vec<Acknowledgement>,
    /// Whose report we rely on, while our clock was here.
    pub relied: Option<Relied>,
}

/// One version.
#[derive(Debug, Clone)]
pub struct ReceivedRevision {
    /// The message.
    pub message: MessageId,
    /// Their revision.
    pub revision: u32,
    /// Which step of telling.
    pub phase: Phase,
    /// When our node durably held it.
    pub received_at: Moment,
    /// What the signature is worth now.
    pub signature: SignatureResult,
    /// The name of the key that signed.
    pub kid: String,
    /// The highest revision: what stands.
    pub current: bool,
    /// Their title; empty for a withdrawal, or after erasure.
    pub title: String,
    /// What they tell, group by group.
    pub groups: Vec<FactGroup>,
    /// What they say is still to follow.
    pub missing: Vec<String>,
}

/// What a signature is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureResult {
    /// It verifies under a key that was good when the message came.
    Verified,
    /// It verified when it came; the key was revoked since.
    KeyRevokedSince,
    /// The contents were erased.
    Erased,
    /// It does not verify any more: the store or the manifest was tampered with.
    Broken,
}

/// Facts that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactGroup {
    /// The heading.
    pub title: &'static str,
    /// Label and value, in order.
    pub facts: Vec<(&'static str, FactValue)>,
}

/// A fact as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactValue {
    /// In words.
    Text(String),
    /// An instant, shown in the reader's zone.
    Instant(Moment),
    /// Expressly not yet known.
    NotYetKnown,
}

impl Node {
    /// A notice received, with everything a page shows of it.
    ///
    /// # Errors
    /// [`DoorError::NotFound`] unless it is a notice of a partner's.
    pub async fn received(&self, id: ExchangeId) -> Result<ReceivedNotice, DoorError> {
        let found = self
            .store
            .read(move |rows| {
                let Some(exchange) = queries::incidents::exchange_state(rows, id)? else { return Ok(None) };
                let Some(partner) = partners::by_id(rows, exchange.partner)? else { return Ok(None) };
                let mut versions = Vec::new();
                for version in exchange.received.iter().rev().take(VERSIONS_MAX) {
                    let entry = inbox::set_entry(rows, partner.id, version.message)?;
                    let octets = match entry {
                        Some(entry) => ledger::object(rows, entry)?,
                        None => None,
                    };
                    versions.push((version.clone(), octets));
                }
                Ok(Some((exchange, partner, versions)))
            })
            .await?;
        let (exchange, partner, versions) = found.ok_or(DoorError::NotFound)?;
        match exchange.direction {
            Direction::Incoming => Ok(self.shown(exchange, &partner, versions)),
            Direction::Outgoing => Err(DoorError::NotFound),
        }
    }

    fn shown(
        &self,
        exchange: Exchange,
        partner: &Partner,
        versions: Vec<(ReceivedVersion, Option<Vec<u8>>)>,
    ) -> ReceivedNotice {
        let newest = exchange.received.iter().map(|version| version.revision).max().unwrap_or_default();
        let mut versions: Vec<ReceivedRevision> = versions
            .into_iter()
            .map(|(version, octets)| self.revision(partner, &version, octets.as_deref(), newest))
            .collect();
        versions.sort_by_key(|version| std::cmp::Reverse((version.revision, version.received_at)));
        ReceivedNotice {
            exchange: exchange.id,
            partner: partner.id,
            sender: partner.name.clone(),
            issuer: partner.issuer.clone().unwrap_or_default(),
            reference: exchange.reference,
            case: exchange.case.to_string(),
            exercise: exchange.exercise,
            incident: exchange.incident,
            withdrawn: exchange.withdrawn,
            versions,
            notice_clock: exchange.notice_clock,
            ico_clock: exchange.ico_clock,
            acknowledgements: exchange.acknowledgements,
            relied: exchange.reliance.map(|relied| *relied),
        }
    }

    fn revision(
        &self,
        partner: &Partner,
        version: &ReceivedVersion,
        octets: Option<&[u8]>,
        newest: u32,
    ) -> ReceivedRevision {
        let mut shown = ReceivedRevision {
            message: version.message,
            revision: version.revision,
            phase: version.phase,
            received_at: version.at,
            signature: SignatureResult::Erased,
            kid: String::new(),
            current: version.revision == newest,
            title: String::new(),
            groups: Vec::new(),
            missing: Vec::new(),
        };
        let Some(octets) = octets else { return shown };
        shown.signature = self.signature(partner, octets, version.at);
        let Ok(token) = CompactToken::parse(octets, TokenType::Set) else { return shown };
        shown.kid = token.kid().to_owned();
        match event_of(&token) {
            Some(Event::Notified(notice) | Event::Updated(notice)) => {
                shown.title = hidden::line_shown(&notice.title);
                (shown.groups, shown.missing) = told(&notice);
            }
            Some(Event::Withdrawn(withdrawn)) => shown.groups = withdrawal(&withdrawn),
            Some(
                Event::Acknowledged(_)
                | Event::Message(_)
                | Event::Filed(_)
                | Event::Verification(_)
                | Event::Receipt(_),
            )
            | None => {}
        }
        shown
    }

    /// Judges stored octets again, by the manifest as it is now and the time they came.
    pub(super) fn signature(&self, partner: &Partner, octets: &[u8], received_at: Moment) -> SignatureResult {
        let (Some(issuer), Some(manifest)) = (partner.issuer.as_deref(), self.manifest_of(partner)) else {
            return SignatureResult::Broken;
        };
        let peer = PeerKeys { issuer, manifest: &manifest };
        let judged = push::open(octets).and_then(|opened| {
            push::verify(&opened, &peer, &self.issuer, received_at.unix_seconds()).map_err(|rejected| rejected.refusal)
        });
        match judged {
            Ok(_) => SignatureResult::Verified,
            Err(Refusal::KeyRevoked) => SignatureResult::KeyRevokedSince,
            Err(_) => SignatureResult::Broken,
        }
    }
}

/// The event in octets that were verified before they were stored, as a page can show it.
fn event_of(token: &CompactToken) -> Option<Event> {
    let payload = token.payload_object().ok()?;
    let events = payload.get("events")?.as_object()?;
    let (name, body) = events.iter().next()?;
    let mut body = body.clone();
    hidden_out(&mut body);
    Event::parse(name, &body).ok()
}

/// Nothing that a partner wrote turns the text around it on our pages.
fn hidden_out(value: &mut Value) {
    match value {
        Value::String(text) if text.chars().any(hidden::turns) => *text = hidden::text_shown(text),
        Value::Array(items) => items.iter_mut().for_each(hidden_out),
        Value::Object(members) => members.values_mut().for_each(hidden_out),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What a notice tells, group by group, and what is still to follow.
pub(super) fn told(notice: &Notice) -> (Vec<FactGroup>, Vec<String>) {
    (groups(notice), notice.facts.missing_items.iter().map(|item| labels::item(&item.item)).collect())
}

fn groups(notice: &Notice) -> Vec<FactGroup> {
    let facts = &notice.facts;
    [
        ("What it is", what(notice)),
        ("When", when(&facts.timeline)),
        ("What happened", happened(&facts.nature)),
        ("Whom and what it affects", affected(&facts.scope)),
        ("What may come of it", consequences(&facts.consequences)),
        ("What is done about it", measures(&facts.measures)),
        ("Whom to ask", contact(&facts.contact)),
    ]
    .into_iter()
    .filter(|(_, facts)| !facts.is_empty())
    .map(|(title, facts)| FactGroup { title, facts })
    .collect()
}

type Shown = Vec<(&'static str, FactValue)>;

fn what(notice: &Notice) -> Shown {
    let kind = match notice.incident_kind {
        IncidentKind::Breach => "A personal data breach",
        IncidentKind::LikelyToGiveRise => "Circumstances likely to give rise to a breach",
        IncidentKind::UnderInvestigation => "Being looked into",
    };
    let lost = notice.nature.iter().map(|nature| labels::nature(*nature)).collect::<Vec<_>>().join(", ");
    let ongoing = notice.ongoing.map_or(FactValue::NotYetKnown, yes_or_no);
    let mut shown = vec![
        ("Kind", FactValue::Text(kind.to_owned())),
        ("What was lost", FactValue::Text(lost)),
        ("Still going on", ongoing),
    ];
    if let Some(arrangement) = &notice.arrangement {
        shown.push(("Under the agreement", FactValue::Text(arrangement.reference.clone())));
    }
    if let Some(reason) = notice.clock.as_ref().and_then(|clock| clock.reason.clone()) {
        shown.push(("Why the clock's start was corrected", FactValue::Text(reason)));
    }
    shown
}

fn when(timeline: &wire::Timeline) -> Shown {
    let mut shown = Shown::new();
    for (label, occurrence) in [("It began", timeline.occurred_from), ("It ended", timeline.occurred_to)] {
        if let Some(occurrence) = occurrence {
            shown.push((label, occurred(occurrence)));
        }
    }
    push_fact(&mut shown, "First sign", timeline.detected_at.as_ref(), |at| instant(*at));
    push_fact(&mut shown, "They were aware of the breach", timeline.aware_at.as_ref(), |at| instant(*at));
    push_text(&mut shown, "Why that was when they became aware", timeline.aware_basis.as_ref());
    if let Some(choice) = &timeline.discovery_method {
        shown.push(("How they found out", explained(labels::discovery(choice.option), choice.text.as_deref())));
    }
    push_text(&mut shown, "Why the notice is late", timeline.notified_late_reason.as_ref());
    shown
}

fn happened(nature: &wire::NatureFacts) -> Shown {
    let mut shown = Shown::new();
    push_text(&mut shown, "In their words", nature.summary.as_ref());
    push_fact(&mut shown, "Cause", nature.cause.as_ref(), |cause| {
        explained(labels::cause(cause.option), cause.text.as_deref())
    });
    push_fact(&mut shown, "Cyber or not", nature.ico_incident_category.as_ref(), |category| {
        text(match category {
            wire::IcoCategory::Cyber => "Cyber",
            wire::IcoCategory::NonCyber => "Not cyber",
        })
    });
    push_fact(&mut shown, "Type", nature.ico_incident_type.as_ref(), |kind| text(kind));
    if let Some(services) = &nature.services {
        shown.push(("Services", FactValue::Text(services.join(", "))));
    }
    push_fact(&mut shown, "Unreadable without a key that is safe", nature.data_unintelligible.as_ref(), |extent| {
        explained(labels::extent(extent.option), extent.text.as_deref())
    });
    push_fact(&mut shown, "Who may have received the data", nature.recipients_of_data.as_ref(), |recipients| {
        text(labels::recipients(*recipients))
    });
    shown
}

fn affected(scope: &wire::Scope) -> Shown {
    let mut shown = Shown::new();
    push_fact(&mut shown, "Kinds of data", scope.data_categories.as_ref(), |words| {
        FactValue::Text(listed(words, |word| DataCategory::from_word(word).map(DataCategory::label)))
    });
    push_fact(&mut shown, "Special categories among them", scope.special_categories_present.as_ref(), |answer| {
        yes_or_no(*answer == wire::YesNo::Yes)
    });
    push_fact(&mut shown, "Kinds of people", scope.subject_categories.as_ref(), |words| {
        FactValue::Text(listed(words, |word| SubjectCategory::from_word(word).map(SubjectCategory::label)))
    });
    for (label, count) in [
        ("People affected", scope.data_subjects),
        ("Records affected", scope.records),
        ("Of these, your people", scope.recipient_share),
    ] {
        if let Some(count) = count {
            shown.push((label, labels::count(count)));
        }
    }
    shown
}

fn consequences(consequences: &wire::Consequences) -> Shown {
    let mut shown = Shown::new();
    push_fact(&mut shown, "Likely consequences", consequences.likely_consequences.as_ref(), |words| text(words));
    push_fact(&mut shown, "Harm seen so far", consequences.actual_harm.as_ref(), |words| text(words));
    push_fact(&mut shown, "Their own view of the risk", consequences.sender_risk_view.as_ref(), |view| {
        explained(labels::risk(view.option), view.reason.as_deref())
    });
    shown
}

fn measures(measures: &wire::Measures) -> Shown {
    let mut shown = Shown::new();
    push_fact(&mut shown, "To stop it", measures.containment.as_ref(), |words| text(words));
    push_fact(&mut shown, "To limit its effects", measures.mitigation.as_ref(), |words| text(words));
    push_text(&mut shown, "What they ask of you", measures.asked_of_recipient.as_ref());
    shown
}

fn contact(contact: &wire::ContactFacts) -> Shown {
    let mut shown = Shown::new();
    if let Some(contact) = &contact.breach_contact {
        push_text(&mut shown, "Role", Some(&contact.role).filter(|role| !role.is_empty()));
        push_text(&mut shown, "Name", contact.name.as_ref());
        push_text(&mut shown, "Mailbox", contact.mailbox.as_ref());
        push_text(&mut shown, "Telephone", contact.phone.as_ref());
        push_text(&mut shown, "When", contact.hours.as_ref());
        push_text(&mut shown, "Out of hours", contact.out_of_hours.as_ref());
    }
    shown
}

fn withdrawal(withdrawn: &Withdrawn) -> Vec<FactGroup> {
    let mut shown = vec![("Why", text(labels::withdrawal(withdrawn.reason)))];
    push_text(&mut shown, "In their words", withdrawn.note.as_ref());
    vec![FactGroup { title: "It no longer stands", facts: shown }]
}

fn occurred(occurrence: wire::Occurrence) -> FactValue {
    match (occurrence.precision, occurrence.at) {
        (wire::Precision::Ongoing, _) => text("Still going on"),
        (wire::Precision::Exact | wire::Precision::Estimated, Some(at)) => instant(at),
        (wire::Precision::NotYetKnown, _) | (wire::Precision::Exact | wire::Precision::Estimated, None) => {
            FactValue::NotYetKnown
        }
    }
}

fn instant(time: webhooks::values::WireTime) -> FactValue {
    super::wire_body::moment(time).map_or_else(|| FactValue::Text(time.to_string()), FactValue::Instant)
}

fn text(words: &str) -> FactValue {
    FactValue::Text(words.to_owned())
}

fn yes_or_no(yes: bool) -> FactValue {
    text(if yes { "Yes" } else { "No" })
}

/// An option with its word of explanation.
fn explained(option: &str, words: Option<&str>) -> FactValue {
    FactValue::Text(words.map_or_else(|| option.to_owned(), |words| format!("{option}: {words}")))
}

/// Known words by their labels, others as they came.
fn listed(words: &[String], label: impl Fn(&str) -> Option<&'static str>) -> String {
    words.iter().map(|word| label(word).unwrap_or(word)).collect::<Vec<_>>().join("; ")
}

fn push_text(shown: &mut Shown, label: &'static str, words: Option<&String>) {
    shown.extend(words.map(|words| (label, FactValue::Text(words.clone()))));
}

fn push_fact<T>(shown: &mut Shown, label: &'static str, fact: Option<&Fact<T>>, show: impl FnOnce(&T) -> FactValue) {
    shown.extend(fact.map(|fact| (label, fact.known().map_or(FactValue::NotYetKnown, show))));
}
