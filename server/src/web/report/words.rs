//! Answers as people read them, and where each is changed.

use domain::incident::report::Filed;
use domain::law::Confidence;
use domain::report::{self, AnswerValue, Mend};
use domain::values::IncidentId;

use super::super::timeline::{channel, who};
use super::super::words::Reader;

/// One answer of the overview.
pub(super) struct Shown {
    pub(super) id: String,
    pub(super) question: String,
    pub(super) article: String,
    pub(super) unverified: bool,
    pub(super) value: String,
    pub(super) missing: bool,
    /// The form takes that it is not yet known.
    pub(super) unknown: bool,
    pub(super) does_not_apply: bool,
    pub(super) from: String,
    /// What the facts say by now, when that changed beneath a written answer.
    pub(super) facts_now: Option<String>,
    /// What the facts say, when that is another option, time or number than was written.
    pub(super) facts_say: Option<String>,
    pub(super) change: Option<String>,
    pub(super) mend: Option<(String, &'static str)>,
}

impl Shown {
    pub(super) fn of(answer: &report::Answer, id: IncidentId, part: &str, reader: Reader) -> Self {
        let open = answer.value.is_open();
        let said = value(&answer.value, reader);
        Self {
            id: format!("q-{}", answer.id),
            question: answer.question.clone(),
            article: answer.article.as_ref().map(|article| format!("Article {article}")).unwrap_or_default(),
            unverified: answer.asked.confidence == Confidence::Unverified,
            value: match &answer.value {
                AnswerValue::NotYetKnown(text) => {
                    format!("{text} (an answer that the form takes; still to be found out)")
                }
                AnswerValue::Given(_)
                | AnswerValue::Instant(_)
                | AnswerValue::Period { .. }
                | AnswerValue::Missing(_)
                | AnswerValue::DoesNotApply(_) => said,
            },
            missing: open && !answer.value.is_said(),
            unknown: open && answer.value.is_said(),
            does_not_apply: matches!(answer.value, AnswerValue::DoesNotApply(_)),
            from: answer.from.clone(),
            facts_now: answer.fact_changed.then(|| value(&answer.fact, reader)),
            facts_say: (!answer.fact_changed && answer.is_unlike_the_facts()).then(|| value(&answer.fact, reader)),
            change: answer.applies.then(|| format!("{part}#{}", answer.id)),
            mend: answer.asked.source.mend().filter(|_| open && answer.written.is_none()).map(|to| mend(to, id)),
        }
    }
}

/// Where the fact behind an answer is changed, and the words of the link.
pub(super) fn mend(to: Mend, id: IncidentId) -> (String, &'static str) {
    match to {
        Mend::Fact(fact) => (format!("/incidents/{id}/update-facts#{fact}"), "Change the facts"),
        Mend::Awareness => (format!("/incidents/{id}/correct-awareness"), "Correct it"),
        Mend::Standing(answer) => (format!("/about-this-organisation#{answer}"), "Answer it once for every report"),
        Mend::Decision => (format!("/incidents/{id}/decision"), "Decide it"),
        Mend::People => (format!("/incidents/{id}/people"), "Record it"),
        Mend::Organisation => ("/parties".to_owned(), "Our own record"),
    }
}

/// An answer in words.
pub(super) fn value(value: &AnswerValue, reader: Reader) -> String {
    match value {
        AnswerValue::Given(text)
        | AnswerValue::NotYetKnown(text)
        | AnswerValue::Missing(text)
        | AnswerValue::DoesNotApply(text) => text.clone(),
        AnswerValue::Instant(at) => reader.at(*at),
        AnswerValue::Period { from, to, estimated } => {
            let end = to.map(|to| format!(" to {}", reader.at(to))).unwrap_or_default();
            let estimate = if *estimated { ", an estimate" } else { "" };
            format!("From {}{end}{estimate}", reader.at(*from))
        }
    }
}

/// A submitted report.
pub(super) struct FiledWords {
    pub(super) number: u32,
    pub(super) words: String,
    pub(super) proof: Option<(String, String)>,
    pub(super) add: String,
}

pub(super) fn filed_words(filed: &Filed, id: IncidentId, reader: Reader) -> FiledWords {
    let submission = &filed.submission;
    let reference = submission.ico_reference.as_ref().map(|it| format!(", reference {it}")).unwrap_or_default();
    let signed = match filed.signed {
        Some(version) => format!("as signed off (signature {version})"),
        None => "without a signature that covers it".to_owned(),
    };
    let path = format!("/incidents/{id}/report/proofs/{}", filed.number);
    FiledWords {
        number: filed.number,
        words: format!(
            "Submitted at {} ({}){reference}, {signed}; recorded by {}.",
            reader.at(submission.at),
            channel(submission.channel),
            who(&filed.by)
        ),
        proof: filed.proof.as_ref().map(|proof| (path.clone(), format!("{}, {} octets", proof.name, proof.octets))),
        add: path,
    }
}
