//! A suggestion: report it? tell people? With every ground and the provision that it rests on. It never decides.
//!
//! The rule is the law's own direction: a breach is reported *unless* a risk to people is unlikely (UK GDPR Article
//! 33(1)), so what is not known leans towards reporting. Each loss (of secrecy, of correctness, of availability) must be
//! excused by a ground of its own before the suggestion is not to report. Telling people needs a *high* risk (Article
//! 34(1)); what is not known there is said to be not clear, never guessed. Article 34(3) is applied last.
//!
//! The grounds follow EDPB Guidelines 01/2021 and 9/2022. Where those weigh what a list of options can't hold, the
//! suggestion is the stricter one, never the laxer (`tests` names the cases).
//!
//! It is meant for a breach. Circumstances that are only likely to give rise to one are not reportable yet.

mod circumstances;
mod ground;
mod question;
#[cfg(test)]
mod tests;

pub use self::circumstances::{Asked, Circumstances, Misuse, Restoration};
pub use self::ground::{Ground, Leans, Provision};
pub use self::question::Question;

use serde::{Deserialize, Serialize};

use crate::facts::{Cause, DataCategory, DataRecipients, Nature, Partly, SubjectCategory, YesNo};
use crate::values::{CountBasis, Known};

/// The rules' stable name, which a kept suggestion carries: other rules get another.
pub const RULES: &str = "tocsin-suggestion-2026-11";

/// No more than so many people are *few*: above, ENISA's methodology (2013) flags the number as a circumstance of its own.
const FEW_PEOPLE_MAX: u32 = 100;

/// Advice with its grounds. It is no decision and can't become one: nothing converts it, it is never stored as one, and
/// a decision is made of a person, a choice and that person's own reasons.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggested<T> {
    advice: T,
    grounds: Vec<Ground>,
}

impl<T: Copy> Suggested<T> {
    /// What is suggested to the person who decides.
    #[must_use]
    pub const fn advice(&self) -> T {
        self.advice
    }

    /// Every ground, for and against.
    #[must_use]
    pub fn grounds(&self) -> &[Ground] {
        &self.grounds
    }
}

/// What is suggested about reporting to the ICO (Article 33(1)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToIco {
    /// Report.
    SuggestReporting,
    /// Don't: a risk is unlikely. It takes a second data protection officer's approval.
    SuggestNotReporting,
}

impl ToIco {
    /// Every advice.
    pub const ALL: [Self; 2] = [Self::SuggestReporting, Self::SuggestNotReporting];

    /// The word in the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::SuggestReporting => "suggest_reporting",
            Self::SuggestNotReporting => "suggest_not_reporting",
        }
    }

    /// The advice in words.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::SuggestReporting => "We suggest reporting it to the ICO",
            Self::SuggestNotReporting => "We suggest that it need not be reported to the ICO",
        }
    }
}

/// What is suggested about telling the people affected (Article 34).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToPeople {
    /// Tell each of them.
    SuggestTelling,
    /// A public notice in place of telling each (Article 34(3)(c)).
    SuggestPublicNotice,
    /// Don't: the risk is not high, or an exemption applies.
    SuggestNotTelling,
    /// Too little is known to suggest either.
    NotClear,
}

impl ToPeople {
    /// Every advice.
    pub const ALL: [Self; 4] =
        [Self::SuggestTelling, Self::SuggestPublicNotice, Self::SuggestNotTelling, Self::NotClear];

    /// The word in the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::SuggestTelling => "suggest_telling",
            Self::SuggestPublicNotice => "suggest_public_notice",
            Self::SuggestNotTelling => "suggest_not_telling",
            Self::NotClear => "not_clear",
        }
    }

    /// The advice in words.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::SuggestTelling => "We suggest telling the people affected",
            Self::SuggestPublicNotice => "We suggest a public notice in place of telling each person",
            Self::SuggestNotTelling => "We suggest that the people affected need not be told",
            Self::NotClear => "Too little is known to suggest whether to tell people",
        }
    }
}

/// Both suggestions, and what is still to be found out.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// About reporting to the ICO.
    pub to_ico: Suggested<ToIco>,
    /// About telling people.
    pub to_people: Suggested<ToPeople>,
    /// Questions whose answers could change either.
    pub open: Vec<Question>,
}

/// What follows from the circumstances as far as they are known. Same circumstances, same suggestion.
pub fn suggest(of: &Circumstances) -> Suggestion {
    let losses = Losses::of(of);
    let open = Question::open(of);
    Suggestion { to_ico: to_ico(of, &losses, &open), to_people: to_people(of, &losses), open }
}

fn to_ico(of: &Circumstances, losses: &Losses, open: &[Question]) -> Suggested<ToIco> {
    let mut grounds: Vec<Ground> = losses.all().into_iter().filter_map(Loss::ground).collect();
    let half_protected = matches!(of.unintelligible, Known::Known(Partly::Yes | Partly::Partly)) && !of.is_protected();
    if half_protected && losses.secrecy.stands() {
        grounds.push(ground::PROTECTION_NOT_SHOWN);
    }
    let advice = if losses.any_stands() { ToIco::SuggestReporting } else { ToIco::SuggestNotReporting };
    if advice == ToIco::SuggestReporting && !open.is_empty() {
        grounds.push(ground::PHASES);
    }
    grounds.push(ground::RECORDED);
    Suggested { advice, grounds }
}

fn to_people(of: &Circumstances, losses: &Losses) -> Suggested<ToPeople> {
    let mut levels = Vec::new();
    if losses.secrecy.stands() || losses.correctness.stands() {
        levels.push(exposure(of));
    }
    if losses.availability.stands() {
        levels.push(outage(of));
    }
    if losses.unknown.stands() {
        levels.push(Level::Unclear(ground::LOSS_NOT_KNOWN));
    }
    let mut grounds: Vec<Ground> = levels.iter().map(|level| level.ground()).collect();
    if levels.is_empty() {
        grounds.push(ground::RISK_UNLIKELY);
    }
    if of.is_protected() && matches!(losses.secrecy, Loss::Excused(_)) {
        grounds.push(ground::UNREADABLE);
    }
    let is_high = levels.iter().any(|level| matches!(level, Level::High(_)));
    let is_unclear = levels.iter().any(|level| matches!(level, Level::Unclear(_)));
    let advice = if is_high && of.asked.high_risk_removed == Known::Known(YesNo::Yes) {
        grounds.push(ground::HIGH_RISK_REMOVED);
        ToPeople::SuggestNotTelling
    } else if is_high && of.asked.telling_disproportionate == Known::Known(YesNo::Yes) {
        grounds.push(ground::OUT_OF_PROPORTION);
        ToPeople::SuggestPublicNotice
    } else if is_high {
        ToPeople::SuggestTelling
    } else if is_unclear {
        ToPeople::NotClear
    } else {
        ToPeople::SuggestNotTelling
    };
    Suggested { advice, grounds }
}

/// What stands of one loss.
#[derive(Debug, Clone, Copy)]
enum Loss {
    /// It did not happen.
    None,
    /// It happened, and a risk to people from it is unlikely.
    Excused(Ground),
    /// It happened, or can't be ruled out.
    Stands(Ground),
}

impl Loss {
    const fn stands(self) -> bool {
        matches!(self, Self::Stands(_))
    }

    const fn ground(self) -> Option<Ground> {
        match self {
            Self::None => None,
            Self::Excused(ground) | Self::Stands(ground) => Some(ground),
        }
    }
}

/// The three losses of Article 4(1)(12), and the one that nobody knows yet.
struct Losses {
    unknown: Loss,
    secrecy: Loss,
    correctness: Loss,
    availability: Loss,
}

impl Losses {
    fn of(of: &Circumstances) -> Self {
        let natures = of.nature.as_option().filter(|natures| !natures.is_empty());
        let lost = |nature| natures.is_some_and(|natures| natures.contains(&nature));
        Self {
            unknown: if natures.is_none() { Loss::Stands(ground::NATURE_UNKNOWN) } else { Loss::None },
            secrecy: secrecy(of, natures.is_none() || lost(Nature::Confidentiality)),
            correctness: if lost(Nature::Integrity) { correctness(of) } else { Loss::None },
            availability: if lost(Nature::Availability) { availability(of) } else { Loss::None },
        }
    }

    const fn all(&self) -> [Loss; 4] {
        [self.unknown, self.secrecy, self.correctness, self.availability]
    }

    fn any_stands(&self) -> bool {
        self.all().into_iter().any(Loss::stands)
    }
}

/// Whoever may have received data has them, whatever was ticked under "what was lost".
fn secrecy(of: &Circumstances, is_said: bool) -> Loss {
    let seen = match of.recipients {
        Known::Known(DataRecipients::NoOne) if is_said => ground::CONTRADICTION,
        Known::Known(DataRecipients::NoOne) => return Loss::None,
        Known::Known(DataRecipients::KnownTrusted | DataRecipients::Known) => ground::SEEN_BY_KNOWN,
        Known::Known(DataRecipients::Unknown) => ground::SEEN_BY_UNKNOWN,
        Known::Known(DataRecipients::Published) => ground::PUBLISHED,
        Known::NotYetKnown => ground::RECIPIENTS_UNKNOWN,
    };
    if of.is_protected() {
        Loss::Excused(ground::PROTECTED)
    } else if is_returned(of) {
        Loss::Excused(ground::TRUSTED_AND_DELETED)
    } else if is_small_mistake(of) {
        Loss::Excused(ground::SMALL_MISTAKE)
    } else {
        Loss::Stands(seen)
    }
}

fn correctness(of: &Circumstances) -> Loss {
    let put_right = matches!(of.asked.restoration, Known::Known(Restoration::NeverMissing | Restoration::InTime));
    if put_right && is_malicious(of) == Some(false) {
        Loss::Excused(ground::PUT_RIGHT)
    } else {
        Loss::Stands(ground::CHANGED)
    }
}

const fn availability(of: &Circumstances) -> Loss {
    match of.asked.restoration {
        Known::Known(Restoration::NeverMissing | Restoration::InTime) => Loss::Excused(ground::RESTORED),
        Known::Known(Restoration::Late) => Loss::Stands(ground::LATE),
        Known::Known(Restoration::NotRestored) => Loss::Stands(ground::GONE),
        Known::NotYetKnown => Loss::Stands(ground::RESTORATION_UNKNOWN),
    }
}

/// A mistake, to somebody trusted, who confirmed that the data are gone.
fn is_returned(of: &Circumstances) -> bool {
    is_malicious(of) == Some(false)
        && of.recipients == Known::Known(DataRecipients::KnownTrusted)
        && of.asked.deletion_confirmed == Known::Known(YesNo::Yes)
}

/// A mistake with ordinary data of few people, to somebody known, who can do next to nothing with them.
fn is_small_mistake(of: &Circumstances) -> bool {
    let is_few = of.people.as_option().is_some_and(|people| match people.basis {
        CountBasis::Exact | CountBasis::Approximate => people.max.unwrap_or(people.value) <= FEW_PEOPLE_MAX,
        CountBasis::Minimum => people.max.is_some_and(|most| most <= FEW_PEOPLE_MAX),
    });
    is_few
        && is_malicious(of) == Some(false)
        && matches!(of.recipients, Known::Known(DataRecipients::KnownTrusted | DataRecipients::Known))
        && of.asked.misuse == Known::Known(Misuse::Little)
        && needs_care(of, is_sensitive) == Some(false)
}

/// How high the risk from one kind of loss is.
#[derive(Debug, Clone, Copy)]
enum Level {
    High(Ground),
    Unclear(Ground),
    Lower(Ground),
}

impl Level {
    const fn ground(self) -> Ground {
        match self {
            Self::High(ground) | Self::Unclear(ground) | Self::Lower(ground) => ground,
        }
    }
}

/// Of data that somebody has, or changed.
fn exposure(of: &Circumstances) -> Level {
    let is_minor = matches!(of.asked.misuse, Known::Known(Misuse::Little | Misuse::Nuisance));
    if of.asked.misuse == Known::Known(Misuse::Serious) {
        return Level::High(ground::SERIOUS_MISUSE);
    }
    match (needs_care(of, is_sensitive), is_hostile(of)) {
        (Some(true), Some(true)) => Level::High(ground::SENSITIVE_IN_WRONG_HANDS),
        (Some(true), None) => Level::Unclear(ground::WHO_NOT_KNOWN),
        (Some(true), Some(false)) if is_minor => Level::Lower(ground::KNOWN_RECIPIENT),
        (Some(false), _) if is_minor => Level::Lower(ground::ORDINARY_DATA),
        (Some(_), _) => Level::Unclear(ground::MISUSE_NOT_ASSESSED),
        (None, _) => Level::Unclear(ground::DATA_NOT_KNOWN),
    }
}

/// Of data that people had to do without.
fn outage(of: &Circumstances) -> Level {
    match (needs_care(of, is_special), of.asked.restoration.is_missing()) {
        (Some(true), false) => Level::High(ground::CARE_INTERRUPTED),
        (Some(true), true) => Level::Unclear(ground::OUTAGE_NOT_KNOWN),
        (Some(false), _) => Level::Lower(ground::ORDINARY_OUTAGE),
        (None, _) => Level::Unclear(ground::DATA_NOT_KNOWN),
    }
}

/// Whether the data or the people need special care; `None` while too little is known to say no.
fn needs_care(of: &Circumstances, counts: fn(DataCategory) -> bool) -> Option<bool> {
    let data = of.data.as_option().filter(|kinds| !kinds.is_empty());
    let subjects = of.subjects.as_option().filter(|kinds| !kinds.is_empty());
    let by_data = data.map(|kinds| kinds.iter().copied().any(counts));
    let by_people = subjects.map(|kinds| kinds.iter().copied().any(is_vulnerable));
    match (by_data, by_people) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        (None, Some(false) | None) | (Some(false), None) => None,
    }
}

/// Special categories (Article 9(1)) and criminal convictions (Article 10). Gender reassignment is counted with them, as
/// on the ICO's form.
const fn is_special(kind: DataCategory) -> bool {
    match kind {
        DataCategory::RacialOrEthnicOrigin
        | DataCategory::PoliticalOpinions
        | DataCategory::ReligiousOrPhilosophicalBeliefs
        | DataCategory::TradeUnionMembership
        | DataCategory::SexLife
        | DataCategory::SexualOrientation
        | DataCategory::GenderReassignment
        | DataCategory::Health
        | DataCategory::GeneticOrBiometric
        | DataCategory::CriminalConvictions => true,
        DataCategory::BasicIdentifiers
        | DataCategory::IdentificationData
        | DataCategory::EconomicAndFinancial
        | DataCategory::OfficialDocuments
        | DataCategory::Location
        | DataCategory::Other => false,
    }
}

/// Special categories, and what serves to pass as somebody, to take money or to find somebody.
const fn is_sensitive(kind: DataCategory) -> bool {
    match kind {
        DataCategory::IdentificationData
        | DataCategory::EconomicAndFinancial
        | DataCategory::OfficialDocuments
        | DataCategory::Location => true,
        DataCategory::BasicIdentifiers | DataCategory::Other => false,
        DataCategory::RacialOrEthnicOrigin
        | DataCategory::PoliticalOpinions
        | DataCategory::ReligiousOrPhilosophicalBeliefs
        | DataCategory::TradeUnionMembership
        | DataCategory::SexLife
        | DataCategory::SexualOrientation
        | DataCategory::GenderReassignment
        | DataCategory::Health
        | DataCategory::GeneticOrBiometric
        | DataCategory::CriminalConvictions => is_special(kind),
    }
}

/// People who are less able to protect themselves.
const fn is_vulnerable(kind: SubjectCategory) -> bool {
    match kind {
        SubjectCategory::Patients | SubjectCategory::Children | SubjectCategory::VulnerableAdults => true,
        SubjectCategory::Employees
        | SubjectCategory::Users
        | SubjectCategory::Subscribers
        | SubjectCategory::Students
        | SubjectCategory::Customers
        | SubjectCategory::Other => false,
    }
}

/// Whether it was done on purpose.
const fn is_malicious(of: &Circumstances) -> Option<bool> {
    match of.cause {
        Known::Known(Cause::InternalMalicious | Cause::ExternalMalicious) => Some(true),
        Known::Known(Cause::InternalAccidental | Cause::ExternalAccidental) => Some(false),
        Known::NotYetKnown => None,
    }
}

/// Whether the data are in hostile hands, or in hands that nobody controls.
const fn is_hostile(of: &Circumstances) -> Option<bool> {
    match (is_malicious(of), of.recipients) {
        (Some(true), _) | (_, Known::Known(DataRecipients::Unknown | DataRecipients::Published)) => Some(true),
        (Some(false), Known::Known(DataRecipients::NoOne | DataRecipients::KnownTrusted | DataRecipients::Known)) => {
            Some(false)
        }
        (None, _) | (Some(false), Known::NotYetKnown) => None,
    }
}
