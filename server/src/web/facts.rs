//! Facts as a form and as a list: asked for, read back, and compared between versions. Used where an incident is logged,
//! where facts are changed, and wherever facts are shown, so that a fact has one label and one wording everywhere.

use domain::facts::{
    Cause, DataCategory, DataRecipients, DiscoveryMethod, Facts, IcoCategory, Nature, Occurred, Partly, Precision,
    RiskView, SubjectCategory, YesNo,
};
use domain::values::{Count, CountBasis, Known, LongText, Moment, Options, Text};

use super::field::{Field, NOT_YET_KNOWN, NOT_YET_KNOWN_LABEL};
use super::form::{FieldError, Form, Reading};
use super::words::{Reader, grouped};

/// One fact as shown: its name, its label, what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The field's name, also the anchor of its input.
    pub name: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// What it says; empty when it is not yet known.
    pub value: String,
    /// Whether a notice may go without it being said at all (not an Article 33(3) item).
    pub optional: bool,
}

impl Row {
    /// Nobody knows yet.
    #[must_use]
    pub fn unknown(&self) -> bool {
        self.value.is_empty()
    }
}

/// A fact whose options are a list of ours.
macro_rules! listed {
    ($($option:ident),+ $(,)?) => {$(
        impl Listed for $option {
            const OPTIONS: &'static [Self] = $option::ALL;
            fn own_word(&self) -> &'static str { self.word() }
            fn own_label(&self) -> &'static str { self.label() }
        }
    )+};
}

/// Options with a word and a label.
trait Listed: Copy + Ord + 'static {
    const OPTIONS: &'static [Self];
    fn own_word(&self) -> &'static str;
    fn own_label(&self) -> &'static str;
}

listed!(
    Cause,
    DataCategory,
    DataRecipients,
    DiscoveryMethod,
    IcoCategory,
    Nature,
    Partly,
    RiskView,
    SubjectCategory,
    YesNo
);

fn options<T: Listed>() -> impl Iterator<Item = (&'static str, &'static str)> {
    T::OPTIONS.iter().map(|option| (option.own_word(), option.own_label()))
}

const DO_NOT_NAME: &str = "Do not name the people affected. You can correct this later.";
const EMPTY_IS_UNKNOWN: &str = "Leave it empty while it is not yet known.";

/// The fields that a first notice needs.
#[must_use]
pub fn first_fields(form: &Form, reader: Reader) -> Vec<Field> {
    vec![
        Field::line(form, "title", "In a few words, what has happened?").hint(DO_NOT_NAME),
        Field::area(form, "summary", "What happened?")
            .hint("Plain words, without names or details of the people affected."),
        Field::radios(
            form,
            "occurred",
            "When did it happen?",
            [("exact", "At a time that we know"), ("estimated", "At about this time: an estimate")],
        )
        .or_not_yet_known(form),
        Field::moment(form, "occurred-from", "It began", reader)
            .hint("UK time. Leave it empty while it is not yet known."),
        Field::moment(form, "occurred-to", "It ended", reader).hint("Leave it empty while it goes on."),
        Field::radios(form, "discovery_method", "How did we find out?", options::<DiscoveryMethod>()),
        Field::area(form, "aware_basis", "Why did we become aware then?").hint(
            "Who concluded what: roles, not names. For example: the duty engineer saw the log and was sure that mails had gone astray.",
        ),
        Field::checks(form, "nature", "What was lost?", options::<Nature>()).or_not_yet_known(form),
    ]
}

/// The further facts, each of which may be not yet known.
#[must_use]
pub fn further_fields(form: &Form, reader: Reader) -> Vec<Field> {
    let text = |name, label| Field::area(form, name, label).hint(EMPTY_IS_UNKNOWN);
    vec![
        Field::moment(form, "detected_at", "First sign seen", reader)
            .hint("An alert, a complaint, an e-mail. May stay empty."),
        Field::radios(form, "ongoing", "Is it still going on?", options::<YesNo>()).or_not_yet_known(form),
        Field::radios(form, "cause", "What caused it?", options::<Cause>()).or_not_yet_known(form),
        Field::radios(form, "ico_category", "Is it a cyber incident?", options::<IcoCategory>()).or_not_yet_known(form),
        Field::radios(
            form,
            "data_unintelligible",
            "Is the data unreadable to others, with its key safe?",
            options::<Partly>(),
        )
        .hint("For example encrypted (Article 34(3)(a)).")
        .or_not_yet_known(form),
        Field::radios(form, "recipients_of_data", "Who may have received the data?", options::<DataRecipients>())
            .or_not_yet_known(form),
        Field::count(form, "data_subjects", "How many people may be affected?").hint(EMPTY_IS_UNKNOWN),
        Field::count(form, "records", "How many records?").hint(EMPTY_IS_UNKNOWN),
        Field::checks(form, "data_categories", "Which kinds of data?", options::<DataCategory>())
            .or_not_yet_known(form),
        Field::checks(form, "subject_categories", "Which kinds of people?", options::<SubjectCategory>())
            .or_not_yet_known(form),
        text("likely_consequences", "What may happen to people?"),
        Field::area(form, "actual_harm", "Harm seen so far").hint("In general terms. May stay empty."),
        Field::radios(form, "risk_view", "Our own view of the risk", options::<RiskView>())
            .hint("It binds nobody: each partner decides for itself (Article 33(1)).")
            .or_not_yet_known(form),
        text("containment", "What has been done, or is planned, to stop it?"),
        text("mitigation", "What has been done, or is planned, to limit the effects on people?"),
        Field::area(form, "asked_of_recipient", "What do we ask the partners to do?").hint("May stay empty."),
        Field::area(form, "notified_late_reason", "Why are partners told late?")
            .hint("Only when this goes out after the hours that the agreement allows."),
    ]
}

/// Reads the facts; faults go to the reading.
#[must_use]
pub fn read(reading: &mut Reading<'_>) -> Option<Facts> {
    let title = reading.text("title", "Say in a few words what has happened");
    let summary = reading.text("summary", "Say what happened");
    let occurred = read_occurred(reading);
    let discovery_method = reading.choice("discovery_method", DiscoveryMethod::from_word, "Say how we found out");
    let aware_basis = reading.text("aware_basis", "Say why we became aware then");
    let nature = reading.known_set("nature", Nature::from_word);
    Some(Facts {
        detected_at: reading.optional_moment("detected_at"),
        ongoing: reading.known_choice("ongoing", YesNo::from_word),
        cause: reading.known_choice("cause", Cause::from_word),
        ico_category: reading.known_choice("ico_category", IcoCategory::from_word),
        data_unintelligible: reading.known_choice("data_unintelligible", Partly::from_word),
        recipients_of_data: reading.known_choice("recipients_of_data", DataRecipients::from_word),
        data_categories: reading.known_set("data_categories", DataCategory::from_word),
        subject_categories: reading.known_set("subject_categories", SubjectCategory::from_word),
        data_subjects: reading.known_count("data_subjects"),
        records: reading.known_count("records"),
        likely_consequences: reading.known_text("likely_consequences"),
        actual_harm: reading.optional_text("actual_harm"),
        risk_view: reading.known_choice("risk_view", RiskView::from_word),
        containment: reading.known_text("containment"),
        mitigation: reading.known_text("mitigation"),
        asked_of_recipient: reading.optional_text("asked_of_recipient"),
        notified_late_reason: reading.optional_text("notified_late_reason"),
        title: title?,
        summary: summary?,
        occurred,
        aware_basis: aware_basis?,
        discovery_method: discovery_method?,
        nature,
    })
}

fn read_occurred(reading: &mut Reading<'_>) -> Known<Occurred> {
    let precision = match reading.form().first("occurred") {
        "exact" => Precision::Exact,
        "estimated" => Precision::Estimated,
        NOT_YET_KNOWN | "" => {
            if reading.has_moment("occurred-from") || reading.has_moment("occurred-to") {
                reading.fault("occurred", "Say whether the time is known or an estimate");
            }
            return Known::NotYetKnown;
        }
        _ => {
            reading.fault("occurred", "Say whether the time is known, an estimate, or not yet known");
            return Known::NotYetKnown;
        }
    };
    let from = reading.moment("occurred-from", "Say when it began, or choose \u{201c}not yet known\u{201d}");
    let to = reading.optional_moment("occurred-to");
    let Some(from) = from else { return Known::NotYetKnown };
    if to.is_some_and(|to| to < from) {
        reading.fault("occurred-to", "It cannot have ended before it began");
    }
    if from > reading.now() {
        reading.fault("occurred-from", "It cannot have begun in the future");
    }
    Known::Known(Occurred { from, to, precision })
}

/// The form that would give these facts.
#[must_use]
pub fn to_form(facts: &Facts, reader: Reader) -> Form {
    let mut form = Form::default();
    form.set("title", facts.title.as_str());
    form.set("summary", facts.summary.as_str());
    form.set("aware_basis", facts.aware_basis.as_str());
    form.set("discovery_method", facts.discovery_method.word());
    match facts.occurred {
        Known::NotYetKnown => form.set("occurred", NOT_YET_KNOWN),
        Known::Known(occurred) => {
            form.set(
                "occurred",
                match occurred.precision {
                    Precision::Exact => "exact",
                    Precision::Estimated => "estimated",
                },
            );
            form.set_moment("occurred-from", occurred.from, reader);
            if let Some(to) = occurred.to {
                form.set_moment("occurred-to", to, reader);
            }
        }
    }
    if let Some(at) = facts.detected_at {
        form.set_moment("detected_at", at, reader);
    }
    set_many(&mut form, "nature", &facts.nature);
    set_many(&mut form, "data_categories", &facts.data_categories);
    set_many(&mut form, "subject_categories", &facts.subject_categories);
    set_one(&mut form, "ongoing", facts.ongoing);
    set_one(&mut form, "cause", facts.cause);
    set_one(&mut form, "ico_category", facts.ico_category);
    set_one(&mut form, "data_unintelligible", facts.data_unintelligible);
    set_one(&mut form, "recipients_of_data", facts.recipients_of_data);
    set_one(&mut form, "risk_view", facts.risk_view);
    set_count(&mut form, "data_subjects", facts.data_subjects);
    set_count(&mut form, "records", facts.records);
    for (name, text) in [
        ("likely_consequences", facts.likely_consequences.as_option()),
        ("containment", facts.containment.as_option()),
        ("mitigation", facts.mitigation.as_option()),
        ("actual_harm", facts.actual_harm.as_ref()),
        ("asked_of_recipient", facts.asked_of_recipient.as_ref()),
        ("notified_late_reason", facts.notified_late_reason.as_ref()),
    ] {
        form.set(name, text.map(LongText::as_str).unwrap_or_default());
    }
    form
}

fn set_one<T: Listed>(form: &mut Form, name: &str, value: Known<T>) {
    form.set(name, value.as_option().map_or(NOT_YET_KNOWN, Listed::own_word));
}

fn set_many<T: Listed>(form: &mut Form, name: &str, values: &Known<Options<T>>) {
    match values {
        Known::NotYetKnown => form.set(name, NOT_YET_KNOWN),
        Known::Known(values) => values.iter().for_each(|value| form.add(name, value.own_word())),
    }
}

fn set_count(form: &mut Form, name: &str, count: Known<Count>) {
    let Known::Known(count) = count else { return };
    form.set(name, count.value.to_string());
    form.set(&format!("{name}-max"), count.max.map(|max| max.to_string()).unwrap_or_default());
    form.set(
        &format!("{name}-basis"),
        match count.basis {
            CountBasis::Exact => "exact",
            CountBasis::Approximate => "approximate",
            CountBasis::Minimum => "minimum",
        },
    );
}

/// Every fact in the order shown.
#[must_use]
pub fn rows(facts: &Facts, reader: Reader) -> Vec<Row> {
    let row = |name, label, value: String| Row { name, label, value, optional: false };
    let extra = |name, label, value: String| Row { name, label, value, optional: true };
    vec![
        row("title", "In a few words", facts.title.to_string()),
        row("summary", "What happened", facts.summary.to_string()),
        row("occurred", "When it happened", occurred(facts.occurred, reader)),
        extra("detected_at", "First sign seen", facts.detected_at.map(|at| reader.at(at)).unwrap_or_default()),
        row("discovery_method", "How we found out", facts.discovery_method.label().to_owned()),
        row("aware_basis", "Why we became aware then", facts.aware_basis.to_string()),
        row("nature", "What was lost", many(&facts.nature)),
        row("ongoing", "Still going on", one(facts.ongoing)),
        row("cause", "Cause", one(facts.cause)),
        row("ico_category", "Cyber incident", one(facts.ico_category)),
        row("data_unintelligible", "Unreadable to others", one(facts.data_unintelligible)),
        row("recipients_of_data", "Who may have received the data", one(facts.recipients_of_data)),
        row("data_subjects", "People affected", count(facts.data_subjects)),
        row("records", "Records", count(facts.records)),
        row("data_categories", "Kinds of data", many(&facts.data_categories)),
        row("subject_categories", "Kinds of people", many(&facts.subject_categories)),
        row("likely_consequences", "Likely consequences", text(&facts.likely_consequences)),
        extra("actual_harm", "Harm seen so far", maybe(facts.actual_harm.as_ref())),
        row("risk_view", "Our view of the risk", one(facts.risk_view)),
        row("containment", "Done or planned to stop it", text(&facts.containment)),
        row("mitigation", "Done or planned to limit the effects", text(&facts.mitigation)),
        extra("asked_of_recipient", "What we ask of partners", maybe(facts.asked_of_recipient.as_ref())),
        extra("notified_late_reason", "Why partners are told late", maybe(facts.notified_late_reason.as_ref())),
    ]
}

/// What changed from one version to another: label, before, after.
#[must_use]
pub fn changes(before: &Facts, after: &Facts, reader: Reader) -> Vec<(&'static str, String, String)> {
    let shown = |value: String| if value.is_empty() { NOT_YET_KNOWN_LABEL.to_owned() } else { value };
    rows(before, reader)
        .into_iter()
        .zip(rows(after, reader))
        .filter(|(before, after)| before.value != after.value)
        .map(|(before, after)| (before.label, shown(before.value), shown(after.value)))
        .collect()
}

fn occurred(occurred: Known<Occurred>, reader: Reader) -> String {
    let Known::Known(occurred) = occurred else { return String::new() };
    let range = |from: Moment, to: Option<Moment>| match to {
        Some(to) => format!("from {} to {}", reader.at(from), reader.at(to)),
        None => format!("from {}", reader.at(from)),
    };
    match occurred.precision {
        Precision::Exact => range(occurred.from, occurred.to),
        Precision::Estimated => format!("{}, an estimate", range(occurred.from, occurred.to)),
    }
}

fn one<T: Listed>(value: Known<T>) -> String {
    value.as_option().map(|value| value.own_label().to_owned()).unwrap_or_default()
}

fn many<T: Listed>(values: &Known<Options<T>>) -> String {
    let labels = values.as_option().into_iter().flatten().map(Listed::own_label);
    labels.collect::<Vec<_>>().join("; ")
}

fn text<const MAX: usize>(value: &Known<Text<MAX>>) -> String {
    value.as_option().map(ToString::to_string).unwrap_or_default()
}

fn maybe(value: Option<&LongText>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

/// "About 140, at most 200".
fn count(count: Known<Count>) -> String {
    let Known::Known(count) = count else { return String::new() };
    let figure = grouped(i64::from(count.value));
    let figure = match count.basis {
        CountBasis::Exact => figure,
        CountBasis::Approximate => format!("About {figure}, an estimate"),
        CountBasis::Minimum => format!("At least {figure}"),
    };
    match count.max {
        Some(max) => format!("{figure}; at most {}", grouped(i64::from(max))),
        None => figure,
    }
}

/// Every field of the facts with the faults found, first and further ones.
#[must_use]
pub fn fields(form: &Form, errors: &[FieldError], reader: Reader) -> (Vec<Field>, Vec<Field>) {
    let faulty = |fields: Vec<Field>| fields.into_iter().map(|field| field.faults(errors)).collect();
    (faulty(first_fields(form, reader)), faulty(further_fields(form, reader)))
}

/// A fact's label by its field name, for findings in free text.
#[must_use]
pub fn label(name: &str) -> &'static str {
    match name {
        "title" => "In a few words",
        "summary" => "What happened",
        "aware_basis" => "Why we became aware then",
        "likely_consequences" => "Likely consequences",
        "actual_harm" => "Harm seen so far",
        "containment" => "Done or planned to stop it",
        "mitigation" => "Done or planned to limit the effects",
        "asked_of_recipient" => "What we ask of partners",
        "notified_late_reason" => "Why partners are told late",
        _ => "Free text",
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn reader() -> Reader {
        Reader::new(chrono_tz::Europe::London, Moment::parse("2026-03-01T02:10:00Z").unwrap())
    }

    fn facts(form: &Form) -> Option<Facts> {
        read(&mut Reading::new(form, reader()))
    }

    const SHORT: &[u8] =
        b"title=Mails+astray&summary=Reports+went+to+the+wrong+contractor&aware_basis=Duty+engineer+saw+it\
        &discovery_method=own_detection";

    /// Aim: what a first notice needs is enough; everything else is not yet known.
    #[test]
    fn short_form_is_enough() {
        let facts = facts(&Form::parse(SHORT).unwrap()).unwrap();
        assert_eq!(facts.missing_items().len(), 15);
    }

    /// Aim: facts, turned into a form and read again, are the same facts.
    #[test]
    fn form_and_facts_agree() {
        let mut form = Form::parse(SHORT).unwrap();
        form.set("occurred", "estimated");
        form.set_moment("occurred-from", Moment::parse("2026-02-28T22:40:00Z").unwrap(), reader());
        form.add("nature", "confidentiality");
        form.add("nature", "availability");
        form.set("data_subjects", "1,400");
        form.set("data_subjects-max", "2000");
        form.set("cause", "internal_accidental");
        form.set("containment", "Routing stopped");
        let first = facts(&form).unwrap();
        assert_eq!(facts(&to_form(&first, reader())), Some(first.clone()));
        assert!(changes(&first, &first, reader()).is_empty());
    }

    /// Aim: a change is shown with what was there before, also when that was nothing.
    #[test]
    fn changes_name_both_sides() {
        let form = Form::parse(SHORT).unwrap();
        let before = facts(&form).unwrap();
        let mut later = form;
        later.set("cause", "external_malicious");
        let after = facts(&later).unwrap();
        assert_eq!(
            changes(&before, &after, reader()),
            [("Cause", "Not yet known".to_owned(), "Done on purpose by somebody outside".to_owned())]
        );
    }
}
