//! Grounds: one reason each, with the provision that it rests on and the way it leans.

/// A provision of the UK GDPR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provision {
    /// Report to the regulator, unless a risk to people is unlikely.
    Article33Paragraph1,
    /// What is not known yet may follow in phases.
    Article33Paragraph4,
    /// Every breach is recorded.
    Article33Paragraph5,
    /// Tell people where the risk to them is likely to be high.
    Article34Paragraph1,
    /// No need to: the data are unreadable to whoever has them.
    Article34Paragraph3A,
    /// No need to: later steps removed the high risk.
    Article34Paragraph3B,
    /// No need to tell each: out of proportion, so a public notice instead.
    Article34Paragraph3C,
}

impl Provision {
    /// How it is cited.
    #[must_use]
    pub const fn citation(self) -> &'static str {
        match self {
            Self::Article33Paragraph1 => "UK GDPR Article 33(1)",
            Self::Article33Paragraph4 => "UK GDPR Article 33(4)",
            Self::Article33Paragraph5 => "UK GDPR Article 33(5)",
            Self::Article34Paragraph1 => "UK GDPR Article 34(1)",
            Self::Article34Paragraph3A => "UK GDPR Article 34(3)(a)",
            Self::Article34Paragraph3B => "UK GDPR Article 34(3)(b)",
            Self::Article34Paragraph3C => "UK GDPR Article 34(3)(c)",
        }
    }
}

/// Which way a ground leans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Leans {
    /// Towards reporting or telling.
    Towards,
    /// Against it.
    Against,
    /// Neither: it is to be found out, or holds either way.
    Neither,
}

/// One reason for a suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ground {
    /// Stable name, for the API.
    pub id: &'static str,
    /// What it rests on.
    pub provision: Provision,
    /// Which way it leans.
    pub leans: Leans,
    /// The reason in words.
    pub words: &'static str,
}

impl Ground {
    /// The ground with this name, for a suggestion that was kept by names. A name is never given to another ground.
    #[must_use]
    pub fn with_id(id: &str) -> Option<&'static Self> {
        ALL.iter().find(|ground| ground.id == id)
    }
}

macro_rules! grounds {
    ($($name:ident = $id:literal, $provision:ident, $leans:ident, $words:literal;)+) => {
        $(pub(super) const $name: Ground =
            Ground { id: $id, provision: Provision::$provision, leans: Leans::$leans, words: $words };)+
        /// Every ground. A test holds that ids are used once.
        pub(super) const ALL: &[Ground] = &[$($name,)+];
    };
}

grounds! {
    RECORDED = "recorded", Article33Paragraph5, Neither,
        "Whatever is decided, the breach goes into the register with its facts, its effects and what was done.";
    PHASES = "phases", Article33Paragraph4, Neither,
        "Some facts are not known yet. That is no reason to wait: a first report can be completed later.";

    NATURE_UNKNOWN = "nature_unknown", Article33Paragraph1, Towards,
        "It is not known what was lost, so a risk cannot be ruled out.";
    CONTRADICTION = "contradiction", Article33Paragraph1, Towards,
        "The facts say that data were disclosed and that nobody received them. One of the two needs correcting.";
    SEEN_BY_KNOWN = "seen_by_known", Article33Paragraph1, Towards,
        "Somebody who should not have the data received them.";
    SEEN_BY_UNKNOWN = "seen_by_unknown", Article33Paragraph1, Towards,
        "The data may be with people whom nobody knows or controls.";
    PUBLISHED = "published", Article33Paragraph1, Towards,
        "The data were published, and anybody may have copied them.";
    RECIPIENTS_UNKNOWN = "recipients_unknown", Article33Paragraph1, Towards,
        "It is not known who may have received the data, so a risk cannot be ruled out.";
    PROTECTION_NOT_SHOWN = "protection_not_shown", Article33Paragraph1, Towards,
        "Some protection is in place, but not all of this is shown: that it covers everything, that it is strong, and that the key is safe.";
    CHANGED = "changed", Article33Paragraph1, Towards,
        "Data were changed, and somebody may have relied on them before they were put right.";
    LATE = "late", Article33Paragraph1, Towards,
        "People had to wait or do without because the data were out of reach.";
    GONE = "gone", Article33Paragraph1, Towards,
        "The data are lost and have not been restored.";
    RESTORATION_UNKNOWN = "restoration_unknown", Article33Paragraph1, Towards,
        "It is not known whether and when the data could be used again.";

    PROTECTED = "protected", Article33Paragraph1, Against,
        "Nobody can read the data: the protection covers all of them, is strong, and the key is safe. Think again if the key or the method falls.";
    TRUSTED_AND_DELETED = "trusted_and_deleted", Article33Paragraph1, Against,
        "It was a mistake, the only recipient is known and trusted, and has confirmed that the data are gone.";
    SMALL_MISTAKE = "small_mistake", Article33Paragraph1, Against,
        "It was a mistake that touched few people, the recipient is known, and the data are ordinary and of next to no use.";
    PUT_RIGHT = "put_right", Article33Paragraph1, Against,
        "The data were changed by mistake and put right before anybody felt it.";
    RESTORED = "restored", Article33Paragraph1, Against,
        "The data could be used again before anybody felt it.";

    SERIOUS_MISUSE = "serious_misuse", Article34Paragraph1, Towards,
        "The data could be used to do people real harm.";
    SENSITIVE_IN_WRONG_HANDS = "sensitive_in_wrong_hands", Article34Paragraph1, Towards,
        "The data or the people need special care, and somebody hostile or out of control may have the data.";
    CARE_INTERRUPTED = "care_interrupted", Article34Paragraph1, Towards,
        "Data that need special care, or people who do, were hit by the data being out of reach.";
    MISUSE_NOT_ASSESSED = "misuse_not_assessed", Article34Paragraph1, Neither,
        "Nobody has said yet what somebody could do with the data.";
    WHO_NOT_KNOWN = "who_not_known", Article34Paragraph1, Neither,
        "The data or the people need special care, and it is not known in whose hands the data are, or why.";
    DATA_NOT_KNOWN = "data_not_known", Article34Paragraph1, Neither,
        "It is not known which kinds of data and of people are touched.";
    OUTAGE_NOT_KNOWN = "outage_not_known", Article34Paragraph1, Neither,
        "Data that need special care, or people who do, are touched, and it is not known how long the data were out of reach.";
    LOSS_NOT_KNOWN = "loss_not_known", Article34Paragraph1, Neither,
        "It is not known what was lost, so that a high risk cannot be ruled out.";
    KNOWN_RECIPIENT = "known_recipient", Article34Paragraph1, Against,
        "By mistake the data reached somebody known, and little harm can be done with them.";
    ORDINARY_DATA = "ordinary_data", Article34Paragraph1, Against,
        "The data are ordinary, and little harm can be done with them.";
    ORDINARY_OUTAGE = "ordinary_outage", Article34Paragraph1, Against,
        "Neither the data nor the people need special care, so that being without the data is a burden but not a high risk.";
    RISK_UNLIKELY = "risk_unlikely", Article34Paragraph1, Against,
        "A risk is unlikely, and so is a high one.";

    UNREADABLE = "unreadable", Article34Paragraph3A, Against,
        "People need not be told that their data were seen, because whoever has the data cannot read them.";
    HIGH_RISK_REMOVED = "high_risk_removed", Article34Paragraph3B, Against,
        "Steps taken since make sure that the high risk is gone. Say which steps.";
    OUT_OF_PROPORTION = "out_of_proportion", Article34Paragraph3C, Against,
        "Telling each person would be out of proportion. A public notice that reaches people as well is due instead.";
}
