//! Messages about a case and filings: our words in the wire's form, and theirs in ours.

use domain::exchange::{Exchange, Filing, Hear, HearFiled, MessageKind, Said};
use domain::values::{Line, LongText, MessageId, Moment};
use webhooks::message as wire;
use webhooks::set::Claims;
use webhooks::values::WireTime;

use super::{BodyFault, Place, moment, short, wire_digest, wire_time};

pub(super) fn message_body(place: &Place<'_>, exchange: &Exchange, said: &Said) -> Result<wire::Message, BodyFault> {
    Ok(wire::Message {
        seq: place.seq,
        prev: place.prev.map(wire_digest),
        checkpoint: place.checkpoint.clone(),
        kind: match said.kind {
            MessageKind::View => wire::MessageKind::View,
            MessageKind::Question => wire::MessageKind::Question,
            MessageKind::Answer => wire::MessageKind::Answer,
            MessageKind::AssistanceRequest => wire::MessageKind::AssistanceRequest,
            MessageKind::ViewRequest => wire::MessageKind::ViewRequest,
            MessageKind::ForwardedRequest => wire::MessageKind::ForwardedRequest,
            MessageKind::Decision => wire::MessageKind::Decision,
        },
        text: said.text.as_str().to_owned(),
        re: said.re.map(MessageId::uuid),
        due_at: said.due.map(wire_time).transpose()?,
        received_at: said.received_at.map(wire_time).transpose()?,
        by: wire::Person { name: said.name.as_str().to_owned(), role: said.role.as_str().to_owned() },
        exercise: exchange.exercise,
    })
}

/// Names sender and addressee as those it was reported for, and nobody else (ruling 13).
pub(super) fn filed_body(place: &Place<'_>, exchange: &Exchange, filing: &Filing) -> Result<wire::Filed, BodyFault> {
    Ok(wire::Filed {
        seq: place.seq,
        prev: place.prev.map(wire_digest),
        checkpoint: place.checkpoint.clone(),
        authority: filing.authority.as_str().to_owned(),
        at: wire_time(filing.at)?,
        reference: filing.reference.as_ref().map(|reference| short(reference.as_str())),
        on_behalf_of: vec![place.issuer.to_owned(), place.audience.to_owned()],
        exercise: exchange.exercise,
    })
}

/// What a partner said; `None` when a text or an instant in it is not acceptable.
pub(in crate::node) fn heard(claims: &Claims, said: &wire::Message) -> Option<Hear> {
    let instant = |time: Option<WireTime>| time.map_or(Some(None), |time| moment(time).map(Some));
    Some(Hear {
        said: Said {
            message: MessageId::from_uuid(claims.jti),
            kind: match said.kind {
                wire::MessageKind::View => MessageKind::View,
                wire::MessageKind::Question => MessageKind::Question,
                wire::MessageKind::Answer => MessageKind::Answer,
                wire::MessageKind::AssistanceRequest => MessageKind::AssistanceRequest,
                wire::MessageKind::ViewRequest => MessageKind::ViewRequest,
                wire::MessageKind::ForwardedRequest => MessageKind::ForwardedRequest,
                wire::MessageKind::Decision => MessageKind::Decision,
            },
            text: LongText::received(&said.text).ok()?,
            re: said.re.map(MessageId::from_uuid),
            due: instant(said.due_at)?,
            received_at: instant(said.received_at)?,
            name: Line::received(&said.by.name).ok()?,
            role: Line::received(&said.by.role).ok()?,
            at: said_at(claims)?,
        },
        exercise: said.exercise,
    })
}

/// When it was said: its own instant, else when the message was made.
fn said_at(claims: &Claims) -> Option<Moment> {
    Moment::from_unix_seconds(claims.toe.unwrap_or(claims.iat)).ok()
}

/// What a partner reported; `None` when a text or an instant in it is not acceptable.
pub(in crate::node) fn heard_filed(claims: &Claims, filed: &wire::Filed) -> Option<HearFiled> {
    Some(HearFiled {
        message: MessageId::from_uuid(claims.jti),
        filing: Filing {
            authority: Line::received(&filed.authority).ok()?,
            at: moment(filed.at)?,
            reference: filed.reference.as_deref().and_then(|text| Line::received(text).ok()),
        },
        exercise: filed.exercise,
    })
}
