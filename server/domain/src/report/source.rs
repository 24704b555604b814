//! The closed list of what can answer a question: facts of the incident, of its record, and of ourselves.
//!
//! A source gives words of ours, texts, instants or numbers, and where it comes from; which option of which form that is,
//! the form's data says.

mod facts;
mod ours;
mod people;

use serde::Deserialize;

use super::{About, ReportState};
use crate::clock::Clock;
use crate::facts::Facts;
use crate::incident::Incident;
use crate::values::{Count, Moment};

/// What a source has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fact {
    /// Words of a list of ours, each with its label; never none.
    Codes(Vec<(&'static str, &'static str)>),
    /// A text.
    Text(String),
    /// An instant.
    Instant(Moment),
    /// When it began and, if it has, ended.
    Period { from: Moment, to: Option<Moment>, estimated: bool },
    /// A number.
    Count(Count),
    /// Nobody knows yet (Article 33(4)).
    Unknown,
    /// Nothing is recorded: why, and what to do.
    Nothing(&'static str),
    /// It is not called for: why.
    NotCalledFor(&'static str),
}

/// What sources look at.
#[derive(Debug, Clone, Copy)]
pub(super) struct On<'a> {
    /// The incident.
    pub(super) incident: &'a Incident,
    /// Ourselves.
    pub(super) about: &'a About,
    /// The number of the report: 1 is the first.
    pub(super) number: u32,
    /// Now.
    pub(super) now: Moment,
}

impl On<'_> {
    /// What the incident's facts say, unless they are erased.
    fn facts(&self, say: impl FnOnce(&Facts) -> Fact) -> Fact {
        self.incident.facts.as_ref().map_or(Fact::Nothing("The contents of this incident are erased."), say)
    }
}

/// Declares the list: word in the data, where it comes from in words, the page on which the fact is changed, and what it says.
macro_rules! sources {
    ($($(#[$doc:meta])* $variant:ident = $word:literal, $from:expr, $mend:expr, $tell:expr;)+) => {
        /// What can answer a question.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
        pub enum Source {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)+
        }

        impl Source {
            /// Every source.
            #[cfg(test)]
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Where its answer comes from, in words.
            #[must_use]
            pub const fn from(self) -> &'static str {
                match self { $(Self::$variant => $from,)+ }
            }

            /// Where the fact behind it is changed: of an incident's own pages, or of this organisation's.
            #[must_use]
            pub const fn mend(self) -> Option<Mend> {
                match self { $(Self::$variant => $mend,)+ }
            }

            /// What it has to say.
            pub(super) fn tell(self, on: &On<'_>) -> Fact {
                let tell: fn(&On<'_>) -> Fact = match self { $(Self::$variant => $tell,)+ };
                tell(on)
            }
        }
    };
}

/// Where a fact is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mend {
    /// Among the incident's facts; the name of the fact.
    Fact(&'static str),
    /// Awareness has an action of its own.
    Awareness,
    /// Among the answers that stand for every report; the name of the answer.
    Standing(&'static str),
    /// In the organisation's own record.
    Organisation,
    /// Among the decisions on the incident.
    Decision,
    /// Where it is recorded that people were told.
    People,
}

use Mend::{Awareness, Decision, Fact as In, Organisation as Ours, People, Standing as Stands};

const NOT_AWARE: &str = "No awareness of a breach is recorded. Record when you became aware of it.";
const RECORD: &str = "The record of this incident";
const SETTINGS: &str = "The record of this organisation";
const STANDING: &str = "About this organisation";
const TELLING: &str = "The decision about telling people, and the record of telling them";
const DECIDED: &str = "The decision about telling people";
const TOLD: &str = "The record of telling people";

sources! {
    /// Nothing that is recorded: a person knows.
    Asked = "asked", "A person", None,
        |_| Fact::Nothing("No fact answers this: a person knows.");
    /// First report, or one that follows up: `initial`, `follow_up`.
    ReportType = "report_type", "Whether a report was submitted before", None,
        ours::report_type;
    /// Whether it says all: `complete`, `incomplete`.
    Completeness = "completeness", "Whether facts are not yet known", None,
        |on| on.facts(facts::completeness);
    /// The case reference that the regulator gave.
    IcoCaseReference = "ico_case_reference", "The recorded submission", None,
        |on| case_reference(&on.incident.report);
    /// Our own reference.
    OurReference = "our_reference", RECORD, None,
        |on| Fact::Text(on.incident.reference.to_string());
    /// Whether it is reportable, in our view: `met`, `not_met`.
    Threshold = "threshold", "Our view of the risk", Some(In("risk_view")),
        |on| on.facts(facts::threshold);
    /// How many people work here.
    OrganisationSize = "organisation_size", STANDING, Some(Stands("size")),
        ours::size;
    /// Whether it is the first report ever: `yes`, `no`.
    FirstContact = "first_contact", STANDING, Some(Stands("reported_before")),
        ours::first_contact;
    /// What happened.
    Summary = "summary", "What happened", Some(In("summary")),
        |on| on.facts(|facts| Fact::Text(facts.summary.to_string()));
    /// What caused it: the words of `Cause`.
    Cause = "cause", "What caused it", Some(In("cause")),
        |on| on.facts(|facts| facts::known(&facts.cause, |cause| codes(cause.word(), cause.label())));
    /// How we found out, in words.
    Discovery = "discovery", "How we found out, and why awareness began when it did", Some(In("discovery_method")),
        |on| on.facts(facts::discovery);
    /// How we found out: the words of `DiscoveryMethod`.
    DiscoveryMethod = "discovery_method", "How we found out", Some(In("discovery_method")),
        |on| on.facts(facts::discovery_method);
    /// Why awareness began when it did.
    AwareBasis = "aware_basis", "Why awareness began when it did", Some(In("aware_basis")),
        |on| on.facts(|facts| Fact::Text(facts.aware_basis.to_string()));
    /// What was done beforehand.
    Prevention = "prevention", STANDING, Some(Stands("prevention")),
        |on| ours::text(on.about.standing.prevention.as_ref());
    /// Whether it is a cyber incident: `yes`, `no`.
    Cyber = "cyber", "Cyber or not", Some(In("ico_category")),
        |on| on.facts(facts::cyber);
    /// When we became aware of the breach.
    DiscoveredAt = "discovered_at", "When we became aware of the breach", Some(Awareness),
        |on| on.incident.awareness.breach.map_or(Fact::Nothing(NOT_AWARE), Fact::Instant);
    /// When it happened.
    Occurred = "occurred", "When it happened", Some(In("occurred")),
        |on| on.facts(facts::occurred);
    /// How well that is known: `day`, `range`, `ongoing`.
    OccurredKind = "occurred_kind", "When it happened", Some(In("occurred")),
        |on| on.facts(facts::occurred_kind);
    /// Whether that is an estimate: `yes`, `no`.
    OccurredEstimated = "occurred_estimated", "When it happened", Some(In("occurred")),
        |on| on.facts(facts::occurred_estimated);
    /// When it began.
    OccurredFrom = "occurred_from", "When it happened", Some(In("occurred")),
        |on| on.facts(facts::occurred_from);
    /// When it ended.
    OccurredTo = "occurred_to", "When it happened", Some(In("occurred")),
        |on| on.facts(facts::occurred_to);
    /// Kinds of data: the words of `DataCategory`.
    DataCategories = "data_categories", "Kinds of data", Some(In("data_categories")),
        |on| on.facts(facts::data_categories);
    /// Whether the data can be read, and who may have it.
    DataDetail = "data_detail", "Whether the data can be read, and who may have it", Some(In("recipients_of_data")),
        |on| on.facts(facts::data_detail);
    /// Whether the data can't be read without a key that is safe: `yes`, `partly`, `no`.
    Unintelligible = "unintelligible", "Whether the data can be read", Some(In("data_unintelligible")),
        |on| on.facts(facts::unintelligible);
    /// How many records.
    Records = "records", "How many records", Some(In("records")),
        |on| on.facts(|facts| facts::number(&facts.records));
    /// How good that number is: `exact`, `approximate`, `minimum`.
    RecordsBasis = "records_basis", "How many records", Some(In("records")),
        |on| on.facts(|facts| facts::basis(&facts.records));
    /// How many people.
    DataSubjects = "data_subjects", "How many people", Some(In("data_subjects")),
        |on| on.facts(|facts| facts::number(&facts.data_subjects));
    /// How good that number is: `exact`, `approximate`, `minimum`.
    DataSubjectsBasis = "data_subjects_basis", "How many people", Some(In("data_subjects")),
        |on| on.facts(|facts| facts::basis(&facts.data_subjects));
    /// Kinds of people: the words of `SubjectCategory`.
    SubjectCategories = "subject_categories", "Kinds of people", Some(In("subject_categories")),
        |on| on.facts(facts::subject_categories);
    /// Likely consequences, and harm so far.
    Detriment = "detriment", "Likely consequences, and harm seen so far", Some(In("likely_consequences")),
        |on| on.facts(facts::detriment);
    /// Our view of the risk: the words of `RiskView`.
    RiskView = "risk_view", "Our view of the risk", Some(In("risk_view")),
        |on| on.facts(facts::risk_view);
    /// Whether the risk is high: `yes`, `no`.
    HighRisk = "high_risk", "Our view of the risk", Some(In("risk_view")),
        |on| on.facts(facts::high_risk);
    /// Why.
    RiskDetail = "risk_detail", "Our view of the risk, and likely consequences", Some(In("likely_consequences")),
        |on| on.facts(facts::risk_detail);
    /// Whether anything of systems was lost: `yes`.
    SystemsAffected = "systems_affected", "What was lost", Some(In("nature")),
        |on| on.facts(facts::systems_affected);
    /// What was lost: the words of `Nature`.
    Nature = "nature", "What was lost", Some(In("nature")),
        |on| on.facts(facts::nature);
    /// The training that people here get.
    Training = "training", STANDING, Some(Stands("training")),
        |on| ours::text(on.about.standing.training.as_ref());
    /// Why it is late.
    DelayReason = "delay_reason", "The ICO clock, the recorded reasons for the delay and the submission", None,
        |on| delay(on.incident, on.now);
    /// Containment and mitigation.
    Measures = "measures", "Containment and mitigation", Some(In("containment")),
        |on| on.facts(facts::measures);
    /// What was done to stop it.
    Containment = "containment", "Containment", Some(In("containment")),
        |on| on.facts(facts::containment);
    /// Whether other organisations are told: `yes`.
    ToldOthers = "told_others", "The partners owed a notice", None,
        |on| ours::told(on, |_| codes("yes", "Yes"));
    /// Which.
    ToldOthersWhich = "told_others_which", "The partners owed a notice", None,
        |on| ours::told(on, |incident| Fact::Text(ours::partners_told(incident)));
    /// Whether other controllers or processors are involved: `yes`, `no`.
    OthersInvolved = "others_involved", "The partners owed a notice, and how we found out", None,
        |on| ours::told(on, |_| codes("yes", "Yes"));
    /// Whether the people affected were told: `told_high_risk`, `told_not_high_risk`, `told`, `planned_high_risk`,
    /// `planned`, `not_needed`, `exempt`.
    PeopleTold = "people_told", TELLING, Some(Decision),
        |on| people::told(on.incident);
    /// When they were first told.
    PeopleToldAt = "people_told_at", TOLD, Some(People),
        |on| people::told_at(on.incident);
    /// Why they need not be told: `unreadable`, `high_risk_removed`, `out_of_proportion`.
    PeopleExempt = "people_exempt", DECIDED, Some(Decision),
        |on| people::exempt(on.incident);
    /// The reasons for the decision about telling them.
    PeopleReasons = "people_reasons", DECIDED, Some(Decision),
        |on| people::reasons(on.incident);
    /// Whether somebody is left to be told: `all`, `some`.
    PeopleToldAll = "people_told_all", TOLD, Some(People),
        |on| people::all(on.incident);
    /// How they were told: `each`, `public`, `both`.
    PeopleToldHow = "people_told_how", TOLD, Some(People),
        |on| people::how(on.incident);
    /// What they were told.
    PeopleToldWhat = "people_told_what", TOLD, Some(People),
        |on| people::what(on.incident);
    /// Whether we belong to a code of conduct: `yes`, `no`.
    CodeOfConduct = "code_of_conduct", STANDING, Some(Stands("code_of_conduct")),
        ours::code_of_conduct;
    /// Which.
    CodeOfConductDetails = "code_of_conduct_details", STANDING, Some(Stands("code_of_conduct_details")),
        |on| ours::text(on.about.standing.code_of_conduct_details.as_ref());
    /// Our legal name.
    OrganisationName = "organisation_name", SETTINGS, Some(Ours),
        |on| Fact::Text(on.about.organisation.name.to_string());
    /// Our registered address.
    OrganisationAddress = "organisation_address", SETTINGS, Some(Ours),
        |on| ours::line(on.about.organisation.address.as_ref());
    /// Our registration with the regulator.
    RegistrationNumber = "registration_number", SETTINGS, Some(Ours),
        |on| ours::line(on.about.organisation.ico_registration.as_ref());
    /// Our sector.
    BusinessSector = "business_sector", SETTINGS, Some(Ours),
        |on| ours::line(on.about.organisation.sector.as_ref());
    /// Who reports, with all ways to reach them.
    Reporter = "reporter", SETTINGS, Some(Ours),
        |on| ours::contact(&on.about.organisation.contact);
    /// Who reports, by role.
    ReporterRole = "reporter_role", SETTINGS, Some(Ours),
        |on| Fact::Text(on.about.organisation.contact.role.to_string());
    /// How to reach who reports.
    ReporterReach = "reporter_reach", SETTINGS, Some(Ours),
        |on| ours::reach(&on.about.organisation.contact);
    /// The data protection officer, with all ways to reach them.
    Dpo = "dpo", SETTINGS, Some(Ours),
        ours::dpo;
    /// The data protection officer, by role.
    DpoRole = "dpo_role", SETTINGS, Some(Ours),
        |on| Fact::Text(ours::officer(on).role.to_string());
    /// How to reach the data protection officer.
    DpoReach = "dpo_reach", SETTINGS, Some(Ours),
        |on| ours::reach(ours::officer(on));
}

impl Source {
    /// Whether its answer is about one report rather than about what happened: such an answer is new in each follow-up,
    /// and says nothing of a report that was sent before.
    #[must_use]
    pub const fn is_of_one_report(self) -> bool {
        matches!(self, Self::ReportType | Self::Completeness | Self::IcoCaseReference | Self::DelayReason)
    }

    /// Whether its answer is about ourselves rather than about what happened.
    #[must_use]
    pub const fn is_of_ourselves(self) -> bool {
        match self.mend() {
            Some(Mend::Standing(_) | Mend::Organisation) => true,
            Some(Mend::Fact(_) | Mend::Awareness | Mend::Decision | Mend::People) | None => false,
        }
    }
}

fn codes(word: &'static str, label: &'static str) -> Fact {
    Fact::Codes(vec![(word, label)])
}

fn yes_or_no(yes: bool) -> Fact {
    if yes { codes("yes", "Yes") } else { codes("no", "No") }
}

fn case_reference(report: &ReportState) -> Fact {
    match report {
        ReportState::Submitted { submission } => submission.ico_reference.as_ref().map_or(
            Fact::Nothing(
                "The submission was recorded without it. Look for it in the regulator's answer to the first report.",
            ),
            |reference| Fact::Text(reference.to_string()),
        ),
        ReportState::None | ReportState::Draft { .. } | ReportState::NotRequired { .. } => {
            Fact::NotCalledFor("No report was submitted before")
        }
    }
}

/// Reasons for delay are compulsory only after the legal limit, and offered from the strict one on (ruling 8).
fn delay(incident: &Incident, now: Moment) -> Fact {
    if let ReportState::Submitted { submission } = &incident.report {
        let given = |reasons: &crate::values::LongText| Fact::Text(reasons.to_string());
        return submission.delay_reasons.as_ref().map_or(Fact::NotCalledFor("It was not late"), given);
    }
    let Some(clock) = &incident.ico else {
        return Fact::NotCalledFor("No ICO clock has started");
    };
    if now <= clock.due() {
        return Fact::NotCalledFor("This report is not late");
    }
    if let Some(decided) = incident.decisions.delay() {
        return Fact::Text(decided.reasons.to_string());
    }
    if is_late(clock, now) {
        return Fact::Nothing(
            "The legal limit has passed: a report now needs the reasons for the delay (UK GDPR Article 33(1)).",
        );
    }
    Fact::NotCalledFor("After 72 hours, within the legal limit: you may give reasons, but need not")
}

/// Whether the statute's own limit has passed.
pub(super) fn is_late(clock: &Clock, now: Moment) -> bool {
    clock.legal_limit().is_some_and(|limit| now > limit)
}
