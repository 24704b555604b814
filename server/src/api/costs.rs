//! What incidents cost.

use chrono::NaiveDate;
use domain::incident::costs::{Cost, Kept, Kind, Pence, Recorded, Seen, Version};
use domain::values::{Line, LongText, Moment};

use super::call::{Call, Reply};
use super::facts::texts_must_be_checked;
use super::incidents::state;
use super::operation::{Group, get, post, run};
use super::shape::{answer, request};
use crate::access::Scope;
use crate::node::costs::Step;
use crate::problem::Problem;

/// Operations on costs.
pub const GROUP: Group = Group {
    name: "Costs",
    about: "What incidents cost, in whole pence (GBP). Also after an incident is closed, because invoices come late. What all \
            of them cost is in the statistics of the register.",
    operations: &[
        get("/incidents/{id}/costs", "get_costs", "What an incident cost", run!(one)).gives::<CostsOfIncident>(),
        post("/incidents/{id}/costs", "record_cost", "Record a cost", run!(record))
            .needs(&[Scope::Respond, Scope::Decide])
            .takes::<NewCost>(),
        post(
            "/incidents/{id}/costs/correct",
            "correct_cost",
            "Correct a cost that stands; what it was stays on record",
            run!(correct),
        )
        .needs(&[Scope::Respond, Scope::Decide])
        .takes::<CorrectCost>(),
        post("/incidents/{id}/costs/strike", "strike_cost", "Strike out a cost that does not stand", run!(strike))
            .needs(&[Scope::Respond, Scope::Decide])
            .takes::<StrikeCost>(),
    ],
};

answer! {
    /// What one incident cost.
    CostsOfIncident {
        /// What all costs that stand come to; null when none does.
        total_pence: Option<i64>,
        /// How much of that is estimated.
        estimated_pence: i64,
        /// The same by kind.
        kinds: Vec<CostOfKind>,
        /// Each cost, in the order recorded; after erasure those that stood.
        costs: Vec<CostOnRecord>,
    }
}

answer! {
    /// What all costs of a kind come to.
    CostOfKind {
        /// What it went into.
        kind: Kind,
        /// In words.
        label: &'static str,
        /// What they come to.
        pence: i64,
    }
}

answer! {
    /// A cost.
    CostOnRecord {
        /// In the words of the pages: Final, Estimate, Struck out.
        state: &'static str,
        /// 1, 2, 3 … within its incident; null after erasure.
        number: Option<u32>,
        /// Named when it is corrected or struck out, so that nobody overwrites unseen; null after erasure.
        revision: Option<u32>,
        /// What it went into.
        kind: Kind,
        /// How much.
        pence: Pence,
        /// The day it fell on, where it has one.
        on: Option<NaiveDate>,
        /// A note; null after erasure.
        note: Option<Line>,
        /// When it was recorded, or last corrected; null after erasure.
        at: Option<Moment>,
        /// Why it was struck out.
        struck: Option<LongText>,
        /// What it was before it was corrected, the oldest first.
        earlier: Vec<EarlierCost>,
    }
}

answer! {
    /// What a cost was before it was corrected.
    EarlierCost {
        /// What it went into.
        kind: Kind,
        /// How much.
        pence: Pence,
        /// The day it fell on, where it had one.
        on: Option<NaiveDate>,
        /// It was an estimate.
        estimate: bool,
        /// A note.
        note: Option<Line>,
        /// When it was recorded, or corrected to this.
        at: Moment,
        /// Why it was corrected to this; null in the first.
        reason: Option<LongText>,
    }
}

request! {
    /// A cost.
    NewCost {
        /// What it went into.
        kind: Kind,
        /// How much, in whole pence.
        pence: Pence,
        /// The day it fell on, not in the future; absent where there is no one day.
        on: Option<NaiveDate>,
        /// It is an estimate; absent is no.
        estimate: Option<bool>,
        /// Anything to add, such as the number of an invoice; no names.
        note: Option<Line>,
        /// A person has checked the note for personal data.
        checked: Option<bool>,
    }
}

request! {
    /// A cost as it is now.
    CorrectCost {
        /// Its number.
        number: u32,
        /// The revision that was read.
        revision: u32,
        /// What it went into.
        kind: Kind,
        /// How much, in whole pence.
        pence: Pence,
        /// The day it fell on, not in the future; absent where there is no one day.
        on: Option<NaiveDate>,
        /// It is an estimate; absent is no.
        estimate: Option<bool>,
        /// Anything to add, such as the number of an invoice; no names.
        note: Option<Line>,
        /// Why it is corrected.
        reason: LongText,
        /// A person has checked the texts for personal data.
        checked: Option<bool>,
    }
}

request! {
    /// A cost that does not stand.
    StrikeCost {
        /// Its number.
        number: u32,
        /// The revision that was read.
        revision: u32,
        /// Why.
        reason: LongText,
        /// A person has checked the reason for personal data.
        checked: Option<bool>,
    }
}

const fn sure(estimate: bool) -> &'static str {
    if estimate { "Estimate" } else { "Final" }
}

impl CostOnRecord {
    fn of(recorded: &Recorded) -> Self {
        let Version { cost, at, .. } = &recorded.current;
        Self {
            state: if recorded.struck.is_some() { "Struck out" } else { sure(cost.estimate) },
            number: Some(recorded.number),
            revision: Some(recorded.revision()),
            kind: cost.kind,
            pence: cost.pence,
            on: cost.on,
            note: cost.note.clone(),
            at: Some(*at),
            struck: recorded.struck.as_ref().map(|struck| struck.reason.clone()),
            earlier: recorded.earlier.iter().map(EarlierCost::of).collect(),
        }
    }

    fn kept(cost: &Kept) -> Self {
        Self {
            state: sure(cost.estimate),
            number: None,
            revision: None,
            kind: cost.kind,
            pence: cost.pence,
            on: cost.on,
            note: None,
            at: None,
            struck: None,
            earlier: Vec::new(),
        }
    }
}

impl EarlierCost {
    fn of(version: &Version) -> Self {
        let Cost { kind, pence, on, estimate, note } = version.cost.clone();
        Self { kind, pence, on, estimate, note, at: version.at, reason: version.reason.clone() }
    }
}

async fn one(call: Call) -> Result<Reply, Problem> {
    let costs = state(&call, call.id()?).await?.costs;
    let of_kind = |(kind, pence): (Kind, i64)| CostOfKind { kind, label: kind.label(), pence };
    let kept = costs.survived.iter().map(CostOnRecord::kept);
    Ok(Reply::one(&CostsOfIncident {
        total_pence: costs.total(),
        estimated_pence: costs.estimated(),
        kinds: costs.by_kind().into_iter().map(of_kind).collect(),
        costs: kept.chain(costs.recorded.iter().map(CostOnRecord::of)).collect(),
    }))
}

async fn record(call: Call) -> Result<Reply, Problem> {
    let by = call.duty_holder()?;
    let NewCost { kind, pence, on, estimate, note, checked } = call.body()?;
    let cost = Cost { kind, pence, on, estimate: estimate.unwrap_or(false), note };
    texts_must_be_checked(&call, &[("note", words(&cost))], checked.unwrap_or(false), "").await?;
    call.node.record_cost(&by, call.id()?, None, cost).await?;
    Ok(Reply::done())
}

async fn correct(call: Call) -> Result<Reply, Problem> {
    let by = call.duty_holder()?;
    let CorrectCost { number, revision, kind, pence, on, estimate, note, reason, checked } = call.body()?;
    let cost = Cost { kind, pence, on, estimate: estimate.unwrap_or(false), note };
    let texts = [("note", words(&cost)), ("reason", reason.as_str())];
    texts_must_be_checked(&call, &texts, checked.unwrap_or(false), "").await?;
    call.node.step_cost(&by, call.id()?, Seen { number, revision }, Step::Correct(cost, reason)).await?;
    Ok(Reply::done())
}

async fn strike(call: Call) -> Result<Reply, Problem> {
    let by = call.duty_holder()?;
    let StrikeCost { number, revision, reason, checked } = call.body()?;
    texts_must_be_checked(&call, &[("reason", reason.as_str())], checked.unwrap_or(false), "").await?;
    call.node.step_cost(&by, call.id()?, Seen { number, revision }, Step::Strike(reason)).await?;
    Ok(Reply::done())
}

fn words(cost: &Cost) -> &str {
    cost.note.as_ref().map_or("", |note| note.as_str())
}
