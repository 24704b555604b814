//! What happened to the reports of an incident, in sentences.

use domain::incident::report::Change;
use domain::report::{Form, Written};
use domain::values::Actor;

use super::super::timeline::{channel, who};
use super::super::words::Reader;

/// The sentence of one change.
pub(in crate::web) fn words(change: &Change, by: &Actor, reader: Reader) -> String {
    let by = who(by);
    match change {
        Change::FormChosen { form } => format!("{by} chose {} for the report", Form::of(form).name),
        Change::AnswerWritten { question, version, answer, .. } => {
            let asked = Form::all().iter().find_map(|form| form.question(question));
            let asked = asked.map_or_else(|| question.to_string(), |asked| asked.label.clone());
            match answer {
                Some(Written::NotYetKnown) => {
                    format!("{by} answered \u{201c}{asked}\u{201d}: not yet known (version {version})")
                }
                Some(
                    Written::Text { .. }
                    | Written::Options { .. }
                    | Written::Instant { .. }
                    | Written::Period { .. }
                    | Written::Count { .. },
                ) => format!("{by} answered \u{201c}{asked}\u{201d} (version {version})"),
                None => format!("{by} took the facts\u{2019} answer to \u{201c}{asked}\u{201d} (version {version})"),
            }
        }
        Change::WarningAccepted { question, reason, .. } => {
            format!("{by} looked for personal data in the answer \u{201c}{question}\u{201d} and let it stay: {reason}")
        }
        Change::SignedOff { number, version, digest, .. } => {
            format!("{by} signed off report {number} (signature {version}, digest {digest})")
        }
        Change::Filed { number: 1, signed, proof, .. } => {
            let signed = signed.map_or("without a signature", |_| "as signed off");
            let proof = proof.as_ref().map(|proof| format!(", with {} as proof", proof.name)).unwrap_or_default();
            format!("The answers of report 1 were kept {signed}{proof}")
        }
        Change::Filed { number, submission, signed, proof, .. } => {
            let signed = signed.map_or("without a signature", |_| "as signed off");
            let proof = proof.as_ref().map(|proof| format!(", with {} as proof", proof.name)).unwrap_or_default();
            let at = reader.at(submission.at);
            let how = channel(submission.channel);
            format!("Follow-up report {number} sent at {at} ({how}), {signed}, recorded by {by}{proof}")
        }
        Change::ProofAdded { number, proof } => format!("{by} added {} as proof of report {number}", proof.name),
        Change::FollowUpOpened { number, .. } => format!("{by} opened follow-up report {number}"),
    }
}
