//! Telling the people affected (UK GDPR Article 34): the message in its versions, and a record of each time that it went
//! out.
//!
//! A message goes out in waves: letters on Monday, a notice on the website on Tuesday. Each wave says which version of the
//! text it carried. Whether people have to be told is a decision of its own; nothing here is sent by the node, because the
//! node never knows who the people are.

mod letter;

use serde::{Deserialize, Serialize};

use super::decide::must_be_open;
use super::{Event, Incident, Stage, duties};
use crate::undated::UndatedDuty;
use crate::values::{Actor, Digest32, LongText, Moment};

pub use letter::{ContactPoint, Letter, Part, Proposal, Section, Wording, propose};

/// Versions of one message; whoever needs more writes another incident's.
pub const VERSIONS_MAX: usize = 50;
/// Records of communications about one incident.
pub const WAVES_MAX: usize = 200;
/// People told at once: more than live in London.
pub const PEOPLE_MAX: u32 = 10_000_000;

/// How people were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A letter to each.
    Letter,
    /// An e-mail to each.
    Email,
    /// By telephone.
    Telephone,
    /// In person.
    InPerson,
    /// A public notice, such as an advertisement (Article 34(3)(c)).
    PublicNotice,
    /// On a website (Article 34(3)(c)).
    Website,
}

impl Channel {
    /// Every channel, in the order shown.
    pub const ALL: [Self; 6] =
        [Self::Letter, Self::Email, Self::Telephone, Self::InPerson, Self::PublicNotice, Self::Website];

    /// The word in events, tables and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Letter => "letter",
            Self::Email => "email",
            Self::Telephone => "telephone",
            Self::InPerson => "in_person",
            Self::PublicNotice => "public_notice",
            Self::Website => "website",
        }
    }

    /// The label that people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Letter => "Letter",
            Self::Email => "E-mail",
            Self::Telephone => "Telephone",
            Self::InPerson => "In person",
            Self::PublicNotice => "Public notice",
            Self::Website => "Website",
        }
    }

    /// The channel with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.word() == word)
    }

    /// Whether it speaks to everybody at once: then nobody can say how many it reached.
    #[must_use]
    pub const fn is_public(self) -> bool {
        match self {
            Self::PublicNotice | Self::Website => true,
            Self::Letter | Self::Email | Self::Telephone | Self::InPerson => false,
        }
    }
}

/// One version of the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// 1, 2, 3 …
    pub number: u32,
    /// Its text.
    pub letter: Letter,
    /// The version of the facts that stood when it was written.
    pub facts_version: u32,
    /// When it was written.
    pub at: Moment,
    /// By whom.
    pub by: Actor,
}

/// What a person says of a communication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Communication {
    /// When it went out.
    pub at: Moment,
    /// How.
    pub channel: Channel,
    /// How many people it went to, 1 to [`PEOPLE_MAX`]; only a public channel can do without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<u32>,
    /// The version of the message that it carried.
    pub version: u32,
    /// Nobody is left to be told.
    pub complete: bool,
    /// Anything to add, such as where the notice stood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<LongText>,
}

/// A communication on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wave {
    /// 1, 2, 3 …
    pub number: u32,
    /// It.
    pub communication: Communication,
    /// Digest of the text that it carried ([`Letter::digest`]).
    pub digest: Digest32,
    /// When it was recorded.
    pub at: Moment,
    /// By whom.
    pub by: Actor,
    /// Why the record does not stand, when it was made in error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub struck: Option<LongText>,
}

/// Everything about telling people of one incident.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Telling {
    /// Versions of the message, the oldest first.
    pub versions: Vec<Version>,
    /// Communications, in the order recorded.
    pub waves: Vec<Wave>,
    /// After erasure: what is left of the communications.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub survived: Vec<Told>,
}

impl Telling {
    /// The message as it stands.
    #[must_use]
    pub fn newest(&self) -> Option<&Version> {
        self.versions.last()
    }

    /// One version.
    #[must_use]
    pub fn version(&self, number: u32) -> Option<&Version> {
        self.versions.iter().find(|version| version.number == number)
    }

    /// Communications that stand.
    pub fn standing(&self) -> impl Iterator<Item = &Wave> {
        self.waves.iter().filter(|wave| wave.struck.is_none())
    }

    /// Codes, counts and instants of the communications that stand: what survives erasure.
    #[must_use]
    pub fn told(&self) -> Vec<Told> {
        let standing = self.standing().map(|wave| {
            let Communication { at, channel, people, .. } = &wave.communication;
            Told { at: *at, channel: *channel, people: *people }
        });
        self.survived.iter().copied().chain(standing).collect()
    }

    /// When people were first told.
    #[must_use]
    pub fn first_told_at(&self) -> Option<Moment> {
        self.told().iter().map(|told| told.at).min()
    }

    /// How many people were told, each counted once for each time.
    #[must_use]
    pub fn people(&self) -> u64 {
        self.told().iter().filter_map(|told| told.people).map(u64::from).sum()
    }

    /// Whether a person said that nobody is left to be told.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.standing().any(|wave| wave.communication.complete)
    }

    /// After one more change.
    #[must_use]
    pub(super) fn after(mut self, change: &Change, at: Moment, by: &Actor) -> Self {
        match change {
            Change::Written { version, letter, facts_version } => self.versions.push(Version {
                number: *version,
                letter: (**letter).clone(),
                facts_version: *facts_version,
                at,
                by: by.clone(),
            }),
            Change::Told { wave, communication, digest } => self.waves.push(Wave {
                number: *wave,
                communication: (**communication).clone(),
                digest: *digest,
                at,
                by: by.clone(),
                struck: None,
            }),
            Change::Struck { wave, reason } => {
                if let Some(wave) = self.waves.iter_mut().find(|found| found.number == *wave) {
                    wave.struck = Some(reason.clone());
                }
            }
        }
        self
    }
}

/// What changed. A file format: frozen by golden files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// A version of the message was written.
    Written {
        /// 1, 2, 3 …
        version: u32,
        /// Its text.
        letter: Box<Letter>,
        /// The version of the facts that stood.
        facts_version: u32,
    },
    /// A communication was recorded.
    Told {
        /// 1, 2, 3 …
        wave: u32,
        /// It.
        communication: Box<Communication>,
        /// Digest of the text that it carried.
        digest: Digest32,
    },
    /// A record of a communication was found to be wrong.
    Struck {
        /// Which.
        wave: u32,
        /// Why.
        reason: LongText,
    },
}

/// What a person asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Keep a newer version of the message.
    Write {
        /// The version that the editor saw, 0 for none; another one is refused, so that nobody overwrites unseen.
        base: u32,
        /// The text.
        letter: Box<Letter>,
    },
    /// Record that people were told.
    Record {
        /// How, when, how many.
        communication: Box<Communication>,
    },
    /// A record was made in error.
    Strike {
        /// Which.
        wave: u32,
        /// Why.
        reason: LongText,
    },
}

/// Why a command was refused. Public: each is a sentence for the person who asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Somebody else wrote a newer version meanwhile.
    #[error("somebody else changed the message meanwhile")]
    LetterChanged {
        /// The version that stands.
        current: u32,
    },
    /// Nothing differs from the version that stands.
    #[error("nothing in the message was changed")]
    SameLetter,
    /// Too many versions.
    #[error("a message has {VERSIONS_MAX} versions at most")]
    TooManyVersions,
    /// Too many records.
    #[error("{WAVES_MAX} communications at most are recorded for one incident")]
    TooManyWaves,
    /// In the future.
    #[error("people cannot have been told in the future")]
    ToldInFuture,
    /// Before we knew.
    #[error("people cannot have been told before we became aware")]
    ToldBeforeAwareness {
        /// When we became aware.
        aware: Moment,
    },
    /// No number where one is needed.
    #[error("say how many people were told; only a public notice or a website has no number")]
    PeopleMissing,
    /// A number that can't be.
    #[error("the number of people is between 1 and 10,000,000")]
    PeopleOutOfRange,
    /// No such version of the message.
    #[error("there is no such version of the message")]
    NoSuchVersion,
    /// No such record that stands.
    #[error("there is no such record")]
    NoSuchWave,
}

/// The rules. What was told before a withdrawal is recorded after it too.
pub(super) fn decide(
    incident: &Incident,
    command: &Command,
    by: &Actor,
    now: Moment,
) -> Result<Vec<Event>, super::Refusal> {
    let change = match command {
        Command::Write { base, letter } => {
            must_be_open(incident)?;
            write(incident, *base, letter)?
        }
        Command::Record { communication } => {
            must_be_tellable(incident)?;
            record(incident, communication, now)?
        }
        Command::Strike { wave, reason } => {
            must_be_tellable(incident)?;
            let standing = incident.telling.standing().any(|found| found.number == *wave);
            if !standing {
                return Err(Refusal::NoSuchWave.into());
            }
            Change::Struck { wave: *wave, reason: reason.clone() }
        }
    };
    // The first wave is the telling that was owed; whatever was told before that was decided ends it at its beginning.
    let owed = incident.duties.open(UndatedDuty::PeopleTold).map(|owed| owed.since);
    let done = match (&change, owed) {
        (Change::Told { communication, .. }, Some(since)) => {
            duties::done(incident, UndatedDuty::PeopleTold, communication.at.max(since), by, now)
        }
        (Change::Told { .. } | Change::Written { .. } | Change::Struck { .. }, _) => Vec::new(),
    };
    Ok([Event::Telling { change, at: now, by: by.clone() }].into_iter().chain(done).collect())
}

const fn must_be_tellable(incident: &Incident) -> Result<(), super::Refusal> {
    match incident.stage {
        Stage::Held | Stage::Active | Stage::Withdrawn { .. } => Ok(()),
        Stage::Closed | Stage::Anonymised => Err(super::Refusal::NotOpen { stage: incident.stage.word() }),
    }
}

fn write(incident: &Incident, base: u32, letter: &Letter) -> Result<Change, Refusal> {
    let newest = incident.telling.newest();
    let current = newest.map_or(0, |version| version.number);
    if base != current {
        return Err(Refusal::LetterChanged { current });
    }
    if newest.is_some_and(|version| version.letter == *letter) {
        return Err(Refusal::SameLetter);
    }
    if incident.telling.versions.len() >= VERSIONS_MAX {
        return Err(Refusal::TooManyVersions);
    }
    Ok(Change::Written {
        version: current.saturating_add(1),
        letter: Box::new(letter.clone()),
        facts_version: incident.facts_version,
    })
}

fn record(incident: &Incident, communication: &Communication, now: Moment) -> Result<Change, Refusal> {
    if incident.telling.waves.len() >= WAVES_MAX {
        return Err(Refusal::TooManyWaves);
    }
    if communication.at > now {
        return Err(Refusal::ToldInFuture);
    }
    let aware = [incident.awareness.circumstances, incident.awareness.breach].into_iter().flatten().min();
    if let Some(aware) = aware.filter(|aware| communication.at.floor_minute() < aware.floor_minute()) {
        return Err(Refusal::ToldBeforeAwareness { aware });
    }
    match communication.people {
        Some(people) if !(1..=PEOPLE_MAX).contains(&people) => return Err(Refusal::PeopleOutOfRange),
        None if !communication.channel.is_public() => return Err(Refusal::PeopleMissing),
        Some(_) | None => {}
    }
    let version = incident.telling.version(communication.version).ok_or(Refusal::NoSuchVersion)?;
    let wave = incident.telling.waves.last().map_or(1, |wave| wave.number.saturating_add(1));
    Ok(Change::Told { wave, communication: Box::new(communication.clone()), digest: version.letter.digest() })
}

/// A communication as it survives erasure: codes, counts and instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// When it went out.
    pub at: Moment,
    /// How.
    pub channel: Channel,
    /// To how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<u32>,
}
