//! The inputs of a question of the report: what they show, and what is read back from them.

use domain::law::Confidence;
use domain::report::{self, Answer as ReportAnswer, AnswerValue, Kind, OptionText, Written};
use domain::values::{Digest32, Known, LongText};

use super::words;
use crate::web::field::Field;
use crate::web::form::{Form, Reading};
use crate::web::words::Reader;

/// What stands, as something that a person could have written; nothing where a form can't hold it.
fn prefill(answer: &ReportAnswer) -> Option<Written> {
    if let Some(written) = &answer.written {
        return Some(written.clone());
    }
    let options = |text: &str| {
        let options: Option<Vec<OptionText>> = text.lines().map(|line| OptionText::stored(line).ok()).collect();
        options.map(|options| Written::Options { options })
    };
    match &answer.fact {
        AnswerValue::Given(text) if answer.asked.kind.is_choice() => options(text),
        AnswerValue::NotYetKnown(text) if answer.asked.kind.is_choice() => {
            answer.asked.unknown_option().and_then(|_| options(text))
        }
        AnswerValue::Given(text) if answer.asked.kind.is_text() => {
            LongText::stored(text).ok().map(|text| Written::Text { text })
        }
        AnswerValue::Instant(at) => Some(Written::Instant { at: *at }),
        AnswerValue::Period { from, to, estimated } => {
            Some(Written::Period { from: *from, to: *to, estimated: *estimated })
        }
        // A number is shown in words beside an empty field; what is not yet known is no text to be changed.
        AnswerValue::Given(_)
        | AnswerValue::NotYetKnown(_)
        | AnswerValue::Missing(_)
        | AnswerValue::DoesNotApply(_) => None,
    }
}

pub(super) fn digest(written: Option<&Written>) -> Digest32 {
    Digest32::of(&serde_json::to_vec(&written).unwrap_or_default())
}

/// The digest of what the inputs of a question say when nobody touches them. It is of what is read back from them, because
/// what stands may hold more than they can: an instant its seconds.
pub(super) fn untouched(answer: &ReportAnswer, reader: Reader) -> Digest32 {
    let mut form = Form::default();
    put(&mut form, answer, prefill(answer).as_ref(), reader);
    digest(typed(&mut Reading::new(&form, reader), answer).as_ref())
}

pub(super) fn prefilled(section: &report::Section, reader: Reader) -> Form {
    let mut form = Form::default();
    for answer in section.answers.iter().filter(|answer| answer.applies) {
        put(&mut form, answer, prefill(answer).as_ref(), reader);
        shows(&mut form, answer, reader);
    }
    form
}

/// Notes in a form which version of an answer it shows, and what its inputs say untouched.
pub(super) fn shows(form: &mut Form, answer: &ReportAnswer, reader: Reader) {
    form.set(&format!("base-{}", answer.id), answer.version.to_string());
    form.set(&format!("was-{}", answer.id), untouched(answer, reader).to_string());
}

/// Puts an answer into the inputs of a form.
fn put(form: &mut Form, answer: &ReportAnswer, written: Option<&Written>, reader: Reader) {
    let name = &answer.id;
    match written {
        None => {}
        Some(Written::Text { text }) => form.set(name, text.as_str()),
        Some(Written::Options { options }) => {
            // What the form does not offer, no browser gives back.
            let offered = |option: &&OptionText| answer.asked.options.iter().any(|one| one.as_str() == option.as_str());
            for option in options.iter().filter(offered) {
                form.add(name, option.as_str());
            }
        }
        Some(Written::Instant { at }) => form.set_moment(name, *at, reader),
        Some(Written::Period { from, to, estimated }) => {
            form.set_moment(name, *from, reader);
            if let Some(to) = to {
                form.set_moment(&format!("{name}_to"), *to, reader);
            }
            if *estimated {
                form.set(&format!("{name}_estimated"), "yes");
            }
        }
        Some(Written::Count { count }) => {
            form.set(name, count.value.to_string());
            let basis = match count.basis {
                domain::values::CountBasis::Exact => "exact",
                domain::values::CountBasis::Approximate => "approximate",
                domain::values::CountBasis::Minimum => "minimum",
            };
            form.set(&format!("{name}-basis"), basis);
            if let Some(max) = count.max {
                form.set(&format!("{name}-max"), max.to_string());
            }
        }
        Some(Written::NotYetKnown) if answer.asked.kind.is_choice() => {
            form.set(name, answer.asked.unknown_option().unwrap_or_default());
        }
        Some(Written::NotYetKnown) => form.set(&format!("{name}_unknown"), "yes"),
    }
}

/// The inputs of one question.
pub(super) fn fields(form: &Form, answer: &ReportAnswer, reader: Reader) -> Vec<Field> {
    let question = answer.asked;
    let (name, label) = (answer.id.as_str(), answer.question.as_str());
    let options = || question.options.iter().map(|option| (option.as_str(), option.as_str()));
    let mut hint = match question.kind {
        Kind::Text | Kind::LongText | Kind::Contact => {
            format!("At most {} characters.", question.kind.characters_max())
        }
        Kind::Count => format!("The facts say: {}.", words::value(&answer.fact, reader).trim_end_matches('.')),
        Kind::Multi => "Tick all that apply.".to_owned(),
        Kind::Single => String::new(),
        Kind::Instant | Kind::Period => "UK time.".to_owned(),
    };
    if answer.written.is_some() || question.kind == Kind::Count {
        hint.push_str(" Leave it empty to use what the facts say.");
    }
    if question.confidence == Confidence::Unverified {
        hint.push_str(" The form\u{2019}s wording of this question is unverified.");
    }
    let hint = hint.trim();
    let main = match question.kind {
        // A single line would drop the line breaks that the facts' text has.
        Kind::Text if form.first(name).contains('\n') => Field::area(form, name, label),
        Kind::Text => Field::line(form, name, label),
        Kind::LongText | Kind::Contact => Field::area(form, name, label),
        Kind::Single => Field::radios(form, name, label, options()),
        Kind::Multi => Field::checks(form, name, label, options()),
        Kind::Instant | Kind::Period => Field::moment(form, name, label, reader),
        Kind::Count => Field::count(form, name, label),
    };
    let mut fields = vec![main.hint(hint)];
    if question.kind == Kind::Period {
        fields.push(Field::moment(form, &format!("{name}_to"), "Until when, if it has ended?", reader));
        let estimated = [("yes", "These times are estimates")];
        fields.push(Field::checks(form, &format!("{name}_estimated"), "How sure are they?", estimated));
    }
    if !question.kind.is_choice() && !question.optional && !question.ours {
        let label = format!("Is it known? ({})", shortened(&answer.question));
        fields.push(Field::checks(form, &format!("{name}_unknown"), &label, [("yes", "Not yet known")]));
    }
    fields
}

fn shortened(question: &str) -> String {
    let words: String = question.chars().take(60).collect();
    if words.len() < question.len() { format!("{}\u{2026}", words.trim_end()) } else { words }
}

/// What a person typed; nothing for what the facts say. *Not yet known* ticked over what stands says that it is not known
/// after all; beside other words it is a fault, because one of the two would be lost.
pub(super) fn typed(reading: &mut Reading<'_>, answer: &ReportAnswer) -> Option<Written> {
    let name = answer.id.as_str();
    if answer.asked.kind.is_choice() || !reading.form().has(&format!("{name}_unknown"), "yes") {
        return said(reading, answer);
    }
    let mut form = Form::default();
    put(&mut form, answer, prefill(answer).as_ref(), reading.reader());
    let stands = said(&mut Reading::new(&form, reading.reader()), answer);
    let beside = said(reading, answer);
    if beside.is_some() && beside != stands {
        let anchor = if is_dated(answer) { format!("{name}-day") } else { name.to_owned() };
        let message = "You wrote an answer and ticked \u{201c}Not yet known\u{201d}: take one of the two away";
        reading.fault_at(name, &anchor, message);
    }
    Some(Written::NotYetKnown)
}

/// Whether the first input of a question is a day.
pub(super) const fn is_dated(answer: &ReportAnswer) -> bool {
    matches!(answer.asked.kind, Kind::Instant | Kind::Period)
}

/// What the inputs of an answer say.
fn said(reading: &mut Reading<'_>, answer: &ReportAnswer) -> Option<Written> {
    let (question, name) = (answer.asked, answer.id.as_str());
    let form = reading.form();
    match question.kind {
        Kind::Text | Kind::LongText | Kind::Contact => {
            reading.optional_text::<8_000>(name).map(|text: LongText| Written::Text { text })
        }
        Kind::Single | Kind::Multi => {
            // In the form's order, and what is not the form's last, so that it is refused and not dropped.
            let place = |option: &OptionText| {
                question.options.iter().take_while(|known| known.as_str() != option.as_str()).count()
            };
            let mut chosen: Vec<OptionText> =
                form.all(name).filter_map(|option| OptionText::stored(option).ok()).collect();
            chosen.sort_by_key(place);
            (!chosen.is_empty()).then_some(Written::Options { options: chosen })
        }
        Kind::Instant => reading.optional_moment(name).map(|at| Written::Instant { at }),
        Kind::Period => {
            let from = reading.optional_moment(name);
            let to = reading.optional_moment(&format!("{name}_to"));
            let estimated = form.has(&format!("{name}_estimated"), "yes");
            from.map(|from| Written::Period { from, to, estimated })
        }
        Kind::Count => match reading.known_count(name) {
            Known::Known(count) => Some(Written::Count { count }),
            Known::NotYetKnown => None,
        },
    }
}
