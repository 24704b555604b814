//! Telling the people affected: the message in its versions, a first draft from the facts, and who was told.

use domain::incident::Refusal;
use domain::incident::telling::{self, Channel, Communication, Letter, Version, Wave};
use domain::values::{Digest32, IncidentId, LongText, Moment, Title};

use super::call::{Call, Reply};
use super::facts::texts_must_be_checked;
use super::incidents::state;
use super::operation::{Group, get, post, put, run};
use super::shape::{answer, record, request};
use crate::access::Scope;
use crate::node::DoorError;
use crate::problem::Problem;

/// Operations on telling people.
pub const GROUP: Group = Group {
    name: "People affected",
    about: "Telling the people affected by a breach (UK GDPR Article 34): the message, and a record of each time it went out. \
            Nothing is sent from here, and nobody is named.",
    operations: &[
        get("/incidents/{id}/people", "get_people_told", "The message as it stands, and who was told", run!(one))
            .gives::<PeopleTold>(),
        get(
            "/incidents/{id}/people/proposal",
            "get_message_proposal",
            "A first draft of the message, made from the facts and the contact point that the arrangement names",
            run!(proposal),
        )
        .gives::<MessageProposal>(),
        get(
            "/incidents/{id}/people/message",
            "get_message",
            "The message as it stands; its ETag is its version, 0 for none",
            run!(message),
        )
        .gives::<CurrentMessage>(),
        put("/incidents/{id}/people/message", "put_message", "Keep a newer version of the message", run!(write))
            .needs(&[Scope::Respond, Scope::Decide])
            .takes::<NewPeopleMessage>()
            .gives::<CurrentMessage>(),
        post("/incidents/{id}/people/told", "record_people_told", "Record that people were told", run!(told))
            .needs(&[Scope::Respond, Scope::Decide])
            .takes::<RecordTold>(),
        post(
            "/incidents/{id}/people/strike",
            "strike_people_told",
            "Strike out a record that was made in error",
            run!(strike),
        )
        .needs(&[Scope::Respond, Scope::Decide])
        .takes::<StrikeTold>(),
    ],
};

record! {
    /// The message to the people affected, in the parts that the law asks for.
    Letter as "MessageText" {
        /// What it is about, in a few words.
        heading: Title,
        /// What happened, and to which data.
        what_happened: LongText,
        /// What it may lead to for the reader.
        consequences: LongText,
        /// What we did and will do.
        measures: LongText,
        /// What the reader can do.
        advice: LongText,
        /// Whom to ask.
        contact: LongText,
    }
}

answer! {
    /// Where telling people stands.
    PeopleTold {
        /// In the words of the pages: Nobody told yet, Some told, Everybody told.
        state: &'static str,
        /// The version of the message that stands; 0 for none.
        message_version: u32,
        /// The facts were changed since the message was written.
        facts_changed_since: bool,
        /// When people were first told.
        first_told_at: Option<Moment>,
        /// How many people were told; somebody told twice counts twice.
        people: u32,
        /// Each time that people were told, in the order recorded.
        told: Vec<TimeTold>,
    }
}

answer! {
    /// One time that people were told.
    TimeTold {
        /// 1, 2, 3 …; null when only what survived erasure is left.
        number: Option<u32>,
        /// When.
        at: Moment,
        /// How.
        channel: Channel,
        /// How many; null for a public notice or a website without a number.
        people: Option<u32>,
        /// The version of the message that it carried.
        version: Option<u32>,
        /// SHA-256 of that version's JSON as the ledger holds it.
        digest: Option<Digest32>,
        /// Nobody was left to be told.
        complete: bool,
        /// What was added.
        note: Option<LongText>,
        /// Why the record does not stand.
        struck: Option<LongText>,
    }
}

answer! {
    /// A first draft.
    MessageProposal {
        /// Its parts, the heading first.
        parts: Vec<ProposedPart>,
        /// Names of parts that no fact answers.
        missing: Vec<String>,
    }
}

answer! {
    /// A part of a first draft.
    ProposedPart {
        /// The member of the message.
        name: &'static str,
        /// The text; empty when no fact answers it.
        text: String,
        /// Which facts it comes from.
        from: &'static str,
    }
}

answer! {
    /// The message as it stands.
    CurrentMessage {
        /// 1, 2, 3 …; 0 for none.
        version: u32,
        /// The version of the facts that stood when it was written.
        facts_version: u32,
        /// When it was written.
        at: Option<Moment>,
        /// It.
        message: Option<Letter>,
    }
}

request! {
    /// A newer version.
    NewPeopleMessage {
        /// The message, whole.
        message: Letter,
        /// A person has checked the texts for personal data.
        checked: Option<bool>,
    }
}

request! {
    /// People were told.
    RecordTold {
        /// When.
        at: Moment,
        /// How.
        channel: Channel,
        /// How many, 1 to 10,000,000; only a public notice or a website can do without.
        people: Option<u32>,
        /// The version of the message that they were given.
        version: u32,
        /// Nobody is left to be told.
        complete: Option<bool>,
        /// Anything to add; no names.
        note: Option<LongText>,
        /// A person has checked the note for personal data.
        checked: Option<bool>,
    }
}

request! {
    /// A record that does not stand.
    StrikeTold {
        /// Which.
        number: u32,
        /// Why.
        reason: LongText,
        /// A person has checked the reason for personal data.
        checked: Option<bool>,
    }
}

async fn one(call: Call) -> Result<Reply, Problem> {
    let incident = state(&call, call.id()?).await?;
    let telling = &incident.telling;
    let words = if telling.is_complete() {
        "Everybody told"
    } else if telling.first_told_at().is_some() {
        "Some told"
    } else {
        "Nobody told yet"
    };
    let newest = telling.newest();
    Ok(Reply::one(&PeopleTold {
        state: words,
        message_version: newest.map_or(0, |newest| newest.number),
        facts_changed_since: newest.is_some_and(|newest| newest.facts_version < incident.facts_version),
        first_told_at: telling.first_told_at(),
        people: u32::try_from(telling.people()).unwrap_or(u32::MAX),
        told: telling.survived.iter().map(TimeTold::left).chain(telling.waves.iter().map(TimeTold::of)).collect(),
    }))
}

impl TimeTold {
    fn of(wave: &Wave) -> Self {
        let Communication { at, channel, people, version, complete, note } = wave.communication.clone();
        Self {
            number: Some(wave.number),
            at,
            channel,
            people,
            version: Some(version),
            digest: Some(wave.digest),
            complete,
            note,
            struck: wave.struck.clone(),
        }
    }

    /// What survives erasure.
    const fn left(told: &telling::Told) -> Self {
        Self {
            number: None,
            at: told.at,
            channel: told.channel,
            people: told.people,
            version: None,
            digest: None,
            complete: false,
            note: None,
            struck: None,
        }
    }
}

async fn proposal(call: Call) -> Result<Reply, Problem> {
    let proposal = call.node.propose_letter(call.id()?).await?;
    let missing = proposal.missing().into_iter().map(str::to_owned).collect();
    let parts = proposal.parts.into_iter();
    let parts = parts.map(|part| ProposedPart { name: part.name, text: part.text, from: part.from }).collect();
    Ok(Reply::one(&MessageProposal { parts, missing }))
}

async fn current(call: &Call, id: IncidentId) -> Result<(u32, Reply), Problem> {
    let incident = state(call, id).await?;
    let newest: Option<&Version> = incident.telling.newest();
    let shown = CurrentMessage {
        version: newest.map_or(0, |newest| newest.number),
        facts_version: newest.map_or(0, |newest| newest.facts_version),
        at: newest.map(|newest| newest.at),
        message: newest.map(|newest| newest.letter.clone()),
    };
    Ok((shown.version, Reply::version(&shown, &shown.version.to_string())))
}

async fn message(call: Call) -> Result<Reply, Problem> {
    Ok(current(&call, call.id()?).await?.1)
}

async fn write(call: Call) -> Result<Reply, Problem> {
    let by = call.reporter()?;
    let id = call.id()?;
    let (base, reply) = current(&call, id).await?;
    call.must_match(&reply)?;
    let NewPeopleMessage { message, checked } = call.body()?;
    texts_must_be_checked(&call, &message.free_texts(), checked.unwrap_or(false), "/message").await?;
    match call.node.write_letter(&by, id, base, message).await {
        Ok(()) => Ok(current(&call, id).await?.1),
        Err(DoorError::Refused(Refusal::Telling(telling::Refusal::LetterChanged { .. }))) => {
            Err(current(&call, id).await?.1.changed())
        }
        Err(error) => Err(error.into()),
    }
}

async fn told(call: Call) -> Result<Reply, Problem> {
    let by = call.reporter()?;
    let RecordTold { at, channel, people, version, complete, note, checked } = call.body()?;
    let text = note.as_ref().map(LongText::as_str).unwrap_or_default();
    texts_must_be_checked(&call, &[("note", text)], checked.unwrap_or(false), "").await?;
    let told = Communication { at, channel, people, version, complete: complete.unwrap_or(false), note };
    call.node.record_told(&by, call.id()?, None, told).await?;
    Ok(Reply::done())
}

async fn strike(call: Call) -> Result<Reply, Problem> {
    let by = call.reporter()?;
    let StrikeTold { number, reason, checked } = call.body()?;
    texts_must_be_checked(&call, &[("reason", reason.as_str())], checked.unwrap_or(false), "").await?;
    call.node.strike_told(&by, call.id()?, number, reason).await?;
    Ok(Reply::done())
}
