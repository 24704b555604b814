//! The reports of an incident: answers that people write, the signature of a data protection officer, what was submitted,
//! and what follows up.
//!
//! Promises: an answer is written over the version that its author saw, or not at all; every version stays; a signature
//! covers every answer by a digest and ends with the next one written; what was submitted is kept as it was.

mod decide;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Incident;
use crate::report::{About, Fault, FormId, FrozenAnswer, QuestionId, ReportState, Sheet, Submission, Written};
use crate::values::{Actor, Digest32, Line, LongText, Moment, Text};

pub(super) use decide::decide;
pub use decide::unchecked;

/// Versions of one answer.
pub const VERSIONS_MAX: usize = 100;
/// Answers in one command: more than any section has.
pub const ANSWERS_MAX: usize = 200;
/// Reports about one incident.
pub const REPORTS_MAX: usize = 50;

/// All reports of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reports {
    /// The form that is worked on.
    #[serde(default)]
    pub form: FormId,
    /// How many follow-ups were opened.
    pub follow_ups: u32,
    /// Every version of each answer that people wrote, oldest first.
    pub answers: BTreeMap<QuestionId, Vec<Version>>,
    /// What may stay although it looks like personal data.
    pub accepted: BTreeMap<QuestionId, Accepted>,
    /// The signature, while nothing was written after it.
    pub signed: Option<SignOff>,
    /// The newest signature on this report that something was written after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lapsed: Option<Lapsed>,
    /// How often a report was signed off.
    pub sign_offs: u32,
    /// What was submitted, oldest first.
    pub filed: Vec<Filed>,
}

/// One version of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// 1, 2, 3 …
    pub version: u32,
    /// What was written; `None` for going back to what the facts answer.
    pub answer: Option<Written>,
    /// What the facts answered then.
    pub fact: Digest32,
    /// When.
    pub at: Moment,
    /// By whom.
    pub by: Actor,
}

/// Why a text may stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// SHA-256 of the text.
    pub text: Digest32,
    /// Why.
    pub reason: LongText,
    /// When.
    pub at: Moment,
    /// By whom.
    pub by: Actor,
}

/// A signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignOff {
    /// 1, 2, 3 …, over all reports of the incident.
    pub version: u32,
    /// What it covers.
    pub digest: Digest32,
    /// Every answer as signed.
    pub answers: Vec<FrozenAnswer>,
    /// When.
    pub at: Moment,
    /// By whom.
    pub by: Actor,
}

/// A signature that something was written after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lapsed {
    /// The signature.
    pub signed: SignOff,
    /// When something was written after it.
    pub at: Moment,
}

/// A submitted report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filed {
    /// 1 is the first report.
    pub number: u32,
    /// On which form.
    pub form: FormId,
    /// When, how, under which reference.
    pub submission: Submission,
    /// The version that was signed off, if it was this that was submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<u32>,
    /// Every answer as it stood.
    pub answers: Vec<FrozenAnswer>,
    /// The file that proves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// When it was recorded.
    pub at: Moment,
    /// By whom.
    pub by: Actor,
}

/// A file that proves a submission; its octets are kept beside the record, under this digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Its name.
    pub name: Line,
    /// What it was found to be: `pdf`, `png`, `jpeg`, `eml`, `text`, `docx`.
    pub kind: Text<20>,
    /// Octets.
    pub octets: u32,
    /// SHA-256 of them.
    pub sha256: Digest32,
}

/// What was decided. A file format, as every event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// Another form is worked on.
    FormChosen {
        /// Which.
        form: FormId,
    },
    /// An answer was written.
    AnswerWritten {
        /// To which question.
        question: QuestionId,
        /// 1, 2, 3 …
        version: u32,
        /// The version that its author saw.
        base_version: u32,
        /// It; `None` for going back to what the facts answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<Written>,
        /// What the facts answered then.
        fact: Digest32,
    },
    /// A text may stay although it looks like personal data.
    WarningAccepted {
        /// The answer to which question.
        question: QuestionId,
        /// SHA-256 of the text.
        text: Digest32,
        /// Why.
        reason: LongText,
    },
    /// A data protection officer signed it off.
    SignedOff {
        /// Which report.
        number: u32,
        /// 1, 2, 3 …
        version: u32,
        /// What the signature covers.
        digest: Digest32,
        /// Every answer.
        answers: Vec<FrozenAnswer>,
    },
    /// A report was submitted. Of the first one [`super::Event::ReportSubmitted`] tells too.
    Filed {
        /// Which report.
        number: u32,
        /// On which form.
        form: FormId,
        /// When, how, under which reference.
        submission: Submission,
        /// The version that was signed off, if it was this that was submitted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signed: Option<u32>,
        /// Every answer as it stood.
        answers: Vec<FrozenAnswer>,
        /// The file that proves it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        proof: Option<Proof>,
    },
    /// The file that proves a submission was added later.
    ProofAdded {
        /// Of which report.
        number: u32,
        /// The file.
        proof: Proof,
    },
    /// A report that follows up was opened.
    FollowUpOpened {
        /// Which.
        number: u32,
        /// Written answers that were about the report before it.
        starts_anew: Vec<QuestionId>,
    },
}

/// What a person asks of the reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Work on another form.
    ChooseForm {
        /// Which.
        form: FormId,
    },
    /// Write answers: all of them or none.
    Write {
        /// The report that their author saw.
        on: WorkedOn,
        /// Which.
        answers: Vec<NewAnswer>,
        /// Ourselves, as the caller reads it in the same transaction.
        about: Box<About>,
    },
    /// Let a text stay although it looks like personal data.
    Accept {
        /// The answer to which question.
        question: QuestionId,
        /// SHA-256 of the text that was looked at.
        seen: Digest32,
        /// Why.
        reason: LongText,
        /// As above.
        about: Box<About>,
    },
    /// Sign the report off.
    SignOff {
        /// The digest of the answers that were looked at.
        seen: Digest32,
        /// As above.
        about: Box<About>,
        /// Addresses that are no personal data.
        own_contacts: Vec<String>,
        /// Names of people known here.
        names: Vec<String>,
    },
    /// Record that the report was submitted.
    File {
        /// When, how, under which reference.
        submission: Submission,
        /// The file that proves it.
        proof: Option<Proof>,
        /// Which report, and which of its answers.
        sent: Sent,
        /// As above.
        about: Box<About>,
    },
    /// Add the file that proves a submission.
    AddProof {
        /// Of which report.
        number: u32,
        /// The file.
        proof: Proof,
    },
    /// Open a report that follows up.
    FollowUp,
}

/// Which report somebody submitted, by what they saw of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    /// Its number; `None` for the one that is worked on.
    pub number: Option<u32>,
    /// Whether the answers were those that were signed off, where they have changed since; `None` for those if the
    /// signature stood when it was submitted: signing is the last step before it.
    pub signed: Option<bool>,
}

/// The report that is worked on. Versions of answers start anew with a follow-up, so they say nothing without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkedOn {
    /// The form it is made on.
    pub form: FormId,
    /// 1 is the first report.
    pub number: u32,
}

/// An answer to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAnswer {
    /// To which question.
    pub question: QuestionId,
    /// The version that its author saw.
    pub base_version: u32,
    /// It; `None` for going back to what the facts answer.
    pub answer: Option<Written>,
}

/// Why a command about reports was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It was decided that none is required.
    #[error("no report is required here; open a draft first")]
    NoDraft,
    /// Answers are not acceptable; each is named.
    #[error("{}", listed(.0))]
    Answers(Vec<(QuestionId, Fault)>),
    /// Somebody else answered meanwhile.
    #[error("somebody else answered this meanwhile; nothing was saved")]
    Stale(Vec<QuestionId>),
    /// It can't be signed off without these.
    #[error("these questions have to be answered first: {}", .0.join("; "))]
    Missing(Vec<String>),
    /// Texts look like personal data, and nobody said why they may stay.
    #[error("these answers may hold personal data; change them, or say why they may stay: {}", .0.join("; "))]
    Unchecked(Vec<String>),
    /// Instants are out of order.
    #[error("\u{201c}{question}\u{201d}: {fault}")]
    OutOfOrder {
        /// As the form asks it.
        question: String,
        /// What is wrong.
        fault: Fault,
    },
    /// Somebody else was first.
    #[error("{by} signed these answers off already")]
    AlreadySigned {
        /// Who.
        by: Line,
        /// When.
        at: Moment,
    },
    /// The answers are not those that were looked at.
    #[error("the answers have changed since you looked at them; look at them again")]
    Changed,
    /// The report that was looked at is not the one that is worked on any more.
    #[error("another report is worked on by now; look at it again")]
    AnotherReport,
    /// Nothing stands signed off.
    #[error("nobody has signed these answers off")]
    NotSigned,
    /// It was submitted.
    #[error("this report was submitted; open a follow-up to say more")]
    Submitted,
    /// There is nothing to follow up, or a follow-up is open.
    #[error("a follow-up is opened after a report was submitted")]
    NothingToFollow,
    /// There is no such report.
    #[error("there is no such report")]
    NoSuchReport,
    /// It has its proof.
    #[error("this report has a file that proves it already")]
    HasProof,
    /// Nothing looks like personal data there, or the text has changed.
    #[error("this text has changed since you looked at it; look at it again")]
    NoSuchText,
    /// A follow-up before the report that it follows.
    #[error("a follow-up cannot have been submitted before the report that it follows")]
    BeforeEarlier,
    /// Too many reports, or answers at once.
    #[error("these are too many at once")]
    TooMany,
}

fn listed(faults: &[(QuestionId, Fault)]) -> String {
    faults.iter().map(|(question, fault)| format!("{question}: {fault}")).collect::<Vec<_>>().join("; ")
}

/// An answer that stands, for a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) answer: Written,
    pub(crate) fact: Digest32,
    pub(crate) from: String,
}

impl Reports {
    /// The number of the report that is worked on, or was submitted last: 1 is the first.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.follow_ups.saturating_add(1)
    }

    /// The newest version of an answer, and what it says if a person's answer stands.
    pub(crate) fn written(&self, question: &QuestionId) -> (u32, Option<Standing>) {
        let newest = self.answers.get(question).and_then(|versions| versions.last());
        let standing = newest.and_then(|newest| {
            let by = match &newest.by {
                Actor::Person { name, .. } => name.to_string(),
                Actor::Console | Actor::Node | Actor::Partner { .. } => "a person".to_owned(),
            };
            Some(Standing {
                answer: newest.answer.clone()?,
                fact: newest.fact,
                from: format!("Written by {by}, version {}", newest.version),
            })
        });
        (newest.map_or(0, |newest| newest.version), standing)
    }

    /// The signature, if it covers these answers.
    #[must_use]
    pub fn signed_as(&self, sheet: &Sheet) -> Option<&SignOff> {
        self.signed.as_ref().filter(|signed| signed.digest == sheet.digest())
    }

    /// The signature that stood at this instant, which people know to the minute.
    #[must_use]
    pub fn signed_at(&self, at: Moment) -> Option<&SignOff> {
        let earlier = |signed: &SignOff| signed.at < at.plus_seconds(60);
        let lapsed = self.lapsed.as_ref().filter(|lapsed| at < lapsed.at).map(|lapsed| &lapsed.signed);
        self.signed.as_ref().filter(|signed| earlier(signed)).or_else(|| lapsed.filter(|signed| earlier(signed)))
    }

    /// The newest signature on this report, whether or not something was written after it.
    #[must_use]
    pub fn signed_last(&self) -> Option<&SignOff> {
        self.signed.as_ref().or_else(|| self.lapsed.as_ref().map(|lapsed| &lapsed.signed))
    }

    /// The report that is worked on.
    #[must_use]
    pub fn worked_on(&self) -> WorkedOn {
        WorkedOn { form: self.form.clone(), number: self.number() }
    }

    /// The submitted report with this number.
    #[must_use]
    pub fn filed(&self, number: u32) -> Option<&Filed> {
        self.filed.iter().find(|filed| filed.number == number)
    }

    pub(super) fn apply(&mut self, change: &Change, at: Moment, by: &Actor) {
        match change {
            Change::FormChosen { form } => {
                self.form = form.clone();
                (self.signed, self.lapsed) = (None, None);
            }
            Change::AnswerWritten { question, version, answer, fact, base_version: _ } => {
                let new = Version { version: *version, answer: answer.clone(), fact: *fact, at, by: by.clone() };
                self.answers.entry(question.clone()).or_default().push(new);
                if let Some(signed) = self.signed.take() {
                    self.lapsed = Some(Lapsed { signed, at });
                }
            }
            Change::WarningAccepted { question, text, reason } => {
                let accepted = Accepted { text: *text, reason: reason.clone(), at, by: by.clone() };
                self.accepted.insert(question.clone(), accepted);
            }
            Change::SignedOff { version, digest, answers, number: _ } => {
                self.sign_offs = *version;
                let (digest, answers) = (*digest, answers.clone());
                self.signed = Some(SignOff { version: *version, digest, answers, at, by: by.clone() });
            }
            Change::Filed { number, form, submission, signed, answers, proof } => self.filed.push(Filed {
                number: *number,
                form: form.clone(),
                submission: submission.clone(),
                signed: *signed,
                answers: answers.clone(),
                proof: proof.clone(),
                at,
                by: by.clone(),
            }),
            Change::ProofAdded { number, proof } => {
                if let Some(filed) = self.filed.iter_mut().find(|filed| filed.number == *number) {
                    filed.proof = Some(proof.clone());
                }
            }
            Change::FollowUpOpened { number, starts_anew } => {
                self.follow_ups = number.saturating_sub(1);
                self.answers.retain(|question, _| !starts_anew.contains(question));
                (self.signed, self.lapsed) = (None, None);
            }
        }
    }
}

impl Incident {
    /// Whether the report that is worked on was submitted.
    #[must_use]
    pub fn report_is_filed(&self) -> bool {
        match self.reports.number() {
            1 => matches!(self.report, ReportState::Submitted { .. }),
            number => self.reports.filed(number).is_some(),
        }
    }
}
