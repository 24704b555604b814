//! How an assessment is shown.

use domain::incident::Incident;
use domain::incident::assessment::{Advice, Assessed};
use domain::self_assessment::{Given, Outcome};
use domain::severity::Level;
use domain::suggestion::{Asked, Ground, ToIco, ToPeople};
use domain::values::{LongText, Moment};

use super::super::shape::answer;

answer! {
    /// One assessment with what it came to.
    Assessment {
        /// 1, 2, 3 …
        number: u32,
        /// The version of the facts that it looked at.
        facts_version: u32,
        /// Newer facts are known by now.
        older_than_the_facts: bool,
        /// When.
        at: Moment,
        /// By whom.
        by: String,
        /// The severity, with two decimals.
        severity: String,
        /// Its level. Indicative: it is not the legal test.
        level: Level,
        /// The method and its version.
        method: String,
        /// How the severity came about; empty when its tables are no longer in force.
        working: Vec<ScoreStep>,
        /// Where the self-assessment led.
        outcome: Outcome,
        /// The self-assessment and its version.
        flow: String,
        /// The answers that led there.
        answers: Vec<Given>,
        /// What the facts do not hold.
        asked: Asked,
        /// What is suggested; null for what is not a breach yet.
        suggestion: Option<Suggestion>,
        /// The nearest cases of the guidelines.
        cases: Vec<ComparedCase>,
        /// Anything else.
        note: Option<LongText>,
    }
}

answer! {
    /// One step of a score's working.
    ScoreStep {
        /// What it works out.
        step: String,
        /// The number.
        number: String,
        /// The line of the table.
        line: String,
        /// How sure that line is.
        confidence: String,
    }
}

answer! {
    /// What is suggested. It decides nothing.
    Suggestion {
        /// The rules and their version.
        rules: String,
        /// About reporting to the ICO.
        to_ico: ToIco,
        /// Why.
        ico_grounds: Vec<SuggestionGround>,
        /// About telling people.
        to_people: ToPeople,
        /// Why.
        people_grounds: Vec<SuggestionGround>,
        /// What is still to be found out.
        open: Vec<String>,
    }
}

answer! {
    /// One reason for a suggestion.
    SuggestionGround {
        /// Its name.
        ground: String,
        /// The provision that it rests on.
        provision: String,
        /// In words.
        words: String,
    }
}

answer! {
    /// A case of a guideline.
    ComparedCase {
        /// The guideline.
        guideline: String,
        /// The case's number there.
        number: String,
    }
}

impl Assessment {
    pub(super) fn of(made: &Assessed, incident: &Incident) -> Self {
        let assessment = &made.assessment;
        let results = &assessment.results;
        let steps = assessment.score().map(|score| score.working).unwrap_or_default();
        Self {
            number: assessment.number,
            facts_version: assessment.facts_version,
            older_than_the_facts: made.is_older_than_the_facts(incident),
            at: made.at,
            by: made.by.name().to_owned(),
            severity: results.severity.to_string(),
            level: results.level,
            method: results.method.clone(),
            working: steps
                .into_iter()
                .map(|step| ScoreStep {
                    step: step.term.label().to_owned(),
                    number: step.number.to_string(),
                    line: step.ground,
                    confidence: step.confidence.word().to_owned(),
                })
                .collect(),
            outcome: results.outcome,
            flow: results.flow.clone(),
            answers: assessment.answers.clone(),
            asked: assessment.asked,
            suggestion: results.advice.as_ref().map(Suggestion::of),
            cases: results
                .cases
                .iter()
                .map(|case| ComparedCase { guideline: case.guideline.clone(), number: case.number.clone() })
                .collect(),
            note: assessment.note.clone(),
        }
    }
}

impl Suggestion {
    fn of(advice: &Advice) -> Self {
        let named = |names: &[String]| {
            let ground = |name: &String| {
                let known = Ground::with_id(name);
                SuggestionGround {
                    ground: name.clone(),
                    provision: known.map_or("", |ground| ground.provision.citation()).to_owned(),
                    words: known.map_or("", |ground| ground.words).to_owned(),
                }
            };
            names.iter().map(ground).collect()
        };
        Self {
            rules: advice.rules.clone(),
            to_ico: advice.to_ico,
            ico_grounds: named(&advice.ico_grounds),
            to_people: advice.to_people,
            people_grounds: named(&advice.people_grounds),
            open: advice.open.iter().map(|question| question.words().to_owned()).collect(),
        }
    }
}
