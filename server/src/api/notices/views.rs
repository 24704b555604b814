//! One case as programs see it.

use domain::exchange::{Acknowledgement, Direction, Stance};
use domain::facts::IncidentKind;
use domain::values::{CaseId, ExchangeId, IncidentId, Line, MessageId, Moment};

use super::super::clocks::Clock;
use super::super::shape::{answer, record};
use super::Partner;
use crate::node::received::{FactValue, ReceivedNotice, ReceivedRevision, SignatureResult};
use crate::store::queries::exchanges;

answer! {
    /// All that passes with one partner about one incident.
    Case {
        /// Which.
        exchange: ExchangeId,
        /// Who told whom.
        direction: Direction,
        /// The other party.
        partner: Partner,
        /// The incident of ours.
        incident: Option<IncidentId>,
        /// The case on the wire.
        case: CaseId,
        /// The sender's reference.
        reference: String,
        /// Breach or circumstances.
        kind: IncidentKind,
        /// A drill.
        exercise: bool,
        /// When it began.
        opened_at: Moment,
        /// The newest revision; 0 while held back.
        revision: u32,
        /// The newest revision with a verified receipt.
        delivered_revision: u32,
        /// What the addressee says about itself.
        stance: Option<Stance>,
        /// The newest acknowledgement.
        acknowledgement: Option<Acknowledgement>,
        /// When a person told them, if one did.
        told_at: Option<Moment>,
        /// Why it no longer stands.
        withdrawn: Option<String>,
        /// Its clocks.
        clocks: Vec<Clock>,
        /// Messages of ours, the oldest first.
        messages: Vec<Message>,
        /// What they told us, the newest version first; empty for a notice of ours.
        received: Vec<Received>,
    }
}

record! {
    /// A person at the addressee has read it.
    Acknowledgement as "Acknowledgement" {
        /// The revision they had seen.
        revision_seen: u32,
        /// What they say.
        stance: Stance,
        /// Their own reference.
        reference: Option<Line>,
        /// Who read it: a name.
        name: Line,
        /// Their role.
        role: Line,
        /// When they acknowledged.
        at: Moment,
        /// Given through the link of a webhook or a mail: recorded, not signed.
        by_link: bool,
        /// The content was deleted, as a withdrawal from a wrong recipient asks.
        deleted: bool,
    }
}

answer! {
    /// A message of ours, and how its carrying stands.
    Message {
        /// Which.
        id: MessageId,
        /// notified, updated, withdrawn, acknowledged, message or filed.
        event: String,
        /// The revision that it carries.
        revision: u32,
        /// queued, sealed, waiting, parked, unconfirmed, accepted, receipted or abandoned.
        state: String,
        /// Still being carried.
        open: bool,
        /// When it was queued.
        queued_at: Moment,
        /// Since when the partner durably holds it.
        receipted_at: Option<Moment>,
        /// The newest attempts, the newest first.
        attempts: Vec<Attempt>,
    }
}

answer! {
    /// One attempt at carrying a message.
    Attempt {
        /// 1, 2, 3 …
        number: u32,
        /// When.
        at: Moment,
        /// What came of it.
        outcome: String,
        /// The HTTP status or the mail server's code, when there was an answer.
        status: Option<u32>,
        /// How long it took, in milliseconds.
        took_ms: u32,
    }
}

answer! {
    /// One version of a notice received.
    Received {
        /// The message.
        message: MessageId,
        /// Their revision.
        revision: u32,
        /// What stands: the highest revision.
        current: bool,
        /// When our node durably held it.
        received_at: Moment,
        /// What its signature is worth: verified, key_revoked_since, erased or broken.
        signature: &'static str,
        /// The name of the key that signed.
        key_id: String,
        /// Their title.
        title: String,
        /// What they tell, in order.
        facts: Vec<Fact>,
        /// What they say is still to follow.
        missing: Vec<String>,
    }
}

answer! {
    /// One fact that a partner tells, as the page words it.
    Fact {
        /// The heading that it stands under.
        group: &'static str,
        /// Its label.
        label: &'static str,
        /// The fact; null when they say that it is not yet known. Instants are RFC 3339 in UTC.
        value: Option<String>,
    }
}

impl Case {
    /// As programs see it.
    pub(super) fn of(
        exchange: &exchanges::Listed,
        messages: Vec<(exchanges::Message, Vec<exchanges::Attempt>)>,
        received: Option<ReceivedNotice>,
        now: Moment,
    ) -> Self {
        let versions = received.map(|received| received.versions).unwrap_or_default();
        Self {
            exchange: exchange.id,
            direction: exchange.direction,
            partner: Partner::of(exchange),
            incident: exchange.incident,
            case: exchange.case,
            reference: exchange.reference.clone(),
            kind: exchange.kind,
            exercise: exchange.exercise,
            opened_at: exchange.opened_at,
            revision: exchange.revision,
            delivered_revision: exchange.delivered_revision,
            stance: exchange.stance,
            acknowledgement: exchange.acknowledgement.clone(),
            told_at: exchange.told.as_ref().map(|(at, _)| *at),
            withdrawn: exchange.withdrawn.clone(),
            clocks: exchange.clocks.iter().map(|clock| Clock::of(clock, now)).collect(),
            messages: messages.into_iter().map(Message::of).collect(),
            received: versions.into_iter().map(Received::of).collect(),
        }
    }
}

impl Message {
    fn of((message, attempts): (exchanges::Message, Vec<exchanges::Attempt>)) -> Self {
        Self {
            id: message.id,
            event: message.kind,
            revision: message.revision,
            state: message.state,
            open: message.open,
            queued_at: message.queued_at,
            receipted_at: message.receipted_at,
            attempts: attempts.into_iter().map(Attempt::of).collect(),
        }
    }
}

impl Attempt {
    fn of(attempt: exchanges::Attempt) -> Self {
        Self {
            number: attempt.number,
            at: attempt.at,
            outcome: attempt.outcome,
            status: attempt.status,
            took_ms: attempt.took_ms,
        }
    }
}

impl Received {
    fn of(version: ReceivedRevision) -> Self {
        let facts = version.groups.into_iter().flat_map(|group| {
            group.facts.into_iter().map(move |(label, value)| Fact {
                group: group.title,
                label,
                value: match value {
                    FactValue::Text(text) => Some(text),
                    FactValue::Instant(at) => Some(at.to_string()),
                    FactValue::NotYetKnown => None,
                },
            })
        });
        Self {
            facts: facts.collect(),
            message: version.message,
            revision: version.revision,
            current: version.current,
            received_at: version.received_at,
            signature: match version.signature {
                SignatureResult::Verified => "verified",
                SignatureResult::KeyRevokedSince => "key_revoked_since",
                SignatureResult::Erased => "erased",
                SignatureResult::Broken => "broken",
            },
            key_id: version.kid,
            title: version.title,
            missing: version.missing,
        }
    }
}
