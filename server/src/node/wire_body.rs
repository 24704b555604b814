//! Our words in the wire's form: decided exchange events become message bodies, and what a partner wrote becomes commands.
//! The only place where `domain` and `webhooks` meet over content.

mod facts;
mod said;

use domain::arrangement::OurRole;
use domain::clock::Anchor;
use domain::exchange::{self, Acknowledgement, Exchange, Phase, ReceiveContent, Stance, StatedClock};
use domain::facts::{Contact, Facts, IncidentKind, Nature, YesNo};
use domain::incident::WithdrawalReason;
use domain::values::{CaseId, Digest32, Hours, Line, LongText, Moment};
use webhooks::jose::{CompactToken, TokenType};
use webhooks::message::{self as wire, Event};
use webhooks::set::{Claims, build_payload, heartbeat_claims};
use webhooks::values::{Digest, WireTime};

pub(super) use self::said::{heard, heard_filed};

/// The longest reference on the wire, in octets.
const REFERENCE_OCTETS_MAX: usize = wire::MAX_ID;
/// The most hours a clock on the wire may have.
const WIRE_HOURS_MAX: u16 = 8_760;

/// Why a body could not be written: broken on our side, never the partner's fault.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("{0}")]
pub(super) struct BodyFault(pub(super) &'static str);

/// What surrounds every message: who, to whom, its place in the lane.
pub(super) struct Place<'a> {
    pub(super) issuer: &'a str,
    pub(super) audience: &'a str,
    pub(super) jti: uuid::Uuid,
    pub(super) seq: u64,
    pub(super) prev: Option<Digest32>,
    pub(super) checkpoint: String,
}

/// What a notice says beside the event that queued it.
pub(super) struct About<'a> {
    pub(super) exchange: &'a Exchange,
    pub(super) facts: Option<&'a Facts>,
    pub(super) contact: &'a Contact,
}

/// The payload of the message that a queueing event asks for.
///
/// # Errors
/// [`BodyFault`] when the event queues nothing, facts are missing, or the partner would refuse the result.
pub(super) fn payload(place: &Place<'_>, about: &About<'_>, queued: &exchange::Event) -> Result<Vec<u8>, BodyFault> {
    let (event, at, toe) = match queued {
        exchange::Event::NoticeQueued { notice, kind, stated, anchor_reason, at } => {
            let body = notice_body(place, about, notice, *kind, stated.as_ref(), anchor_reason.as_ref())?;
            let event = match notice.phase {
                Phase::Initial => Event::Notified(Box::new(body)),
                Phase::Update | Phase::Final | Phase::Withdrawal => Event::Updated(Box::new(body)),
            };
            (event, at, at)
        }
        exchange::Event::WithdrawalQueued { notice, reason, note, at } => {
            (Event::Withdrawn(withdrawn_body(place, about, notice, *reason, note.as_ref())), at, at)
        }
        exchange::Event::AcknowledgementQueued { acknowledgement, at, .. } => {
            (Event::Acknowledged(acknowledged_body(place, about, acknowledgement)?), at, &acknowledgement.at)
        }
        exchange::Event::MessageQueued { said, at, .. } => {
            (Event::Message(said::message_body(place, about.exchange, said)?), at, &said.at)
        }
        exchange::Event::FiledQueued { filing, at, .. } => {
            (Event::Filed(said::filed_body(place, about.exchange, filing)?), at, &filing.at)
        }
        exchange::Event::Opened { .. }
        | exchange::Event::UndatedChanged { .. }
        | exchange::Event::Accepted { .. }
        | exchange::Event::MessageReceived { .. }
        | exchange::Event::MessageRead { .. }
        | exchange::Event::AssistanceChanged { .. }
        | exchange::Event::FiledReceived { .. }
        | exchange::Event::RelianceAccepted { .. }
        | exchange::Event::WithdrawnUnsent { .. }
        | exchange::Event::Receipted { .. }
        | exchange::Event::ClockStarted { .. }
        | exchange::Event::ClockChanged { .. }
        | exchange::Event::Acknowledged { .. }
        | exchange::Event::CallRecorded { .. }
        | exchange::Event::Abandoned { .. }
        | exchange::Event::NoticeReceived { .. }
        | exchange::Event::WithdrawalReceived { .. }
        | exchange::Event::Linked { .. }
        | exchange::Event::StepFired { .. }
        | exchange::Event::TakenInHand { .. }
        | exchange::Event::Ladder { .. }
        | exchange::Event::Anonymised { .. } => return Err(BodyFault("the event queues no message")),
    };
    let case = about.exchange.case.to_string();
    let claims = Claims {
        iss: place.issuer.to_owned(),
        aud: place.audience.to_owned(),
        iat: at.unix_seconds(),
        jti: place.jti,
        txn: Some(case.clone()),
        sub_id: case,
        toe: Some(toe.unix_seconds_up()),
    };
    written(&claims, &event)
}

/// Since when a message of ours may have been sent. The first attempt that we remember need not be the first: a database put
/// back from a backup forgets what was sent since, and sends the same octets again. No attempt was before the message was
/// made, and that stands in the octets (protocol §5, §8).
pub(super) fn sent_since(octets: &[u8], remembered: Option<Moment>) -> Option<Moment> {
    #[derive(serde::Deserialize)]
    struct Made {
        iat: i64,
    }
    let token = CompactToken::parse(octets, TokenType::Set).ok();
    let made = token.and_then(|token| serde_json::from_slice::<Made>(token.payload()).ok());
    let made = made.and_then(|made| Moment::from_unix_seconds(made.iat).ok());
    made.into_iter().chain(remembered).min()
}

/// The payload of a heartbeat: how far our lane reaches.
///
/// # Errors
/// [`BodyFault`] when it can't be written.
pub(super) fn heartbeat(place: &Place<'_>, now: Moment) -> Result<Vec<u8>, BodyFault> {
    let claims = heartbeat_claims(place.issuer, place.audience, now.unix_seconds(), place.jti);
    let head = wire::Head { seq: place.seq.saturating_sub(1), payload_sha256: place.prev.map(wire_digest) };
    let checkpoint = (!place.checkpoint.is_empty()).then(|| place.checkpoint.clone());
    written(&claims, &Event::Verification(wire::Verification { head: Some(head), checkpoint }))
}

/// Whether a notice with these facts is small enough for the wire, whatever surrounds it.
pub(super) fn fits(facts: &Facts, contact: &Contact) -> bool {
    // Envelope, checkpoint and claims stay far below 4 KiB; a token is the payload in base64url.
    const ENVELOPE_OCTETS: usize = 4_096;
    const PAYLOAD_OCTETS_MAX: usize = 65_536 / 4 * 3 - 512;
    serde_json::to_vec(&facts::to_wire(facts, None, contact))
        .is_ok_and(|octets| octets.len() <= PAYLOAD_OCTETS_MAX - ENVELOPE_OCTETS)
}

fn written(claims: &Claims, event: &Event) -> Result<Vec<u8>, BodyFault> {
    build_payload(claims, event).map_err(|error| {
        tracing::error!(%error, jti = %claims.jti, "a message could not be written");
        BodyFault("the message could not be written")
    })
}

fn notice_body(
    place: &Place<'_>,
    about: &About<'_>,
    notice: &exchange::Notice,
    kind: IncidentKind,
    stated: Option<&StatedClock>,
    anchor_reason: Option<&LongText>,
) -> Result<wire::Notice, BodyFault> {
    let facts = about.facts.ok_or(BodyFault("the facts of a notice are missing"))?;
    let arrangement = about.exchange.terms.as_ref().and_then(|terms| terms.arrangements.first());
    let role = about.exchange.terms.as_ref().map(|terms| terms.our_role).unwrap_or_default();
    let (sender_role, recipient_role) = roles(role);
    Ok(wire::Notice {
        seq: place.seq,
        prev: place.prev.map(wire_digest),
        checkpoint: place.checkpoint.clone(),
        revision: notice.revision,
        phase: match (notice.phase, anchor_reason) {
            (Phase::Initial, _) => wire::Phase::Initial,
            (Phase::Final, _) => wire::Phase::Final,
            (Phase::Update | Phase::Withdrawal, Some(_)) => wire::Phase::Correction,
            (Phase::Update | Phase::Withdrawal, None) => wire::Phase::Update,
        },
        clock: stated.map(|stated| clock_body(stated, anchor_reason)).transpose()?,
        incident_kind: match kind {
            IncidentKind::Breach => wire::IncidentKind::Breach,
            IncidentKind::LikelyToGiveRise => wire::IncidentKind::LikelyToGiveRise,
            IncidentKind::UnderInvestigation => wire::IncidentKind::UnderInvestigation,
        },
        exercise: about.exchange.exercise,
        title: facts.title.as_str().to_owned(),
        nature: nature(facts),
        ongoing: facts.ongoing.as_option().map(|answer| matches!(answer, YesNo::Yes)),
        reference: Some(short(about.exchange.reference.as_str())),
        arrangement: arrangement.map(|named| wire::ArrangementRef {
            reference: short(named.title.as_str()),
            version: Some(named.version.to_string()),
        }),
        sender_role,
        recipient_role,
        related_case: None,
        facts: facts::to_wire(facts, stated, about.contact),
    })
}

/// The contract clock as the other side computes it.
fn clock_body(stated: &StatedClock, reason: Option<&LongText>) -> Result<wire::Clock, BodyFault> {
    let hours = stated.hours.get().min(WIRE_HOURS_MAX);
    let due = stated.at.plus_seconds(i64::from(hours) * 3_600);
    Ok(wire::Clock {
        anchor: match stated.anchor {
            Anchor::AwareOfBreach => wire::Anchor::AwareOfBreach,
            Anchor::AwareOfCircumstances
            | Anchor::Receipt
            | Anchor::Accepted
            | Anchor::RecordedCall
            | Anchor::AskedOfUs
            | Anchor::AskedByUs
            | Anchor::HighRiskDecided
            | Anchor::ReportIncomplete
            | Anchor::ComplaintReceived
            | Anchor::NoticeReceived => wire::Anchor::AwareOfCircumstances,
        },
        at: wire_time(stated.at)?,
        hours: u32::from(hours),
        due_at: Some(wire_time(due)?),
        reason: reason.map(|reason| reason.as_str().to_owned()),
    })
}

/// What we and they are for the processing hit. The wire has no word for the processor that is told.
const fn roles(ours: OurRole) -> (Option<wire::SenderRole>, Option<wire::RecipientRole>) {
    match ours {
        OurRole::JointController => {
            (Some(wire::SenderRole::JointController), Some(wire::RecipientRole::JointController))
        }
        OurRole::Processor => (Some(wire::SenderRole::Processor), Some(wire::RecipientRole::ControllerOfProcessor)),
        OurRole::Controller => (Some(wire::SenderRole::IndependentController), None),
    }
}

fn nature(facts: &Facts) -> Vec<wire::Nature> {
    let known: Vec<wire::Nature> = facts
        .nature
        .as_option()
        .into_iter()
        .flatten()
        .map(|nature| match nature {
            Nature::Confidentiality => wire::Nature::Confidentiality,
            Nature::Integrity => wire::Nature::Integrity,
            Nature::Availability => wire::Nature::Availability,
        })
        .collect();
    if known.is_empty() { vec![wire::Nature::NotYetKnown] } else { known }
}

fn withdrawn_body(
    place: &Place<'_>,
    about: &About<'_>,
    notice: &exchange::Notice,
    reason: WithdrawalReason,
    note: Option<&LongText>,
) -> wire::Withdrawn {
    wire::Withdrawn {
        seq: place.seq,
        prev: place.prev.map(wire_digest),
        checkpoint: place.checkpoint.clone(),
        revision: notice.revision,
        reason: match reason {
            WithdrawalReason::NotABreach => wire::WithdrawalReason::NotABreach,
            // The wire names the other case of a duplicate, which we don't ask for; the note says it in words.
            WithdrawalReason::SentInError | WithdrawalReason::DuplicateOf => wire::WithdrawalReason::SentInError,
            WithdrawalReason::WrongRecipient => wire::WithdrawalReason::WrongRecipient,
        },
        case: None,
        note: match (reason, note) {
            (_, Some(note)) => Some(note.as_str().to_owned()),
            (WithdrawalReason::DuplicateOf, None) => Some("Another case covers it.".to_owned()),
            (WithdrawalReason::NotABreach | WithdrawalReason::SentInError | WithdrawalReason::WrongRecipient, None) => {
                None
            }
        },
        exercise: about.exchange.exercise,
    }
}

fn acknowledged_body(
    place: &Place<'_>,
    about: &About<'_>,
    said: &Acknowledgement,
) -> Result<wire::Acknowledged, BodyFault> {
    Ok(wire::Acknowledged {
        seq: place.seq,
        prev: place.prev.map(wire_digest),
        checkpoint: place.checkpoint.clone(),
        revision_seen: said.revision_seen.max(1),
        stance: match said.stance {
            Stance::Assessing => wire::Stance::Assessing,
            Stance::Affected => wire::Stance::Affected,
            Stance::NotAffected => wire::Stance::NotAffected,
        },
        reference: said.reference.as_ref().map(|reference| short(reference.as_str())),
        by: wire::Person { name: said.name.as_str().to_owned(), role: said.role.as_str().to_owned() },
        at: wire_time(said.at)?,
        deleted: said.deleted,
        exercise: about.exchange.exercise,
    })
}

/// The case that a message names. Ours are UUIDs, and so are those of every node of this protocol's first version.
pub(super) fn case_of(claims: &Claims) -> Option<CaseId> {
    claims.txn.as_deref()?.parse().ok()
}

/// What a notice asks of its exchange.
pub(super) fn notice_content(notice: &wire::Notice, case: CaseId) -> ReceiveContent {
    ReceiveContent::Notice {
        revision: notice.revision,
        phase: match notice.phase {
            wire::Phase::Initial => Phase::Initial,
            wire::Phase::Update | wire::Phase::Correction => Phase::Update,
            wire::Phase::Final => Phase::Final,
        },
        kind: match notice.incident_kind {
            wire::IncidentKind::Breach => IncidentKind::Breach,
            wire::IncidentKind::LikelyToGiveRise => IncidentKind::LikelyToGiveRise,
            wire::IncidentKind::UnderInvestigation => IncidentKind::UnderInvestigation,
        },
        reference: reference(notice.reference.as_deref(), case),
        clock: notice.clock.as_ref().and_then(stated_clock),
    }
}

/// What a withdrawal that was made at an instant asks of its exchange.
pub(super) const fn withdrawal_content(withdrawn: &wire::Withdrawn, made_at: Moment) -> ReceiveContent {
    ReceiveContent::Withdrawal {
        made_at,
        revision: withdrawn.revision,
        reason: match withdrawn.reason {
            wire::WithdrawalReason::NotABreach => WithdrawalReason::NotABreach,
            wire::WithdrawalReason::SentInError => WithdrawalReason::SentInError,
            wire::WithdrawalReason::WrongRecipient => WithdrawalReason::WrongRecipient,
            wire::WithdrawalReason::DuplicateOf => WithdrawalReason::DuplicateOf,
        },
    }
}

/// A partner's acknowledgement in our words; `None` when a name in it is not a line of text.
pub(super) fn acknowledgement(said: &wire::Acknowledged) -> Option<Acknowledgement> {
    Some(Acknowledgement {
        revision_seen: said.revision_seen,
        stance: match said.stance {
            wire::Stance::Assessing => Stance::Assessing,
            wire::Stance::Affected => Stance::Affected,
            wire::Stance::NotAffected => Stance::NotAffected,
        },
        reference: said.reference.as_deref().and_then(|text| Line::received(text).ok()),
        name: Line::received(&said.by.name).ok()?,
        role: Line::received(&said.by.role).ok()?,
        at: moment(said.at)?,
        by_link: false,
        deleted: said.deleted,
    })
}

/// The sender's reference, or the case in its place: every exchange has a name that people can say.
fn reference(given: Option<&str>, case: CaseId) -> Line {
    let named = given.and_then(|text| Line::received(text).ok());
    named.or_else(|| Line::parse(&case.to_string()).ok()).unwrap_or_else(|| unreachable!("a UUID is a line of text"))
}

fn stated_clock(clock: &wire::Clock) -> Option<StatedClock> {
    Some(StatedClock {
        anchor: match clock.anchor {
            wire::Anchor::AwareOfCircumstances => Anchor::AwareOfCircumstances,
            wire::Anchor::AwareOfBreach => Anchor::AwareOfBreach,
        },
        at: moment(clock.at)?,
        hours: u16::try_from(clock.hours).ok().and_then(|hours| Hours::new(hours).ok())?,
    })
}

/// A wire instant in our range of years.
pub(super) fn moment(time: WireTime) -> Option<Moment> {
    Moment::from_unix_seconds(time.unix()).ok()
}

pub(super) fn wire_time(at: Moment) -> Result<WireTime, BodyFault> {
    WireTime::from_unix(at.unix_seconds()).ok_or(BodyFault("an instant has no form on the wire"))
}

/// A digest of ours in the wire's type.
pub(super) const fn wire_digest(digest: Digest32) -> Digest {
    Digest::from_octets(*digest.as_bytes())
}

/// A digest from the wire in our type.
pub(super) const fn our_digest(digest: Digest) -> Digest32 {
    Digest32::from_bytes(*digest.octets())
}

/// At most as many octets as a reference on the wire may have, cut between characters.
fn short(text: &str) -> String {
    let mut end = text.len().min(REFERENCE_OCTETS_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

/// The metadata document (OpenID Shared Signals 1.0 §7), saying only what this node does.
pub(super) fn ssf_configuration(issuer: &str) -> String {
    serde_json::json!({
        "spec_version": "1_0",
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/jwks.json"),
        "signed_jwks_uri": format!("{issuer}/jwks.jwt"),
        "delivery_methods_supported": ["urn:ietf:rfc:8935", "urn:ietf:rfc:8936"],
        "events_supported": [
            wire::NOTIFIED, wire::UPDATED, wire::WITHDRAWN, wire::ACKNOWLEDGED,
            wire::MESSAGE, wire::FILED, wire::RECEIPT, wire::VERIFICATION,
        ],
        "profile": wire::NS,
        "push_endpoint": format!("{issuer}/ssf/events"),
        "poll_endpoint": format!("{issuer}/ssf/poll"),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use webhooks::keys::{KeyUse, SigningKey};
    use webhooks::set::sign_set;

    use super::*;

    /// Aim: a receipt from before the first attempt that we remember counts from when its message was made; one of a message
    /// that can't be read from what we remember.
    #[test]
    fn a_message_may_have_been_sent_since_it_was_made() {
        let at = |seconds| Moment::from_unix_seconds(seconds).unwrap();
        let place = Place {
            issuer: "https://node-a.example",
            audience: "https://node-b.example",
            jti: uuid::Uuid::from_u128(1),
            seq: 1,
            prev: None,
            checkpoint: String::new(),
        };
        let key = SigningKey::from_seed(&[7; 32], KeyUse::Set).unwrap();
        let octets = sign_set(&key, &heartbeat(&place, at(1_000)).unwrap()).octets;
        assert_eq!(sent_since(octets.as_bytes(), Some(at(9_000))), Some(at(1_000)));
        assert_eq!(sent_since(octets.as_bytes(), Some(at(900))), Some(at(900)));
        assert_eq!(sent_since(octets.as_bytes(), None), Some(at(1_000)));
        assert_eq!(sent_since(b"no token", Some(at(9_000))), Some(at(9_000)));
        assert_eq!(sent_since(b"no token", None), None);
    }
}
