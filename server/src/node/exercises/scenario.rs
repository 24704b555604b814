//! Scenarios ready to use: plain, invented, about nobody.

use domain::facts::{DataCategory, DiscoveryMethod, Facts, Nature, Occurred, Precision, SubjectCategory, YesNo};
use domain::values::{Known, LongText, Moment, Options, Title};

use crate::node::DoorError;

/// Said in every exercise, before the organiser's own words.
const ASKED: &str =
    "This is an exercise. Nothing in it has happened. Please read it and acknowledge it as you would a real notice.";

/// What is supposed to have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// Mails went to somebody else.
    WrongRecipient,
    /// A computer is gone.
    LostDevice,
    /// A supplier's system was entered.
    Supplier,
}

impl Scenario {
    /// Every scenario, in the order shown.
    pub const ALL: [Self; 3] = [Self::WrongRecipient, Self::LostDevice, Self::Supplier];

    /// The word in forms and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::WrongRecipient => "wrong_recipient",
            Self::LostDevice => "lost_device",
            Self::Supplier => "supplier",
        }
    }

    /// In a few words: the title that partners read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::WrongRecipient => "Case e-mails may have gone to the wrong contractor",
            Self::LostDevice => "An unlocked laptop was left on a train",
            Self::Supplier => "A supplier reports a stranger in its systems",
        }
    }

    /// The scenario with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scenario| scenario.word() == word)
    }

    const fn summary(self) -> &'static str {
        match self {
            Self::WrongRecipient => {
                "Automatic e-mails about cases may have gone to a contractor that does not serve the area. It is not known \
                 yet whether anybody opened them."
            }
            Self::LostDevice => {
                "A laptop of the case team was left on a train while somebody was signed in. It has not been found. It is \
                 not known yet whether it was used."
            }
            Self::Supplier => {
                "A supplier that stores case attachments reports that a stranger signed in to its systems. Which customers \
                 are concerned is not known yet."
            }
        }
    }

    const fn basis(self) -> &'static str {
        match self {
            Self::WrongRecipient => "The contractor telephoned; the duty engineer saw the routing rule that was wrong.",
            Self::LostDevice => "The person who lost it told the service desk, which saw it go offline.",
            Self::Supplier => {
                "The supplier's security team sent a notice; the duty engineer confirmed it by telephone."
            }
        }
    }

    const fn discovered(self) -> DiscoveryMethod {
        match self {
            Self::WrongRecipient | Self::Supplier => DiscoveryMethod::ThirdParty,
            Self::LostDevice => DiscoveryMethod::OwnDetection,
        }
    }

    /// The facts, at the instant of the exercise, with the organiser's own words for the partners.
    pub(super) fn facts(self, now: Moment, note: Option<&LongText>) -> Result<Facts, DoorError> {
        let asked = match note {
            Some(note) => format!("{ASKED} {note}"),
            None => ASKED.to_owned(),
        };
        let now = now.floor_second();
        Ok(Facts {
            title: Title::parse(self.label()).map_err(|_| DoorError::Invalid("the scenario has no title"))?,
            summary: text(self.summary())?,
            occurred: Known::Known(Occurred {
                from: now.plus_seconds(-2 * 3_600),
                to: None,
                precision: Precision::Estimated,
            }),
            detected_at: None,
            aware_basis: text(self.basis())?,
            discovery_method: self.discovered(),
            nature: Known::Known(Options::from([Nature::Confidentiality])),
            ongoing: Known::Known(YesNo::No),
            cause: Known::NotYetKnown,
            ico_category: Known::NotYetKnown,
            data_unintelligible: Known::NotYetKnown,
            recipients_of_data: Known::NotYetKnown,
            data_categories: Known::Known(Options::from([DataCategory::BasicIdentifiers])),
            subject_categories: Known::Known(Options::from([SubjectCategory::Users])),
            data_subjects: Known::NotYetKnown,
            records: Known::NotYetKnown,
            likely_consequences: Known::NotYetKnown,
            actual_harm: None,
            risk_view: Known::NotYetKnown,
            containment: Known::NotYetKnown,
            mitigation: Known::NotYetKnown,
            asked_of_recipient: Some(text(&asked)?),
            notified_late_reason: None,
        })
    }
}

fn text(words: &str) -> Result<LongText, DoorError> {
    LongText::parse(words).map_err(|_| DoorError::Invalid("these words are too long; shorten some"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Aim: every scenario makes facts, and says in them that it is an exercise, before what the organiser adds.
    #[test]
    fn every_scenario_says_that_it_is_an_exercise() {
        let note = LongText::parse("Ring us when you have read it.").ok();
        let now = Moment::parse("2026-03-02T09:00:00Z").unwrap();
        for scenario in Scenario::ALL {
            let facts = scenario.facts(now, note.as_ref());
            let asked = facts.ok().and_then(|facts| facts.asked_of_recipient);
            assert!(asked.is_some_and(|asked| {
                let asked = asked.as_str();
                asked.starts_with("This is an exercise.") && asked.ends_with("read it.")
            }));
            assert_eq!(Scenario::from_word(scenario.word()), Some(scenario));
        }
    }
}
