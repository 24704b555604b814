//! The reckoning: choices in, number and level out, every step written down on the way.

use super::method::{ContextRow, Row, Rule};
use super::{
    Basis, Choice, ContextChoice, Ease, IdentifierChoice, Inputs, Level, Method, Prompt, Quarters, Refusal, Score,
    Step, Term, method,
};
use crate::law::Confidence;

const CONTEXT_MIN: i16 = 1;
const CONTEXT_MAX: i16 = 4;

/// Works out the score by the method in force.
///
/// # Errors
/// A [`Refusal`] when a choice is missing, doubled or not in the method.
pub fn score(inputs: &Inputs) -> Result<Score, Refusal> {
    let method = method();
    let mut working = Working { method, steps: Vec::new() };
    let context = working.contexts(&inputs.contexts)?;
    let ease = working.identifiers(&inputs.identifiers)?;
    let product = Quarters::new(context.saturating_mul(ease.get()));
    working.rule(Term::Product, product, &method.rules.product);
    let circumstances = working.circumstances(inputs)?;
    let severity = Quarters::new(product.get().saturating_add(circumstances.get()));
    working.rule(Term::Severity, severity, &method.rules.severity);
    let level = working.level(severity)?;
    Ok(Score {
        method: method.id.clone(),
        severity,
        level,
        working: working.steps,
        flags: inputs.flags,
        prompts: prompts(method, level),
    })
}

/// Both questions, always: the level only says whether the score points to them as well.
fn prompts(method: &Method, level: Level) -> Vec<Prompt> {
    let questions = method.questions.iter();
    questions
        .map(|question| Prompt {
            question: question.code,
            raised: level >= question.raised_from,
            provision: question.provision.clone(),
            ground: question.label.clone(),
        })
        .collect()
}

struct Working {
    method: &'static Method,
    steps: Vec<Step>,
}

impl Working {
    fn step(&mut self, term: Term, number: Quarters, ground: &str, confidence: Confidence, basis: Option<Basis>) {
        self.steps.push(Step { term, number, ground: ground.to_owned(), basis, confidence });
    }

    fn rule(&mut self, term: Term, number: Quarters, rule: &Rule) {
        self.step(term, number, &rule.label, rule.confidence, None);
    }

    /// The highest score of all kinds of data, in whole points: DPC.
    fn contexts(&mut self, chosen: &[ContextChoice]) -> Result<i16, Refusal> {
        let mut highest = None;
        for (place, choice) in chosen.iter().enumerate() {
            if chosen.iter().take(place).any(|earlier| earlier.context == choice.context) {
                return Err(Refusal::ContextTwice(choice.context));
            }
            highest = highest.max(Some(self.context(choice)?));
        }
        let highest = highest.ok_or(Refusal::NoContext)?;
        self.rule(Term::Context, Quarters::whole(highest), &self.method.rules.highest_context);
        Ok(highest)
    }

    fn context(&mut self, choice: &ContextChoice) -> Result<i16, Refusal> {
        let context = choice.context;
        let row = self.method.contexts.iter().find(|row| row.code == context);
        let row = row.ok_or(Refusal::NotInTheMethod(context.word()))?;
        let base = i16::from(row.base);
        let basis = Some(choice.basis.clone());
        self.step(Term::Base { context }, Quarters::whole(base), &row.label, row.confidence, basis);
        if choice.adjustment.is_some() { Ok(self.adjusted(row, choice)) } else { Ok(base) }
    }

    fn adjusted(&mut self, row: &ContextRow, choice: &ContextChoice) -> i16 {
        let (context, base) = (choice.context, i16::from(row.base));
        let Some(adjustment) = &choice.adjustment else { return base };
        let own = &self.method.rules.own_adjustment;
        let step = row.steps.iter().find(|step| step.by == adjustment.by);
        let (ground, confidence) = step.map_or((&own.label, own.confidence), |step| (&step.label, step.confidence));
        let by = i16::from(adjustment.by.get());
        let basis = Some(Basis::Person { reason: adjustment.reason.clone() });
        self.step(Term::Adjusted { context }, Quarters::whole(by), ground, confidence, basis);
        let held = base.saturating_add(by).clamp(CONTEXT_MIN, CONTEXT_MAX);
        self.rule(Term::Held { context }, Quarters::whole(held), &self.method.rules.limits);
        held
    }

    /// The highest ease of all identifiers: EI.
    fn identifiers(&mut self, chosen: &[IdentifierChoice]) -> Result<Quarters, Refusal> {
        let mut highest = None;
        for (place, choice) in chosen.iter().enumerate() {
            if chosen.iter().take(place).any(|earlier| earlier.identifier == choice.identifier) {
                return Err(Refusal::IdentifierTwice(choice.identifier));
            }
            highest = highest.max(Some(self.identifier(choice)?));
        }
        let highest = highest.ok_or(Refusal::NoIdentifier)?;
        self.rule(Term::Ease, highest, &self.method.rules.highest_ease);
        Ok(highest)
    }

    fn identifier(&mut self, choice: &IdentifierChoice) -> Result<Quarters, Refusal> {
        let identifier = choice.identifier;
        let row = self.method.identifiers.iter().find(|row| row.code == identifier);
        let row = row.ok_or(Refusal::NotInTheMethod(identifier.word()))?;
        let quarters = self.factor(choice.ease)?;
        let own = &self.method.rules.own_ease;
        let guide = row.guide.iter().find(|guide| guide.ease == choice.ease);
        let (ground, confidence) = guide.map_or((&own.label, own.confidence), |guide| (&guide.label, guide.confidence));
        let basis = Some(Basis::Person { reason: choice.reason.clone() });
        self.step(Term::Identifier { identifier }, quarters, ground, confidence, basis);
        Ok(quarters)
    }

    fn factor(&self, ease: Ease) -> Result<Quarters, Refusal> {
        let row = self.method.eases.iter().find(|row| row.code == ease);
        row.map(|row| row.quarters).ok_or(Refusal::NotInTheMethod(ease.word()))
    }

    /// The four circumstances together: CB.
    fn circumstances(&mut self, inputs: &Inputs) -> Result<Quarters, Refusal> {
        let rows = &self.method.circumstances;
        let added = [
            self.circumstance(Term::Confidentiality, &rows.confidentiality, &inputs.confidentiality)?,
            self.circumstance(Term::Integrity, &rows.integrity, &inputs.integrity)?,
            self.circumstance(Term::Availability, &rows.availability, &inputs.availability)?,
            self.circumstance(Term::Intent, &rows.intent, &inputs.intent)?,
        ];
        let sum = added.into_iter().fold(0_i16, |sum, quarters| sum.saturating_add(quarters.get()));
        self.rule(Term::Circumstances, Quarters::new(sum), &self.method.rules.sum_of_circumstances);
        Ok(Quarters::new(sum))
    }

    fn circumstance<T: PartialEq>(
        &mut self,
        term: Term,
        rows: &[Row<T>],
        choice: &Choice<T>,
    ) -> Result<Quarters, Refusal> {
        let row = rows.iter().find(|row| row.code == choice.value);
        let row = row.ok_or(Refusal::NotInTheMethod(term.label()))?;
        self.step(term, row.quarters, &row.label, row.confidence, Some(choice.basis.clone()));
        Ok(row.quarters)
    }

    fn level(&mut self, severity: Quarters) -> Result<Level, Refusal> {
        let levels = self.method.levels.iter();
        let row = levels.filter(|row| row.from_quarters <= severity).max_by_key(|row| row.from_quarters);
        let row = row.ok_or(Refusal::NotInTheMethod(Term::Level.label()))?;
        let ground = format!("{}, from {} up: {}", row.label, row.from_quarters, row.meaning);
        self.step(Term::Level, severity, &ground, row.confidence, None);
        Ok(row.code)
    }
}
