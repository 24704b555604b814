//! What is learnt from incidents: root cause, corrective actions, and whether they worked.

use std::str::FromStr as _;

use chrono::NaiveDate;
use domain::incident::Refusal;
use domain::incident::lessons::{self, Action, ActionState, Effect, Owner, Review, RootCause, Seen};
use domain::incident_type::TypeCode;
use domain::values::{IncidentId, Line, LongText, Moment, PersonId};

use super::call::{Call, Page, Reply, fault};
use super::facts::texts_must_be_checked;
use super::incidents::state;
use super::operation::{Group, get, post, put, run};
use super::shape::{answer, request};
use crate::access::Scope;
use crate::node::DoorError;
use crate::node::lessons::{NewOwner, NewPlan, Step};
use crate::problem::Problem;
use crate::store::queries::actions::{self, Key, OpenAction};

/// Operations on lessons.
pub const GROUP: Group = Group {
    name: "Lessons",
    about: "Why incidents happened, what is done about it, and whether that worked. Also after an incident is closed.",
    operations: &[
        get("/actions", "list_open_actions", "Corrective actions still to be done, the first due first", run!(list))
            .lists::<ToDo>(),
        get("/incidents/{id}/lessons", "get_lessons", "Root cause and corrective actions of an incident", run!(one))
            .gives::<Lessons>(),
        get(
            "/incidents/{id}/lessons/cause",
            "get_root_cause",
            "The root cause as it stands; its ETag is its version, 0 for none",
            run!(cause),
        )
        .gives::<CurrentCause>(),
        put("/incidents/{id}/lessons/cause", "put_root_cause", "Record the root cause", run!(find))
            .needs(&[Scope::Respond, Scope::Decide])
            .takes::<NewCause>()
            .gives::<CurrentCause>(),
        post("/incidents/{id}/lessons/actions", "add_action", "Add a corrective action", run!(add))
            .needs(&[Scope::Respond, Scope::Decide])
            .takes::<NewAction>(),
        post("/incidents/{id}/lessons/change", "change_action", "Change an action that is open", run!(change))
            .needs(&[Scope::Respond, Scope::Decide])
            .takes::<ChangeAction>(),
        post("/incidents/{id}/lessons/done", "mark_action_done", "Say that an action was done", run!(done))
            .needs(&[Scope::Respond, Scope::Decide])
            .takes::<ActionDone>(),
        post("/incidents/{id}/lessons/drop", "drop_action", "Say that an action will not be done", run!(drop_it))
            .needs(&[Scope::Respond, Scope::Decide])
            .takes::<ActionReason>(),
        post("/incidents/{id}/lessons/reopen", "reopen_action", "Open an action again", run!(reopen))
            .needs(&[Scope::Respond, Scope::Decide])
            .takes::<ActionReason>(),
        post("/incidents/{id}/lessons/review", "review_action", "Record what an action led to", run!(review))
            .needs(&[Scope::Respond, Scope::Decide])
            .takes::<ActionReview>(),
    ],
};

answer! {
    /// An action that is still to be done.
    ToDo {
        /// In the words of the pages: Open, Due today, Overdue.
        state: &'static str,
        /// The incident.
        incident: IncidentId,
        /// Our reference for it.
        reference: String,
        /// It is a drill.
        exercise: bool,
        /// Its number within the incident.
        number: u32,
        /// What is to be done.
        what: String,
        /// Who sees to it, by name or role.
        owner: String,
        /// By the end of which day.
        due_on: NaiveDate,
    }
}

answer! {
    /// What was learnt from one incident.
    Lessons {
        /// The ICO's code of the root cause.
        cause: Option<String>,
        /// The ICO's label for it.
        cause_label: Option<String>,
        /// The root cause in words; null after erasure.
        cause_words: Option<LongText>,
        /// Corrective actions, in the order added.
        actions: Vec<CorrectiveAction>,
    }
}

answer! {
    /// A corrective action.
    CorrectiveAction {
        /// In the words of the pages: Open, Due today, Overdue, Done, Dropped.
        state: &'static str,
        /// 1, 2, 3 … within its incident.
        number: u32,
        /// Named when it is changed, so that nobody overwrites unseen.
        revision: u32,
        /// What is to be done.
        what: LongText,
        /// Who sees to it, by name or role.
        owner: Line,
        /// Their account, if they have one.
        owner_id: Option<PersonId>,
        /// By the end of which day.
        due_on: NaiveDate,
        /// On which day it was done.
        done_on: Option<NaiveDate>,
        /// By what one can see that it was done.
        evidence: Option<LongText>,
        /// Why it will not be done.
        reason: Option<LongText>,
        /// Looks at its effect, the oldest first.
        reviews: Vec<EffectReview>,
    }
}

answer! {
    /// A look at what an action led to.
    EffectReview {
        /// On which day.
        on: NaiveDate,
        /// Who looked.
        reviewer: Line,
        /// What they found.
        effect: Effect,
        /// In words.
        words: LongText,
    }
}

answer! {
    /// The root cause as it stands.
    CurrentCause {
        /// 1, 2, 3 …; 0 for none.
        version: u32,
        /// The ICO's code.
        cause: Option<String>,
        /// In words.
        words: Option<LongText>,
        /// When it was recorded.
        at: Option<Moment>,
    }
}

request! {
    /// A root cause.
    NewCause {
        /// The ICO's code of the type of incident that fits best, such as phishing.
        cause: String,
        /// In words; no names.
        words: LongText,
        /// A person has checked the words for personal data.
        checked: Option<bool>,
    }
}

request! {
    /// An action to be.
    NewAction {
        /// What is to be done.
        what: LongText,
        /// The account of whoever sees to it.
        owner_id: Option<PersonId>,
        /// Their role, if they have no account.
        owner: Option<Line>,
        /// By the end of which day.
        due_on: NaiveDate,
        /// A person has checked the text for personal data.
        checked: Option<bool>,
    }
}

request! {
    /// An action as it is to be now.
    ChangeAction {
        /// Its number.
        number: u32,
        /// The revision that was read.
        revision: u32,
        /// What is to be done.
        what: LongText,
        /// The account of whoever sees to it.
        owner_id: Option<PersonId>,
        /// Their role, if they have no account.
        owner: Option<Line>,
        /// By the end of which day.
        due_on: NaiveDate,
        /// A person has checked the text for personal data.
        checked: Option<bool>,
    }
}

request! {
    /// An action was done.
    ActionDone {
        /// Its number.
        number: u32,
        /// The revision that was read.
        revision: u32,
        /// On which day.
        on: NaiveDate,
        /// By what one can see that.
        evidence: LongText,
        /// A person has checked the text for personal data.
        checked: Option<bool>,
    }
}

request! {
    /// An action, and why.
    ActionReason {
        /// Its number.
        number: u32,
        /// The revision that was read.
        revision: u32,
        /// Why.
        reason: LongText,
        /// A person has checked the text for personal data.
        checked: Option<bool>,
    }
}

request! {
    /// A look at what an action led to.
    ActionReview {
        /// Its number.
        number: u32,
        /// The revision that was read.
        revision: u32,
        /// On which day.
        on: NaiveDate,
        /// Who looked, by name or role.
        reviewer: Line,
        /// What they found.
        effect: Effect,
        /// In words.
        words: LongText,
        /// A person has checked the words for personal data.
        checked: Option<bool>,
    }
}

/// How the day of an open action stands to today.
fn due_words(due_on: NaiveDate, today: NaiveDate) -> &'static str {
    match due_on.signed_duration_since(today).num_days() {
        ..0 => "Overdue",
        0 => "Due today",
        1.. => "Open",
    }
}

async fn list(call: Call) -> Result<Reply, Problem> {
    let (after, limit) = (call.after(read_key)?, call.limit()?);
    let today = call.node.today();
    let page = call.node.store().read(move |rows| actions::open(rows, None, after, limit)).await?;
    let next = page.next.map(|(day, incident, number)| format!("{day}.{incident}.{number}"));
    Ok(Page { items: page.items, next }.reply(|action| ToDo::of(action, today)))
}

fn read_key(text: &str) -> Option<Key> {
    let mut parts = text.split('.');
    let key = (parts.next()?.parse().ok()?, IncidentId::from_str(parts.next()?).ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some(key)
}

impl ToDo {
    fn of(action: OpenAction, today: NaiveDate) -> Self {
        let OpenAction { incident, reference, exercise, number, what, owner, due_on } = action;
        Self { state: due_words(due_on, today), incident, reference, exercise, number, what, owner, due_on }
    }
}

async fn one(call: Call) -> Result<Reply, Problem> {
    let incident = state(&call, call.id()?).await?;
    let today = call.node.today();
    let lessons = &incident.lessons;
    Ok(Reply::one(&Lessons {
        cause: lessons.kind().map(|kind| kind.word().to_owned()),
        cause_label: lessons.kind().map(|kind| kind.label().to_owned()),
        cause_words: lessons.cause().map(|version| version.cause.words.clone()),
        actions: lessons.actions.iter().map(|action| CorrectiveAction::of(action, today)).collect(),
    }))
}

impl CorrectiveAction {
    fn of(action: &Action, today: NaiveDate) -> Self {
        let (state, done_on, evidence, reason) = match &action.state {
            ActionState::Open => (due_words(action.plan.due_on, today), None, None, None),
            ActionState::Done { on, evidence } => ("Done", Some(*on), Some(evidence.clone()), None),
            ActionState::Dropped { reason } => ("Dropped", None, None, Some(reason.clone())),
        };
        let owner_id = match &action.plan.owner {
            Owner::Account { id, .. } => Some(*id),
            Owner::Role { .. } => None,
        };
        Self {
            state,
            number: action.number,
            revision: action.revision,
            what: action.plan.what.clone(),
            owner: action.plan.owner.words().clone(),
            owner_id,
            due_on: action.plan.due_on,
            done_on,
            evidence,
            reason,
            reviews: action.reviews.iter().cloned().map(EffectReview::of).collect(),
        }
    }
}

impl EffectReview {
    fn of(review: Review) -> Self {
        let Review { on, reviewer, effect, words } = review;
        Self { on, reviewer, effect, words }
    }
}

async fn current(call: &Call, id: IncidentId) -> Result<(u32, Reply), Problem> {
    let incident = state(call, id).await?;
    let newest = incident.lessons.cause();
    let shown = CurrentCause {
        version: newest.map_or(0, |version| version.number),
        cause: incident.lessons.kind().map(|kind| kind.word().to_owned()),
        words: newest.map(|version| version.cause.words.clone()),
        at: newest.map(|version| version.at),
    };
    Ok((shown.version, Reply::version(&shown, &shown.version.to_string())))
}

async fn cause(call: Call) -> Result<Reply, Problem> {
    Ok(current(&call, call.id()?).await?.1)
}

async fn find(call: Call) -> Result<Reply, Problem> {
    let by = call.duty_holder()?;
    let id = call.id()?;
    let (base, reply) = current(&call, id).await?;
    call.must_match(&reply)?;
    let NewCause { cause, words, checked } = call.body()?;
    let kind =
        TypeCode::from_word(&cause).ok_or_else(|| fault("/cause", "it is no type of incident of the ICO's list"))?;
    texts_must_be_checked(&call, &[("words", words.as_str())], checked.unwrap_or(false), "").await?;
    match call.node.find_cause(&by, id, base, RootCause { kind, words }).await {
        Ok(()) => Ok(current(&call, id).await?.1),
        Err(DoorError::Refused(Refusal::Lessons(lessons::Refusal::CauseChanged { .. }))) => {
            Err(current(&call, id).await?.1.changed())
        }
        Err(error) => Err(error.into()),
    }
}

fn owner(id: Option<PersonId>, role: Option<Line>) -> Result<NewOwner, Problem> {
    match (id, role) {
        (Some(id), None) => Ok(NewOwner::Account(id)),
        (None, Some(role)) => Ok(NewOwner::Role(role)),
        (Some(_), Some(_)) => Err(fault("/owner", "give an account or a role, not both")),
        (None, None) => Err(fault("/owner", "say who sees to it: an account or a role")),
    }
}

async fn add(call: Call) -> Result<Reply, Problem> {
    let by = call.duty_holder()?;
    let NewAction { what, owner_id, owner: role, due_on, checked } = call.body()?;
    let plan = NewPlan { owner: owner(owner_id, role)?, what, due_on };
    texts_must_be_checked(&call, &[("what", plan.what.as_str())], checked.unwrap_or(false), "").await?;
    call.node.add_action(&by, call.id()?, None, plan).await?;
    Ok(Reply::done())
}

async fn change(call: Call) -> Result<Reply, Problem> {
    let ChangeAction { number, revision, what, owner_id, owner: role, due_on, checked } = call.body()?;
    let plan = NewPlan { owner: owner(owner_id, role)?, what, due_on };
    texts_must_be_checked(&call, &[("what", plan.what.as_str())], checked.unwrap_or(false), "").await?;
    step(&call, Seen { number, revision }, Step::Change(plan)).await
}

async fn done(call: Call) -> Result<Reply, Problem> {
    let ActionDone { number, revision, on, evidence, checked } = call.body()?;
    texts_must_be_checked(&call, &[("evidence", evidence.as_str())], checked.unwrap_or(false), "").await?;
    step(&call, Seen { number, revision }, Step::Done(on, evidence)).await
}

async fn drop_it(call: Call) -> Result<Reply, Problem> {
    let (seen, reason) = reason(&call).await?;
    step(&call, seen, Step::Drop(reason)).await
}

async fn reopen(call: Call) -> Result<Reply, Problem> {
    let (seen, reason) = reason(&call).await?;
    step(&call, seen, Step::Reopen(reason)).await
}

async fn reason(call: &Call) -> Result<(Seen, LongText), Problem> {
    let ActionReason { number, revision, reason, checked } = call.body()?;
    texts_must_be_checked(call, &[("reason", reason.as_str())], checked.unwrap_or(false), "").await?;
    Ok((Seen { number, revision }, reason))
}

async fn review(call: Call) -> Result<Reply, Problem> {
    let ActionReview { number, revision, on, reviewer, effect, words, checked } = call.body()?;
    texts_must_be_checked(&call, &[("words", words.as_str())], checked.unwrap_or(false), "").await?;
    step(&call, Seen { number, revision }, Step::Review(Review { on, reviewer, effect, words })).await
}

async fn step(call: &Call, seen: Seen, step: Step) -> Result<Reply, Problem> {
    call.node.step_action(&call.duty_holder()?, call.id()?, seen, step).await?;
    Ok(Reply::done())
}
