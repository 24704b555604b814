//! Precedents: the cases of the European Data Protection Board's guidelines, and the nearest of them to what happened.
//!
//! They are for comparison by the person who decides: what was decided there, and why. They bind nobody in the UK.
//! "Nearest" is arithmetic that can be checked by hand ([`distance`]), the same on every machine and in every run, and it
//! serves incidents of our own register as well ([`nearest`]).

mod cases;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeSet;

pub use self::cases::{Decided, Guideline, Precedent, guidelines, precedents};

use crate::facts::{Cause, DataRecipients, Nature, Partly, YesNo};
use crate::suggestion::{Circumstances, Restoration};
use crate::values::Known;

/// As far apart as two values of a feature can be.
pub const FARTHEST: u32 = 1_000;
/// Not known, on either side: neither alike nor different.
const NOT_KNOWN: u32 = FARTHEST / 2;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// What was lost: confidentiality, integrity, availability.
    Kind,
    /// Cyber or not.
    Cyber,
    /// By whom, and on purpose or not.
    Cause,
    /// Kinds of data.
    Data,
    /// Kinds of people.
    Subjects,
    /// Who received the data.
    Recipients,
    /// Encryption and the key.
    Encryption,
    /// Backup: whether the data could be used again.
    Backup,
}

impl Feature {
    /// Every feature, in the order shown.
    pub const ALL: [Self; 8] = [
        Self::Kind,
        Self::Cyber,
        Self::Cause,
        Self::Data,
        Self::Subjects,
        Self::Recipients,
        Self::Encryption,
        Self::Backup,
    ];

    /// How much it counts. Our own choice: the guidelines rank nothing. What the cases turn on most (the data, whether
    /// they can be read) counts most.
    #[must_use]
    pub const fn weight(self) -> u32 {
        match self {
            Self::Cyber => 1,
            Self::Kind | Self::Cause | Self::Subjects | Self::Recipients | Self::Backup => 2,
            Self::Data | Self::Encryption => 3,
        }
    }

    /// The label that people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Kind => "What was lost",
            Self::Cyber => "Cyber or not",
            Self::Cause => "Cause",
            Self::Data => "Kinds of data",
            Self::Subjects => "Kinds of people",
            Self::Recipients => "Who received the data",
            Self::Encryption => "Encryption",
            Self::Backup => "Backup",
        }
    }

    /// How far two incidents are apart in this feature: 0 (alike) to [`FARTHEST`].
    fn between(self, one: &Circumstances, two: &Circumstances) -> u32 {
        match self {
            Self::Kind => sets(&one.nature, &two.nature),
            Self::Cyber => values(one.ico_category, two.ico_category, |one, two| u32::from(one != two) * FARTHEST),
            Self::Cause => values(one.cause, two.cause, causes),
            Self::Data => sets(&one.data, &two.data),
            Self::Subjects => sets(&one.subjects, &two.subjects),
            Self::Recipients => values(one.recipients, two.recipients, |one, two| steps(spread(one), spread(two), 4)),
            Self::Encryption => {
                values(readable(one), readable(two), |one, two| steps(u32::from(one), u32::from(two), 2))
            }
            Self::Backup => values(restored(one), restored(two), |one, two| steps(one, two, 3)),
        }
    }
}

/// How far two incidents are apart, with the working.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distance {
    parts: [(Feature, u32); 8],
}

impl Distance {
    /// Each feature with how far apart it is, 0 to [`FARTHEST`], before its weight.
    #[must_use]
    pub const fn parts(&self) -> &[(Feature, u32)] {
        &self.parts
    }

    /// The sum of parts times weights.
    #[must_use]
    pub fn weighted(&self) -> u32 {
        self.parts.iter().map(|(feature, apart)| feature.weight() * apart).sum()
    }

    /// The weighted mean, 0 (alike in everything) to [`FARTHEST`], rounded down.
    #[must_use]
    pub fn mean(&self) -> u32 {
        self.weighted() / Feature::ALL.into_iter().map(Feature::weight).sum::<u32>()
    }
}

/// How far two incidents are apart. For each feature, 0 to 1000:
///
/// - sets (what was lost, kinds of data, kinds of people): the share of all options named by either that only one names;
/// - cause: 500 for inside against outside, 500 for mistake against purpose;
/// - recipients: 250 a step on *nobody, trusted, known, unknown, published*;
/// - encryption: 500 a step on *unreadable with strong means and the key safe, anything in between, readable*;
/// - backup: 333 a step on *never missing, in time, late, not restored* (a loss that was none counts as never missing);
/// - cyber: 1000 when different.
///
/// What either side does not know counts 500. It is symmetric, and 0 for equal circumstances that are fully known.
#[must_use]
pub fn distance(one: &Circumstances, two: &Circumstances) -> Distance {
    Distance { parts: Feature::ALL.map(|feature| (feature, feature.between(one, two))) }
}

/// One that was found near.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Near<T> {
    /// What was given with its circumstances.
    pub what: T,
    /// How far it is, with the working.
    pub distance: Distance,
}

/// The nearest, at most `most`, nearest first. Of equally near ones the first given comes first, so that equal facts give
/// the same list every time. It keeps no more than `most` in memory, however many are given.
#[must_use]
pub fn nearest<'a, T>(
    to: &Circumstances,
    among: impl IntoIterator<Item = (&'a Circumstances, T)>,
    most: usize,
) -> Vec<Near<T>> {
    let mut nearest: Vec<Near<T>> = Vec::new();
    for (circumstances, what) in among {
        let distance = distance(to, circumstances);
        let weighted = distance.weighted();
        let place = nearest.partition_point(|other| other.distance.weighted() <= weighted);
        if place < most {
            nearest.insert(place, Near { what, distance });
            nearest.truncate(most);
        }
    }
    nearest
}

/// The nearest of the guidelines' cases. Their order is that of the data: Guidelines 01/2021 before 9/2022.
#[must_use]
pub fn nearest_cases(to: &Circumstances, most: usize) -> Vec<Near<&'static Precedent>> {
    nearest(to, precedents().iter().map(|precedent| (&precedent.circumstances, precedent)), most)
}

fn values<T: Copy>(one: Known<T>, two: Known<T>, apart: impl Fn(T, T) -> u32) -> u32 {
    match (one, two) {
        (Known::Known(one), Known::Known(two)) => apart(one, two),
        (Known::NotYetKnown, _) | (_, Known::NotYetKnown) => NOT_KNOWN,
    }
}

/// Jaccard's distance. Two empty sets are alike.
fn sets<T: Ord>(one: &Known<BTreeSet<T>>, two: &Known<BTreeSet<T>>) -> u32 {
    let (Some(one), Some(two)) = (one.as_option(), two.as_option()) else { return NOT_KNOWN };
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let (both, either) = (count(one.intersection(two).count()), count(one.union(two).count()));
    (either - both).saturating_mul(FARTHEST).checked_div(either).unwrap_or(0)
}

const fn steps(one: u32, two: u32, last: u32) -> u32 {
    one.abs_diff(two) * FARTHEST / last
}

fn causes(one: Cause, two: Cause) -> u32 {
    let inside = |cause| matches!(cause, Cause::InternalAccidental | Cause::InternalMalicious);
    let on_purpose = |cause| matches!(cause, Cause::InternalMalicious | Cause::ExternalMalicious);
    let differs = |is: fn(Cause) -> bool| u32::from(is(one) != is(two)) * (FARTHEST / 2);
    differs(inside) + differs(on_purpose)
}

const fn spread(recipients: DataRecipients) -> u32 {
    match recipients {
        DataRecipients::NoOne => 0,
        DataRecipients::KnownTrusted => 1,
        DataRecipients::Known => 2,
        DataRecipients::Unknown => 3,
        DataRecipients::Published => 4,
    }
}

/// 0 when nobody can read the data, 2 when anybody can, 1 for protection in part or with a known weakness.
fn readable(of: &Circumstances) -> Known<u8> {
    let fails = of.asked.strong == Known::Known(YesNo::No) || of.asked.key_safe == Known::Known(YesNo::No);
    match of.unintelligible {
        Known::Known(Partly::No) => Known::Known(2),
        Known::Known(Partly::Yes) if of.is_protected() => Known::Known(0),
        Known::Known(Partly::Yes) if !fails => Known::NotYetKnown,
        Known::Known(Partly::Yes | Partly::Partly) => Known::Known(1),
        Known::NotYetKnown => Known::NotYetKnown,
    }
}

fn restored(of: &Circumstances) -> Known<u32> {
    let is_secrecy_only = of.nature.as_option().is_some_and(|lost| lost.iter().eq([&Nature::Confidentiality]));
    match of.asked.restoration {
        Known::NotYetKnown if is_secrecy_only => Known::Known(0),
        Known::NotYetKnown => Known::NotYetKnown,
        Known::Known(Restoration::NeverMissing) => Known::Known(0),
        Known::Known(Restoration::InTime) => Known::Known(1),
        Known::Known(Restoration::Late) => Known::Known(2),
        Known::Known(Restoration::NotRestored) => Known::Known(3),
    }
}
