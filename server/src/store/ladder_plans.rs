//! Plans of ladders: a version for each change, sealed, the newest of each kind of duty current. A kind of duty without one
//! has the built-in plan, which is version 0.

use diesel::prelude::*;
use domain::clock::ClockKind;
use domain::ladder::{Plan, Plans};
use domain::values::Moment;

use super::schema::ladder_plans;
use super::{Rows, StoreError, Turn, due};

/// Where plans are sealed for.
const CONTENT: &str = "ladder_plans.content";
const TABLE: &str = "ladder_plans";

/// A plan as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPlan {
    /// 1, 2, 3 …; 0 for the built-in plan.
    pub version: u32,
    /// Since when (duty time); `None` for the built-in plan.
    pub at: Option<Moment>,
    /// It.
    pub plan: Plan,
}

fn sealed_for(kind: &str, version: i32) -> Vec<u8> {
    [kind.as_bytes(), &version.to_be_bytes()].concat()
}

/// The plans that stand.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn standing(rows: &mut Rows<'_>) -> Result<Plans, StoreError> {
    let found: Vec<(String, i32, Vec<u8>)> = ladder_plans::table
        .filter(ladder_plans::current)
        .select((ladder_plans::kind, ladder_plans::version, ladder_plans::content))
        .load(rows.db)?;
    let mut plans = Plans::default();
    for (word, version, content) in found {
        // A kind that a later version of the program knows.
        let Some(kind) = ClockKind::ALL.into_iter().find(|kind| kind.word() == word) else { continue };
        plans.set(kind, rows.seal.open_json(CONTENT, &sealed_for(&word, version), &content)?);
    }
    Ok(plans)
}

/// The plan of one kind of duty that stands.
///
/// # Errors
/// [`StoreError::Corrupt`] when it does not open; those of the database.
pub fn of(rows: &mut Rows<'_>, kind: ClockKind) -> Result<Plan, StoreError> {
    Ok(kept(rows, kind)?.plan)
}

/// The same, with its version.
///
/// # Errors
/// [`StoreError::Corrupt`] when it does not open; those of the database.
pub fn kept(rows: &mut Rows<'_>, kind: ClockKind) -> Result<KeptPlan, StoreError> {
    let found: Option<(i32, Vec<u8>, i64)> = ladder_plans::table
        .filter(ladder_plans::kind.eq(kind.word()))
        .filter(ladder_plans::current)
        .select((ladder_plans::version, ladder_plans::content, ladder_plans::at))
        .first(rows.db)
        .optional()?;
    let Some((version, content, at)) = found else {
        return Ok(KeptPlan { version: 0, at: None, plan: Plan::built_in(kind) });
    };
    Ok(KeptPlan {
        plan: rows.seal.open_json(CONTENT, &sealed_for(kind.word(), version), &content)?,
        version: u32::try_from(version).map_err(StoreError::corrupt(TABLE, "a version"))?,
        at: Some(Moment::from_micros(at).map_err(StoreError::corrupt(TABLE, "an instant"))?),
    })
}

/// Keeps a plan in the place of version `seen`: it governs the steps still to come, and the ladders of open duties come
/// again when it says. Answers its version; `None` when another version stands.
///
/// # Errors
/// [`StoreError::Corrupt`] when the plan that stands does not open; those of the database.
pub fn keep(turn: &mut Turn<'_>, kind: ClockKind, seen: u32, plan: Plan) -> Result<Option<KeptPlan>, StoreError> {
    let now = turn.now();
    let rows = turn.rows();
    let before = kept(rows, kind)?;
    if before.version != seen {
        return Ok(None);
    }
    let plan = plan.replacing(&before.plan, now);
    let kept = KeptPlan { version: seen.saturating_add(1), at: Some(now), plan };
    put(rows, kind, &kept)?;
    due::reschedule(turn, &[kind])?;
    Ok(Some(kept))
}

/// Copies the plans that stand into a fresh store: when ladders come next follows from events and from them.
pub(super) fn copy(from: &mut Rows<'_>, into: &mut Turn<'_>) -> Result<(), StoreError> {
    for kind in ClockKind::ALL {
        let plan = kept(from, kind)?;
        if plan.version > 0 {
            put(into.rows(), kind, &plan)?;
        }
    }
    Ok(())
}

/// Keeps a plan as the one that stands.
fn put(rows: &mut Rows<'_>, kind: ClockKind, kept: &KeptPlan) -> Result<(), StoreError> {
    let version = i32::try_from(kept.version).map_err(StoreError::corrupt(TABLE, "a version"))?;
    let content = rows.seal.seal_json(CONTENT, &sealed_for(kind.word(), version), &kept.plan)?;
    diesel::update(ladder_plans::table.filter(ladder_plans::kind.eq(kind.word())).filter(ladder_plans::current))
        .set(ladder_plans::current.eq(false))
        .execute(rows.db)?;
    diesel::insert_into(ladder_plans::table)
        .values((
            ladder_plans::kind.eq(kind.word()),
            ladder_plans::version.eq(version),
            ladder_plans::current.eq(true),
            ladder_plans::content.eq(content),
            ladder_plans::at.eq(kept.at.unwrap_or(Moment::EPOCH).micros()),
        ))
        .execute(rows.db)?;
    Ok(())
}
