//! The JSON of what is decided about reports is frozen.

use crate::incident::report;
use crate::incident::tests::kit::*;
use crate::report::{
    AnswerValue, FormId, FrozenAnswer, OptionText, QuestionId, Submission, SubmissionChannel, Written,
};
use crate::values::Digest32;

/// One of every change.
pub(in crate::incident::tests) fn changes() -> Vec<report::Change> {
    let question = |id: &str| QuestionId::parse(id).unwrap();
    let submission = Submission {
        at: hour(60),
        channel: SubmissionChannel::Email,
        ico_reference: Some(line("IC-123")),
        delay_reasons: None,
        proof: None,
    };
    let proof = report::Proof {
        name: line("receipt.pdf"),
        kind: crate::values::Text::parse("pdf").unwrap(),
        octets: 2_048,
        sha256: Digest32::of(b"receipt"),
    };
    let frozen =
        |value| FrozenAnswer { question: "high_risk".to_owned(), asked: "Is the risk high?".to_owned(), value };
    let answers = vec![
        frozen(AnswerValue::Given("No".to_owned())),
        frozen(AnswerValue::Instant(hour(1))),
        frozen(AnswerValue::Period { from: hour(1), to: Some(hour(2)), estimated: true }),
        frozen(AnswerValue::NotYetKnown("Not yet known".to_owned())),
    ];
    let (number, version, form) = (2, 3, FormId::parse("edpb").unwrap());
    vec![
        report::Change::FormChosen { form: form.clone() },
        report::Change::AnswerWritten {
            question: question("high_risk"),
            version,
            base_version: 2,
            answer: Some(Written::Options { options: vec![OptionText::parse("No").unwrap()] }),
            fact: Digest32::of(b"fact"),
        },
        report::Change::WarningAccepted {
            question: question("containment"),
            text: Digest32::of(b"text"),
            reason: long("It is our own mailbox."),
        },
        report::Change::SignedOff { number, version, digest: Digest32::of(b"answers"), answers: answers.clone() },
        report::Change::Filed { number, form, submission, signed: Some(version), answers, proof: Some(proof.clone()) },
        report::Change::ProofAdded { number, proof },
        report::Change::FollowUpOpened { number, starts_anew: vec![question("delay_reason")] },
    ]
}

#[test]
fn changes_keep_their_form() {
    let names =
        ["form_chosen", "answer_written", "warning_accepted", "signed_off", "filed", "proof_added", "follow_up_opened"];
    let named: Vec<_> = names.into_iter().zip(changes()).collect();
    hold_golden("report", &names, &named);
}
