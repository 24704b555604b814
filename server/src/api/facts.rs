//! The shape of facts, and the check of their free texts for personal data before anything is logged.

use domain::facts::{
    Cause, DataCategory, DataRecipients, DiscoveryMethod, Facts, IcoCategory, Nature, Occurred, Partly, Precision,
    RiskView, SubjectCategory, YesNo,
};
use domain::personal_data::{self, Known as KnownNames, Severity};
use domain::values::{Count, CountBasis, Known, LongText, Moment, Options, Title};

use super::call::Call;
use super::shape::record;
use crate::problem::{FieldFault, Problem};
use crate::store::queries::partners;

record! {
    /// When it happened.
    Occurred as "Occurred" {
        /// When it began.
        from: Moment,
        /// When it ended; null while it goes on or is not known to have ended.
        to: Option<Moment>,
        /// How well these are known.
        precision: Precision,
    }
}

record! {
    /// A number of people or records.
    Count as "Count" {
        /// The number.
        value: u32,
        /// How well it is known.
        basis: CountBasis,
        /// The most it can be, when it is approximate.
        max: Option<u32>,
    }
}

record! {
    /// One version of everything that is known. Null says "not yet known", where the law asks for an answer. Never name
    /// people affected.
    Facts as "Facts" {
        /// A few words.
        title: Title,
        /// What happened, in plain words.
        summary: LongText,
        /// When it happened.
        occurred: Known<Occurred>,
        /// First sign seen.
        detected_at: Option<Moment>,
        /// Why awareness began when it did: who concluded what, by role.
        aware_basis: LongText,
        /// How we found out.
        discovery_method: DiscoveryMethod,
        /// What was lost.
        nature: Known<Options<Nature>>,
        /// Whether it is still going on.
        ongoing: Known<YesNo>,
        /// What caused it.
        cause: Known<Cause>,
        /// Cyber or not, in the ICO's sense.
        ico_category: Known<IcoCategory>,
        /// Whether the data can't be read without a key that is safe.
        data_unintelligible: Known<Partly>,
        /// Who may have received the data.
        recipients_of_data: Known<DataRecipients>,
        /// Kinds of data.
        data_categories: Known<Options<DataCategory>>,
        /// Kinds of people.
        subject_categories: Known<Options<SubjectCategory>>,
        /// How many people.
        data_subjects: Known<Count>,
        /// How many records.
        records: Known<Count>,
        /// What may happen to people.
        likely_consequences: Known<LongText>,
        /// Harm seen so far, in general terms.
        actual_harm: Option<LongText>,
        /// Our own view of the risk.
        risk_view: Known<RiskView>,
        /// Done or planned to stop it.
        containment: Known<LongText>,
        /// Done or planned to limit the effects on people.
        mitigation: Known<LongText>,
        /// What we ask the partner to do.
        asked_of_recipient: Option<LongText>,
        /// Why the notice is later than the agreement allows, when it is.
        notified_late_reason: Option<LongText>,
    }
}

/// Refuses facts whose texts look like personal data, unless somebody has checked them. The members are named, never
/// what is in them.
///
/// # Errors
/// [`Problem::Fields`] under `at`.
pub async fn must_be_checked(call: &Call, facts: &Facts, checked: bool, at: &str) -> Result<(), Problem> {
    texts_must_be_checked(call, &facts.free_texts(), checked, at).await
}

/// The same for any texts, each with the name of its member.
///
/// # Errors
/// [`Problem::Fields`] under `at`.
pub async fn texts_must_be_checked(
    call: &Call,
    texts: &[(&'static str, &str)],
    checked: bool,
    at: &str,
) -> Result<(), Problem> {
    if checked {
        return Ok(());
    }
    let (mut contacts, names) = call.node.store().read(partners::known_texts).await?;
    let us = call.node.organisation();
    let own = [Some(&us.contact), us.dpo.as_ref()].into_iter().flatten();
    contacts.extend(own.filter_map(|contact| contact.email.as_ref().map(ToString::to_string)));
    let known = KnownNames { own_contacts: &contacts, names: &names };
    let mut faults: Vec<FieldFault> = Vec::new();
    for (name, text) in texts.iter().copied() {
        let serious =
            personal_data::check(name, text, &known).into_iter().find(|found| found.severity == Severity::Warn);
        if let Some(found) = serious {
            let message = format!(
                "it looks like personal data ({}); take it out, or send checked as true when a person has checked it",
                found.kind.label()
            );
            faults.push(FieldFault { field: format!("{at}/{name}"), message });
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Problem::Fields(faults)) }
}
