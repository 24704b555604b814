//! Which fact answers which question of the ICO's form.

use std::collections::BTreeSet;

use super::form::Question;
use super::{AnswerValue, Organisation, ReportState};
use crate::facts::{Contact, DataCategory, Facts, IcoCategory, Nature, Precision, RiskView, SubjectCategory};
use crate::incident::Incident;
use crate::values::{Count, CountBasis, Known, Line, LongText, Moment, Options};

/// An answer and the fact it comes from.
type Answered = (AnswerValue, &'static str);

const NOT_RECORDED: &str = "Not recorded here";
const NOT_YET_KNOWN: &str = "Not yet known";

/// Answers one question. A question that the code does not know is missing, never left out.
pub(super) fn answer(question: &Question, incident: &Incident, organisation: &Organisation, now: Moment) -> Answered {
    about_the_report(question, incident)
        .or_else(|| about_timing(question, incident, now))
        .or_else(|| about_others(question, incident))
        .or_else(|| about_you(question, organisation))
        .or_else(|| about_facts(question, incident.facts.as_ref()))
        .unwrap_or_else(|| (missing("Tocsin does not know this question", question), NOT_RECORDED))
}

fn given(text: impl Into<String>) -> AnswerValue {
    AnswerValue::Given(text.into())
}

fn not_yet_known() -> AnswerValue {
    AnswerValue::NotYetKnown(NOT_YET_KNOWN.to_owned())
}

fn does_not_apply(why: &str) -> AnswerValue {
    AnswerValue::DoesNotApply(why.to_owned())
}

/// One of the form's own options.
fn option(question: &Question, start: &str) -> AnswerValue {
    given(question.option(start).unwrap_or(start))
}

/// No fact answers it: why, and what the form wants.
fn missing(why: &str, question: &Question) -> AnswerValue {
    if question.options.is_empty() {
        return AnswerValue::Missing(format!("{why}. Write the answer in the ICO's form."));
    }
    AnswerValue::Missing(format!("{why}. Choose in the ICO's form: {}.", question.options.join("; ")))
}

fn is_follow_up(report: &ReportState) -> bool {
    match report {
        ReportState::Submitted { .. } => true,
        ReportState::None | ReportState::Draft { .. } | ReportState::NotRequired { .. } => false,
    }
}

fn about_the_report(question: &Question, incident: &Incident) -> Option<Answered> {
    let answered = match question.id.as_str() {
        "ico_staff_name" => (
            does_not_apply("Only if you have already spoken to somebody at the ICO about this: give their name"),
            NOT_RECORDED,
        ),
        "report_type" => {
            let start = if is_follow_up(&incident.report) { "Follow-up" } else { "Initial" };
            (option(question, start), "Whether a submission is recorded")
        }
        "ico_case_reference" => (case_reference(&incident.report), "The recorded submission"),
        "organisation_size" | "first_contact_since_gdpr" => {
            (missing("This is not recorded here", question), NOT_RECORDED)
        }
        _ => return None,
    };
    Some(answered)
}

fn case_reference(report: &ReportState) -> AnswerValue {
    match report {
        ReportState::Submitted { submission } => submission.ico_reference.as_ref().map_or_else(
            || {
                AnswerValue::Missing(
                    "The submission was recorded without it. Look for it in the ICO's answer to the first report."
                        .to_owned(),
                )
            },
            |reference| given(reference.as_str()),
        ),
        ReportState::None | ReportState::Draft { .. } | ReportState::NotRequired { .. } => {
            does_not_apply("Only on a follow-up report")
        }
    }
}

fn about_timing(question: &Question, incident: &Incident, now: Moment) -> Option<Answered> {
    let answered = match question.id.as_str() {
        "discovered_at" => (
            incident.awareness.breach.map_or_else(
                || {
                    AnswerValue::Missing(
                        "No awareness of a breach is recorded. Record when you became aware of it.".to_owned(),
                    )
                },
                AnswerValue::Instant,
            ),
            "When we became aware of the breach",
        ),
        "delay_reason" => (delay(incident, now), "The ICO clock and the recorded submission"),
        _ => return None,
    };
    Some(answered)
}

/// Reasons for delay are compulsory only after the legal limit, and offered from the strict one on (ruling 8).
fn delay(incident: &Incident, now: Moment) -> AnswerValue {
    if let ReportState::Submitted { submission } = &incident.report {
        return submission
            .delay_reasons
            .as_ref()
            .map_or_else(|| does_not_apply("Only on an initial report"), |reasons| given(reasons.as_str()));
    }
    let Some(clock) = &incident.ico else {
        return does_not_apply("No ICO clock has started");
    };
    if now <= clock.due() {
        return does_not_apply("This report is not late");
    }
    if clock.legal_limit().is_some_and(|limit| now > limit) {
        return AnswerValue::Missing(
            "The legal limit has passed: a report now needs the reasons for the delay (UK GDPR Article 33(1)). Write \
             them in the ICO's form and record them with the submission."
                .to_owned(),
        );
    }
    does_not_apply("After 72 hours, within the legal limit: you may give reasons, but need not")
}

fn about_others(question: &Question, incident: &Incident) -> Option<Answered> {
    const FROM: &str = "The partners owed a notice";
    let answered = match question.id.as_str() {
        "told_others" if incident.owed.is_empty() => (missing("No partner is owed a notice", question), FROM),
        "told_others" => (option(question, "Yes"), FROM),
        "told_others_which" if incident.owed.is_empty() => {
            (does_not_apply("Only if other organisations were or will be told"), FROM)
        }
        "told_others_which" => (given(partners_told(incident)), FROM),
        "code_of_conduct" | "told_subjects_2021" | "staff_trained" => {
            (missing("This is not recorded here", question), NOT_RECORDED)
        }
        "code_of_conduct_details" => (does_not_apply("Only if the question before is answered Yes"), NOT_RECORDED),
        "preventative_measures" | "training_description" | "prevent_recurrence" => {
            (missing("This is not recorded here", question), NOT_RECORDED)
        }
        _ => return None,
    };
    Some(answered)
}

fn partners_told(incident: &Incident) -> String {
    let titles: BTreeSet<&str> = incident
        .owed
        .iter()
        .flat_map(|owed| &owed.terms.arrangements)
        .map(|arrangement| arrangement.title.as_str())
        .collect();
    let titles: Vec<&str> = titles.into_iter().collect();
    let parties = match incident.owed.len() {
        1 => "1 joint controller".to_owned(),
        several => format!("{several} joint controllers"),
    };
    if titles.is_empty() { parties } else { format!("{parties}, under: {}", titles.join("; ")) }
}

fn about_you(question: &Question, organisation: &Organisation) -> Option<Answered> {
    const FROM: &str = "The settings of this organisation";
    let value = match question.id.as_str() {
        "organisation_name" => given(organisation.name.as_str()),
        "organisation_address" => setting(organisation.address.as_ref()),
        "registration_number" => setting(organisation.ico_registration.as_ref()),
        "business_sector" => setting(organisation.sector.as_ref()),
        "reporter" => contact(&organisation.contact),
        "dpo" => organisation.dpo.as_ref().map_or_else(|| given("Same as above"), contact),
        _ => return None,
    };
    Some((value, FROM))
}

fn setting(line: Option<&Line>) -> AnswerValue {
    line.map_or_else(
        || {
            AnswerValue::Missing(
                "The settings of this organisation do not say. Add it there, or write it in the ICO's form.".to_owned(),
            )
        },
        |line| given(line.as_str()),
    )
}

fn contact(contact: &Contact) -> AnswerValue {
    let mut lines = vec![contact.role.as_str().to_owned()];
    let others = [
        ("E-mail", contact.email.as_ref()),
        ("Telephone", contact.phone.as_ref()),
        ("Out of hours", contact.out_of_hours.as_ref()),
    ];
    lines.extend(others.into_iter().filter_map(|(what, line)| line.map(|line| format!("{what}: {line}"))));
    if lines.len() == 1 {
        return AnswerValue::Missing(
            "No e-mail address or telephone number is set for this contact. Add one in the settings.".to_owned(),
        );
    }
    given(lines.join("\n"))
}

fn about_facts(question: &Question, facts: Option<&Facts>) -> Option<Answered> {
    let Some(facts) = facts else {
        return Some((missing("The contents of this incident are erased", question), "Erased"));
    };
    about_what_happened(question, facts)
        .or_else(|| about_scope(question, facts))
        .or_else(|| about_risk(question, facts))
        .or_else(|| about_cyber(question, facts))
}

fn about_what_happened(question: &Question, facts: &Facts) -> Option<Answered> {
    let answered = match question.id.as_str() {
        "describe_what_happened" => (given(facts.summary.as_str()), "What happened"),
        "how_incident_occurred" => (label(&facts.cause, |cause| cause.label()), "What caused it"),
        "how_discovered" => (
            given(format!("{}. {}", facts.discovery_method.label(), facts.aware_basis)),
            "How we found out, and why awareness began when it did",
        ),
        "happened_at" => (happened(facts), "When it happened"),
        "actions_taken" => (
            joined([
                ("To stop it", facts.containment.as_option()),
                ("To limit the effects", facts.mitigation.as_option()),
            ]),
            "Containment and mitigation",
        ),
        "containment" => (label(&facts.containment, LongText::as_str), "Containment"),
        _ => return None,
    };
    Some(answered)
}

fn happened(facts: &Facts) -> AnswerValue {
    facts.occurred.as_option().map_or_else(not_yet_known, |occurred| AnswerValue::Period {
        from: occurred.from,
        to: occurred.to,
        estimated: match occurred.precision {
            Precision::Exact => false,
            Precision::Estimated => true,
        },
    })
}

fn about_scope(question: &Question, facts: &Facts) -> Option<Answered> {
    let answered = match question.id.as_str() {
        "data_categories" => (ticked(question, &facts.data_categories, |kind| kind.label()), "Kinds of data"),
        "data_categories_other" => (other(&facts.data_categories, DataCategory::Other), "Kinds of data"),
        "data_detail" => (data_detail(facts), "Whether the data can be read, and who may have it"),
        "records_count" => (count(&facts.records), "How many records"),
        "subjects_count" => (count(&facts.data_subjects), "How many people"),
        "subject_categories" => (ticked(question, &facts.subject_categories, |kind| kind.label()), "Kinds of people"),
        "subject_categories_other" => (other(&facts.subject_categories, SubjectCategory::Other), "Kinds of people"),
        _ => return None,
    };
    Some(answered)
}

fn about_risk(question: &Question, facts: &Facts) -> Option<Answered> {
    let answered = match question.id.as_str() {
        "reason_for_report" => (threshold(question, &facts.risk_view), "Our view of the risk"),
        "detriment" => (
            joined([
                ("So far", facts.actual_harm.as_ref()),
                ("What may happen", facts.likely_consequences.as_option()),
            ]),
            "Likely consequences, and harm seen so far",
        ),
        "high_risk" => {
            let value = match facts.risk_view.as_option() {
                Some(RiskView::HighRisk) => option(question, "Yes"),
                Some(RiskView::Risk | RiskView::Unlikely) => option(question, "No"),
                None => not_yet_known(),
            };
            (value, "Our view of the risk")
        }
        "high_risk_details" => {
            let value = match (facts.risk_view.as_option(), facts.likely_consequences.as_option()) {
                (Some(view), Some(consequences)) => given(format!("{}. {consequences}", view.label())),
                (None, _) | (_, None) => not_yet_known(),
            };
            (value, "Our view of the risk, and likely consequences")
        }
        _ => return None,
    };
    Some(answered)
}

fn threshold(question: &Question, view: &Known<RiskView>) -> AnswerValue {
    match view.as_option() {
        Some(RiskView::Risk | RiskView::HighRisk) => option(question, "I consider"),
        Some(RiskView::Unlikely) => option(question, "I do not consider"),
        None => AnswerValue::NotYetKnown(question.option("I am unclear").unwrap_or(NOT_YET_KNOWN).to_owned()),
    }
}

fn about_cyber(question: &Question, facts: &Facts) -> Option<Answered> {
    const FROM: &str = "Cyber or not";
    let id = question.id.as_str();
    if id == "cyber_incident" {
        let value = match facts.ico_category.as_option() {
            Some(IcoCategory::Cyber) => option(question, "Yes"),
            Some(IcoCategory::NonCyber) => option(question, "No"),
            None => AnswerValue::NotYetKnown("Don't know".to_owned()),
        };
        return Some((value, FROM));
    }
    if !matches!(id, "cia_affected" | "cia_which" | "organisation_impact" | "recovery_time") {
        return None;
    }
    match facts.ico_category.as_option() {
        Some(IcoCategory::NonCyber) => return Some((does_not_apply("Only for a cyber incident"), FROM)),
        None => return Some((does_not_apply("Only for a cyber incident: whether it is one is not yet known"), FROM)),
        Some(IcoCategory::Cyber) => {}
    }
    let answered = match id {
        "cia_affected" => (
            match facts.nature.as_option() {
                Some(nature) if !nature.is_empty() => option(question, "Yes"),
                Some(_) | None => AnswerValue::NotYetKnown("Don't know".to_owned()),
            },
            "What was lost",
        ),
        "cia_which" => (
            ticked(question, &facts.nature, |nature| match nature {
                Nature::Confidentiality => "Confidentiality",
                Nature::Integrity => "Integrity",
                Nature::Availability => "Availability",
            }),
            "What was lost",
        ),
        _ => (missing("This is not recorded here", question), NOT_RECORDED),
    };
    Some(answered)
}

fn label<T>(known: &Known<T>, text: impl Fn(&T) -> &str) -> AnswerValue {
    known.as_option().map_or_else(not_yet_known, |value| given(text(value)))
}

/// The form's options for what is ticked, one a line. An empty set says as little as *not yet known*.
fn ticked<T>(question: &Question, known: &Known<Options<T>>, label: impl Fn(&T) -> &'static str) -> AnswerValue {
    match known.as_option() {
        Some(options) if !options.is_empty() => {
            let lines: Vec<&str> =
                options.iter().map(&label).map(|label| question.option(label).unwrap_or(label)).collect();
            given(lines.join("\n"))
        }
        Some(_) | None => not_yet_known(),
    }
}

fn other<T: Ord>(known: &Known<Options<T>>, other: T) -> AnswerValue {
    if known.as_option().is_some_and(|options| options.contains(&other)) {
        AnswerValue::Missing("\"Other\" is ticked. Say in the ICO's form what it is, in general terms.".to_owned())
    } else {
        does_not_apply("Only if \"Other\" is ticked")
    }
}

fn data_detail(facts: &Facts) -> AnswerValue {
    let mut lines = Vec::new();
    if let Some(unreadable) = facts.data_unintelligible.as_option() {
        lines.push(format!("Unreadable without a key that is safe: {}", unreadable.label()));
    }
    if let Some(recipients) = facts.recipients_of_data.as_option() {
        lines.push(format!("Who may have received it: {}", recipients.label()));
    }
    if lines.is_empty() { not_yet_known() } else { given(lines.join("\n")) }
}

/// The ICO asks for the most that may be affected; how good the figure is goes with it.
fn count(known: &Known<Count>) -> AnswerValue {
    let Some(count) = known.as_option() else {
        return not_yet_known();
    };
    let value = count.value;
    given(match (count.max.filter(|max| *max > value), count.basis) {
        (Some(max), CountBasis::Exact | CountBasis::Approximate) => {
            format!("Up to {max} (best present figure: {value})")
        }
        (Some(max), CountBasis::Minimum) => format!("Up to {max} (at least {value})"),
        (None, CountBasis::Exact) => value.to_string(),
        (None, CountBasis::Approximate) => format!("About {value} (an estimate)"),
        (None, CountBasis::Minimum) => format!("At least {value}; the most that may be affected is not yet known"),
    })
}

/// The texts that are known, each under its heading; none known is *not yet known*.
fn joined<const N: usize>(parts: [(&str, Option<&LongText>); N]) -> AnswerValue {
    let texts: Vec<String> =
        parts.into_iter().filter_map(|(heading, text)| text.map(|text| format!("{heading}: {text}"))).collect();
    if texts.is_empty() { not_yet_known() } else { given(texts.join("\n\n")) }
}
