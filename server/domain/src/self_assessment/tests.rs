#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;

fn given(question: Question, answer: Answer) -> Given {
    Given { question, answer, reason: LongText::parse("Seen in the access log").unwrap() }
}

fn walk(answers: &[Answer]) -> Result<SelfAssessment, Refusal> {
    let given: Vec<Given> =
        Question::ALL.into_iter().zip(answers).map(|(question, answer)| given(question, *answer)).collect();
    assess(&given)
}

/// Every way through the flow, found by trying every answer at every question.
fn every_way() -> Vec<(Vec<Answer>, Outcome)> {
    let (mut open, mut ended) = (vec![Vec::new()], Vec::new());
    while let Some(answers) = open.pop() {
        for answer in Answer::ALL {
            let longer: Vec<Answer> = answers.iter().copied().chain([answer]).collect();
            match walk(&longer) {
                Ok(SelfAssessment { stands: Next::Outcome(outcome), .. }) => ended.push((longer, outcome)),
                Ok(SelfAssessment { stands: Next::Step(_), .. }) => open.push(longer),
                Err(refusal) => assert!(matches!(refusal, Refusal::NotAnAnswer { .. })),
            }
        }
    }
    ended.sort();
    ended
}

/// The flow as the ICO's guidance has it: each way through it, and where it leads.
#[test]
fn every_way_leads_where_the_table_says() {
    use Answer::{High, Likely, Mitigated, No, NotHigh, NotSure, Unlikely, VeryLikely, Yes};
    let mut expected = vec![
        (vec![No], Outcome::NotPersonalData),
        (vec![NotSure], Outcome::Unclear),
        (vec![Yes, No], Outcome::NearMiss),
        (vec![Yes, NotSure], Outcome::Unclear),
        (vec![Yes, Yes, Unlikely], Outcome::RecordOnly),
        (vec![Yes, Yes, Mitigated], Outcome::RecordOnly),
        (vec![Yes, Yes, NotSure], Outcome::Unclear),
        (vec![Yes, Yes, Likely, NotHigh], Outcome::TellIco),
        (vec![Yes, Yes, Likely, High], Outcome::TellIcoAndPeople),
        (vec![Yes, Yes, Likely, NotSure], Outcome::TellIcoPeopleUnclear),
        (vec![Yes, Yes, VeryLikely, NotHigh], Outcome::TellIco),
        (vec![Yes, Yes, VeryLikely, High], Outcome::TellIcoAndPeople),
        (vec![Yes, Yes, VeryLikely, NotSure], Outcome::TellIcoPeopleUnclear),
    ];
    expected.sort();
    assert_eq!(every_way(), expected);
}

/// Only a plain "unlikely" or "no" leads away from a report; not being sure never does.
#[test]
fn not_sure_is_treated_as_reportable() {
    for (answers, outcome) in every_way() {
        let sure = !answers.contains(&Answer::NotSure);
        assert!(sure || outcome.treated_as_reportable(), "{answers:?}");
        let risk = answers.contains(&Answer::Likely) || answers.contains(&Answer::VeryLikely);
        assert!(!risk || outcome.treated_as_reportable(), "{answers:?}");
    }
}

/// Each step shows its number, the answer with its reason, where it led, the ground, and how sure that is.
#[test]
fn the_working_is_written_down_in_order() {
    let assessment = walk(&[Answer::Yes, Answer::Yes, Answer::Likely, Answer::NotHigh]).unwrap();
    assert_eq!(assessment.outcome(), Some(Outcome::TellIco));
    assert_eq!(assessment.flow, "ico-self-assessment-2026-11");
    let numbers: Vec<u8> = assessment.working.iter().map(|step| step.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert!(assessment.working.iter().all(|step| step.given.reason.as_str() == "Seen in the access log"));
    let provisions: Vec<&str> = assessment.working.iter().map(|step| step.provision.as_str()).collect();
    let article = |numbers: &str| format!("UK GDPR Article {numbers}");
    assert_eq!(provisions, [article("4(1) and (12)"), article("4(12)"), article("33(1)"), article("34(1)")]);
    assert_eq!(assessment.working[1].confidence, Confidence::Unverified, "the question's wording is not verified");
    assert_eq!(assessment.working[2].then, Next::Step(Question::HighRisk));
    assert!(assessment.working.iter().all(|step| !step.ground.is_empty()));
}

/// Fewer answers than questions stand at the next question, and have no outcome yet.
#[test]
fn an_unfinished_walk_stands_at_its_next_question() {
    assert_eq!(walk(&[]).unwrap().stands, Next::Step(Question::PersonalData));
    let half = walk(&[Answer::Yes, Answer::Yes]).unwrap();
    assert_eq!((half.stands, half.outcome()), (Next::Step(Question::Risk), None));
}

#[test]
fn answers_out_of_order_are_refused() {
    let refused = |given: &[Given]| assess(given).unwrap_err();
    let risk = given(Question::Risk, Answer::Likely);
    let asked = Question::PersonalData;
    assert_eq!(refused(std::slice::from_ref(&risk)), Refusal::AnotherQuestion { asked, answered: Question::Risk });
    assert_eq!(refused(&[given(asked, Answer::No), risk]), Refusal::AtTheEnd(Question::Risk));
    let high = given(asked, Answer::High);
    assert_eq!(refused(&[high]), Refusal::NotAnAnswer { question: asked, answer: Answer::High });
}

/// The table holds every question in order and every outcome once, and each outcome can be reached.
#[test]
fn the_table_is_whole() {
    let flow = flow();
    let questions: Vec<Question> = flow.steps.iter().map(|step| step.code).collect();
    assert_eq!(questions, Question::ALL);
    let outcomes: Vec<Outcome> = flow.outcomes.iter().map(|row| row.code).collect();
    assert_eq!(outcomes, Outcome::ALL);
    let mut reached: Vec<Outcome> = every_way().into_iter().map(|(_, outcome)| outcome).collect();
    reached.sort();
    reached.dedup();
    assert_eq!(reached, Outcome::ALL);
    assert!(flow.outcomes.iter().all(|row| !row.label.is_empty() && row.provision.starts_with("UK GDPR Article")));
    assert_eq!(flow.factors.weigh.len(), 7);
}

/// Assessments are stored and read back; each word is the one in JSON.
#[test]
fn assessments_are_stored_and_read_back() {
    let assessment = walk(&[Answer::Yes, Answer::No]).unwrap();
    let json = serde_json::to_string(&assessment).unwrap();
    assert_eq!(serde_json::from_str::<SelfAssessment>(&json).unwrap(), assessment);
    for answer in Answer::ALL {
        assert_eq!(Answer::from_word(answer.word()), Some(answer));
        assert_eq!(serde_json::to_value(answer).unwrap(), answer.word());
    }
    assert!(Outcome::ALL.iter().all(|outcome| serde_json::to_value(outcome).unwrap() == outcome.word()));
    assert!(Question::ALL.iter().all(|question| serde_json::to_value(question).unwrap() == question.word()));
}
