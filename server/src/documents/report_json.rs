//! A report as a file for programs: every question with its answer, where it comes from, and what was submitted.

use domain::incident::Incident;
use domain::report::{Answer, AnswerValue, Sheet};
use domain::values::Moment;
use serde_json::{Value, json};

/// The report as JSON (RFC 8259), members in the form's order. Instants are RFC 3339 in UTC.
#[must_use]
pub fn written(incident: &Incident, sheet: &Sheet, at: Moment) -> String {
    let reports = &incident.reports;
    let sections: Vec<Value> = sheet
        .sections
        .iter()
        .map(|section| {
            let answers: Vec<Value> = section.answers.iter().map(answer).collect();
            json!({ "title": section.title, "answers": answers })
        })
        .collect();
    let signed = reports
        .signed_as(sheet)
        .map(|signed| json!({ "version": signed.version, "digest": signed.digest, "at": signed.at, "by": signed.by }));
    let whole = json!({
        "format": "tocsin-report-1",
        "exercise": incident.exercise,
        "reference": incident.reference,
        "form": { "id": sheet.form.id, "name": sheet.form.name, "as_of": sheet.form.as_of },
        "number": sheet.number,
        "written_at": at,
        "digest": sheet.digest(),
        "signed_off": signed,
        "submitted": reports.filed,
        "sections": sections,
    });
    serde_json::to_string_pretty(&whole).unwrap_or_default()
}

fn answer(answer: &Answer) -> Value {
    let (state, value) = match &answer.value {
        AnswerValue::Given(text) if answer.asked.kind.is_choice() => ("given", json!(text.lines().collect::<Vec<_>>())),
        AnswerValue::Given(text) => ("given", json!(text)),
        AnswerValue::Instant(at) => ("given", json!(at)),
        AnswerValue::Period { from, to, estimated } => {
            ("given", json!({ "from": from, "to": to, "estimated": estimated }))
        }
        AnswerValue::NotYetKnown(text) => ("not_yet_known", json!(text)),
        AnswerValue::Missing(_) => ("missing", Value::Null),
        AnswerValue::DoesNotApply(_) => ("does_not_apply", Value::Null),
    };
    let why = match &answer.value {
        AnswerValue::Missing(why) | AnswerValue::DoesNotApply(why) => json!(why),
        AnswerValue::Given(_) | AnswerValue::Instant(_) | AnswerValue::Period { .. } | AnswerValue::NotYetKnown(_) => {
            Value::Null
        }
    };
    json!({
        "id": answer.id,
        "question": answer.question,
        "article": answer.article,
        "confidence": answer.asked.confidence.word(),
        "state": state,
        "answer": value,
        "why_none": why,
        "from": answer.from,
        "version": answer.version,
        "facts_changed": answer.fact_changed,
    })
}
